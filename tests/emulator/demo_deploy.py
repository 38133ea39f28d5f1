"""An administrator at work against an emulated AWS: `make demo-deploy`.

Each act tells the situation, runs a command of the real executable, shows what it prints, and checks what AWS then
holds. The exit status is 0 only if every act ended as it should.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "tests")  # not this folder, whose modules are those of a package

from emulator import Emulator, World  # noqa: E402

WIDTH = 100
STYLED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]
POLICY = "SSMConcurrentSessionsPolicy"
COMPANY = {
    "schemaVersion": "1.0",
    "description": "Session Manager preferences of ACME",
    "sessionType": "Standard_Stream",
    "inputs": {
        "s3BucketName": "acme-session-logs",
        "s3EncryptionEnabled": True,
        "cloudWatchStreamingEnabled": "true",
        "idleSessionTimeout": "15",
        "shellProfile": {"linux": "cd ~ && exec bash", "windows": ""},
    },
}
COMPANY_TEXT = json.dumps(COMPANY, indent=2)


@dataclass
class Act:
    """One act. `prepare` changes the emulated AWS before, `holds` says whether it is as it should be after."""

    title: str
    situation: str
    arguments: str
    status: int
    holds: Callable[[World], bool]
    prepare: Callable[[World], None] | None = None
    quiet_plan: bool = False  # show the end of the output alone


def styled(text: str, code: str) -> str:
    """The text in a style, on a terminal."""
    return f"\033[{code}m{text}\033[0m" if STYLED else text


def profile(world: World, region: str) -> str:
    """The Linux profile that new sessions of a region get."""
    document = world.service("documents").find(region=region)
    return "" if document is None else document.content["inputs"]["shellProfile"]["linux"]


def limit_is(limit: int, regions: list[str]) -> Callable[[World], bool]:
    """Is the limit in force in these regions, ACME's own command with it where it was?"""

    def holds(world: World) -> bool:
        return all(
            profile(world, region).startswith(f"trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max {limit} ")
            and profile(world, region).endswith("exec bash" if region == "eu-west-1" else "TSTP")
            for region in regions
        )

    return holds


def writes(world: World) -> list[str]:
    """The calls since the last act that changed something."""
    verbs = ("Create", "Update", "Delete", "Attach", "Detach", "Put")
    return [entry.operation for entry in world.log if entry.operation.startswith(verbs) and entry.status == 200]


def denied(world: World) -> None:
    """The right to change the default version is missing."""
    world.deny("ssm:UpdateDocumentDefaultVersion")


def allowed(world: World) -> None:
    """It is there again."""
    world.denied.clear()


def is_bare(world: World) -> bool:
    """ACME's preferences are as they were, byte by byte; no policy is left."""
    document = world.service("documents").find(region="eu-west-1")
    return document.versions[document.default].content == COMPANY_TEXT and world.service("iam").policy(POLICY) is None


ALL = ",".join(REGIONS)
ACTS = [
    Act("What would it do?",
        "Three regions. eu-west-1 has preferences of the company, with logging and a profile of its own; the others "
        "have none. A dry run shows the plan and changes nothing.",
        f"deploy --max 3 --attach-role web --region {ALL} --dry-run", 0, lambda world: not writes(world)),
    Act("Do it",
        "In real life it asks once; --yes is for pipelines. The company's settings and command stay.",
        f"deploy --max 3 --attach-role web --region {ALL} --yes", 0, limit_is(3, REGIONS), quiet_plan=True),
    Act("Again",
        "It is safe to run again at any time: nothing differs, so nothing is written, and nothing is asked.",
        f"deploy --max 3 --attach-role web --region {ALL}", 0, lambda world: not writes(world)),
    Act("Another limit",
        "Only the profile lines change. What was there is in ssm-enforce-backup.",
        "deploy --max 2 --on-failure deny --region eu-west-1 --yes", 0, limit_is(2, ["eu-west-1"])),
    Act("Too strict",
        "Back to the version before.",
        "rollback --region eu-west-1 --yes", 0, limit_is(3, ["eu-west-1"])),
    Act("Cut off",
        "A right is missing half-way: the new version is made, but can't become the default.",
        "deploy --max 4 --region eu-west-1 --yes", 1, limit_is(3, ["eu-west-1"]), denied, quiet_plan=True),
    Act("Once more",
        "The next run finds the version that is there and makes it the default.",
        "deploy --max 4 --region eu-west-1 --yes", 0, limit_is(4, ["eu-west-1"]), allowed, quiet_plan=True),
    Act("For a program",
        "One JSON object with everything done and left (shortened here).",
        f"deploy --max 4 --region {ALL} --yes --output json", 0, limit_is(4, REGIONS)),
    Act("Take it out again",
        "The lines and the policy go. The company's preferences are what they were, byte by byte.",
        f"undeploy --region {ALL} --yes", 0, is_bare, quiet_plan=True),
]  # fmt: skip


def shorten(text: str) -> str:
    """JSON indented, long texts cut."""

    def cut(value: object) -> object:
        if isinstance(value, str) and len(value) > 60:
            return value[:50] + " ..."
        if isinstance(value, dict):
            return {key: cut(item) for key, item in value.items()}
        return [cut(item) for item in value] if isinstance(value, list) else value

    return json.dumps(cut(json.loads(text)), indent=2) + "\n"


def shown(act: Act, text: str) -> str:
    """What of the output is put on the page."""
    if "json" in act.arguments:
        return shorten(text)
    if act.quiet_plan:
        lines = text.splitlines(keepends=True)
        ends = [number for number, line in enumerate(lines) if line.startswith(("policy ", "region "))]
        return "[...]\n" + "".join(lines[ends[0] if ends else 0 :])
    return text


def play(number: int, act: Act, world: World, binary: Path, env: dict[str, str], home: Path) -> bool:
    """Play one act. True if it went as it should."""
    if act.prepare:
        act.prepare(world)
    world.log.clear()
    title = f"{number}. {act.title}"
    print(styled(title, "1"))
    print("-" * len(title))
    print(textwrap.fill(act.situation, WIDTH) + "\n")
    print(styled(f"$ ssm-enforce {act.arguments}", "36"), flush=True)
    done = subprocess.run([str(binary), *act.arguments.split()], env=env, cwd=home, capture_output=True, text=True,
                          timeout=120, start_new_session=True)  # fmt: skip
    print(shown(act, done.stdout) + done.stderr)
    wrong = []
    if done.returncode != act.status:
        wrong.append(f"exit status {done.returncode}, {act.status} was expected")
    if not act.holds(world):
        wrong.append("AWS does not hold what it should")
    wrong += [f"{one.operation} was refused: {one.verdict}" for one in world.log.refused()]
    changes = ", ".join(writes(world)) or "nothing"
    print(f"Exit status {done.returncode}. Changed in AWS: {changes}.")
    for text in wrong:
        print(styled(f"NOT AS IT SHOULD BE: {text}", "1;31"))
    print()
    return not wrong


def main() -> int:
    """Play all acts."""
    binary = Path(os.environ.get("SSM_ENFORCE_BIN") or ROOT / "build/linux-x86_64/ssm-enforce").resolve()
    if not binary.exists():
        print(f"demo: '{binary}' is not there: run make first", file=sys.stderr)
        return 2
    print(textwrap.fill("An emulator on this machine answers in place of AWS; the executable is the real one.", WIDTH))
    print()
    with Emulator() as emulator, tempfile.TemporaryDirectory(prefix="ssm-enforce-demo-") as home:
        world = emulator.reset()
        world.regions = REGIONS
        world.service("documents").add(COMPANY_TEXT, region="eu-west-1")
        world.service("iam")
        env = {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", **emulator.env("user"),
               "AWS_REGION": world.region}  # fmt: skip
        went_well = [play(number, act, world, binary, env, Path(home)) for number, act in enumerate(ACTS, 1)]
    if all(went_well):
        print(f"{len(ACTS)} acts, each as it should be.")
        return 0
    print(f"{went_well.count(False)} of {len(ACTS)} acts went wrong.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
