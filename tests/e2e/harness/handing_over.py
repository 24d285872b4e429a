# SPDX-License-Identifier: MIT
"""A registry that hands its own tokens over: credentials in files, and requests with them."""
import hashlib
import secrets

ROUTE = "/api/v1/registry/tokens"


def digest_of(token):
    return hashlib.sha256(token.encode()).hexdigest()


def body_of(token, /, **members):
    """A member that is ... is left out."""
    body = {"prefix": token[:12], "sha256": digest_of(token), "name": "ada's laptop", "scopes": ["read", "write"],
            "expiresAt": None, **members}
    return {name: value for name, value in body.items() if value is not ...}


class Registry:
    """Holds a credential of its own for each organisation, in files that gateways are started with."""

    def __init__(self, directory):
        self._directory = directory
        self.secrets = {}  # by organisation

    def file_of(self, org):
        return self._directory / f"{org.slug}.credential"

    def flags_of(self, org):
        return "--registry-credential", f"{org.slug}={self.file_of(org)}"

    def let_in(self, org):
        """A new secret, in the file that flags_of names."""
        self.secrets[org.slug] = secrets.token_urlsafe(32)
        file = self.file_of(org)
        file.write_text(self.secrets[org.slug] + "\n")
        file.chmod(0o600)
        return self.flags_of(org)

    def hand_over(self, gateway, org, token, /, fields=(), secret=None, **members):
        return gateway.request("POST", ROUTE, secret or self.secrets[org.slug], json_body=body_of(token, **members), fields=fields)
