"""The emulator's faults, seen by clients that are not ours."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from emulator import Emulator, World
from emulator_tools import Client, Signed, code_of, fetch

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")

def test_a_rule_matches_by_number_and_parameters(world: World, client: Client) -> None:
    ssm = client("ssm")
    world.faults.add("status", operation="DescribeSessions", nth=2, status=503, code="ServiceUnavailable")
    world.faults.add("throttle", operation="TerminateSession", params={"SessionId": "b-1"}, times=1)
    ssm.describe_sessions(State="Active")
    assert code_of(lambda: ssm.describe_sessions(State="Active")) == "ServiceUnavailable"
    ssm.describe_sessions(State="Active")
    ssm.terminate_session(SessionId="a-1")
    assert code_of(lambda: ssm.terminate_session(SessionId="b-1")) == "ThrottlingException"
    ssm.terminate_session(SessionId="b-1")
    assert [entry.fault for entry in world.log] == ["", "status", "", "", "throttle", ""]


@pytest.mark.parametrize("action", ["reset", "eof", "hang", "reset_after", "hang_after"])
@pytest.mark.parametrize("endpoint", ["aws", "plain"])
def test_replies_that_do_not_come(world: World, client: Client, action: str, endpoint: str) -> None:
    session = world.add_session("alice")
    world.faults.add(action, operation="TerminateSession", times=1)
    config = Config(retries={"max_attempts": 0}, read_timeout=0.3)
    ssm = client("ssm", endpoint=endpoint, config=config)
    with pytest.raises((BotoCoreError, OSError)):
        ssm.terminate_session(SessionId=session.session_id)
    assert session.ended == (action in ("reset_after", "hang_after"))
    ssm.describe_sessions(State="Active")


@pytest.mark.parametrize("action", ["garbage", "too_deep"])
def test_replies_that_are_no_json(world: World, client: Client, action: str) -> None:
    world.faults.add(action, operation="DescribeSessions")
    with pytest.raises((ResponseParserError, RecursionError, ValueError)):
        client("ssm").describe_sessions(State="Active")


def test_replies_that_say_something_else(emu: Emulator) -> None:
    world = emu.world
    world.add_session("alice")

    def reply(action: str, **args: Any) -> Any:
        world.faults.clear()
        world.faults.add(action, **args)
        request = Signed(emu)
        return json.loads(fetch(emu.url("plain") + "/", "POST", request.headers, request.body)[1])

    assert reply("wrong_type") == {"Sessions": {"not": "a list"}}
    assert reply("body", body={"Sessions": 5}) == {"Sessions": 5}
    assert "Owner" not in reply("patch", path=["Sessions", 0, "Owner"])["Sessions"][0]
    assert reply("patch", path=["Sessions", 0, "Status"], value="Odd")["Sessions"][0]["Status"] == "Odd"
    assert len(reply("too_large")["Padding"]) > 8 << 20
    token = reply("repeat_token")["NextToken"]
    assert reply("repeat_token")["NextToken"] == token
    empty = reply("empty_page")
    assert empty["Sessions"] == [] and empty["NextToken"]
    world.faults.clear()
    body = json.dumps({"State": "Active", "NextToken": empty["NextToken"]}).encode()
    request = Signed(emu, body)
    assert len(json.loads(fetch(emu.url("plain") + "/", "POST", request.headers, body)[1])["Sessions"]) == 1


def test_a_truncated_reply(emu: Emulator) -> None:
    emu.world.faults.add("truncate", listener="plain", at=3)
    request = Signed(emu)
    with pytest.raises(http.client.IncompleteRead, match="3 bytes read"):
        fetch(emu.url("plain") + "/", "POST", request.headers, request.body)


def test_slow_replies(world: World, client: Client) -> None:
    ssm = client("ssm")
    for action, args in (("latency", {"seconds": 0.3}), ("drip", {"size": 50, "seconds": 0.1})):
        world.faults.clear()
        world.faults.add(action, **args)
        began = time.monotonic()
        ssm.describe_sessions(State="Active")
        assert 0.25 < time.monotonic() - began < 5


def test_a_skewed_clock_shows_in_the_date(emu: Emulator) -> None:
    emu.world.faults.add("skew", seconds=7200, times=1)
    assert Signed(emu).send() == "InvalidSignatureException"
    assert Signed(emu).send() == ""
    emu.world.clock_offset = -7200
    connection = http.client.HTTPConnection("127.0.0.1", emu.port("imds"), timeout=5)
    connection.request("GET", "/")
    date = parsedate_to_datetime(connection.getresponse().headers["Date"] or "").timestamp()
    assert abs(date - time.time() + 7200) < 3


def test_expired_and_redirect(emu: Emulator) -> None:
    emu.world.faults.add("expired", times=1)
    assert Signed(emu).send() == "ExpiredTokenException"
    emu.world.faults.add("redirect", status=301, location="http://127.0.0.1:1/")
    request = Signed(emu)
    assert fetch(emu.url("plain") + "/", "POST", request.headers, request.body)[0] == 301


def test_listeners_refuse_and_come_back(emu: Emulator) -> None:
    emu.refuse("imds")
    with pytest.raises(ConnectionRefusedError):
        fetch(emu.url("imds") + "/")
    emu.listen("imds")
    assert fetch(emu.url("imds") + "/")[0] == 401
    emu.world.faults.add("refuse_after", listener="imds", times=1, seconds=0.2)
    assert fetch(emu.url("imds") + "/")[0] == 401
    with pytest.raises(ConnectionRefusedError):
        fetch(emu.url("imds") + "/")
    time.sleep(0.3)
    assert fetch(emu.url("imds") + "/")[0] == 401
    emu.world.faults.add("refuse", listener="imds", times=1)
    with pytest.raises(ConnectionError):
        fetch(emu.url("imds") + "/")
    with pytest.raises(ConnectionRefusedError):
        fetch(emu.url("imds") + "/")


def test_connections_that_are_never_served(emu: Emulator) -> None:
    emu.world.faults.add("black_hole", listener="aws", nth=1)
    emu.world.faults.add("accept_reset", listener="aws", nth=2)
    context = ssl.create_default_context(cafile=emu.ca_file)
    with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=0.3) as sock:
        with pytest.raises((TimeoutError, socket.timeout)):
            context.wrap_socket(sock, server_hostname="localhost")
    with pytest.raises(ConnectionError):
        with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=2) as sock:
            context.wrap_socket(sock, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=2) as sock:
        context.wrap_socket(sock, server_hostname="localhost").close()


TLS_FAULTS = {
    "wrong_ca": "certificate verify failed",
    "wrong_host": "Hostname mismatch|doesn't match",
    "expired": "certificate has expired",
    "not_yet_valid": "not yet valid",
    "self_signed": "self.signed certificate",
    "tls11": "alert protocol version|unsupported protocol|no protocols|wrong version",
    "sha1": "md too weak|weak",
    "rsa1024": "key too small|too weak",
}


@pytest.mark.parametrize("kind", TLS_FAULTS)
def test_bad_tls_is_refused_for_its_reason(emu: Emulator, kind: str) -> None:
    emu.serve_tls(kind)
    context = ssl.create_default_context(cafile=emu.ca_file_all)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if kind != "tls11":
        context.set_ciphers("DEFAULT:@SECLEVEL=2")
    with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=5) as sock:
        with pytest.raises(ssl.SSLError, match=TLS_FAULTS[kind]):
            context.wrap_socket(sock, server_hostname="localhost")
    if kind in ("sha1", "rsa1024", "tls11"):  # and nothing else is wrong with it
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", emu.port("aws")), timeout=5) as sock:
            with context.wrap_socket(sock, server_hostname="localhost") as tls:
                assert tls.version() == ("TLSv1.1" if kind == "tls11" else "TLSv1.3")


def test_tls_can_go_wrong_for_one_connection(emu: Emulator, client: Client) -> None:
    emu.world.faults.add("tls", listener="aws", kind="expired", nth=1)
    with pytest.raises(BotoCoreError):
        client("ssm").describe_sessions(State="Active")
    client("ssm").describe_sessions(State="Active")
    counters = emu.counters("aws")
    assert counters.connections == 2 and counters.tls_handshakes in (1, 2)
