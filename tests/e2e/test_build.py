"""The Makefile, where it decides more than what is compiled."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.only("native", "nothing of the executable is in it")
@pytest.mark.parametrize("on_the_command_line", [True, False])
def test_the_cache_is_where_it_is_said_to_be(on_the_command_line, tmp_path):
    """For what make itself asks as for what recipes do; they have not the same environment."""
    other = {name: value for name, value in os.environ.items() if name not in ("SSM_ENFORCE_CACHE", "MAKEFLAGS", "MAKELEVEL")}
    here = {**other, "SSM_ENFORCE_CACHE": str(tmp_path / "cache")}
    script = ROOT / "src/third_party/build.sh"
    prefix = subprocess.run([script, "--path", "linux-x86_64"], env=here, check=True, capture_output=True, text=True).stdout.strip()
    Path(prefix).mkdir()
    (Path(prefix) / "SOURCES").touch()
    said = [f"SSM_ENFORCE_CACHE={tmp_path / 'cache'}"] if on_the_command_line else []
    done = subprocess.run(
        ["make", "--no-print-directory", *said, f"B={tmp_path / 'build'}", "--eval=build/where: ; @echo $(LIBRARIES)", "build/where"],
        env=other if said else here, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, prefix + "\n"), done.stderr
    assert prefix in (tmp_path / "build/flags.mk").read_text()
