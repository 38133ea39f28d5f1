"""What is generated from the option table: completions (asked as their shells would ask them) and the man page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "build/gen"
COMMANDS = ["enforce", "list", "doctor", "deploy", "undeploy", "rollback", "help", "version"]

pytestmark = [
    pytest.mark.only("native", "nothing of the executable is in it"),
    pytest.mark.skipif("asan" in os.environ.get("SSM_ENFORCE_BIN", ""), reason="nothing of the executable is in it"),
]


@pytest.fixture(scope="module", autouse=True)
def generated():
    subprocess.run(["make", "--no-print-directory", "man", "completions"], cwd=ROOT, check=True)


def need(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"no {program} here")


def bash(*words, cwd):
    """The completions of the last word, as bash asks for them."""
    script = f"""source {GENERATED}/ssm-enforce.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _ssm_enforce; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script, "bash", "ssm-enforce", *words], cwd=cwd, check=True,
                          capture_output=True, text=True)  # fmt: skip
    return done.stdout.split("\n")[:-1]


def fish(*words, cwd):
    line = " ".join(["ssm-enforce", *words])
    script = f"complete -e -c ssm-enforce; source {GENERATED}/ssm-enforce.fish; complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", script], cwd=cwd, check=True, capture_output=True, text=True,
                          env={**os.environ, "HOME": str(cwd)})  # fmt: skip
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def zsh(*words, cwd):
    """Through a terminal of zsh's own: the whole list that Tab shows, one a line."""
    line = " ".join(["ssm-enforce", *words])
    script = f"""zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z 'PS1=; stty columns 300; fpath=({cwd}/functions $fpath); autoload -U compinit; compinit -u -d {cwd}/dump'
    zpty -w z 'LISTMAX=1000; setopt no_beep; ask() {{ zle list-choices; zle -R; print listed-$((40 + 2)) }}; zle -N ask; bindkey "^I" ask'
    zpty -w z 'cd {cwd}; print ready-$((40 + 2))'
    while zpty -r z got; do [[ $got == *ready-42* ]] && break; done
    zpty -w -n z '{line}'$'\\t'
    while zpty -r z got; do print -r -- $got; [[ $got == *listed-42* ]] && break; done
    zpty -d z"""
    (cwd / "functions").mkdir(exist_ok=True)
    shutil.copy(GENERATED / "ssm-enforce.zsh", cwd / "functions/_ssm-enforce")
    done = subprocess.run(["zsh", "-f", "-c", script], cwd=cwd, check=True, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TERM": "dumb", "HOME": str(cwd)})  # fmt: skip
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", done.stdout).split()


@pytest.mark.parametrize("ask", [pytest.param(bash, id="bash"), pytest.param(fish, id="fish", marks=need("fish")),
                                 pytest.param(zsh, id="zsh", marks=need("zsh"))])  # fmt: skip
def test_completes(ask, tmp_path):
    (tmp_path / "roots.pem").touch()
    (tmp_path / "folder").mkdir()
    assert set(COMMANDS) <= set(ask("", cwd=tmp_path))
    assert {"--max", "--max-for"} <= set(ask("--ma", cwd=tmp_path))
    if ask is not fish:  # which offers options behind a dash alone
        assert "--attach-role" not in ask("", cwd=tmp_path)
    assert "--attach-role" in ask("deploy", "--a", cwd=tmp_path)
    assert "--attach-role" not in ask("list", "--a", cwd=tmp_path)
    assert {"owner", "role", "all"} <= set(ask("--per", "", cwd=tmp_path))
    assert {"syslog", "eventlog", "none", "roots.pem"} <= set(ask("--log", "", cwd=tmp_path))
    assert "roots.pem" in ask("list", "--ca-bundle", "ro", cwd=tmp_path)
    folders = ask("deploy", "--backup-dir", "", cwd=tmp_path)
    assert {"folder", "folder/"} & set(folders) and "roots.pem" not in folders
    assert not set(COMMANDS) & set(ask("--max", "", cwd=tmp_path))
    assert {"licenses", "deploy"} <= set(ask("help", "", cwd=tmp_path))


def test_bash_sees_through_the_equals_sign(tmp_path):
    (tmp_path / "roots.pem").touch()
    assert bash("deploy", "--on-failure", "=", cwd=tmp_path) == ["allow", "deny"]
    assert bash("deploy", "--on-failure", "=", "d", cwd=tmp_path) == ["deny"]
    assert bash("--profile", "deploy", "li", cwd=tmp_path) == ["list"]
    assert bash("--ca-bundle", "=", "ro", cwd=tmp_path) == ["roots.pem"]


def test_all_options_are_in_all_of_them():
    """The help of each command names its options; so does what is generated."""
    table = (ROOT / "src/cmd/options_table.c").read_text()
    names = re.findall(r'^    \{"([a-z-]+)", ', table, re.MULTILINE)
    assert len(names) > 30
    man = (GENERATED / "ssm-enforce.1").read_text().replace("\\-", "-")
    for name in names:
        assert f"--{name}" in man
        for shell in "bash", "zsh", "powershell":
            assert f"--{name}" in (GENERATED / f"ssm-enforce.{shell}").read_text()
        assert f" -l {name} " in (GENERATED / "ssm-enforce.fish").read_text()


@need("pwsh")
def test_completes_in_powershell():
    script = f"""Invoke-Expression (Get-Content -Raw {GENERATED}/ssm-enforce.powershell)
    function ask($line) {{ ,@((TabExpansion2 $line $line.Length).CompletionMatches.CompletionText) }}
    @{{ command = ask 'ssm-enforce de'; option = ask 'ssm-enforce deploy --att'; word = ask 'ssm-enforce --per ' }} |
        ConvertTo-Json"""
    done = subprocess.run(["pwsh", "-NoProfile", "-c", script], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"command": ["deploy"], "option": ["--attach-role"],
                                       "word": ["owner", "role", "all"]}  # fmt: skip


@need("man")
def test_man_page_has_no_fault():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", GENERATED / "ssm-enforce.1"],
                          capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_licences_of_all_that_is_linked(executable):
    text = subprocess.run([*executable, "help", "licenses"], check=True, capture_output=True, text=True).stdout
    pins = (ROOT / "src/third_party/pins").read_text().splitlines()
    for line in pins:
        if not line.startswith("#"):
            name, version = line.split()[:2]
            assert f"\n{name} {version}" in text
    for words in ("MIT No Attribution", "Daniel Stenberg", "Apache License", "Expat maintainers", "Rich Felker", "Zaitsev"):
        assert words in text
    assert "GNU GENERAL PUBLIC LICENSE" not in text
