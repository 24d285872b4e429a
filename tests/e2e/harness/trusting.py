# SPDX-License-Identifier: MIT
"""Gateways that trust an issuer of identity tokens whose keys are in a file: nothing is fetched."""
import json

from .issuer import AUDIENCE, Key

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"


def issuer_flag(kind, url, keys):
    """Its name is its kind; `keys` is the file."""
    return ["--oidc-issuer", f"{kind}={url},kind={kind},audience={AUDIENCE},keys={keys}"]


def issuer_flags(directory, *, key=None, **issuers):
    """`issuers`: a URL by its kind, which is its name too; github alone unless given."""
    path = directory / "issuer-keys.json"
    path.write_text(json.dumps({"keys": [(key or Key(directory, "key-1")).jwk()]}), encoding="utf-8")
    flags = []
    for kind, url in (issuers or {"github": GITHUB}).items():
        flags += issuer_flag(kind, url, path)
    return flags
