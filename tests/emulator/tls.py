"""The emulator's own certificate authority, the leaf certificates it serves, and the deliberately bad ones."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import tempfile
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOSTS = (
    "localhost", "*.amazonaws.com", "*.eu-central-1.amazonaws.com", "*.us-east-1.amazonaws.com",
    "*.eu-west-1.amazonaws.com", "*.us-west-2.amazonaws.com", "*.us-gov-west-1.amazonaws.com",
    "*.us-gov-east-1.amazonaws.com", "*.amazonaws.com.cn", "*.cn-north-1.amazonaws.com.cn",
    "*.cn-northwest-1.amazonaws.com.cn", "*.api.aws", "*.eu-central-1.api.aws", "*.us-east-1.api.aws",
    "*.us-iso-east-1.c2s.ic.gov", "*.us-isob-east-1.sc2s.sgov.gov", "*.eu-isoe-west-1.cloud.adc-e.uk",
    "*.us-isof-south-1.csp.hci.ic.gov", "*.eusc-de-east-1.amazonaws.eu",
    "*.s3.eu-central-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com",
)  # fmt: skip
ADDRESSES = ("127.0.0.1", "::1")

KINDS = (
    "good", "wrong_ca", "wrong_host", "expired", "not_yet_valid", "tls11", "sha1", "rsa1024", "tls12", "self_signed"
)  # fmt: skip
"""What a TLS listener may serve: `good`, TLS 1.2 at the most (`tls12`, good too), and the faults."""

# OIDs of RSA signatures with SHA-256 and SHA-1, of equal length. `cryptography` no longer signs certificates with
# SHA-1, so the one we serve is signed with SHA-256 first, then relabelled and signed again.
OID_SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
OID_SHA1_RSA = bytes.fromhex("2a864886f70d010105")


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


class Authority:
    """A CA made at start, and server contexts for each kind of leaf certificate, made when first asked for."""

    def __init__(self, key_type: str = "ec", hosts: tuple[str, ...] = ()) -> None:
        """`key_type`: "ec" (P-256) or "rsa" (2048 bits), of the CA and the good leaf. `hosts`: further names."""
        if key_type not in ("ec", "rsa"):
            raise ValueError(f"key type '{key_type}': 'ec' or 'rsa'")
        self.key_type = key_type
        self.hosts = HOSTS + hosts
        self._folder = tempfile.TemporaryDirectory(prefix="emulator-ca-")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.ca_key, self.ca_cert = self._make_ca("ssm-enforce emulator CA", key_type)
        self._rsa_ca: tuple[Any, x509.Certificate] | None = None
        self.ca_file = os.path.join(self._folder.name, "ca.pem")
        with open(self.ca_file, "wb") as out:
            out.write(self.ca_cert.public_bytes(serialization.Encoding.PEM))

    @property
    def ca_file_all(self) -> str:
        """A bundle that holds the RSA authority too, under which the `sha1` and `rsa1024` leaves stand.

        With it only the weakness of those leaves is left as a reason to refuse them.
        """
        _, cert = self._rsa_authority()
        path = os.path.join(self._folder.name, "ca-all.pem")
        with open(path, "wb") as out:
            out.write(self.ca_cert.public_bytes(serialization.Encoding.PEM))
            if cert is not self.ca_cert:
                out.write(cert.public_bytes(serialization.Encoding.PEM))
        return path

    def context(self, kind: str) -> ssl.SSLContext:
        """The server context that serves this kind of leaf (see KINDS)."""
        if kind not in self._contexts:
            if kind not in KINDS:
                raise ValueError(f"TLS kind '{kind}': one of {', '.join(KINDS)}")
            self._contexts[kind] = self._make_context(kind)
        return self._contexts[kind]

    def _make_key(self, key_type: str, bits: int = 2048) -> Any:
        if key_type == "ec":
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)

    def _make_ca(self, name: str, key_type: str) -> tuple[Any, x509.Certificate]:
        key = self._make_key(key_type)
        now = dt.datetime.now(dt.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name)).issuer_name(_name(name)).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=365)).not_valid_after(now + dt.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
        )  # fmt: skip
        return key, builder.sign(key, hashes.SHA256())

    def _rsa_authority(self) -> tuple[Any, x509.Certificate]:
        if self.key_type == "rsa":
            return self.ca_key, self.ca_cert
        if self._rsa_ca is None:
            self._rsa_ca = self._make_ca("ssm-enforce emulator RSA CA", "rsa")
        return self._rsa_ca

    def _make_leaf(self, kind: str) -> tuple[bytes, Any]:
        now = dt.datetime.now(dt.timezone.utc)
        start, end = now - dt.timedelta(days=30), now + dt.timedelta(days=365)
        ca_key: Any = self.ca_key
        ca_cert: x509.Certificate | None = self.ca_cert
        key = self._make_key(self.key_type)
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in self.hosts]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
        if kind == "wrong_ca":
            ca_key, ca_cert = self._make_ca("ssm-enforce emulator CA", self.key_type)
        elif kind == "wrong_host":
            names = [x509.DNSName("other.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
        elif kind == "expired":
            end = now - dt.timedelta(days=1)
        elif kind == "not_yet_valid":
            start = now + dt.timedelta(days=1)
        elif kind in ("sha1", "rsa1024"):
            ca_key, ca_cert = self._rsa_authority()
            key = self._make_key("rsa", 1024 if kind == "rsa1024" else 2048)
        elif kind == "self_signed":
            ca_key, ca_cert = key, None
        common = "other.example" if kind == "wrong_host" else "localhost"
        cert = (
            x509.CertificateBuilder()
            .subject_name(_name(common)).issuer_name(ca_cert.subject if ca_cert else _name(common))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )  # fmt: skip
        if kind != "sha1":
            return _pem(cert.public_bytes(serialization.Encoding.DER)), key
        tbs = cert.tbs_certificate_bytes.replace(OID_SHA256_RSA, OID_SHA1_RSA, 1)
        algorithm = _der(0x30, _der(0x06, OID_SHA1_RSA) + b"\x05\x00")
        signature = ca_key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())
        return _pem(_der(0x30, tbs + algorithm + _der(0x03, b"\x00" + signature))), key

    def _make_context(self, kind: str) -> ssl.SSLContext:
        pem, key = self._make_leaf(kind)
        pem += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind in ("tls11", "sha1", "rsa1024"):
            context.set_ciphers("ALL:@SECLEVEL=0")
        if kind == "tls11":
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        else:
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if kind == "tls12":
                context.maximum_version = ssl.TLSVersion.TLSv1_2
        path = os.path.join(self._folder.name, f"{kind}.pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(pem)
        context.load_cert_chain(path)
        context.set_alpn_protocols(["http/1.1"])
        # AWS's s2n sends session tickets with its first reply. OpenSSL would send two right behind the handshake, and
        # one that arrives in the moment when libcurl looks at an idle connection makes it open another one.
        context.num_tickets = 0
        return context
