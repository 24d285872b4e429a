# SPDX-License-Identifier: MIT
"""Plays tests/vectors/*.http, one test per case: sent in one write, and again in small ones."""
import pathlib

import pytest

from harness import token_syntax, vectors

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "vectors"
CASES = [case for path in sorted(FOLDER.glob("*.http")) for case in vectors.parse(path)]


@pytest.fixture(scope="module")
def names(acme, globex):
    def beginning(line, token):
        return f"{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"

    base = f"/api/v1/orgs/{acme.slug}"
    return {
        "org": acme.slug, "foreign-org": globex.slug, "foreign": globex.admin, "unknown": token_syntax.make(),
        "read": acme.read, "write": acme.write, "admin": acme.admin,
        "get": beginning(f"GET {base}/skills", acme.read),
        "post": beginning(f"POST {base}/skills", acme.write),
        "tokens": beginning(f"POST {base}/tokens", acme.admin),
    }


@pytest.mark.parametrize("cut", [None, 7], ids=["whole", "in pieces"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_vector(case, cut, gateway, upstream, names):
    vectors.Player(case, gateway, upstream, vectors.Values(dict(names)), cut).play()
