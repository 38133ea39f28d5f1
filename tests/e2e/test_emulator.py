"""The emulator's own tests: AWS's Python client and command line get through, what is wrong is refused."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import Emulator, World
from emulator_tools import Client, Signed, code_of, fetch


def imds_token(emu: Emulator) -> dict[str, str]:
    """The header of a metadata session."""
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
    status, token = fetch(emu.url("imds") + "/latest/api/token", "PUT", ttl)
    assert status == 200
    return {"X-aws-ec2-metadata-token": token.decode()}


# IMDS and the container endpoint


def test_imds_wants_a_token(emu: Emulator) -> None:
    base = emu.url("imds") + "/latest/"
    role = base + "meta-data/iam/security-credentials/"
    assert fetch(role)[0] == 401
    assert fetch(role, headers={"X-aws-ec2-metadata-token": "x"})[0] == 401
    assert fetch(base + "api/token", "PUT")[0] == 400
    assert fetch(base + "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "21601"})[0] == 400
    token = imds_token(emu)
    assert fetch(role, headers=token) == (200, b"web")
    keys = json.loads(fetch(role + "web", headers=token)[1])
    assert keys["Code"] == "Success" and keys["AccessKeyId"] in emu.world.credentials
    assert fetch(role + "other", headers=token)[0] == 404
    identity = json.loads(fetch(base + "dynamic/instance-identity/document", headers=token)[1])
    assert identity["instanceId"] == "i-0123456789abcdef0" and identity["region"] == "eu-central-1"
    assert fetch(base + "meta-data/placement/region", headers=token) == (200, b"eu-central-1")
    emu.world.imds.role = None
    assert fetch(role, headers=token)[0] == 404
    emu.world.imds.expire_tokens()
    assert fetch(role, headers=token)[0] == 401
    emu.world.imds.enabled = False
    assert fetch(base + "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})[0] == 403


def test_botocore_takes_credentials_from_imds(emu: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in emu.env().items():
        monkeypatch.setenv(name, value)
    client = botocore.session.Session().create_client("ssm", "eu-central-1", endpoint_url=emu.url("aws"))
    assert client.describe_sessions(State="Active")["Sessions"] == []
    assert emu.world.log.operations() == ["PutToken", "GetRole", "GetCredentials", "DescribeSessions"]


def test_container_credentials(emu: Emulator) -> None:
    emu.world.container.token = "secret"
    url = emu.env("container")["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    assert fetch(url)[0] == 401
    status, body = fetch(url, headers={"Authorization": "secret"})
    assert status == 200 and json.loads(body)["AccessKeyId"] in emu.world.credentials
    assert fetch(url + "x", headers={"Authorization": "secret"})[0] == 404


# Sessions


def test_describe_pages(world: World, client: Client) -> None:
    ids = [world.add_session("alice", age=60 + number).session_id for number in range(7)]
    world.add_session("bob", target="i-0other")
    world.ssm.page_size, world.ssm.empty_pages = 3, (1,)
    filters = [{"key": "Target", "value": world.instance_id}]
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        reply = client("ssm").describe_sessions(State="Active", Filters=filters, MaxResults=200, **token)
        pages.append([one["SessionId"] for one in reply["Sessions"]])
        if "NextToken" not in reply:
            break
        token = {"NextToken": reply["NextToken"]}
    assert [len(page) for page in pages] == [3, 0, 3, 1]
    assert sum(pages, []) == ids  # newest first, as they were added


def test_describe_filters_orders_and_tokens(world: World, client: Client) -> None:
    ssm = client("ssm")
    old, new = world.add_session("alice", age=3600), world.add_session("bob", age=10, status="Disconnected")

    def ids(**filters: str) -> list[str]:
        wanted = [{"key": key, "value": value} for key, value in filters.items()]
        reply = ssm.describe_sessions(State="Active", **({"Filters": wanted} if wanted else {}))
        return [one["SessionId"] for one in reply["Sessions"]]

    assert ids() == [new.session_id, old.session_id]
    world.ssm.order = "oldest"
    assert ids() == [old.session_id, new.session_id]
    assert ids(Owner=new.owner) == ids(Status="Disconnected") == ids(SessionId=new.session_id) == [new.session_id]
    hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
    assert ids(InvokedAfter=hour) == [new.session_id] and ids(InvokedBefore=hour) == [old.session_id]
    assert code_of(lambda: ssm.describe_sessions(State="Active", NextToken="nonsense")) == "InvalidNextToken"
    world.ssm.page_size = 1
    token = ssm.describe_sessions(State="Active")["NextToken"]
    assert code_of(lambda: ssm.describe_sessions(State="History", NextToken=token)) == "InvalidNextToken"


def test_overlapping_pages_name_a_session_twice(world: World, client: Client) -> None:
    for number in range(6):
        world.add_session("alice", age=number)
    world.ssm.page_size, world.ssm.overlap = 3, 1
    seen = [
        one["SessionId"]
        for page in client("ssm").get_paginator("describe_sessions").paginate(State="Active")
        for one in page["Sessions"]
    ]
    assert len(set(seen)) == 6 and len(seen) > 6


def test_terminate(world: World, client: Client) -> None:
    ssm = client("ssm")
    session = world.add_session("alice")
    world.ssm.terminating_delay = 3600
    assert ssm.terminate_session(SessionId=session.session_id)["SessionId"] == session.session_id
    assert [one["Status"] for one in ssm.describe_sessions(State="Active")["Sessions"]] == ["Terminating"]
    world.ssm.terminating_delay = 0
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    assert [one["Status"] for one in ssm.describe_sessions(State="History")["Sessions"]] == ["Terminated"]
    ssm.terminate_session(SessionId=session.session_id)
    for answer in ("DoesNotExistException", "ValidationException"):
        world.ssm.terminate_gone = answer
        assert code_of(lambda: ssm.terminate_session(SessionId="gone-0")) == answer
    assert world.ssm.terminated() == [session] and session.calls == 2


def test_new_sessions_appear_late(world: World, client: Client) -> None:
    world.ssm.visibility_delay = 3600
    session = world.add_session("alice")
    ssm = client("ssm")
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    session.visible_at = time.monotonic()
    assert len(ssm.describe_sessions(State="Active")["Sessions"]) == 1


def test_throttle(world: World, client: Client) -> None:
    ssm = client("ssm")
    world.ssm.throttle(rate=0.001, burst=2)
    ssm.describe_sessions(State="Active")
    ssm.describe_sessions(State="Active")
    assert code_of(lambda: ssm.describe_sessions(State="Active")) == "ThrottlingException"


# What is refused


def test_parameters_are_checked(world: World, client: Client) -> None:
    loose = Config(parameter_validation=False, retries={"max_attempts": 0})
    ssm = client("ssm", config=loose)
    assert code_of(lambda: ssm.describe_sessions(State="Active", MaxResults=201)) == "ValidationException"
    assert code_of(lambda: ssm.describe_sessions(State="Active", MaxResults=0)) == "ValidationException"
    assert code_of(lambda: ssm.describe_sessions(State="Idle")) == "ValidationException"
    assert code_of(lambda: ssm.describe_sessions()) == "ValidationException"
    assert code_of(lambda: ssm.terminate_session(SessionId="x" * 97)) == "ValidationException"


def test_a_good_signature_passes(emu: Emulator) -> None:
    assert Signed(emu).send() == ""
    assert emu.world.log[-1].verdict == "ok"


def test_wrong_signatures_are_refused(emu: Emulator) -> None:
    assert Signed(emu, secret="x" * 40).send() == "InvalidSignatureException"
    assert Signed(emu, region="us-east-1").send() == "InvalidSignatureException"
    assert Signed(emu, service="s3").send() == "InvalidSignatureException"
    for change in ("X-Amz-Target", "X-Amz-Date", "Authorization", "X-Amz-Security-Token"):
        tampered = Signed(emu)
        tampered.headers[change] += "0" if change == "Authorization" else ""
        if change != "Authorization":
            del tampered.headers[change]
        assert tampered.send() != "", change
    tampered = Signed(emu)
    tampered.body = b'{"State":"History"}'
    assert tampered.send() == "InvalidSignatureException"
    tampered = Signed(emu)
    tampered.headers["X-Amz-Unsigned"] = "1"
    assert tampered.send() == "InvalidSignatureException"
    assert all(entry.verdict != "ok" for entry in emu.world.log)


def test_bodies_are_checked(emu: Emulator) -> None:
    assert Signed(emu, b'{"State":"Active","Colour":1}').send() == "SerializationException"
    assert Signed(emu, b'{"State":"Active","State":"Active"}').send() == "SerializationException"
    assert Signed(emu, b'{"State":"Active"').send() == "SerializationException"
    assert Signed(emu, b'{"State":1}').send() == "SerializationException"
    wrong = Signed(emu)
    wrong.headers["Content-Type"] = "application/json"
    assert wrong.send() == "InvalidSignatureException"


def test_clock_and_expiry(emu: Emulator, client: Client) -> None:
    assert Signed(emu, at=time.time() - 299).send() == ""
    assert Signed(emu, at=time.time() - 310).send() == "InvalidSignatureException"
    assert Signed(emu, at=time.time() + 310).send() == "InvalidSignatureException"
    emu.world.clock_offset = 3600
    with pytest.raises(ClientError, match="Signature expired: .* is now earlier than"):
        client("ssm").describe_sessions(State="Active")
    emu.world.clock_offset = 0
    request = Signed(emu)
    emu.world.expire_credentials()
    assert request.send() == "ExpiredTokenException"
    request.keys.token = "another"
    assert request.send() == "UnrecognizedClientException"


def test_access_denied(world: World, client: Client) -> None:
    session = world.add_session("alice")
    world.deny("ssm:TerminateSession")
    with pytest.raises(ClientError, match="is not authorized to perform: ssm:TerminateSession") as caught:
        client("ssm").terminate_session(SessionId=session.session_id)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert world.ssm.active() == [session]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\n2\r\n\r\n",
        b"GET / HTTP/2\r\nHost: a\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_bad_http_is_refused(emu: Emulator, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", emu.port("imds")), timeout=5) as sock:
        sock.sendall(data)
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert emu.counters("imds").bad_requests == 1


# The AWS command line


def aws(emu: Emulator, home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Debian's AWS command line against the emulator."""
    if shutil.which("/usr/bin/aws") is None:
        pytest.skip("/usr/bin/aws is not installed")
    env = {**emu.env(), "PATH": "/usr/bin:/bin", "HOME": str(home), "AWS_REGION": emu.world.region, "AWS_PAGER": ""}
    command = ["/usr/bin/aws", "--endpoint-url", emu.url("aws"), "--output", "json", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_aws_command_line_lists_and_terminates(emu: Emulator, tmp_path: Path) -> None:
    session = emu.world.add_session("alice", age=90)
    listed = aws(emu, tmp_path, "ssm", "describe-sessions", "--state", "Active")
    assert listed.returncode == 0, listed.stderr
    assert [one["SessionId"] for one in json.loads(listed.stdout)["Sessions"]] == [session.session_id]
    ended = aws(emu, tmp_path, "ssm", "terminate-session", "--session-id", session.session_id)
    assert ended.returncode == 0, ended.stderr
    assert emu.world.ssm.active() == []


def test_tls_handshakes_and_connections_are_counted(emu: Emulator, client: Client) -> None:
    ssm = client("ssm")
    for _ in range(3):
        ssm.describe_sessions(State="Active")
    counters = emu.counters("aws")
    assert (counters.connections, counters.tls_handshakes, counters.requests) == (1, 1, 3)
    assert {entry.connection for entry in emu.world.log} == {1}
    with pytest.raises(ssl.SSLError):
        context = ssl.create_default_context()
        context.wrap_socket(socket.create_connection(("127.0.0.1", emu.port("aws"))), server_hostname="localhost")


# Latency, load, proxy, control, process


def test_latency_counts_every_round_trip(emu: Emulator) -> None:
    emu.latency("aws", 40)
    context = ssl.create_default_context(cafile=emu.ca_file)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=5) as sock:
        with context.wrap_socket(sock, server_hostname="localhost") as tls:
            assert 0.080 <= time.monotonic() - began < 2  # TCP and TLS 1.3: two round trips
            began = time.monotonic()
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert tls.recv(100).startswith(b"HTTP/1.1 ")
            assert 0.040 <= time.monotonic() - began < 2


def test_two_hundred_clients_at_once(emu: Emulator) -> None:
    for _ in range(10):
        emu.world.add_session("alice")
    request = Signed(emu)
    path = f"POST / HTTP/1.1\r\nHost: {request.headers.pop('Host', '')}\r\n" if "Host" in request.headers else ""
    head = path or f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{emu.port('plain')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    data = head.encode() + f"Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body
    context = ssl.create_default_context(cafile=emu.ca_file)

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", emu.port("aws"), ssl=context, server_hostname="localhost"
        )
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return head.split(b"\r\n")[0]

    async def every() -> list[bytes]:
        return await asyncio.gather(*(one() for _ in range(200)))

    assert set(asyncio.run(every())) == {b"HTTP/1.1 200 OK"}
    counters = emu.counters("aws")
    assert counters.connections == counters.tls_handshakes == 200 and len(emu.world.log) == 200


def test_the_proxy_leads_to_the_endpoint(emu: Emulator, client: Client) -> None:
    proxy = {"https": emu.url("proxy")}
    keys = emu.world.instance_credential()
    session = botocore.session.Session()
    ssm = session.create_client(
        "ssm", region_name="eu-central-1", verify=emu.ca_file, aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key, aws_session_token=keys.token,
        config=Config(proxies=proxy, retries={"max_attempts": 0}),
    )  # fmt: skip
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    assert [(one.service, one.target, one.host) for one in emu.world.log] == [
        ("proxy", "ssm.eu-central-1.amazonaws.com:443", emu.world.log[0].host),
        ("ssm", "/", "ssm.eu-central-1.amazonaws.com"),
    ]


def test_the_control_port(emu: Emulator, client: Client) -> None:
    def control(path: str, value: Any = None) -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        status, reply = fetch(emu.url("control") + path, "GET" if value is None else "POST", {}, body)
        return json.loads(reply) if status == 200 else status

    [session_id] = control("/sessions", {"owner": "alice", "age": 30})
    control("/config", {"ssm.page_size": 1, "imds.role": None, "latency.aws": 0})
    assert emu.world.ssm.page_size == 1 and emu.world.imds.role is None
    assert control("/config", {"ssm.colour": 1}) == 400
    control("/faults", {"action": "throttle", "operation": "DescribeSessions"})
    assert code_of(lambda: client("ssm").describe_sessions(State="Active")) == "ThrottlingException"
    assert [one["code"] for one in control("/log?operation=DescribeSessions")] == ["ThrottlingException"]
    assert control("/sessions")[0]["session_id"] == session_id
    assert control("/stats")["aws"]["requests"] == 1
    assert control("/env")["AWS_ENDPOINT_URL"] == emu.url("aws")
    control("/reset", {"region": "us-east-1"})
    assert emu.world.region == "us-east-1" and emu.world.ssm.sessions == {}


def test_it_runs_as_a_process(tmp_path: Path) -> None:
    ports, root = tmp_path / "ports.json", Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "emulator", "--port-file", str(ports), "--set", "latency.aws=5", "--until-eof"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for _ in range(200):
            if ports.exists():
                break
            time.sleep(0.05)
        urls = json.loads(ports.read_text())
        assert fetch(urls["control"] + "/sessions", "POST", {}, b'[{"owner": "alice"}]')[0] == 200
        process.stdin.close()
        assert process.wait(10) == 0
    assert not Path(urls["ca_file"]).exists()
