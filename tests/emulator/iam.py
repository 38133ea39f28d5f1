"""IAM: managed policies, their versions and attachments. Global in a partition."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import AwsError

if TYPE_CHECKING:
    from .aws import Call
    from .world import World

MAX_VERSIONS = 5
MAX_SIZE = 6144  # characters, white space aside


@dataclass
class Role:
    """A role, and who may assume it (for STS)."""

    name: str
    arn: str
    role_id: str
    attached: set[str] = field(default_factory=set)  # ARNs of policies
    trusted: set[str] | None = None  # ARNs that may assume it; None: everyone in the account
    external_id: str | None = None
    mfa: tuple[str, str] | None = None  # serial number and the code wanted
    web_token: str | None = None  # the identity token that AssumeRoleWithWebIdentity takes
    max_seconds: int = 3600


@dataclass
class Policy:
    """A managed policy. `versions`: number -> (document as it was given, epoch of its creation)."""

    name: str
    path: str
    arn: str
    policy_id: str
    created: float
    description: str | None = None
    versions: dict[int, tuple[str, float]] = field(default_factory=dict)
    default: int = 1
    latest: int = 0

    @property
    def document(self) -> Any:
        """The default version, parsed."""
        return json.loads(self.versions[self.default][0])


class State:
    """Roles and policies of the account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.roles: dict[str, Role] = {}
        self.policies: dict[str, Policy] = {}
        self.page_size = 100
        if world.imds.role is not None:
            self.add_role(world.imds.role)
        self.handlers = {
            "CreatePolicy": self.create_policy,
            "GetPolicy": self.get_policy,
            "DeletePolicy": self.delete_policy,
            "ListPolicyVersions": self.list_versions,
            "GetPolicyVersion": self.get_version,
            "CreatePolicyVersion": self.create_version,
            "DeletePolicyVersion": self.delete_version,
            "SetDefaultPolicyVersion": self.set_default,
            "AttachRolePolicy": self.attach,
            "DetachRolePolicy": self.detach,
            "ListEntitiesForPolicy": self.list_entities,
            "ListAttachedRolePolicies": self.list_attached,
            "GetRole": self.get_role,
        }

    # For tests

    def add_role(self, name: str, **more: Any) -> Role:
        """Add a role. More: see Role."""
        role = Role(name, self.world.role_arn(name), "AROA" + self.world.letters(17), **more)
        self.roles[name] = role
        return role

    def add_policy(self, name: str, *documents: Any, path: str = "/") -> Policy:
        """Add a policy whose versions are these (text, or values written as JSON). The last is the default."""
        world = self.world
        arn = f"arn:{world.partition}:iam::{world.account}:policy{path}{name}"
        policy = Policy(name, path, arn, "ANPA" + world.letters(17), world.now())
        for document in documents:
            policy.latest += 1
            text = document if isinstance(document, str) else json.dumps(document)
            policy.versions[policy.latest] = text, world.now()
        policy.default = policy.latest
        self.policies[arn] = policy
        return policy

    def policy(self, name: str) -> Policy | None:
        """The policy of that name, None for none."""
        return next((one for one in self.policies.values() if one.name == name), None)

    # The operations

    def create_policy(self, call: Call) -> dict[str, Any]:
        """CreatePolicy."""
        params, world = call.params, self.world
        path = params.get("Path", "/")
        if self.policy(params["PolicyName"]) is not None:
            text = f"A policy called {params['PolicyName']} already exists. Duplicate names are not allowed."
            raise AwsError("EntityAlreadyExists", text, 409)
        self._check_document(params["PolicyDocument"])
        arn = f"arn:{world.partition}:iam::{world.account}:policy{path}{params['PolicyName']}"
        policy = Policy(params["PolicyName"], path, arn, "ANPA" + world.letters(17), world.now())
        policy.description = params.get("Description")
        policy.versions[1], policy.latest = (params["PolicyDocument"], world.now()), 1
        self.policies[arn] = policy
        return {"Policy": self._describe(policy, listed=True)}

    def get_policy(self, call: Call) -> dict[str, Any]:
        """GetPolicy."""
        return {"Policy": self._describe(self._policy(call))}

    def delete_policy(self, call: Call) -> dict[str, Any]:
        """DeletePolicy: refused while it is attached or has more than one version."""
        policy = self._policy(call)
        if any(policy.arn in role.attached for role in self.roles.values()):
            raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if len(policy.versions) > 1:
            text = "This policy has more than one version. Before you delete a policy, you must delete the policy's " \
                   "versions. The default version is deleted with the policy."  # fmt: skip
            raise AwsError("DeleteConflict", text, 409)
        del self.policies[policy.arn]
        return {}

    def list_versions(self, call: Call) -> dict[str, Any]:
        """ListPolicyVersions, newest first."""
        policy = self._policy(call)
        numbers = sorted(policy.versions, reverse=True)
        return self._page(call, "Versions", [self._version_info(policy, number) for number in numbers])

    def get_version(self, call: Call) -> dict[str, Any]:
        """GetPolicyVersion: the document comes URL-encoded."""
        policy = self._policy(call)
        number = self._number(policy, call.params["VersionId"])
        document = quote(policy.versions[number][0], safe="")
        return {"PolicyVersion": {"Document": document, **self._version_info(policy, number)}}

    def create_version(self, call: Call) -> dict[str, Any]:
        """CreatePolicyVersion: five versions at the most."""
        policy = self._policy(call)
        self._check_document(call.params["PolicyDocument"])
        if len(policy.versions) >= MAX_VERSIONS:
            text = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an " \
                   "existing version."  # fmt: skip
            raise AwsError("LimitExceeded", text, 409)
        policy.latest += 1
        policy.versions[policy.latest] = call.params["PolicyDocument"], self.world.now()
        if call.params.get("SetAsDefault"):
            policy.default = policy.latest
        return {"PolicyVersion": self._version_info(policy, policy.latest)}

    def delete_version(self, call: Call) -> dict[str, Any]:
        """DeletePolicyVersion."""
        policy = self._policy(call)
        number = self._number(policy, call.params["VersionId"])
        if number == policy.default:
            raise AwsError("DeleteConflict", "Cannot delete the default version of a policy.", 409)
        del policy.versions[number]
        return {}

    def set_default(self, call: Call) -> dict[str, Any]:
        """SetDefaultPolicyVersion."""
        policy = self._policy(call)
        policy.default = self._number(policy, call.params["VersionId"])
        return {}

    def attach(self, call: Call) -> dict[str, Any]:
        """AttachRolePolicy: attaching again is no error."""
        role = self._role(call)
        role.attached.add(self._policy(call).arn)
        return {}

    def detach(self, call: Call) -> dict[str, Any]:
        """DetachRolePolicy."""
        role, policy = self._role(call), self._policy(call)
        if policy.arn not in role.attached:
            raise AwsError("NoSuchEntity", f"Policy {policy.arn} was not found.", 404)
        role.attached.discard(policy.arn)
        return {}

    def list_entities(self, call: Call) -> dict[str, Any]:
        """ListEntitiesForPolicy."""
        policy = self._policy(call)
        roles = [
            {"RoleName": role.name, "RoleId": role.role_id}
            for role in self.roles.values()
            if policy.arn in role.attached and call.params.get("EntityFilter", "Role") == "Role"
        ]
        return {"PolicyGroups": [], "PolicyUsers": [], **self._page(call, "PolicyRoles", roles)}

    def list_attached(self, call: Call) -> dict[str, Any]:
        """ListAttachedRolePolicies."""
        arns = sorted(self._role(call).attached)
        found = [{"PolicyName": arn.rsplit("/", 1)[1], "PolicyArn": arn} for arn in arns]
        return self._page(call, "AttachedPolicies", found)

    def get_role(self, call: Call) -> dict[str, Any]:
        """GetRole."""
        role = self._role(call)
        described = {"Path": "/", "RoleName": role.name, "RoleId": role.role_id, "Arn": role.arn}
        return {"Role": {**described, "CreateDate": self.world.now() - 86400}}

    def _page(self, call: Call, name: str, items: list[Any]) -> dict[str, Any]:
        marker = call.params.get("Marker", "at-0").removeprefix("at-")
        if not marker.isdigit():
            raise AwsError("ValidationError", "Invalid Marker.")
        start, size = int(marker), min(call.params.get("MaxItems", 100), self.page_size)
        more = start + size < len(items)
        page: dict[str, Any] = {name: items[start : start + size], "IsTruncated": more}
        if more:
            page["Marker"] = f"at-{start + size}"
        return page

    def _policy(self, call: Call) -> Policy:
        arn = call.params["PolicyArn"]
        if not arn.startswith(f"arn:{self.world.partition}:iam:"):
            raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
        if arn not in self.policies:
            raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
        return self.policies[arn]

    def _role(self, call: Call) -> Role:
        name = call.params["RoleName"]
        if name not in self.roles:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        return self.roles[name]

    @staticmethod
    def _number(policy: Policy, version_id: str) -> int:
        number = int(version_id[1:].split(".")[0])
        if number not in policy.versions:
            text = f"Policy {policy.arn} version {version_id} does not exist or is not attachable."
            raise AwsError("NoSuchEntity", text, 404)
        return number

    def _describe(self, policy: Policy, listed: bool = False) -> dict[str, Any]:
        created = policy.versions[policy.default][1]
        described = {
            "PolicyName": policy.name,
            "PolicyId": policy.policy_id,
            "Arn": policy.arn,
            "Path": policy.path,
            "DefaultVersionId": f"v{policy.default}",
            "AttachmentCount": sum(policy.arn in role.attached for role in self.roles.values()),
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": policy.created,
            "UpdateDate": created,
        }
        if policy.description and not listed:
            described["Description"] = policy.description
        return described

    def _version_info(self, policy: Policy, number: int) -> dict[str, Any]:
        is_default = number == policy.default
        return {"VersionId": f"v{number}", "IsDefaultVersion": is_default, "CreateDate": policy.versions[number][1]}

    def _check_document(self, text: str) -> None:
        """What IAM checks first of a policy document."""
        if len(re.sub(r"\s", "", text)) > MAX_SIZE:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MAX_SIZE}", 409)
        try:
            document = json.loads(text)
            statements = document["Statement"]
            statements = statements if isinstance(statements, list) else [statements]
            assert document.get("Version") in ("2012-10-17", "2008-10-17") and statements
            for one in statements:
                assert one["Effect"] in ("Allow", "Deny") and ("Action" in one or "NotAction" in one)
                assert set(one) <= {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
            raise AwsError("MalformedPolicyDocument", "Syntax errors in policy.") from None
        for one in statements:
            resources = one.get("Resource", one.get("NotResource"))
            if resources is None:
                raise AwsError("MalformedPolicyDocument", "Policy statement must contain resources.")
            for resource in resources if isinstance(resources, list) else [resources]:
                partition = resource.split(":")[1] if resource.startswith("arn:") and ":" in resource else None
                if partition not in (None, "*", self.world.partition):
                    text = f'Partition "{partition}" is not valid for resource "{resource}".'
                    raise AwsError("MalformedPolicyDocument", text)
                if partition is None and resource != "*":
                    text = f"Resource {resource} must be in ARN format or \"*\"."
                    raise AwsError("MalformedPolicyDocument", text)
