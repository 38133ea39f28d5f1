"""Random shared config files: the profile's credentials come from where AWS's Python client finds them.

$SSM_ENFORCE_ORDER_CASES tries more of them than usual, $SSM_ENFORCE_ORDER_SEED others.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re

import botocore.session
from botocore.config import Config
from botocore.credentials import SSOProvider, create_credential_resolver
from botocore.exceptions import BotoCoreError, ClientError

from target import write_command

CASES = int(os.environ.get("SSM_ENFORCE_ORDER_CASES", "60"))
SEED = int(os.environ.get("SSM_ENFORCE_ORDER_SEED", "1"))
NAMES = ["default", "a", "b", "c"]
START_URL = "https://corp.awsapps.com/start"


class Files:
    """Random shared files; every key and role in them is known to the emulator. COMMAND stands for a command."""

    def __init__(self, world, home, seed):
        self.world, self.home, self.random = world, home, random.Random(seed)

    def maybe(self, chance):
        return self.random.random() < chance

    def setting(self, text, chance):
        return text + "\n" if self.maybe(chance) else ""

    def keys(self, name):
        user = self.world.user(name)
        text = self.setting(f"aws_access_key_id = {user.access_key}", 0.98)
        return text + self.setting(f"aws_secret_access_key = {user.secret_key}", 0.97)

    def role(self, name):
        text = f"role_arn = {self.world.role_arn('role-' + name)}\n"
        if self.maybe(0.85):
            text += f"source_profile = {self.random.choice([*NAMES, *NAMES, 'gone'])}\n"
        if self.maybe(0.2):
            source = self.random.choice(["EcsContainer", "Ec2InstanceMetadata", "Environment", "Moon"])
            text += f"credential_source = {source}\n"
        return text + self.setting("external_id = xx", 0.3) + self.setting("duration_seconds = 900", 0.2)

    def section(self, name, kind):
        text = self.keys(f"{kind}-{name}") if self.maybe(0.4) else ""
        if self.maybe(0.12):
            text += f"web_identity_token_file = {self.home}/token\n"
            text += self.setting(f"role_arn = {self.world.role_arn('web')}", 0.9)
        elif self.maybe(0.4):
            text += self.role(name)
        text += self.setting("credential_process = COMMAND", 0.15)
        if self.maybe(0.15):
            text += self.setting("sso_account_id = 123456789012", 0.95) + self.setting("sso_role_name = Admin", 0.95)
            text += f"sso_start_url = {START_URL}\n" + self.setting("sso_region = eu-central-1", 0.95)
        return text

    def make(self):
        self.texts = {"config": "", "credentials": ""}
        for kind in self.texts:
            for name in NAMES:
                header = f"[profile {name}]\n" if kind == "config" and name != "default" else f"[{name}]\n"
                self.texts[kind] += header + self.section(name, kind) if self.maybe(0.8) else ""

    def write(self, command):
        for kind, text in self.texts.items():
            (self.home / ".aws" / kind).write_text(text.replace("COMMAND", command))


def prepare(world, home):
    """Returns the command line of the command."""
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"}
    (cache / f"{hashlib.sha1(START_URL.encode()).hexdigest()}.json").write_text(json.dumps(token))
    world.service("sso").add("sso-token", "Admin")
    for name in NAMES:
        world.service("iam").add_role(f"role-{name}")
    world.service("iam").add_role("web", web_token="identity")
    (home / "token").write_text("identity")
    user = world.user("command")
    document = {"Version": 1, "AccessKeyId": user.access_key, "SecretAccessKey": user.secret_key}
    return write_command(home / "command", json.dumps(document))


def calls_of(world, access_key):
    """Who it is in the end, and who asked STS and the portal for what on the way."""
    shown = []
    for entry in world.log:
        if entry.operation in ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"):
            signer = world.credentials[entry.access_key].arn if entry.access_key else "nobody"
            params = {name: value for name, value in entry.params.items() if name != "RoleSessionName"}
            shown.append((entry.operation, signer, sorted(params.items())))
    text = json.dumps([world.credentials[access_key].arn, shown], default=str)
    return re.sub(r"/(botocore-session|ssm-enforce)-\d+", "/SESSION", text)


def ask_botocore(world, emu, profile):
    """The same answer from AWS's Python client, with its calls led to the emulator."""
    session = botocore.session.Session(profile=profile)
    create = session.create_client

    def create_client(*args, **options):
        config = (options.pop("config", None) or Config()).merge(Config(retries={"max_attempts": 0}))
        return create(*args, endpoint_url=emu.url("aws"), verify=emu.ca_file, config=config, **options)

    session.create_client = create_client
    try:
        credentials = create_credential_resolver(session, region_name=world.region).load_credentials()
        return calls_of(world, credentials.get_frozen_credentials().access_key)
    except (BotoCoreError, ClientError) as error:
        return f"error: {error}"


def test_as_the_python_client(emu, world, run, monkeypatch):
    command = prepare(world, run.home)
    files = Files(world, run.home, SEED)
    kinds = set()
    for case in range(CASES):
        files.make()
        files.write(f"{run.home}/command")
        profile = files.random.choice(NAMES)
        environment = run.environment(files.random.choice(["imds", "container"]))
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(run.home / ".aws/sso/cache"))
            world.log.clear()
            theirs = ask_botocore(world, emu, profile)
        files.write(command)
        world.log.clear()
        result = run("list", "--profile", profile, "--region", world.region, env=environment)
        ours = f"error: {result.err}"
        if result.rc == 0:
            ours = calls_of(world, world.log.calls("DescribeSessions")[-1].access_key)
        kinds.add(theirs.partition(",")[0])
        both = "--- credentials\n".join(files.texts.values())
        same = ours == theirs or (ours.startswith("error") and theirs.startswith("error"))
        assert same, f"case {case}, profile {profile}:\n{both}\nours: {ours}\ntheirs: {theirs}"
    assert CASES < 60 or len(kinds) > 6, kinds
