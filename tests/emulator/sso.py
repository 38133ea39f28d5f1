"""IAM Identity Center: the portal's GetRoleCredentials with a bearer token in place of a signature, and CreateToken of
its OIDC service, which renews such a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import AwsError

if TYPE_CHECKING:
    from .aws import Call
    from .world import World


class State:
    """The access tokens that are valid, and the (account, role) pairs each opens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, set[tuple[str, str]]] = {}
        self.renewals: dict[str, tuple[str, str, str]] = {}  # refresh token: client id, client secret, access token
        self.handlers = {"GetRoleCredentials": self.get_role_credentials, "CreateToken": self.create_token}

    def add(self, token: str, role: str, account: str | None = None) -> None:
        """Let a token open a role."""
        self.tokens.setdefault(token, set()).add((account or self.world.account, role))

    def add_renewal(self, refresh_token: str, client_id: str, client_secret: str, token: str) -> None:
        """Let a refresh token be exchanged for a new access token, once."""
        self.renewals[refresh_token] = (client_id, client_secret, token)

    def create_token(self, call: Call) -> dict[str, Any]:
        """CreateToken with grantType refresh_token."""
        params = call.params
        if params["grantType"] != "refresh_token":
            raise AwsError("UnsupportedGrantTypeException", f"grantType {params['grantType']} is not emulated")
        client_id, client_secret, token = self.renewals.get(params.get("refreshToken", ""), ("", "", ""))
        if not token:
            raise AwsError("InvalidGrantException", "Invalid refresh token provided")
        if (params["clientId"], params["clientSecret"]) != (client_id, client_secret):
            raise AwsError("InvalidClientException", "Invalid client", 401)
        del self.renewals[params["refreshToken"]]
        renewed = f"{params['refreshToken']}-next"
        self.renewals[renewed] = (client_id, client_secret, token)
        return {"accessToken": token, "tokenType": "Bearer", "expiresIn": 28800, "refreshToken": renewed}

    def get_role_credentials(self, call: Call) -> dict[str, Any]:
        """GetRoleCredentials."""
        params = call.params
        if set(params) != {"role_name", "account_id"} or call.request.method != "GET":
            raise AwsError("InvalidRequestException", "role_name and account_id are wanted in a GET")
        token = call.request.headers.get("x-amz-sso_bearer_token")
        if token not in self.tokens:
            raise AwsError("UnauthorizedException", "Session token not found or invalid", 401)
        if (params["account_id"], params["role_name"]) not in self.tokens[token]:
            raise AwsError("ForbiddenException", "No access", 403)
        arn = self.world.role_arn("AWSReservedSSO_" + params["role_name"], "alice")
        made = self.world.make_credential(arn, lifetime_s=3600)
        return {
            "roleCredentials": {
                "accessKeyId": made.access_key,
                "secretAccessKey": made.secret_key,
                "sessionToken": made.token,
                "expiration": int((made.expires or 0) * 1000),
            }
        }
