"""A server that misbehaves on demand, for test_http.c: python3 http_server.py FOLDER.

Certificates go into FOLDER. Prints "NAME VALUE" a line for each listener (its port), then "ready", and serves until its
standard input ends. The path of a request says what is done with it; GET /counts of the listener `counts` tells
how many connections, TLS handshakes and requests each listener has seen since the last time.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ipaddress

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = sys.argv[1]
NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)
COUNTS: Counter[str] = Counter()
LOCK = threading.Lock()


def count(name: str) -> None:
    with LOCK:
        COUNTS[name] += 1


# ---- certificates ----


def write(name: str, data: bytes) -> str:
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def signed_with_sha1(certificate: x509.Certificate, issuer_key: Any) -> x509.Certificate:
    """The same certificate under a SHA-1 signature, which newer versions of `cryptography` refuse to build."""
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    content = certificate.tbs_certificate_bytes.replace(sha256, sha1, 1)
    algorithm = der(0x30, der(0x06, sha1) + b"\x05\x00")
    signature = issuer_key.sign(content, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(der(0x30, content + algorithm + der(0x03, b"\x00" + signature)))


def make_certificate(
    name: str | x509.Name,
    key: Any,
    issuer: x509.Certificate | None,
    issuer_key: Any,
    start: datetime.datetime = NOW - DAY,
    end: datetime.datetime = NOW + 30 * DAY,
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
    sha1: bool = False,
    usage: x509.ObjectIdentifier | None = None,
    ca: bool = False,
) -> x509.Certificate:
    subject = name if isinstance(name, x509.Name) else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca or issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return signed_with_sha1(certificate, issuer_key) if sha1 else certificate


def key_file(name: str, key: Any, chain: bytes) -> str:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return write(name, secret + chain)


def contexts() -> dict[str, ssl.SSLContext]:
    """A TLS server for each way to be wrong, and two that are right."""
    ca_key = rsa.generate_private_key(65537, 2048)
    ca = make_certificate("test root", ca_key, None, ca_key)
    other_key = ec.generate_private_key(ec.SECP256R1())
    other = make_certificate("other root", other_key, None, other_key)
    write("ca.pem", b"# comments are fine\n" + pem(ca))
    write("other.pem", pem(other))
    write("other.der", other.public_bytes(serialization.Encoding.DER))
    write("ca.der", ca.public_bytes(serialization.Encoding.DER))
    write("empty.pem", b"")
    write("none.pem", b"no certificate in here\n")
    write("broken.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + pem(ca))
    strong, weak = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    leaf = make_certificate("leaf", curve, ca, ca_key)
    with open("src/net/roots/amazon-root-ca-1.pem", "rb") as file:
        root_name = x509.load_pem_x509_certificate(file.read()).subject
    false_root = make_certificate(root_name, strong, None, strong)
    false_link = make_certificate("Amazon RSA 2048 M99", strong, false_root, strong, ca=True)
    served: dict[str, tuple[Any, dict[str, Any]]] = {
        "tls": (curve, {}),
        "rsa": (strong, {}),
        "tls12": (curve, {}),
        "tls11": (strong, {}),
        "untrusted": (curve, {"issuer": other, "issuer_key": other_key}),
        "wronghost": (curve, {"hosts": ("ssm.eu-west-1.amazonaws.com",)}),
        "expired": (curve, {"start": NOW - 9 * DAY, "end": NOW - DAY}),
        "future": (curve, {"start": NOW + DAY}),
        "sha1": (strong, {"sha1": True}),
        "rsa1024": (weak, {}),
        "client": (curve, {"usage": ExtendedKeyUsageOID.CLIENT_AUTH}),
        "amazon": (curve, {"issuer": false_root, "issuer_key": strong}),
        "amazonchain": (
            curve,
            {"issuer": false_link, "issuer_key": strong, "chain": pem(false_link) + pem(false_root)},
        ),
        "notca": (strong, {"issuer": leaf, "issuer_key": curve, "chain": pem(leaf)}),
    }
    made = {}
    for name, (key, options) in served.items():
        options = {"issuer": ca, "issuer_key": ca_key, **options}
        chain = options.pop("chain", b"")
        certificate = make_certificate(name, key, **options)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        if name == "tls12":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if name == "tls11":
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(key_file(name + ".pem", key, pem(certificate) + chain))
        # OpenSSL sends two session tickets right behind the handshake, AWS's s2n none before the first reply.
        if name != "tls":
            context.num_tickets = 0
        made[name] = context
    return made


# ---- requests ----


class Request:
    def __init__(self, stream: Any) -> None:
        line = stream.readline(65536)
        if not line:
            raise EOFError
        self.method, self.target, _ = line.decode().split(" ", 2)
        self.headers: list[tuple[str, str]] = []
        while (line := stream.readline(65536)) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            self.headers.append((name, value.strip()))
        self.body = stream.read(int(self.header("content-length") or 0))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


def signature(request: Request, scheme: str) -> str:
    """What botocore signs the request with, as the Authorization header."""
    given = request.header("authorization") or ""
    scope = given.partition("Credential=")[2].partition(",")[0].split("/")
    signed = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    region, service = scope[2], scope[3]
    if "host" not in signed or "x-amz-date" not in signed:
        return "host and x-amz-date must be signed"
    headers = {name: value for name, value in request.headers if name.lower() in signed}
    url = f"{scheme}://{request.header('host')}{request.target}"
    parts = urlsplit(url)
    check = AWSRequest(request.method, url.split("?")[0], headers, request.body, dict(parse_qsl(parts.query, True)))
    check.context["timestamp"] = request.header("x-amz-date")
    check.context["payload_signing_enabled"] = True
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials("AKIDEXAMPLE", "secret/KEY+1"), service, region)
    canonical = signer.canonical_request(check)
    text = signer.string_to_sign(check, canonical)
    want = signer.signature(text, check)
    return "ok" if want == given.rpartition("Signature=")[2] else f"differs:\n{canonical}"


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def reset(connection: Any) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise EOFError


def hang(seconds: float = 30) -> None:
    time.sleep(seconds)
    raise EOFError


def drip(connection: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


RAW = {
    "/nothing": b"",
    "/garbage": b"\x00\x01\x02 this is no HTTP\r\n\r\nat all",
    "/http09": b"<html>hello</html>\n",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    "/cutheaders": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/cutchunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nonly",
    "/badchunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense",
    "/badlength": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "/nul": b"HTTP/1.1 200 OK\r\nX-Nul: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "/nolength": b"HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nuntil the end",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Final: 2\r\nContent-Length: 2\r\n\r\nok",
    "/longheader": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 200000 + b"\r\nContent-Length: 0\r\n\r\n",
    "/endless": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300000,
}


def respond(request: Request, connection: Any, scheme: str) -> bool:
    """Answers one request. False: the connection ends."""
    path, _, argument = request.target.partition("?")
    if path in RAW:
        connection.sendall(RAW[path])
        return False
    if path == "/counts":
        with LOCK:
            text = json.dumps(COUNTS)
            COUNTS.clear()
        connection.sendall(answer(text.encode()))
    elif path == "/echo":
        echo = f"{request.method} {request.target}\n" + "".join(f"{n}: {v}\n" for n, v in request.headers) + "\n"
        connection.sendall(answer(echo.encode() + request.body, headers="X-Echo:  spaced \r\nx-echo: second\r\n"))
    elif path.startswith("/signed"):
        connection.sendall(answer(signature(request, scheme).encode()))
    elif path == "/status":
        connection.sendall(answer(b"said so", f"{argument} Whatever"))
    elif path == "/redirect":
        connection.sendall(answer(b"", "302 Found", f"Location: {scheme}://{request.header('host')}/echo\r\n"))
    elif path == "/big":
        connection.sendall(answer(b"b" * int(argument)))
    elif path == "/chunks":
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(int(argument)):
            connection.sendall(b"400\r\n" + b"c" * 1024 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
    elif path == "/headers":
        lines = "".join(f"X-Header-{i}: {'h' * 80}\r\n" for i in range(int(argument)))
        connection.sendall(answer(b"", headers=lines))
    elif path == "/wait":
        time.sleep(int(argument) / 1000)
        connection.sendall(answer(b"waited"))
    elif path == "/bye":
        connection.sendall(answer(b"bye", headers="Connection: close\r\n"))
        return False
    elif path == "/leave":  # as if it were kept, then closed
        connection.sendall(answer(b"gone"))
        return False
    elif path == "/head":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nX-Head: 1\r\n\r\n")
    elif path == "/reset":
        reset(connection)
    elif path == "/hang":
        hang()
    elif path == "/drip":
        drip(connection)
    else:
        connection.sendall(answer(b"no such path", "404 Not Found"))
    return True


# ---- connections ----


def serve(
    connection: socket.socket,
    name: str,
    context: ssl.SSLContext | None,
    delay_s: float,
    patience_s: float | None = None,
) -> None:
    scheme = "http"
    wrapped: Any = connection
    try:
        time.sleep(delay_s)
        if context:
            wrapped = context.wrap_socket(connection, server_side=True)
            scheme = "https"
            count(name + ".handshakes")
        wrapped.settimeout(patience_s)
        stream = wrapped.makefile("rb")
        while True:
            request = Request(stream)
            if request.target != "/counts":
                count(name + ".requests")
            if not respond(request, wrapped, scheme):
                break
    except (OSError, EOFError, ValueError):
        pass
    finally:
        try:
            if wrapped is not connection:
                wrapped.close()
            connection.close()
        except OSError:
            pass


def serve_proxy(connection: socket.socket, name: str, refuse: bool) -> None:
    """Tunnels CONNECT to where it says; any other request is answered by the proxy itself."""
    try:
        stream = connection.makefile("rb", buffering=0)
        request = Request(stream)
        count(f"{name}.{request.method}")
        if request.header("proxy-authorization"):
            count(f"{name}.authorized")
        if refuse:
            connection.sendall(b"HTTP/1.1 407 No\r\nX-Proxy: secret\r\nContent-Length: 0\r\n\r\n")
            return
        if request.method != "CONNECT":
            connection.sendall(answer(f"proxied {request.target}".encode()))
            return
        host, _, port = request.target.rpartition(":")
        other = socket.create_connection((host, int(port)))
        connection.sendall(b"HTTP/1.1 200 Connected\r\nX-Proxy: 1\r\n\r\n")
        threading.Thread(target=pump, args=(other, connection), daemon=True).start()
        pump(connection, other)
    except (OSError, EOFError, ValueError):
        pass
    finally:
        connection.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def hang_up(connection: socket.socket, name: str, with_reset: bool, text: bytes = b"") -> None:
    """Ends a connection as soon as something was said on it, with some last words."""
    connection.recv(1)
    if not with_reset:
        connection.recv(65536)
    connection.sendall(text)
    connection.close()


def listen(name: str, target: Any, *arguments: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            count(name + ".connections")
            threading.Thread(target=target, args=(connection, name, *arguments), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(name, listener.getsockname()[1])


def black_hole() -> list[socket.socket]:
    """A port that answers no SYN: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    held = [listener]
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        held.append(filler)
    print("blackhole", listener.getsockname()[1])
    return held


def main() -> None:
    listen("counts", serve, None, 0)
    listen("plain", serve, None, 0)
    listen("plain2", serve, None, 0)
    made = contexts()
    for name, context in made.items():
        listen(name, serve, context, 0)
    listen("slowtls", serve, made["rsa"], 0.4)
    listen("mute", serve, None, 3600)
    listen("impatient", serve, made["rsa"], 0, 0.1)
    listen("proxy", serve_proxy, False)
    listen("proxy407", serve_proxy, True)
    listen("hangup", hang_up, False)
    listen("hangupreset", hang_up, True)
    listen("notls", hang_up, False, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    held = black_hole()
    closed = socket.create_server(("127.0.0.1", 0))
    print("refused", closed.getsockname()[1])
    closed.close()
    print("ready", len(held), flush=True)
    sys.stdin.read()


main()
