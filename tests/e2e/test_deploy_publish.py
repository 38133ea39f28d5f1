"""`ssm-enforce deploy --publish`: executables in a bucket, and the user-data that installs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

import pytest

from target import HOST_BIN

TOOLS = ("sh", "mktemp", "sha256sum", "uname", "dirname", "mkdir", "chmod", "mv", "rm", "sleep", "python3")


@pytest.fixture
def bucket(world):
    """A bucket in the emulated S3."""
    return world.service("s3").add("releases")


@pytest.fixture
def publish(run, world):
    """Publishes an executable for Linux."""
    world.service("iam")

    def publish(*args, binaries=(HOST_BIN,), url="s3://releases/tools/", endpoint="aws", **env):
        binary_args = [word for path in binaries for word in ("--binary", str(path))]
        return run("deploy", "--max", "3", "--yes", "--skip-policy", "--skip-document", "--publish", url, *binary_args,
                   "--output", "json", *args, credentials="user", endpoint=endpoint,
                   env={"AWS_REGION": world.region, **env})  # fmt: skip

    return publish


def windows_executable(path):
    data = bytearray(160)
    data[0:2], data[0x3C], data[0x80:0x84] = b"MZ", 0x80, b"PE\0\0"
    data[0x84:0x86], data[0x96] = b"\x64\x86", 2
    path.write_bytes(bytes(data))
    return path


def test_published(world, run, bucket, publish):
    windows = windows_executable(run.home / "w.exe")
    result = publish(binaries=(HOST_BIN, windows))
    assert result.rc == 0, result
    keys = [entry["key"] for entry in result.json["objects"]]
    version = result.json["version"]
    assert keys == [f"tools/{version}/linux-x86_64/ssm-enforce", f"tools/{version}/windows-x86_64/ssm-enforce.exe",
                    f"tools/{version}/SHA256SUMS"]  # fmt: skip
    binary = open(HOST_BIN, "rb").read()
    assert bucket.objects[keys[0]].body == binary
    assert bucket.objects[keys[1]].body == windows.read_bytes()
    sums = bucket.objects[keys[2]].body.decode()
    assert sums == (f"{hashlib.sha256(binary).hexdigest()}  linux-x86_64/ssm-enforce\n"
                    f"{hashlib.sha256(windows.read_bytes()).hexdigest()}  windows-x86_64/ssm-enforce.exe\n")  # fmt: skip
    assert all("x-amz-checksum-sha256" in one.checksums for one in bucket.objects.values())
    assert [entry["outcome"] for entry in result.json["objects"]] == ["created"] * 3
    assert not world.log.refused()


def test_not_sent_again(world, bucket, publish):
    assert publish().rc == 0
    world.log.clear()
    result = publish()
    assert result.rc == 0 and not world.log.calls("PutObject"), result
    assert [entry["outcome"] for entry in result.json["objects"]] == ["up_to_date"] * 2
    key = result.json["objects"][0]["key"]
    bucket.objects[key].checksums.clear()
    bucket.objects[key].body = b"something else"
    assert publish().rc == 0 and len(world.log.calls("PutObject")) == 1
    assert bucket.objects[key].body != b"something else"


@pytest.mark.parametrize("denied", ["s3:PutObject", "s3:GetObject", "s3:ListBucket"])
def test_denied(world, bucket, publish, denied):
    world.deny(denied)
    result = publish()
    if denied == "s3:PutObject":
        assert result.rc == 1 and "s3:PutObject" in result.err and "AccessDenied" in result.err, result
        assert not bucket.objects
    else:
        assert result.rc == 0 and len(bucket.objects) == 2, result


def test_no_bucket(world, publish):
    world.service("s3")
    result = publish()
    assert result.rc == 1 and "NoSuchBucket" in result.err, result


def test_a_document_is_not_pushed_without_its_executables(world, run, bucket):
    world.deny("s3:PutObject")
    result = run("deploy", "--max", "3", "--yes", "--publish", "s3://releases/x", "--binary", str(HOST_BIN),
                 credentials="user", env={"AWS_REGION": world.region})  # fmt: skip
    assert result.rc == 1 and world.service("documents").find() is None, result
    assert world.service("iam").policy("SSMConcurrentSessionsPolicy") is None


# ---- the user-data ----


@pytest.fixture
def install(emu, world, run, bucket, publish, tmp_path):
    """Publishes, and runs the user-data of Linux as an instance would, with no tools but those that it names."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        os.symlink(shutil.which(name, path="/usr/bin:/bin"), tools / name)
    (tools / "sleep").unlink()
    (tools / "sleep").write_text("#!/bin/sh\n")
    (tools / "sleep").chmod(0o755)

    def install(path, spoil=None, aws=None, **options):
        result = publish("--linux-path", str(path), **options)
        assert result.rc == 0, result
        text = result.json["user_data"]["linux"]
        if spoil:
            spoil(result.json)
        if aws:
            (tools / "python3").unlink()
            (tools / "aws").symlink_to(aws)
        env = {"PATH": str(tools), "AWS_CA_BUNDLE": emu.ca_file, "SSL_CERT_FILE": emu.ca_file, "AWS_EC2_METADATA_SERVICE_ENDPOINT": emu.url("imds") + "/"}
        return subprocess.run(["sh", "-c", text], env=env, cwd=run.home, capture_output=True, text=True, timeout=60)

    return install


def test_user_data_installs(world, install, tmp_path):
    path = tmp_path / "new folder" / "bin" / "ssm-enforce"
    done = install(path)
    assert done.returncode == 0 and "installed" in done.stderr, done.stderr
    assert path.read_bytes() == open(HOST_BIN, "rb").read()
    assert path.stat().st_mode & 0o777 == 0o755
    assert list(path.parent.iterdir()) == [path]
    assert not world.log.refused() and world.log.calls("GetObject")[-1].verdict == "ok"
    world.log.clear()
    again = install(path)
    assert again.returncode == 0 and "up to date" in again.stderr and not world.log.calls("GetObject"), again


def test_user_data_with_the_aws_command_line(world, install, tmp_path):
    aws = shutil.which("aws", path="/usr/local/bin:/usr/bin:/bin")
    if aws is None:
        pytest.skip("no AWS command line")
    path = tmp_path / "ssm-enforce"
    done = install(path, aws=aws)
    assert done.returncode == 0 and "installed" in done.stderr, done.stderr
    assert path.read_bytes() == open(HOST_BIN, "rb").read()


def test_user_data_keeps_what_is_there(world, bucket, install, tmp_path):
    path = tmp_path / "ssm-enforce"
    path.write_text("the old one")

    def another(report):
        bucket.objects[report["objects"][0]["key"]].body = b"\x7fELF something else"

    done = install(path, spoil=another)
    assert done.returncode == 1 and "not what was published" in done.stderr, done
    assert path.read_text() == "the old one" and list(path.parent.glob("ssm-enforce*")) == [path]


@pytest.mark.parametrize("what", ["GetObject", "imds"])
def test_user_data_without_rights(world, install, tmp_path, what):
    path = tmp_path / "ssm-enforce"
    path.write_text("the old one")

    def deny(report):
        if what == "imds":
            world.imds.role = None
        else:
            world.deny("s3:GetObject")

    done = install(path, spoil=deny)
    assert done.returncode == 1 and path.read_text() == "the old one", done
    assert list(path.parent.glob("ssm-enforce*")) == [path]


def test_user_data_of_another_machine(run, world, bucket, install, publish, tmp_path):
    windows = windows_executable(run.home / "w.exe")
    result = publish(binaries=(windows,))
    assert result.json["user_data"]["linux"] is None
    text = result.json["user_data"]["windows"]
    assert text.startswith("<powershell>\n") and "@" not in text.replace("@{", "").replace("@(", "")
    assert "windows-x86_64/ssm-enforce.exe" in text and hashlib.sha256(windows.read_bytes()).hexdigest() in text


def test_text_output(world, run, bucket):
    result = run("deploy", "--max", "3", "--yes", "--skip-policy", "--skip-document", "--publish", "s3://releases/t",
                 "--binary", str(HOST_BIN), credentials="user", env={"AWS_REGION": world.region})  # fmt: skip
    assert result.rc == 0, result
    assert "upload s3://releases/t/" in result.out and ": uploaded" in result.out
    assert "user-data for Linux:\n\n#!/bin/sh\n" in result.out


@pytest.mark.parametrize("text", ["#!/bin/sh\n", ""])
def test_what_is_no_executable(world, run, publish, text):
    (run.home / "x").write_text(text)
    result = publish(binaries=(run.home / "x",))
    assert result.rc == 2 and "no executable" in result.err and len(world.log) == 0, result
