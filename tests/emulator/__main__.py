"""Run the emulator as a process of its own: python3 -m emulator --port-file FILE."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import threading
from typing import Any

from .control import configure
from .server import LISTENERS, Emulator


def main() -> int:
    """Parse the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port-file", help="write the URLs of the listeners to this file, as JSON, once they listen")
    parser.add_argument("--ca-file", help="copy the CA certificate to this file")
    parser.add_argument("--key-type", choices=("ec", "rsa"), default="ec", help="of the certificates (default: ec)")
    parser.add_argument("--host", action="append", default=[], help="a further host name for the certificate")
    parser.add_argument("--port", action="append", default=[], metavar="LISTENER=PORT",
                        help=f"port of {', '.join(name for name, _, _ in LISTENERS)} (default: any)")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting, as in POST /config")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    options = parser.parse_args()
    ports = {name: int(port) for name, _, port in (item.partition("=") for item in options.port)}
    emulator = Emulator(options.key_type, tuple(options.host), ports)
    for item in options.set:
        name, _, text = item.partition("=")
        configure(emulator, name, json.loads(text))
    if options.ca_file:
        shutil.copyfile(emulator.ca_file, options.ca_file)
    if options.until_eof:
        threading.Thread(target=_wait_for_eof, args=(emulator,), daemon=True).start()
    emulator.loop.call_soon(_announce, emulator, options.port_file)
    emulator.run()
    return 0


def _wait_for_eof(emulator: Emulator) -> None:
    sys.stdin.read()
    emulator.loop.call_soon_threadsafe(emulator.loop.stop)


def _announce(emulator: Emulator, path: str | None) -> None:
    urls: dict[str, Any] = {name: emulator.url(name) for name in emulator.listeners}
    urls["ca_file"], urls["pid"] = emulator.ca_file, os.getpid()
    text = json.dumps(urls, indent=2)
    if path is None:
        print(text, flush=True)
        return
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    sys.exit(main())
