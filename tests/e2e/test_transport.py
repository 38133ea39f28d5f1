"""What the executable trusts, and by which way it goes: certificates, redirects, plain HTTP, proxies."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shlex
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import ROOT, Result, Runner
from emulator import Emulator, World
from target import SLACK_MS, TARGET, WRAP

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")

SYSTEM_STORE = "/etc/ssl/certs/ca-certificates.crt"


def over_the_limit(world: World) -> str:
    """Four sessions where three may be; the own one's id. A run that gets through ends the oldest."""
    return [world.add_session(owner="jane", age=400 - 100 * i) for i in range(4)][-1].session_id


def check_works(world: World, result: Result) -> None:
    assert result.rc == 0, result
    assert len(world.ssm.terminated()) == 1


def check_refused(world: World, result: Result, says: str) -> None:
    """Exit 1, at once, with the reason, and nothing was asked of the service."""
    assert result.rc == 1, result
    assert says in result.err, result
    assert result.ms < 5000 + SLACK_MS, result
    assert not world.log.calls(service="ssm")
    assert not world.ssm.terminated()


# ---- certificates ----


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("wrong_ca", "is not trusted: name its CA with --ca-bundle or AWS_CA_BUNDLE"),
        ("self_signed", "is not trusted"),
        ("wrong_host", "is for another host"),
        ("expired", "has expired (or the clock of this machine is wrong)"),
        ("not_yet_valid", "is not valid yet (or the clock of this machine is wrong)"),
        ("tls11", "TLS 1.2 or newer"),
        ("sha1", "is signed with a hash that is too weak"),
        ("rsa1024", "has a key that is too weak"),
    ],
)
def test_bad_certificates_are_refused(emu: Emulator, world: World, run: Runner, kind: str, says: str) -> None:
    own = over_the_limit(world)
    emu.serve_tls(kind)
    result = run("--max", "3", session=own, env={"AWS_CA_BUNDLE": emu.ca_file_all})
    check_refused(world, result, says)
    assert emu.counters("aws").connections <= 2, "what can't be trusted is not tried again"


@pytest.mark.parametrize("kind", ["good", "tls12"])
def test_good_certificates_are_taken(emu: Emulator, world: World, run: Runner, kind: str) -> None:
    own = over_the_limit(world)
    emu.serve_tls(kind)
    check_works(world, run("--max", "3", session=own))
    assert {entry.tls for entry in world.log.calls(service="ssm")} == {"TLSv1.2" if kind == "tls12" else "TLSv1.3"}


def test_a_certificate_that_turns_bad_half_way(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    world.faults.add("headers", operation="DescribeSessions", headers={"Connection": "close"})
    world.faults.add("tls", listener="aws", kind="wrong_ca", skip=1)
    result = run("--max", "3", session=own)
    assert result.rc == 1 and "is not trusted" in result.out + result.err, result
    assert not world.ssm.terminated()


# ---- which roots ----


def make_authority(folder: Path, name: x509.Name) -> tuple[Path, ssl.SSLContext]:
    """A CA of this name, as a file, and a server with a leaf of it."""
    now = dt.datetime.now(dt.timezone.utc)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    certs = []
    for subject, key, ca in ((name, keys[0], True), (x509.Name([]), keys[1], False)):
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )  # fmt: skip
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        certs.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "ca.pem").write_bytes(certs[0])
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(certs[1] + keys[1].private_bytes(*plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    context.num_tickets = 0
    return folder / "ca.pem", context


def can_replace_the_store() -> bool:
    mount = ["unshare", "--mount", "mount", "--bind", "/dev/null", SYSTEM_STORE]
    try:
        return subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        return False


needs_store = pytest.mark.skipif(
    sys.platform != "linux" or not can_replace_the_store(), reason="the system's store can't be replaced here"
)


@pytest.fixture
def with_store(run: Runner, executable: list[str], tmp_path: Path):
    """Makes runs for which a file stands in the place of the system's store (in a mount namespace of their own)."""

    def prepare(store: str | Path) -> Runner:
        script = tmp_path / "with-store"
        script.write_text(f"#!/bin/sh\nmount --bind {shlex.quote(str(store))} {SYSTEM_STORE} && exec \"$@\"\n")
        script.chmod(0o755)
        if TARGET == "wine":  # adds the file to those that its registry knows, and takes none away
            key = r"HKLM\Software\Microsoft\SystemCertificates\Root\Certificates"
            subprocess.run([*WRAP, "reg.exe", "delete", key, "/f"], env=run.environment(), capture_output=True, timeout=60)
        run.prefix = ["unshare", "--mount", str(script), *executable]
        return run

    return prepare


@needs_store
def test_the_system_store_is_trusted_where_no_bundle_is_given(emu: Emulator, world: World, with_store) -> None:
    own = over_the_limit(world)
    check_works(world, with_store(emu.ca_file)("--max", "3", session=own, env={"AWS_CA_BUNDLE": None}))


@needs_store
def test_without_it_there_are_the_amazon_roots_alone(world: World, with_store, tmp_path: Path) -> None:
    own = over_the_limit(world)
    other, _ = make_authority(tmp_path, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")]))
    result = with_store(other)("--max", "3", session=own, env={"AWS_CA_BUNDLE": None})
    check_refused(world, result, "is not trusted")


@needs_store
@pytest.mark.parametrize("by_option", [False, True], ids=["variable", "option"])
def test_a_bundle_replaces_the_system_store(emu: Emulator, world: World, with_store, tmp_path: Path,
                                            by_option: bool) -> None:  # fmt: skip
    own = over_the_limit(world)
    other, _ = make_authority(tmp_path, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")]))
    run = with_store(emu.ca_file)
    option = ["--ca-bundle", str(other)] if by_option else []
    env = {"AWS_CA_BUNDLE": emu.ca_file if by_option else str(other)}
    check_refused(world, run("--max", "3", *option, session=own, env=env), "is not trusted")


@needs_store
def test_no_root_of_the_system_speaks_for_a_built_in_one(emu: Emulator, world: World, with_store,
                                                         tmp_path: Path) -> None:  # fmt: skip
    """The store is not read where the chain ends in a name that is built in, even if it would help."""
    amazon = x509.load_pem_x509_certificate((ROOT / "src/net/roots/amazon-root-ca-1.pem").read_bytes())
    store, emu.authority._contexts["usurper"] = make_authority(tmp_path, amazon.subject)
    emu.serve_tls("usurper")
    own = over_the_limit(world)
    check_refused(world, with_store(store)("--max", "3", session=own, env={"AWS_CA_BUNDLE": None}), "")
    # It is that name alone that was in the way.
    check_works(world, with_store("/dev/null")("--max", "3", session=own, env={"AWS_CA_BUNDLE": str(store)}))


# ---- redirects and plain HTTP ----


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("operation", ["PutToken", "GetCredentials", "DescribeSessions", "TerminateSession"])
def test_redirects_are_refused(emu: Emulator, world: World, run: Runner, operation: str, status: int) -> None:
    own = over_the_limit(world)
    world.faults.add("redirect", operation=operation, status=status, location=emu.url("plain") + "/elsewhere")
    result = run("--max", "3", session=own)
    assert result.rc == 1, result
    assert str(status) in result.out + result.err, result
    assert emu.counters("plain").connections == 0
    assert not world.ssm.terminated()


@pytest.mark.parametrize("given_by", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "--endpoint-url"])
def test_plain_http_where_it_was_given(emu: Emulator, world: World, run: Runner, given_by: str) -> None:
    own = over_the_limit(world)
    url = emu.url("plain")
    option = ["--endpoint-url", url] if given_by.startswith("--") else []
    env = {} if option else {given_by: url}
    check_works(world, run("--max", "3", *option, session=own, env=env))
    assert {entry.listener for entry in world.log.calls(service="ssm")} == {"plain"}


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1", "127.0.0.1", "http:"])
def test_no_other_schemes(world: World, run: Runner, url: str) -> None:
    own = over_the_limit(world)
    result = run("--max", "3", session=own, env={"AWS_ENDPOINT_URL": url})
    assert result.rc in (1, 2) and result.err, result
    assert not world.log.calls(service="ssm") and "root:" not in result.out + result.err


# ---- proxies ----


def proxied(emu: Emulator, **more: str | None) -> dict[str, str | None]:
    """Real host names, which only the proxy can reach."""
    return {"AWS_ENDPOINT_URL": None, "https_proxy": emu.url("proxy"), "http_proxy": emu.url("proxy"), **more}


def tunnels(world: World) -> list[str]:
    return sorted({entry.target for entry in world.log.calls(service="proxy")})


def test_ssm_goes_through_the_proxy_and_imds_never(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    env = proxied(emu, HTTP_PROXY=emu.url("proxy"), all_proxy=emu.url("proxy"))
    check_works(world, run("--max", "3", session=own, env=env))
    assert tunnels(world) == ["ssm.eu-central-1.amazonaws.com:443"]
    assert {entry.method for entry in world.log.calls(service="proxy")} == {"CONNECT"}
    assert emu.counters("imds").connections == 1


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_variables_that_name_a_proxy(emu: Emulator, world: World, run: Runner, name: str) -> None:
    own = over_the_limit(world)
    check_works(world, run("--max", "3", session=own, env={"AWS_ENDPOINT_URL": None, name: emu.url("proxy")}))
    assert tunnels(world) == ["ssm.eu-central-1.amazonaws.com:443"]


def test_container_credentials_never_through_the_proxy(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    check_works(world, run("--max", "3", credentials="container", session=own, env=proxied(emu)))
    assert emu.counters("container").connections == 1
    assert tunnels(world) == ["ssm.eu-central-1.amazonaws.com:443"]


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["127.0.0.1", "example.org,127.0.0.1", "*"])
def test_no_proxy(emu: Emulator, world: World, run: Runner, name: str, value: str) -> None:
    own = over_the_limit(world)
    env = proxied(emu, AWS_ENDPOINT_URL=emu.url("aws"))
    check_works(world, run("--max", "3", session=own, env={**env, name: value}))
    assert not tunnels(world)


def test_no_proxy_of_others(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    check_works(world, run("--max", "3", session=own, env=proxied(emu, no_proxy="example.org,s3.amazonaws.com")))
    assert tunnels(world) == ["ssm.eu-central-1.amazonaws.com:443"]


def test_a_proxy_that_asks_for_a_password(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    world.proxy_auth = "jane:pass-word"
    result = run("--max", "3", "--timeout", "3", session=own, env=proxied(emu))
    check_refused(world, result, "407")
    url = emu.url("proxy").replace("//", "//jane:pass-word@")
    check_works(world, run("--max", "3", session=own, env=proxied(emu, https_proxy=url)))


def test_the_proxy_is_no_way_round_the_certificate(emu: Emulator, world: World, run: Runner) -> None:
    own = over_the_limit(world)
    emu.serve_tls("wrong_ca")
    check_refused(world, run("--max", "3", session=own, env=proxied(emu)), "is not trusted")
