"""Usage: sbom.py OUTPUT.spdx.json TARGET=EXECUTABLE...

The SPDX 2.3 document of a release: each executable, and what is linked into it: the libraries of src/third_party/pins, as
the cache says that they were built, and the runtimes that come with the compiler of the target. The same input makes the
same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# name: (licence, supplier, CPE vendor and product, systems it is linked in on)
LIBRARIES = {
    "curl": ("curl", "The curl project", "haxx:curl", ("linux", "windows")),
    "mbedtls": ("Apache-2.0", "The Mbed TLS project", "arm:mbed_tls", ("linux", "windows")),
    "expat": ("MIT", "The Expat project", "libexpat_project:libexpat", ("linux", "windows")),
    "musl": ("MIT", "The musl project", "musl-libc:musl", ("linux",)),
    "jsmn": ("MIT", "Serge Zaitsev", None, ("linux", "windows")),
}
# The runtimes of compilers: name: (licence, supplier, CPE vendor and product, archive, its macros for the version)
RUNTIMES = {
    "libgcc": ("GPL-3.0-or-later WITH GCC-exception-3.1", "The GCC project", "gnu:gcc", "libgcc.a",
               ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__")),
    "mingw-w64": ("ZPL-2.1 AND SMLNJ", "The mingw-w64 project", "mingw-w64:mingw-w64", "libmingwex.a",
                  ("__MINGW64_VERSION_MAJOR", "__MINGW64_VERSION_MINOR", "__MINGW64_VERSION_BUGFIX")),
}  # fmt: skip


def version() -> str:
    found = re.search(r'SSM_ENFORCE_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())
    assert found
    return found[1]


def sha256(value: str) -> list[dict[str, str]]:
    return [{"algorithm": "SHA256", "checksumValue": value}]


def patched_with(library: str, pinned: tuple[str, str]) -> tuple[str, str] | None:
    """The archive of Debian's patches that a library has, and its SHA-256. fetch.sh takes others than the pinned ones where
    those are gone, and none where none are to be had: what it took lies in the cache."""
    used = Path(os.environ.get("SSM_ENFORCE_CACHE") or ROOT / ".cache") / "src" / f"{library}.patches"
    if not used.exists():
        return pinned
    return (os.readlink(used), hashlib.sha256(used.read_bytes()).hexdigest()) if used.is_symlink() else None


def library(line: str) -> dict[str, Any]:
    name, release, archive, checksum, revision, patches, address = line.split()
    licence, supplier, cpe, _ = LIBRARIES[name]
    refs = [("PACKAGE-MANAGER", "purl", f"pkg:generic/{name}@{release}")]
    if cpe:
        refs.append(("SECURITY", "cpe23Type", f"cpe:2.3:a:{cpe}:{release}:*:*:*:*:*:*:*"))
    source = f"Built from {archive} (SHA-256 {checksum})"
    used = patched_with(f"{name}-{release}", (f"{name}_{release}-{revision}.debian.tar.xz", patches)) if patches != "-" else None
    if used:
        source += f", with the patches of {used[0]} (SHA-256 {used[1]})"
    return {
        "SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": release, "packageFileName": archive,
        "supplier": f"{'Person' if name == 'jsmn' else 'Organization'}: {supplier}", "downloadLocation": address,
        "filesAnalyzed": False, "checksums": sha256(checksum), "sourceInfo": source + ".", "licenseConcluded": licence,
        "licenseDeclared": "Apache-2.0 OR GPL-2.0-or-later" if name == "mbedtls" else licence, "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
                         for category, kind, locator in refs],
    }  # fmt: skip


def output(*command: str, text: str = "") -> str:
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def debian_package(path: Path) -> str:
    """The Debian package that a file is of, as "NAME VERSION"; empty where the machine doesn't know."""
    try:
        name = output("dpkg-query", "--search", str(path)).split(": ")[0]
        return output("dpkg-query", "--show", "--showformat=${Package} ${Version}", name)
    except (OSError, subprocess.CalledProcessError):
        return ""


def runtime(name: str, target: str) -> dict[str, Any] | None:
    """What comes with the compiler of the target; None where it has no such thing."""
    licence, supplier, cpe, archive, macros = RUNTIMES[name]
    flags = output(str(ROOT / "src/third_party/build.sh"), "--flags", target)
    compiler = re.match("CC := (.*)", flags)
    assert compiler
    path = Path(output(compiler[1], f"-print-file-name={archive}").strip())
    if not path.is_absolute():  # the compiler gives back the name of what it doesn't find
        return None
    include = "#include <_mingw.h>\n" if name == "mingw-w64" else ""
    defined = dict(re.findall(r"^#define (\w+) (\d+)$", output(compiler[1], "-dM", "-E", "-", text=include), re.MULTILINE))
    release = ".".join(defined[macro] for macro in macros)
    package = debian_package(path.resolve())
    upstream = re.search(r" (?:\d+:)?(\d+(?:\.\d+)+)", package)  # Debian's gcc for Windows calls itself "12-win32"
    release = upstream[1] if upstream else release
    refs = [("PACKAGE-MANAGER", "purl", f"pkg:generic/{name}@{release}"), ("SECURITY", "cpe23Type", f"cpe:2.3:a:{cpe}:{release}:*:*:*:*:*:*:*")]
    return {
        "SPDXID": f"SPDXRef-{name}-{target.replace('_', '-')}", "name": name, "versionInfo": release, "packageFileName": archive,
        "supplier": f"Organization: {supplier}", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "checksums": sha256(hashlib.sha256(path.read_bytes()).hexdigest()),
        "sourceInfo": f"Comes with {compiler[1]}{', from the Debian package ' + package if package else ''}.",
        "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
                         for category, kind, locator in refs],
    }  # fmt: skip


def executable(target: str, path: Path) -> dict[str, Any]:
    suffix = ".exe" if target.startswith("windows") else ""
    return {
        "SPDXID": f"SPDXRef-ssm-enforce-{target.replace('_', '-')}", "name": "ssm-enforce", "versionInfo": version(),
        "packageFileName": f"ssm-enforce-{version()}-{target}{suffix}", "supplier": "Organization: The ssm-enforce authors",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "primaryPackagePurpose": "APPLICATION",
        "checksums": sha256(hashlib.sha256(path.read_bytes()).hexdigest()), "licenseConcluded": "MIT-0",
        "licenseDeclared": "MIT-0", "copyrightText": "Copyright 2026 The ssm-enforce authors",
    }  # fmt: skip


def main() -> None:
    lines = [line for line in (ROOT / "src/third_party/pins").read_text().splitlines() if line and not line.startswith("#")]
    libraries = [library(line) for line in lines]
    executables = {}
    for argument in sys.argv[2:]:
        target, path = argument.split("=", 1)
        executables[target] = executable(target, Path(path))
    runtimes: list[dict[str, Any]] = []
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", one["SPDXID"]) for one in executables.values()]
    for target, one in executables.items():
        system = target.split("-")[0]
        relations += [(one["SPDXID"], "STATIC_LINK", other["SPDXID"]) for other in libraries if system in LIBRARIES[other["name"]][3]]
        of_compiler = [one for one in (runtime(name, target) for name in RUNTIMES) if one]
        runtimes += of_compiler
        relations += [(one["SPDXID"], "STATIC_LINK", other["SPDXID"]) for other in of_compiler]
    every = "".join(one["checksums"][0]["checksumValue"] for one in executables.values())
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"ssm-enforce-{version()}",
        "documentNamespace": f"urn:ssm-enforce:sbom:{version()}:{hashlib.sha256(every.encode()).hexdigest()}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))),
                         "creators": ["Organization: The ssm-enforce authors", f"Tool: ssm-enforce-{version()}-make-release"]},
        "packages": [*executables.values(), *libraries, *runtimes],
        "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                          for one, kind, other in relations],
    }  # fmt: skip
    Path(sys.argv[1]).write_text(json.dumps(document, indent=2) + "\n")


main()
