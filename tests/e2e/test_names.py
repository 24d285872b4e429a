# SPDX-License-Identifier: MIT
"""Names of tokens: a name is what it looks like. What may stand in one, what is stored of it, and the same rule wherever one enters."""
import contextlib
import json
import re

import pytest

WRONG = {
    "override": ("ci\u202eyolped", "must not hold a mark that turns the direction of text (U+202E at character 3)"),
    "left to right mark": ("ci\u200e", "must not hold a mark that turns the direction of text (U+200E at character 3)"),
    "Arabic letter mark": ("\u061cci", "must not hold a mark that turns the direction of text (U+061C at character 1)"),
    "isolate": ("a\u2066b\u2069", "must not hold a mark that turns the direction of text (U+2066 at character 2)"),
    "zero-width space": ("ci\u200bdeploy", "must not hold an invisible character (U+200B at character 3)"),
    "joiner": ("ci\u200ddeploy", "must not hold an invisible character (U+200D at character 3)"),
    "word joiner": ("ci\u2060deploy", "must not hold an invisible character (U+2060 at character 3)"),
    "byte order mark": ("\ufeffci", "must not hold an invisible character (U+FEFF at character 1)"),
    "soft hyphen": ("ci\u00addeploy", "must not hold an invisible character (U+00AD at character 3)"),
    "variation selector": ("ci\ufe0f", "must not hold an invisible character (U+FE0F at character 3)"),
    "tag": ("ci\U000e0041", "must not hold an invisible character (U+E0041 at character 3)"),
    "line separator": ("a\u2028b", "must not hold a control character or the end of a line (U+2028 at character 2)"),
    "blank before": (" ci", "must not begin with a blank (U+0020 at character 1)"),
    "blank behind": ("ci ", "must not end with a blank (U+0020 at character 3)"),
    "no-break space behind": ("\u65e5\u672c\u00a0", "must not end with a blank (U+00A0 at character 3)"),
    "combining mark first": ("\u0301ci", "must not begin with a combining mark (U+0301 at character 1)"),
    "too long": ("e\u0301" * 101, "must be 1 to 100 characters"),
}
wrong_names = pytest.mark.parametrize("name, wrong", [pytest.param(*case, id=title) for title, case in WRONG.items()])
DECOMPOSED, COMPOSED = "Cafe\u0301 \u1112\u1161\u11ab", "Caf\u00e9 \ud55c"


@pytest.fixture(scope="module")
def organisation(new_org):
    return new_org("admin")


@pytest.fixture
def names(organisation, postgres):
    """Those that are stored, but for the one that asks."""
    identity = "cl" + organisation.slug.replace("-", "")

    def read():
        rows = postgres.query("select name from skillreg.api_token where org_id = %s and name <> 'admin-key'", (identity,))
        return {name for name, in rows}
    return read


def create(gateway, organisation, name):
    return gateway.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin, json_body={"name": name})


@wrong_names
def test_the_gateway_refuses_a_name_and_says_what_and_where(name, wrong, gateway, organisation, names):
    before = names()
    response = create(gateway, organisation, name)
    assert (response.status, response.error_code, response.error_message) == (422, "validation_failed", f"name {wrong}.")
    assert names() == before


@wrong_names
def test_the_command_line_refuses_it_before_anything_is_sent(name, wrong, skillreg, organisation, names):
    before = names()
    done = skillreg(organisation).run("token", "create", "--name", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == f"skillreg: --name {wrong}"
    assert names() == before


@wrong_names
def test_an_operator_command_refuses_it(name, wrong, operator, organisation, names):
    before = names()
    done = operator.run("token", "create", "--org", organisation.slug, "--name", name)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"skillreg-gateway: --name {wrong} (see --help)\n")
    assert names() == before


def test_what_looks_the_same_is_stored_the_same(gateway, skillreg, operator, new_org, postgres):
    own = new_org("admin")
    assert create(gateway, own, DECOMPOSED).json()["name"] == COMPOSED
    assert json.loads(skillreg(own).must("token", "create", "--name", DECOMPOSED, "--json"))["name"] == COMPOSED
    assert operator.create_token(own.slug, DECOMPOSED, "read")["name"] == COMPOSED
    stored = postgres.query("select name from skillreg.api_token where org_id = %s and name <> 'admin-key'",
                            ("cl" + own.slug.replace("-", ""),))
    assert [name for name, in stored] == 3 * [COMPOSED]


def test_characters_are_counted_as_they_are_stored(gateway, organisation):
    assert create(gateway, organisation, "e\u0301" * 100).json()["name"] == "\u00e9" * 100


def test_names_that_were_stored_before_the_rule_are_listed_and_can_be_revoked(gateway, skillreg, new_org, postgres):
    own = new_org("admin")
    old = create(gateway, own, "old").json()
    name = " ci\u200b\u202edeploy\u00a0"
    postgres.query("update skillreg.api_token set name = %s where id = %s", (name, old["id"]))
    listed = gateway.request("GET", f"/api/v1/orgs/{own.slug}/tokens", own.admin).json()["tokens"]
    assert {"admin-key" if token["id"] != old["id"] else token["name"] for token in listed} == {"admin-key", name}
    assert old["id"] in skillreg(own).must("token", "list")
    assert "has been revoked" in skillreg(own).must("token", "revoke", old["id"])


# ---- on a terminal, and in the log of a CI job ----

def shown(command_line, *arguments, columns):
    with contextlib.closing(command_line.on_terminal(*arguments, columns=columns)) as terminal:
        return terminal.read_all()


LONG = "ci-deploy-of-the-payments-service-in-every-region"


@pytest.fixture
def long_named(gateway, new_org):
    own = new_org("admin")
    assert create(gateway, own, LONG).status == 201
    return own


@pytest.mark.parametrize("columns, name", [(100, LONG[:32] + "\u2026"), (60, LONG[:9] + "\u2026"), (200, LONG), (0, LONG)],
                         ids=["cut", "ten columns stay", "fits", "width not known"])
def test_a_name_that_does_not_fit_the_terminal_is_cut(columns, name, skillreg, long_named):
    title, *rows = shown(skillreg(long_named), "token", "list", columns=columns).splitlines()
    assert name in [re.split(" {2,}", row)[0] for row in rows]
    assert {row.index("sr_live_") for row in rows} == {title.index("PREFIX")} == {len(name) + 2}
    assert re.split(" {2,}", title) == ["NAME", "PREFIX", "SCOPES", "LAST USED", "ID"]
    if columns == 100:
        assert max(map(len, rows)) == columns


def test_a_name_is_whole_in_a_pipe_and_in_json(skillreg, long_named):
    command_line = skillreg(long_named)
    assert LONG + "  sr_live_" in command_line.must("token", "list")
    assert LONG in [token["name"] for token in json.loads(shown(command_line, "token", "list", "--json", columns=80))["tokens"]]


def obeyed(text):
    """Lines that GitHub Actions, Azure Pipelines or TeamCity would take for a command."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


RUNNER_NAMES = ["::add-mask::ci", "::set-output name=a::b", "##[add-mask]ci", "##vso[task.complete result=Failed;]", "###teamcity[a 'b']"]


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["shown", "json"])
def test_a_ci_runner_obeys_no_name(flags, skillreg, new_org):
    """Each is created and revoked by itself; the list and the audit show all of them."""
    command_line = skillreg(new_org("admin"))
    done = [command_line.run("token", "create", "--name", name, *flags) for name in RUNNER_NAMES]
    ids = {token["name"]: token["id"] for token in json.loads(command_line.must("token", "list", "--json"))["tokens"]}
    done += [command_line.run(*words, *flags) for words in (["token", "list"], ["audit"])]
    done += [command_line.run("token", "revoke", ids[name], *flags) for name in RUNNER_NAMES]
    for name in RUNNER_NAMES:
        assert obeyed(name), "the pattern of this test finds it"
    for one in done:
        assert one.returncode == 0, one
        assert obeyed(one.stdout + one.stderr) == []


def test_a_name_that_would_be_obeyed_is_shown_with_a_backslash(gateway, skillreg, new_org):
    own = new_org("admin")
    for name in RUNNER_NAMES:
        assert create(gateway, own, name).json()["name"] == name
    rows = skillreg(own).must("token", "list").splitlines()
    assert [re.split(" {2,}", row)[0] for row in rows] == [
        "NAME", "##\\#teamcity[a 'b']", "#\\#vso[task.complete result=Failed;]", "#\\#[add-mask]ci", "\\::set-output name=a::b",
        "\\::add-mask::ci", "admin-key"]
    assert len({row.index("sr_live_") for row in rows[1:]} | {rows[0].index("PREFIX")}) == 1


def test_a_ci_runner_obeys_no_name_that_an_operator_command_shows(gateway, operator, new_org):
    own = new_org("admin")
    for name in RUNNER_NAMES:
        assert create(gateway, own, name).status == 201
    listed = operator.must("token", "list", "--org", own.slug)
    assert "vso[task.complete" in listed and obeyed(listed) == []


def test_a_name_in_the_audit_is_cut_as_well(skillreg, long_named):
    rows = shown(skillreg(long_named), "audit", columns=60).splitlines()[1:]
    assert any(LONG[:9] + "\u2026" in row for row in rows) and all(LONG not in row for row in rows)
    assert LONG in skillreg(long_named).must("audit")
