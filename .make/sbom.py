"""Usage: sbom.py OUTPUT.spdx.json TARGET=EXECUTABLE...

The SPDX 2.3 document of a release: each executable, and the libraries that are linked into it, from src/third_party/pins.
The same input makes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
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


def version() -> str:
    found = re.search(r'SSM_ENFORCE_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())
    assert found
    return found[1]


def sha256(value: str) -> list[dict[str, str]]:
    return [{"algorithm": "SHA256", "checksumValue": value}]


def library(line: str) -> dict[str, Any]:
    name, release, archive, checksum, revision, patches, address = line.split()
    licence, supplier, cpe, _ = LIBRARIES[name]
    refs = [("PACKAGE-MANAGER", "purl", f"pkg:generic/{name}@{release}")]
    if cpe:
        refs.append(("SECURITY", "cpe23Type", f"cpe:2.3:a:{cpe}:{release}:*:*:*:*:*:*:*"))
    source = f"Built from {archive} (SHA-256 {checksum})"
    if patches != "-":
        source += f", with the patches of {name}_{release}-{revision}.debian.tar.xz (SHA-256 {patches})"
    return {
        "SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": release, "packageFileName": archive,
        "supplier": f"{'Person' if name == 'jsmn' else 'Organization'}: {supplier}", "downloadLocation": address,
        "filesAnalyzed": False, "checksums": sha256(checksum), "sourceInfo": source + ".", "licenseConcluded": licence,
        "licenseDeclared": "Apache-2.0 OR GPL-2.0-or-later" if name == "mbedtls" else licence, "copyrightText": "NOASSERTION",
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
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", one["SPDXID"]) for one in executables.values()]
    for target, one in executables.items():
        system = target.split("-")[0]
        relations += [(one["SPDXID"], "STATIC_LINK", other["SPDXID"]) for other in libraries if system in LIBRARIES[other["name"]][3]]
    every = "".join(one["checksums"][0]["checksumValue"] for one in executables.values())
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"ssm-enforce-{version()}",
        "documentNamespace": f"urn:ssm-enforce:sbom:{version()}:{hashlib.sha256(every.encode()).hexdigest()}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))),
                         "creators": ["Organization: The ssm-enforce authors", f"Tool: ssm-enforce-{version()}-make-release"]},
        "packages": [*executables.values(), *libraries],
        "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                          for one, kind, other in relations],
    }  # fmt: skip
    Path(sys.argv[1]).write_text(json.dumps(document, indent=2) + "\n")


main()
