# SPDX-License-Identifier: MIT
"""A gateway that takes identity tokens, and the issuers whose tokens it takes; it has their keys from files."""
import json

from .gateway import Gateway
from .issuer import Issuer, github_claims
from .trusting import issuer_flag


class IdentityGateway(Gateway):
    """`issuers`: of which kinds there is one; further arguments as Gateway has them. Wait until it is ready."""

    def __init__(self, directory, name, *, issuers=("github",), algorithms=None, flags=(), **options):
        self.issuers = {kind: Issuer(directory, name=kind, algorithm=(algorithms or {}).get(kind, "RS256")) for kind in issuers}
        own = []
        for kind, issuer in self.issuers.items():
            keys = directory / f"{name}-{kind}.json"
            keys.write_text(json.dumps(issuer.key_set()))
            own += issuer_flag(kind, issuer.url, keys)
        super().__init__(directory, name, flags=[*own, *flags], **options)

    def stop(self):
        super().stop()
        for issuer in self.issuers.values():
            issuer.stop()

    def trust(self, organisation, conditions, kind="github", **members):
        """A rule of the organisation, by its admin token."""
        response = self.request("POST", f"/api/v1/orgs/{organisation.slug}/trust", organisation.admin,
                                json_body={"issuer": self.issuers[kind].url, "kind": kind, "conditions": conditions, **members})
        assert response.status == 201, response.body
        return response.json()

    def job(self, repository, **claims):
        """An identity token of GitHub."""
        return self.issuers["github"].token(github_claims(repository, **claims))
