"""Usage: proof_page.py RESULTS PAGE.md STAGE...

Writes the page of figures from what the stages of `make proof` printed (RESULTS/STAGE.txt). Every figure on it is read from there;
a stage that was not run to its end, or that did not print what is looked for, is an error.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

INTRO = """\
# What is proven, and how

Written by `make proof`, which runs the long form of every proof and reads the figures from what they print. Short forms of
all of them but valgrind and the fuzzers are part of `make test`. {host}
"""

RESTS_ON = """\
## What the properties rest on

No lock is needed because every run acts on a listing that began when its own session was visible:
[tests/model/README.md](../tests/model/README.md) has the argument. It takes for granted:

- A session that a listing has shown is shown by every later listing until it ends.
- A session is visible within the three seconds that its run waits for it. If it is later than that and nothing else
  starts, the surplus stays until the next session start.
- The run of the session that becomes visible last is neither killed nor kept from the service. Otherwise too many may
  stay until the next start; never is one terminated that may stay.
- Owners that end sessions themselves make room that a listing already made does not know of: a run may then terminate a
  session that was over the limit when it looked and would no longer be.

The model is of the protocol, not of the program: three or four sessions, every interleaving. The simulation is of the
program's own code (`src/protocol`, `src/core`, `src/aws`), with the network and the clock replaced: up to a hundred runs at
once, some interleavings. The crowds are real processes on a real network stack, few interleavings. The emulator is not
AWS: what it answers was written from the API reference, botocore's models and public reports.
"""


class Results:
    """What the stages printed."""

    def __init__(self, folder: Path, stages: list[str]) -> None:
        self._folder = folder
        missing = [stage for stage in stages if not (folder / f"{stage}.txt").exists()]
        if missing:
            sys.exit(f"proof-page: not run to the end: {', '.join(missing)} (make proof-{missing[0]})")
        self._texts = {stage: (folder / f"{stage}.txt").read_text(errors="replace") for stage in stages}

    def all(self, stage: str, pattern: str) -> list[re.Match[str]]:
        found = list(re.finditer(pattern, self._texts[stage], re.MULTILINE))
        if not found:
            sys.exit(f"proof-page: {self._folder / stage}.txt has nothing like '{pattern}'")
        return found

    def one(self, stage: str, pattern: str) -> re.Match[str]:
        return self.all(stage, pattern)[-1]

    def number(self, stage: str, pattern: str) -> int:
        return int(self.one(stage, pattern)[1])

    def passed(self, stage: str) -> int:
        """Tests that passed, of a stage that pytest runs."""
        return self.number(stage, r"^=+ (?:.*, )?(\d+) passed.* in [\d.]+s.*=+$")

    def seconds(self, stage: str) -> int:
        return self.number(stage, r"^stage: seconds (\d+)$")


def count(number: int) -> str:
    return f"{number:,}"


def table(head: list[str], rows: Iterable[Iterable[object]]) -> str:
    cells = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines) + "\n"


def properties(results: Results) -> str:
    sim = results.one("sim", r"^simulated (\d+) runs in (\d+) worlds")
    models = results.all("model-3", "^model: .* holds in") + results.all("model-4", "^model: .* holds in")
    branches = results.one("coverage", r"^coverage: (\d+) of (\d+) branches of src/core/ reached$")
    plans = results.number("plan", r"^figure: (\d+) random session sets")
    broken = results.number("sim", r"^rules broken in (\d+) worlds$")
    lines = results.one("coverage", r"^lines: ([\d.]+)% \((\d+) out of (\d+)\)$")
    failed = [int(found[1]) for found in results.all("unit", r"^figure: (\d+) allocations failed in turn$")]
    fuzzers = [int(found[1]) for found in results.all("fuzz", r"^fuzz: executions: (\d+)$")]
    crowds = results.all("many", r"^(\d+) runs: ")
    unit = results.number("unit", r"^unit: (\d+) passed, 0 failed$")
    valgrind = results.number("valgrind", r"^unit: (\d+) passed, 0 failed$")
    rows = [
        ("the plan terminates what the rules say and nothing else",
         "two implementations, the second as naive as can be (`tests/unit/test_plan.c`)",
         f"{count(plans)} random session sets, no difference"),
        ("many starts at once: the right sessions remain, no other is terminated",
         "a model, every interleaving (`tests/model/limit.pml`, spin)", f"{len(models)} settings, all hold"),
        ("the same, of the program's own code",
         "simulated worlds: lost requests and replies, throttles, slow pages, killed runs (`tests/sim/`)",
         f"{count(int(sim[1]))} runs in {count(int(sim[2]))} worlds, {broken} broken"),
        ("the same, of real processes", "processes against the emulator (`tests/e2e/test_many.py`)",
         f"{len(crowds)} crowds of up to {max(int(crowd[1]) for crowd in crowds)} at once"),
        ("whatever the network does: right exit status and message, no wrong termination, within the deadline",
         "each call x each fault, once and lasting, generated (`tests/e2e/test_faults.py`)",
         f"{results.passed('faults')} cases"),
        ("hostile text acts on no terminal, log or JSON; secrets appear nowhere; only the right peer is trusted",
         "`tests/e2e/test_hostile.py`, `test_secrets.py`, `test_transport.py`", f"{results.passed('hostile')} cases"),
        ("no parser fails on anything", "a fuzzer for each, with ASan and UBSan (`tests/fuzz/`)",
         f"{len(fuzzers)} fuzzers, {count(sum(fuzzers))} executions, no finding"),
        ("a failed allocation is a clean error", "each one failed in turn (`tests/unit/alloc.h`)",
         f"{count(sum(failed))} failed"),
        ("memory is used rightly", "unit tests under ASan and UBSan, and under valgrind (leaks included)",
         f"{unit} and {valgrind} tests, no finding"),
        ("the tests reach the code", "gcov: every branch of `src/core/` by unit tests, lines of `src/` by all tests",
         f"{branches[1]} of {branches[2]} branches, {lines[1]} % of {count(int(lines[3]))} lines"),
    ]  # fmt: skip
    return table(["property", "shown by", "in this run"], rows)


PAGING = {"0": "two, the lower half first", "1": "two, the higher half first", "2": "one"}


def model(results: Results) -> str:
    rows = []
    for stage in ("model-3", "model-4"):
        for found in results.all(
            stage,
            r"^model: (\d+) sessions, -DLIMIT=(\d) -DNEWEST=(\d) -DPAGES=(\d) -DKILLS=(\d): holds in ([\d.e+]+) states$",
        ):
            sessions, limit, newest, pages, kills, states = found.groups()
            rows.append((sessions, limit, "newest" if newest == "1" else "oldest", PAGING[pages],
                         "yes" if kills == "1" else "no", count(int(float(states)))))  # fmt: skip
        results.one(stage, "^model: without the rule of the second listing one is broken, as it must be$")
    text = (
        "Sessions, each with its run; every interleaving of their steps; new sessions are listed late, and pages are read one\n"
        "after the other. Without the rule of the second listing the check fails, as it must: it is not blind.\n\n"
    )
    return text + table(["sessions", "limit", "terminated first", "pages", "runs are killed", "states"], rows)


def simulation(results: Results) -> str:
    found = results.one("sim", r"^simulated .*\n(?:longest run (\d+) ms \(seed (\d+)\), most requests a run (\d+) \(seed (\d+)\))$")
    whole = results.one(
        "sim",
        r"^simulated (\d+) runs in (\d+) worlds: (\d+) listings, (\d+) terminations, (\d+) requests, (\d+) runs failed, (\d+) killed$",
    )
    names = ("runs", "worlds", "listings", "terminations", "requests", "runs that failed", "runs that were killed")
    rows = [(name, count(int(value))) for name, value in zip(names, whole.groups())]
    rows.append(("the longest run", f"{int(found[1]) / 1000:g} s (seed {found[2]})"))
    rows.append(("most requests a run", f"{found[3]} (seed {found[4]})"))
    return (
        "A third of the worlds is rough: up to 8 % of the requests and of the replies are lost, up to 10 % answered with 503. In a\n"
        "third up to 20 % are throttled, in a quarter up to 20 % of the runs are killed half-way. The deadline is 10 s, behind it\n"
        "2 s for a user to read. Runs fail (exit status 1) where it comes first. A world with a run that failed or was killed may\n"
        "keep too many sessions until the next start; that none is terminated that may stay is asked of every world.\n"
        "`build/native/tests/sim/sim seed SEED` tells one again.\n\n"
        + table(["simulated", ""], rows)
    )


def faults(results: Results) -> str:
    cases = [found.groups() for found in results.all("faults", r"::test_a_fault\[(\S+)-([^-\s]+)-(on|once)\] PASSED")]
    by_call = Counter(call for call, _, _ in cases)
    names = list(dict.fromkeys(fault.replace("_", " ") for _, fault, _ in cases))
    text = f"{len(names)} faults: {', '.join(names)}. Not every call can meet every one.\n\n"
    return text + table(["call", "cases"], by_call.items())


def crowds(results: Results) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(found[0] for found in results.all("many", r"^(_+ \S+ _+|\d+ runs: .*)$")))
    rows, name = [], ""
    for line in text.splitlines():
        if line.startswith("_"):
            name = line.strip("_ ").removeprefix("test_").replace("_", " ").replace("[", " (").replace("]", ")")
        else:
            runs, codes, slowest, calls = re.fullmatch(r"(\d+) runs: (.*); the slowest ([\d.]+) s; (.*)", line).groups()
            rows.append((name, runs, codes, slowest, calls))
    return (
        "Exit status 3: the run's own session was over the limit itself. -9: killed half-way, as arranged.\n\n"
        + table(["crowd", "runs", "exit status", "slowest s", "calls"], rows)
    )


def fuzzers(results: Results) -> str:
    rows = [
        (found[1], found[2], count(int(found[3])))
        for found in results.all("fuzz", r"^fuzz: (\S+), (\d+) s\nfuzz: executions: (\d+)$")
    ]
    return table(["parser", "seconds", "executions"], rows)


def stages(results: Results, names: list[str]) -> str:
    rows = [
        (f"`make proof-{name}`", results.seconds(name), results.one(name, r"^stage: date (\S+)$")[1],
         results.one(name, r"^stage: commit (\S+)$")[1])
        for name in names
    ]  # fmt: skip
    return table(["stage", "seconds", "date", "commit"], rows)


def main() -> None:
    folder, page, *names = sys.argv[1:]
    results = Results(Path(folder), names)
    total = sum(results.seconds(name) for name in names)
    host = f"This run's stages took {total // 60} minutes in all."
    parts = [
        INTRO.format(host=host), properties(results), RESTS_ON,
        "## The model\n", model(results), "## The simulation\n", simulation(results), "## Crowds of processes\n", crowds(results),
        "## Faults\n", faults(results), "## Fuzzers\n", fuzzers(results), "## The stages\n", stages(results, names),
    ]  # fmt: skip
    Path(page).write_text("\n".join(parts))
    print(f"proof-page: {page}")


main()
