# SPDX-License-Identifier: MIT
"""What `skillreg-gateway check` says of issuers, and that each section of docs/identity.md is one that it takes."""
import json
import re

import pytest

from harness import documents
from harness.by_file import run_gateway
from harness.issuer import AUDIENCE, Issuer

SECTIONS = documents.blocks(documents.read("docs/identity.md"), "ini")
BASE = {"GATEWAY_LISTEN_HTTPS": "off", "GATEWAY_LISTEN_HTTP": "127.0.0.1:0", "GATEWAY_LISTEN_ADMIN": "off"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    own = Issuer(tmp_path_factory.mktemp("issuer"))
    yield own
    own.stop()


@pytest.fixture
def check(operator, tmp_path):
    def run(section):
        path = tmp_path / "gateway.conf"
        path.write_text(section)
        return run_gateway("check", "--config", path, DATABASE_URL=operator.database_url, **BASE)
    return run


def findings(done):
    return re.findall(r"^(ok|warning|error) +issuer +(.*)$", done.stdout, re.MULTILINE)


def name_of(section):
    return re.search(r"\[oidc ([a-z0-9-]+)\]", section)[1]


def test_every_kind_has_an_example():
    kinds = {re.search(r"^kind = (\w+)$", section, re.MULTILINE)[1] for section in SECTIONS}
    assert kinds == {"github", "gitlab", "buildkite", "circleci", "kubernetes", "spiffe"}
    assert len({name_of(section) for section in SECTIONS}) == len(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=name_of)
def test_a_documented_section_is_taken(section, check, issuer, certificate, tmp_path):
    """With files that are here; the places are out of reach, which a start does not mind."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(issuer.key_set()))
    bearer = tmp_path / "token"
    bearer.write_text("a.b.c\n")
    bearer.chmod(0o600)
    own = re.sub(r"(?m)^(keys|ca|bearer-file) = /.*$",
                 lambda line: f"{line[1]} = " + str({"keys": keys, "ca": certificate.cert, "bearer-file": bearer}[line[1]]), section)
    place = "keys" if "\nkeys = https" in own else "issuer"
    own = re.sub(rf"(?m)^{place} = https://[^/\n]+", f"{place} = https://127.0.0.1:1", own)
    done = check(own)
    assert done.returncode == 0, done.stdout + done.stderr
    (status, text), = findings(done)
    assert (status, "1 usable key" in text) == ("ok", True) if "keys.json" in own else status == "warning"


def test_an_issuer_that_can_be_reached_is_in_order(check, issuer):
    section = f"[oidc ci]\nkind = generic\nissuer = {issuer.url}\naudience = {AUDIENCE}\n"
    assert findings(check(section + f"ca = {issuer.ca}\n")) == [("ok", f"{issuer.url}: reached, 1 address")]
    (status, text), = findings(check(section))
    assert status == "warning" and "not reached" in text, "its authority is not one of the system's"
    assert not issuer.server.requests


def test_files_that_cannot_be_used_are_said(check, issuer, tmp_path):
    section = f"[oidc ci]\nkind = generic\nissuer = {issuer.url}\naudience = {AUDIENCE}\n"
    done = check(section + f"keys = {tmp_path}/none\n")
    assert done.returncode == 1 and findings(done) == [
        ("error", f"ci: {tmp_path}/none: No such file or directory; a start ends here")]
    done = check(section + f"ca = {tmp_path}/none\n")
    assert done.returncode == 1 and findings(done)[0][0] == "error"
    bearer = tmp_path / "bearer"
    bearer.write_text("hidden\n")
    bearer.chmod(0o644)
    done = check(section + f"ca = {issuer.ca}\nbearer-file = {bearer}\n")
    assert done.returncode == 0 and f"{bearer} holds a secret and can be read by everybody" in done.stdout
    assert "hidden" not in done.stdout
