"""The SSM agent's part in a session, as far as the shell profile meets it.

`ssm-session-worker <session-id>` (a process of uid 0 with just this command line) starts `sh` as its child and a
session leader on a new terminal, types the profile's text as one write with a line end behind it, and passes on what
comes and goes. TerminateSession makes it kill the `sh` with SIGKILL and close the terminal.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

PYTHON = "/usr/bin/python3"

# Run by Python under the worker's name: argv is ["/usr/bin/ssm-session-worker", SESSION_ID], so the script's file
# has the session id for its name. What it is to do comes from the environment.
WORKER = """
import os, pty, select, signal, sys

shell, line = os.environ.pop("WORKER_SHELL"), os.environ.pop("WORKER_PROFILE")
pid, terminal = pty.fork()
if pid == 0:
    for key in signal.SIGINT, signal.SIGQUIT:  # ignored where the tests run in the background of a script
        signal.signal(key, signal.SIG_DFL)
    os.execve(shell, ["sh"], os.environ)
ended = []
def end(*_):
    if not ended:
        ended.append(True)
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
signal.signal(signal.SIGUSR1, end)
os.write(terminal, line.encode() + b"\\n")
while not ended:
    try:
        ready, _, _ = select.select([0, terminal], [], [])
        if terminal in ready:
            os.write(1, os.read(terminal, 65536))
        if 0 in ready:
            typed = os.read(0, 65536)
            if not typed:
                break
            os.write(terminal, typed)
    except OSError:
        break
end() if not ended and not os.waitpid(pid, os.WNOHANG)[0] else None
"""


class Worker:
    """A session: its terminal as the user at the other end sees it."""

    def __init__(self, folder: Path, session_id: str, profile: str, env: dict[str, str], shell: str) -> None:
        (folder / session_id).write_text(WORKER, encoding="utf-8")
        self.output = b""
        self.process = subprocess.Popen(
            ["/usr/bin/ssm-session-worker", session_id],
            executable=PYTHON,
            cwd=folder,
            env={**env, "TERM": "xterm-256color", "WORKER_SHELL": shell, "WORKER_PROFILE": profile},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        assert self.process.stdin is not None
        self.process.stdin.write(keys)
        self.process.stdin.flush()

    def expect(self, pattern: str, timeout: float = 10) -> re.Match[bytes]:
        """Wait until the terminal has shown something that matches; it and all before it are then used up."""
        assert self.process.stdout is not None
        end = time.monotonic() + timeout
        while True:
            match = re.search(pattern.encode(), self.output)
            if match:
                self.output = self.output[match.end() :]
                return match
            left = end - time.monotonic()
            ready = select.select([self.process.stdout], [], [], max(left, 0))[0]
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise AssertionError(f"'{pattern}' did not appear in:\n{self.output.decode(errors='replace')}")
            self.output += data

    def terminate(self) -> None:
        """What reaches the worker when the session is terminated."""
        self.process.send_signal(signal.SIGUSR1)

    def ended(self, timeout: float = 10) -> bool:
        """Wait for the worker's end."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End it whatever state it is in."""
        if self.process.poll() is None:
            self.terminate()
            if not self.ended(2):
                self.process.kill()
        self.process.communicate()
