"""Usage: package_zip.py windows EXECUTABLE OUTPUT.zip
          package_zip.py distributor OUTPUT-FOLDER x86_64=EXECUTABLE aarch64=EXECUTABLE windows=EXECUTABLE

The zip for Windows, and the package for Systems Manager Distributor: manifest.json and a zip a platform. From `make
packages`, which has generated what goes with it. The same input makes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GENERATED = Path("build/gen")
SCRIPTS = ROOT / ".make/distributor"
# key in the manifest: (operating system as the agent names it, architecture, kind of script)
PLATFORMS = {"x86_64": ("_any", "x86_64", "sh"), "aarch64": ("_any", "arm64", "sh"), "windows": ("windows", "x86_64", "ps1")}


def version() -> str:
    found = re.search(r'SSM_ENFORCE_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())
    assert found
    return found[1]


def write_zip(out: Path, files: dict[str, tuple[bytes, int]]) -> None:
    """Files by name, each with its mode; dated SOURCE_DATE_EPOCH."""
    date = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            data, mode = files[name]
            entry = zipfile.ZipInfo(name, date)
            entry.create_system = 3
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)


def licences(platform: str) -> bytes:
    """Line ends as the platform's editors want them; on Windows the compiler's runtime is linked in too."""
    text = (GENERATED / "licenses.txt").read_text()
    if platform == "windows":
        runtime = Path("/usr/share/doc/mingw-w64-x86-64-dev/copyright")
        if runtime.exists():
            text += f"\n{'-' * 78}\nmingw-w64 runtime\n{'-' * 78}\n\n{runtime.read_text()}"
        text = text.replace("\n", "\r\n")
    return text.encode()


def windows(executable: Path, out: Path) -> None:
    write_zip(out, {
        "ssm-enforce/ssm-enforce.exe": (executable.read_bytes(), 0o755),
        "ssm-enforce/LICENSES.txt": (licences("windows"), 0o644),
        "ssm-enforce/completion.ps1": ((GENERATED / "ssm-enforce.powershell").read_bytes(), 0o644),
    })  # fmt: skip


def distributor(folder: Path, executables: dict[str, Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    packages: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    files = {}
    for platform, executable in executables.items():
        system, architecture, kind = PLATFORMS[platform]
        data = executable.read_bytes()
        content = {"LICENSES.txt": (licences(platform), 0o644),
                   "ssm-enforce.exe" if kind == "ps1" else "ssm-enforce": (data, 0o755)}  # fmt: skip
        # An update in place is an installation: the old executable stays until the new one takes its place.
        for script in ("install", "update", "uninstall"):
            text = (SCRIPTS / f"{script.replace('update', 'install')}.{kind}").read_text()
            text = text.replace("@SHA256@", hashlib.sha256(data).hexdigest()).replace("@ARCHITECTURE@", platform)
            content[f"{script}.{kind}"] = (text.replace("\n", "\r\n" if kind == "ps1" else "\n").encode(), 0o755)
        name = f"ssm-enforce-{version()}-{'windows-x86_64' if kind == 'ps1' else 'linux-' + platform}.zip"
        write_zip(folder / name, content)
        packages.setdefault(system, {}).setdefault("_any", {})[architecture] = {"file": name}
        files[name] = {"checksums": {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}}
    manifest = {"schemaVersion": "2.0", "publisher": "ssm-enforce", "version": version(), "packages": packages, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main() -> None:
    if sys.argv[1] == "windows":
        windows(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        pairs = [argument.split("=", 1) for argument in sys.argv[3:]]
        distributor(Path(sys.argv[2]), {platform: Path(executable) for platform, executable in pairs})


main()
