"""STS: who am I, and temporary credentials of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import AwsError

if TYPE_CHECKING:
    from .aws import Call
    from .iam import Role
    from .world import World


class State:
    """STS holds nothing of its own: roles and who may assume them stand in IAM."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.handlers = {
            "GetCallerIdentity": self.get_caller_identity,
            "AssumeRole": self.assume_role,
            "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity,
        }

    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """GetCallerIdentity."""
        assert call.credential is not None
        return {"UserId": call.credential.user_id, "Account": self.world.account, "Arn": call.credential.arn}

    def assume_role(self, call: Call) -> dict[str, Any]:
        """AssumeRole, with external id and MFA where the role asks for them."""
        caller, params = call.credential, call.params
        assert caller is not None
        role = self._role(params["RoleArn"])
        mfa = (params.get("SerialNumber"), params.get("TokenCode"))
        if role is not None and role.mfa is not None and mfa[0] == role.mfa[0] and mfa[1] != role.mfa[1]:
            text = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
            raise AwsError("AccessDenied", text, 403)
        allowed = (
            role is not None
            and role.web_token is None
            and (role.trusted is None or caller.arn in role.trusted)
            and role.external_id in (None, params.get("ExternalId"))
            and role.mfa in (None, mfa)
        )
        if role is None or not allowed:
            text = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {params['RoleArn']}"
            raise AwsError("AccessDenied", text, 403)
        seconds = params.get("DurationSeconds", 3600)
        if seconds > 3600 and ":assumed-role/" in caller.arn:
            text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            raise AwsError("ValidationError", text)
        return self._credentials(role, params["RoleSessionName"], seconds)

    def assume_role_with_web_identity(self, call: Call) -> dict[str, Any]:
        """AssumeRoleWithWebIdentity, an unsigned call."""
        params = call.params
        role = self._role(params["RoleArn"])
        if role is None or role.web_token is None:
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        if params["WebIdentityToken"] == "expired":
            raise AwsError("ExpiredTokenException", "Token expired: current date/time must be before the expiration")
        if params["WebIdentityToken"] != role.web_token:
            raise AwsError("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        reply = self._credentials(role, params["RoleSessionName"], params.get("DurationSeconds", 3600))
        return {**reply, "SubjectFromWebIdentityToken": "subject", "Provider": "accounts.example", "Audience": "app"}

    def _role(self, arn: str) -> Role | None:
        roles = self.world.service("iam").roles
        return next((one for one in roles.values() if one.arn == arn), None)

    def _credentials(self, role: Role, session_name: str, seconds: int) -> dict[str, Any]:
        if seconds > role.max_seconds:
            text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise AwsError("ValidationError", text)
        arn = self.world.role_arn(role.name, session_name)
        user_id = f"{role.role_id}:{session_name}"
        made = self.world.make_credential(arn, lifetime_s=seconds, user_id=user_id)
        return {
            "Credentials": {
                "AccessKeyId": made.access_key,
                "SecretAccessKey": made.secret_key,
                "SessionToken": made.token,
                "Expiration": made.expires,
            },
            "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": arn},
        }
