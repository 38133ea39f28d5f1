"""The state that the emulated services share: accounts, credentials, sessions, documents, faults, the log."""

from __future__ import annotations

import importlib
import random
import string
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .container import ContainerState
from .faults import Faults
from .imds import ImdsState
from .log import Log
from .ssm_sessions import Session, SsmState

ALNUM = string.ascii_uppercase + "234567"
PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"), ("us-isof-", "aws-iso-f"),
              ("us-iso-", "aws-iso"), ("eu-isoe-", "aws-iso-e"), ("eusc-", "aws-eusc"))  # fmt: skip


def partition_of(region: str) -> str:
    """The partition that a region belongs to."""
    return next((name for prefix, name in PARTITIONS if region.startswith(prefix)), "aws")


@dataclass
class Credential:
    """An access key that the emulator knows. `expires`: epoch seconds of the emulator's clock, None for never."""

    access_key: str
    secret_key: str
    token: str | None
    expires: float | None
    arn: str
    user_id: str
    denied: set[str] = field(default_factory=set)  # actions such as "ssm:TerminateSession"


class World:
    """Everything the emulator knows. Take `lock` to change several things at once from another thread."""

    def __init__(self, region: str = "eu-central-1", account: str = "123456789012", seed: int = 1) -> None:
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self.region = region
        self.regions = [region]  # the enabled ones: others are refused in a signature's scope
        self.account = account
        self.clock_offset = 0.0  # seconds by which the emulator's clock is ahead of the machine's
        self.skew_limit_s = 300.0
        self.request_skew = 0.0  # of the request under way, from a `skew` rule
        self.log = Log()
        self.faults = Faults()
        self.credentials: dict[str, Credential] = {}
        self.denied: set[str] = set()  # actions that no principal may call
        self.proxy_auth: str | None = None  # "user:password" that the proxy asks for
        self.instance_id = "i-0123456789abcdef0"
        self.imds = ImdsState()
        self.container = ContainerState()
        self.ssm = SsmState(self)
        self._services: dict[str, Any] = {}

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def now(self) -> float:
        """Epoch seconds of the emulator's clock."""
        return time.time() + self.clock_offset + self.request_skew

    def service(self, name: str) -> Any:
        """The state of a service that is loaded when first asked for: "documents", "iam", "regions", "s3", "sso",
        "sts"."""
        if name not in self._services:
            module = importlib.import_module(f".{'ssm_documents' if name == 'documents' else name}", __package__)
            self._services[name] = module.State(self)
        return self._services[name]

    def letters(self, count: int, alphabet: str = ALNUM) -> str:
        """So many random letters."""
        return "".join(self.random.choices(alphabet, k=count))

    def make_credential(
        self, arn: str, *, lifetime_s: float | None = None, user_id: str | None = None, temporary: bool = True
    ) -> Credential:
        """New credentials for a principal; temporary ones have a session token (of the real length)."""
        with self.lock:
            credential = Credential(
                access_key=("ASIA" if temporary else "AKIA") + self.letters(16),
                secret_key=self.letters(40, string.ascii_letters + string.digits + "+/"),
                token=self.letters(900, string.ascii_letters + string.digits + "+/") + "==" if temporary else None,
                expires=None if lifetime_s is None else self.now() + lifetime_s,
                arn=arn,
                user_id=user_id or ("AROA" if temporary else "AIDA") + self.letters(17),
            )
            self.credentials[credential.access_key] = credential
            return credential

    def user(self, name: str = "admin") -> Credential:
        """Long-lived credentials of an IAM user."""
        arn = f"arn:{self.partition}:iam::{self.account}:user/{name}"
        known = [one for one in self.credentials.values() if one.arn == arn and one.token is None]
        return known[0] if known else self.make_credential(arn, temporary=False)

    def role_arn(self, role: str, session_name: str | None = None) -> str:
        """The ARN of a role, or of a session of it."""
        if session_name is None:
            return f"arn:{self.partition}:iam::{self.account}:role/{role}"
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{role}/{session_name}"

    def instance_credential(self, *, lifetime_s: float = 6 * 3600) -> Credential:
        """New credentials of the instance role, as IMDS hands them out."""
        role = self.imds.role or "web"
        user_id = f"AROA{self.letters(17)}:{self.instance_id}"
        return self.make_credential(self.role_arn(role, self.instance_id), lifetime_s=lifetime_s, user_id=user_id)

    def deny(self, *actions: str, arn: str | None = None) -> None:
        """Refuse these actions ("ssm:TerminateSession") with AccessDenied, to everyone or to one principal."""
        with self.lock:
            if arn is None:
                self.denied.update(actions)
            for credential in self.credentials.values():
                if credential.arn == arn:
                    credential.denied.update(actions)

    def expire_credentials(self) -> None:
        """Let every temporary credential handed out so far be expired."""
        with self.lock:
            for credential in self.credentials.values():
                if credential.token is not None:
                    credential.expires = self.now() - 1

    def add_session(self, owner: str = "alice", age: float = 60.0, target: str | None = None, **more: Any) -> Session:
        """Add a session that started `age` seconds ago. `owner` is an ARN, or the name of a session of the role
        `admin`; `target` is this instance by default. More: see ssm_sessions.Session."""
        with self.lock:
            return self.ssm.add(owner, age, target, **more)
