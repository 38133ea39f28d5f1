"""Programs, the situations in which they run, and what that costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "build/bench/measure"
OWNER = "alice"
LIMIT = 3


@dataclass(frozen=True)
class Scene:
    """What a run finds: so many sessions of one owner above a limit (or none above), and lines that take their time."""

    name: str
    over: int = 0
    imds_ms: float = 0
    ssm_ms: float = 0
    known: bool = True  # the region and the instance, from the environment
    sessions: int = LIMIT  # where none is over the limit
    limit: int = LIMIT

    @property
    def count(self) -> int:
        """All sessions of the instance."""
        return self.limit + self.over if self.over else self.sessions


@dataclass(frozen=True)
class Program:
    """A program that enforces the limit. Its last argument is the limit."""

    name: str
    command: tuple[str, ...]
    size: int  # bytes of what has to be installed for it
    missing: str = ""  # why it can't run here

    def argv(self, limit: int) -> list[str]:
        return [*self.command, str(limit)]


@dataclass
class Cost:
    """What one run cost."""

    wall_ms: float
    cpu_ms: float
    rss_mib: float
    imds: tuple[int, int]  # connections, requests
    ssm: tuple[int, int]


@dataclass
class Costs:
    """What several runs cost."""

    runs: list[Cost] = field(default_factory=list)

    def best(self, what: str) -> float:
        """The least: what the program costs where nothing else disturbs it."""
        return float(min(getattr(run, what) for run in self.runs))

    def median(self, what: str) -> float:
        return float(statistics.median(getattr(run, what) for run in self.runs))

    def most(self, what: str) -> float:
        return float(max(getattr(run, what) for run in self.runs))

    def count(self, what: str) -> tuple[int, int]:
        """Connections and requests: the usual, for a connection may be lost."""
        return (int(statistics.median(getattr(run, what)[0] for run in self.runs)),
                int(statistics.median(getattr(run, what)[1] for run in self.runs)))  # fmt: skip


def launch(argv: list[str], env: dict[str, str], home: str) -> tuple[float, float, float]:
    """Run a program to its end, which has to be a good one: wall and CPU time in ms, memory in MiB."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as said:
        try:
            subprocess.run([str(LAUNCHER), str(write_end), *argv], env=env, cwd=home, stdin=subprocess.DEVNULL,
                           pass_fds=(write_end,), stdout=subprocess.DEVNULL, stderr=said, check=True, timeout=300)  # fmt: skip
            status, wall_us, cpu_us, rss_kib = map(int, os.read(read_end, 200).split())
        finally:
            os.close(read_end)
            os.close(write_end)
        said.seek(0)
        if status != 0:
            raise RuntimeError(f"{argv}: exit status {status}\n{said.read().decode(errors='replace')}")
    return wall_us / 1000, cpu_us / 1000, rss_kib / 1024


def prepare(emulator: Emulator, scene: Scene) -> None:
    """A fresh world with the sessions and the lines of the scene."""
    world = emulator.reset()
    for number in range(scene.count):
        world.add_session(owner=OWNER, age=60.0 * (scene.count - number))
    emulator.latency("imds", scene.imds_ms)
    emulator.latency("aws", scene.ssm_ms)


def environment(emulator: Emulator, scene: Scene, home: str) -> dict[str, str]:
    """Little more than what leads a program to the emulator."""
    env = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", **emulator.env()}
    if scene.known:
        env.update(AWS_REGION=emulator.world.region, AWS_SSM_INSTANCE_ID=emulator.world.instance_id)
    return env


def check(emulator: Emulator, scene: Scene, name: str) -> None:
    """A program that is fast and wrong is no peer."""
    oldest = sorted(emulator.world.ssm.sessions.values(), key=lambda one: one.start)[: scene.over]
    ended = sorted(emulator.world.ssm.terminated(), key=lambda one: one.start)
    if ended != oldest or emulator.world.log.refused():
        raise RuntimeError(f"{name}, {scene.name}: {len(ended)} sessions ended, {scene.over} should have")


def run(emulator: Emulator, program: Program, scene: Scene) -> Cost:
    """One run in a fresh world."""
    prepare(emulator, scene)
    with tempfile.TemporaryDirectory() as home:
        wall_ms, cpu_ms, rss_mib = launch(program.argv(scene.limit), environment(emulator, scene, home), home)
    check(emulator, scene, program.name)
    imds, ssm = emulator.counters("imds"), emulator.counters("aws")
    return Cost(wall_ms, cpu_ms, rss_mib, (imds.connections, imds.requests), (ssm.connections, ssm.requests))


def repeat(emulator: Emulator, program: Program, scene: Scene, times: int) -> Costs:
    """So many runs, and before them one that does not count."""
    run(emulator, program, scene)
    return Costs([run(emulator, program, scene) for _ in range(times)])
