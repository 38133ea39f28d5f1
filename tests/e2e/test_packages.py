"""The packages: what is in them, that they go in and out of a system, and that Distributor's scripts keep what was there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLE = Path(os.environ.get("SSM_ENFORCE_BIN") or ROOT / "build/linux-x86_64/ssm-enforce").resolve()
VERSION = re.search(r'SSM_ENFORCE_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())[1]

pytestmark = [
    pytest.mark.only("native", "the packages are made and installed with the one that this machine runs"),
    pytest.mark.skipif(EXECUTABLE.parent.name != "linux-x86_64", reason="packages hold the released executables"),
]
ENV = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}  # dpkg looks there


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)} here")


def sh(*command, check=True, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **{"cwd": ROOT, "env": ENV, **more})
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def becoming_root():
    """What makes a command believe that it is root's, so that it may give files to root: nothing for root, a namespace of
    users for others, None where there is none to be had."""
    if os.geteuid() == 0:
        return ()
    unshare = ("unshare", "--map-root-user")
    works = shutil.which("unshare") and subprocess.run([*unshare, "chroot", "/", "true"], capture_output=True, env=ENV).returncode == 0
    return unshare if works else None


AS_ROOT = becoming_root()
needs_root = pytest.mark.skipif(AS_ROOT is None, reason="to install, one has to be root, or to have namespaces of users")


@pytest.fixture(scope="module")
def generated():
    sh("make", "--no-print-directory", "man", "completions")
    assert (ROOT / "build/gen/licenses.txt").exists()


@pytest.fixture(scope="module")
def deb(generated, tmp_path_factory):
    out = tmp_path_factory.mktemp("deb") / f"ssm-enforce_{VERSION}_amd64.deb"
    sh(".make/package-deb.sh", "amd64", EXECUTABLE, out)
    return out


@pytest.fixture(scope="module")
def rpm(generated, tmp_path_factory):
    out = tmp_path_factory.mktemp("rpm") / f"ssm-enforce-{VERSION}-1.x86_64.rpm"
    sh(".make/package-rpm.sh", "x86_64", EXECUTABLE, out)
    return out


INSTALLED = {"usr/bin/ssm-enforce", "usr/share/man/man1/ssm-enforce.1.gz",
             "usr/share/bash-completion/completions/ssm-enforce",
             "usr/share/fish/vendor_completions.d/ssm-enforce.fish"}  # fmt: skip


def files_in(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@need("dpkg-deb")
@needs_root
def test_deb_goes_in_and_out(deb, tmp_path):
    admin = tmp_path / "var/lib/dpkg"
    (admin / "updates").mkdir(parents=True)
    (admin / "info").mkdir()
    for name in "status", "available":
        (admin / name).touch()
    (tmp_path / "usr").mkdir()
    dpkg = (*AS_ROOT, "dpkg", f"--root={tmp_path}", "--force-architecture", "--force-not-root", "--log=/dev/null")
    sh(*dpkg, "--install", deb)
    installed = files_in(tmp_path)
    assert INSTALLED <= installed
    assert "usr/share/doc/ssm-enforce/copyright" in installed
    assert "usr/share/zsh/vendor-completions/_ssm-enforce" in installed
    assert not (tmp_path / "usr/local").exists()
    assert sh(tmp_path / "usr/bin/ssm-enforce", "--version").stdout == f"ssm-enforce {VERSION}\n"
    sh(*dpkg, "--purge", "ssm-enforce")
    assert not [name for name in files_in(tmp_path) if name.startswith("usr/")]


@need("rpmbuild", "rpm")
@needs_root
def test_rpm_goes_in_and_out(rpm, tmp_path):
    command = (*AS_ROOT, "rpm", "--root", tmp_path, "--dbpath", "/var/lib/rpm", "--nodeps")
    sh(*command, "--ignorearch", "--install", rpm)
    installed = files_in(tmp_path)
    assert INSTALLED <= installed
    assert "usr/share/licenses/ssm-enforce/LICENSES.txt" in installed
    assert "usr/share/zsh/site-functions/_ssm-enforce" in installed
    assert sh(tmp_path / "usr/bin/ssm-enforce", "--version").stdout == f"ssm-enforce {VERSION}\n"
    assert not [line for line in sh("rpm", "-qp", "--requires", rpm).stdout.split("\n") if line and "rpmlib(" not in line]
    sh(*command, "--erase", "ssm-enforce")
    assert not [name for name in files_in(tmp_path) if name.startswith("usr/")]


@need("dpkg-deb", "lintian")
def test_lintian(deb):
    done = sh("lintian", "--allow-root", "--fail-on", "error,warning", deb, check=False)
    assert done.returncode == 0, done.stdout


@need("rpmbuild", "rpmlint")
def test_rpmlint(rpm):
    done = sh("rpmlint", "-c", ROOT / ".make/rpmlint.toml", rpm, check=False)
    assert done.returncode == 0 and " 0 errors, 0 warnings" in done.stdout, done.stdout


@need("dpkg-deb", "rpmbuild")
def test_same_input_same_bytes(deb, rpm, tmp_path):
    sh(".make/package-deb.sh", "amd64", EXECUTABLE, tmp_path / "again.deb")
    sh(".make/package-rpm.sh", "x86_64", EXECUTABLE, tmp_path / "again.rpm")
    assert (tmp_path / "again.deb").read_bytes() == deb.read_bytes()
    assert (tmp_path / "again.rpm").read_bytes() == rpm.read_bytes()
    for name in "one", "two":
        make_distributor(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


# ---- Distributor ----


def make_distributor(folder):
    other = folder.parent / "other.bin"
    other.write_bytes(b"MZ of another machine")
    sh("/usr/bin/python3", ".make/package_zip.py", "distributor", folder, f"x86_64={EXECUTABLE}", f"aarch64={other}",
       f"windows={other}")  # fmt: skip
    return folder


@pytest.fixture
def distributor(generated, tmp_path):
    return make_distributor(tmp_path / "distributor")


@pytest.fixture
def unpacked(distributor, tmp_path):
    """The Linux package as the agent unpacks it."""
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(distributor / f"ssm-enforce-{VERSION}-linux-x86_64.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def place(tmp_path):
    """Where it goes, an old executable already there."""
    path = tmp_path / "bin" / "ssm-enforce"
    path.parent.mkdir()
    path.write_text("the old one")
    return path


def install(unpacked, place, script="install.sh", **env):
    return sh("/bin/sh", unpacked / script, check=False, cwd="/", env={**ENV, "SSM_ENFORCE_PATH": str(place), **env})


def kept(done, place, why):
    assert done.returncode == 1
    assert re.fullmatch(rf"ssm-enforce: not installed, {re.escape(str(place))} is as it was: {why}\n", done.stderr), done.stderr
    assert place.read_text() == "the old one"
    assert [path.name for path in place.parent.iterdir()] == ["ssm-enforce"]


def test_manifest(distributor):
    manifest = json.loads((distributor / "manifest.json").read_text())
    assert manifest["schemaVersion"] == "2.0" and manifest["version"] == VERSION
    named = set()
    for system, versions in manifest["packages"].items():
        for architecture, entry in versions["_any"].items():
            named.add(entry["file"])
            with zipfile.ZipFile(distributor / entry["file"]) as archive:
                content = {info.filename: stat.S_IMODE(info.external_attr >> 16) for info in archive.infolist()}
            kind = "ps1" if system == "windows" else "sh"
            assert {f"install.{kind}", f"update.{kind}", f"uninstall.{kind}", "LICENSES.txt"} < set(content)
            assert content["ssm-enforce.exe" if kind == "ps1" else "ssm-enforce"] == 0o755
            assert architecture in ("x86_64", "arm64")
    assert named == set(manifest["files"]) == {path.name for path in distributor.glob("*.zip")}
    for name, entry in manifest["files"].items():
        assert entry["checksums"]["sha256"] == hashlib.sha256((distributor / name).read_bytes()).hexdigest()


def test_scripts_have_their_values(distributor):
    for path in distributor.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            scripts = [name for name in archive.namelist() if name.endswith((".sh", ".ps1"))]
            executable = next(archive.read(name) for name in archive.namelist() if name.startswith("ssm-enforce"))
            assert len(scripts) == 3
            for name in scripts:
                assert not re.search(rb"@[A-Z0-9_]+@", archive.read(name))
            script = next(archive.read(name) for name in scripts if name.startswith("install."))
            assert hashlib.sha256(executable).hexdigest().encode() in script


def test_installs_over_the_old_one(unpacked, place):
    done = install(unpacked, place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ssm-enforce: installed ssm-enforce {VERSION} as {place}\n"
    assert place.read_bytes() == EXECUTABLE.read_bytes() and stat.S_IMODE(place.stat().st_mode) == 0o755
    assert install(unpacked, place).returncode == 0
    assert [path.name for path in place.parent.iterdir()] == ["ssm-enforce"]
    done = install(unpacked, place, "uninstall.sh")
    assert (done.returncode, done.stdout) == (0, f"ssm-enforce: removed {place}\n")
    assert not place.exists()
    assert install(unpacked, place, "uninstall.sh").returncode == 0


def test_makes_its_folder(unpacked, tmp_path):
    place = tmp_path / "new" / "folder" / "ssm-enforce"
    assert install(unpacked, place).returncode == 0
    assert place.read_bytes() == EXECUTABLE.read_bytes()


def test_wrong_architecture_keeps_the_old_one(unpacked, place, tmp_path):
    (tmp_path / "path").mkdir()
    uname = tmp_path / "path" / "uname"
    uname.write_text('#!/bin/sh\n[ "$1" = -s ] && echo "${SYSTEM-Linux}" || echo aarch64\n')
    uname.chmod(0o755)
    path = f"{uname.parent}:{os.environ['PATH']}"
    kept(install(unpacked, place, PATH=path), place, "this package is for x86_64, not for aarch64")
    kept(install(unpacked, place, PATH=path, SYSTEM="Darwin"), place, "this package is for Linux, not for Darwin")


def test_damage_keeps_the_old_one(unpacked, place):
    executable = unpacked / "ssm-enforce"
    data = executable.read_bytes()
    why = "the executable is truncated or changed: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}"
    for damaged in (data[: len(data) // 2], b"", data[:5000] + b"X" + data[5001:], data + b"\0"):
        executable.write_bytes(damaged)
        kept(install(unpacked, place), place, why)
    executable.unlink()
    kept(install(unpacked, place), place, "the package holds no executable")


def test_what_does_not_run_keeps_the_old_one(unpacked, place):
    """The checksum is right, but this machine can't run it."""
    executable, script = unpacked / "ssm-enforce", unpacked / "install.sh"
    executable.write_text("#!/bin/sh\nexit 1\n")
    text = re.sub(r"sha256='[0-9a-f]{64}'", f"sha256='{hashlib.sha256(executable.read_bytes()).hexdigest()}'", script.read_text())
    script.write_text(text)
    kept(install(unpacked, place), place, "the executable does not run here")


def test_a_failing_move_keeps_the_old_one(unpacked, place, tmp_path):
    (tmp_path / "path").mkdir()
    mv = tmp_path / "path" / "mv"
    mv.write_text("#!/bin/sh\nexit 1\n")
    mv.chmod(0o755)
    done = install(unpacked, place, PATH=f"{mv.parent}:{os.environ['PATH']}")
    kept(done, place, "the executable can't be moved into place")


# ---- the bill of materials ----


def sbom(out, *targets):
    sh("/usr/bin/python3", ".make/sbom.py", out, *targets)
    return json.loads(out.read_text())


def linked_into(document, target):
    packages = {package["SPDXID"]: package for package in document["packages"]}
    assert len(packages) == len(document["packages"])
    for one in document["relationships"]:
        assert one["relatedSpdxElement"] in packages
    return {packages[one["relatedSpdxElement"]]["name"]: packages[one["relatedSpdxElement"]]
            for one in document["relationships"]
            if (one["relationshipType"], one["spdxElementId"]) == ("STATIC_LINK", f"SPDXRef-ssm-enforce-{target}")}  # fmt: skip


PINS = [line.split() for line in (ROOT / "src/third_party/pins").read_text().splitlines() if not line.startswith("#")]


def test_sbom(tmp_path):
    document = sbom(tmp_path / "sbom.json", f"linux-x86_64={EXECUTABLE}")
    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    ours = next(package for package in document["packages"] if package["SPDXID"] == "SPDXRef-ssm-enforce-linux-x86-64")
    assert ours["checksums"][0]["checksumValue"] == hashlib.sha256(EXECUTABLE.read_bytes()).hexdigest()
    linked = linked_into(document, "linux-x86-64")
    assert set(linked) == {name for name, *_ in PINS} | {"libgcc"}
    for name, release, archive, checksum, *_ in PINS:
        package = linked[name]
        assert (package["versionInfo"], package["packageFileName"]) == (release, archive)
        assert package["checksums"] == [{"algorithm": "SHA256", "checksumValue": checksum}]
        assert package["licenseConcluded"] and package["supplier"]
    libgcc = sh("gcc", "-print-libgcc-file-name").stdout.strip()
    assert linked["libgcc"]["checksums"][0]["checksumValue"] == hashlib.sha256(Path(libgcc).read_bytes()).hexdigest()
    assert linked["libgcc"]["versionInfo"] == sh("gcc", "-dumpfullversion").stdout.strip()


@need("x86_64-w64-mingw32-gcc")
def test_sbom_of_windows(tmp_path):
    executable = tmp_path / "ssm-enforce.exe"
    executable.write_bytes(b"MZ")
    linked = linked_into(sbom(tmp_path / "sbom.json", f"windows-x86_64={executable}"), "windows-x86-64")
    assert set(linked) == {name for name, *_ in PINS} - {"musl"} | {"libgcc", "mingw-w64"}
    for name in "libgcc", "mingw-w64":
        assert re.fullmatch(r"\d+\.\d+\.\d+", linked[name]["versionInfo"]) and "mingw" in linked[name]["sourceInfo"]


def test_sbom_names_the_patches_that_were_used(tmp_path, monkeypatch):
    """Where the pinned ones are gone, fetch.sh takes others, or none."""
    sources = tmp_path / "cache/src"
    sources.mkdir(parents=True)
    monkeypatch.setitem(ENV, "SSM_ENFORCE_CACHE", str(tmp_path / "cache"))
    pinned = {name: f"{name}_{release}-{revision}.debian.tar.xz" for name, release, _, _, revision, *_ in PINS if revision != "-"}
    source = {one: package["sourceInfo"] for one, package in linked_into(
        sbom(tmp_path / "1.json", f"linux-x86_64={EXECUTABLE}"), "linux-x86-64").items()}  # fmt: skip
    assert all(f"the patches of {archive} (SHA-256 " in source[name] for name, archive in pinned.items()), source
    for name, release, *_ in PINS:
        if name == "curl":
            (sources / "another.debian.tar.xz").write_bytes(b"another")
            (sources / f"{name}-{release}.patches").symlink_to("another.debian.tar.xz")
        elif name in pinned:
            (sources / f"{name}-{release}.patches").touch()
    source = {one: package["sourceInfo"] for one, package in linked_into(
        sbom(tmp_path / "2.json", f"linux-x86_64={EXECUTABLE}"), "linux-x86-64").items()}  # fmt: skip
    assert f"the patches of another.debian.tar.xz (SHA-256 {hashlib.sha256(b'another').hexdigest()})." in source["curl"]
    assert not [name for name in pinned if name != "curl" and "patches" in source[name]]
