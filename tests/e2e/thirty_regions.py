"""Deploys to thirty regions under their real host names, each a round trip of so many milliseconds away.

    sudo unshare -mn python3 tests/e2e/thirty_regions.py EXECUTABLE MILLISECONDS

It wants a network and a mount name space of its own: the names lead to the loopback, and the emulator has port 443 there.
Prints one JSON object: what a region cost, and all of them together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from conftest import Runner  # noqa: E402
from emulator import Emulator  # noqa: E402

REGIONS = [f"{area}-{place}-{number}" for area in ("eu", "us", "ap", "sa", "af") for place in ("west", "east", "south")
           for number in (1, 2)]  # fmt: skip
DOCUMENT = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {"s3BucketName": "logs"}}


def lead_here() -> None:
    """Let the names of the endpoints be addresses of the loopback."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as hosts:
        hosts.write("127.0.0.1 localhost iam.amazonaws.com\n")
        hosts.writelines(f"127.0.0.1 ssm.{region}.amazonaws.com sts.{region}.amazonaws.com\n" for region in REGIONS)
    subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)


def deploy(emulator: Emulator, executable: str, milliseconds: float) -> dict[str, object]:
    """One deploy that changes the document of every region."""
    world = emulator.reset(region=REGIONS[0])
    documents = world.service("documents")
    documents.update_delay = 0.01
    world.regions = REGIONS
    for region in REGIONS:
        documents.add(DOCUMENT, region=region)
    emulator.latency("aws", milliseconds)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home:
        run = Runner(emulator, Path(home), [executable])
        result = run("deploy", "--max", "3", "--yes", "--skip-policy", "--region", ",".join(REGIONS),
                     credentials="user", env={"AWS_ENDPOINT_URL": None})  # fmt: skip
    calls = Counter(entry.region for entry in world.log if entry.service == "ssm")
    return {
        "regions": len(REGIONS),
        "exit_code": result.rc,
        "errors": result.err,
        "done": sum(documents.find(region=region).default == 2 for region in REGIONS),
        "calls_of_a_region": [min(calls.values()), max(calls.values())],
        "connections": emulator.counters("aws").connections,
        "milliseconds": round(result.ms),
        "round_trips": round(result.ms / milliseconds, 1),
    }


def main() -> int:
    """Print what it cost."""
    lead_here()
    names = tuple(f"*.{region}.amazonaws.com" for region in REGIONS)
    with Emulator(key_type="rsa", hosts=names, ports={"aws": 443}) as emulator:
        print(json.dumps(deploy(emulator, sys.argv[1], float(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
