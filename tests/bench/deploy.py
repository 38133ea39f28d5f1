"""What a deploy to thirty regions costs; run by bench.py in a network and a mount name space of its own.

Usage: deploy.py EXECUTABLE MILLISECONDS TIMES. The world is that of tests/e2e/thirty_regions.py. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "e2e")]

from emulator import Emulator  # noqa: E402
from measure import launch  # noqa: E402
from thirty_regions import DOCUMENT, REGIONS, lead_here  # noqa: E402


def deploy(emulator: Emulator, executable: str, milliseconds: float) -> dict[str, float]:
    """One deploy that changes the document of every region."""
    world = emulator.reset(region=REGIONS[0])
    documents = world.service("documents")
    documents.update_delay = 0.01
    world.regions = REGIONS
    for region in REGIONS:
        documents.add(DOCUMENT, region=region)
    emulator.latency("aws", milliseconds)
    command = [executable, "deploy", "--max", "3", "--yes", "--skip-policy", "--region", ",".join(REGIONS)]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home:
        env = {**emulator.env("user"), "PATH": "/usr/bin:/bin", "HOME": home}
        del env["AWS_ENDPOINT_URL"]
        wall_ms, cpu_ms, rss_mib = launch(command, env, home)
    if any(documents.find(region=region).default != 2 for region in REGIONS):
        raise RuntimeError("a region was left out")
    counters = emulator.counters("aws")
    return {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "rss_mib": rss_mib, "connections": counters.connections,
            "requests": counters.requests}  # fmt: skip


def main() -> int:
    """Print the runs."""
    lead_here()
    names = tuple(f"*.{region}.amazonaws.com" for region in REGIONS)
    with Emulator(key_type="rsa", hosts=names, ports={"aws": 443}) as emulator:
        print(json.dumps([deploy(emulator, sys.argv[1], float(sys.argv[2])) for _ in range(int(sys.argv[3]))]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
