# SPDX-License-Identifier: MIT
"""Files of tokens: taken in by the thousand, reported on by the line, given out again, and all that while nobody waits."""
import csv
import hashlib
import io
import json
import pathlib
import re
import threading
import time

import pytest

from harness import binaries, documents, token_syntax
from harness.gateway import Operator
from harness.process import clean_environment, run
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
DONE, REFUSED, IN_PART = 0, 1, 4


def digest_of(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def csv_of(*rows):
    """With the columns of the first one."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def json_lines_of(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def importing(operator, tmp_path):
    """Runs `token import --file` on a text; the finished program, with the summary as `counts`."""
    def run(text, *more, code=DONE):
        file = tmp_path / "tokens"
        file.write_text(text)
        done = operator.run("token", "import", "--file", str(file), "--json", *more)
        assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        done.counts = json.loads(done.stdout) if done.stdout else None
        return done
    return run


def counts(imported, there=0, refused=0, dry_run=False):
    return {"imported": imported, "alreadyThere": there, "refused": refused, "dryRun": dry_run}


# ---- what is taken ----

def test_a_csv_of_secrets(importing, new_org, gateway):
    own = new_org()
    rows = [{"token": token_syntax.make(), "name": f"n{n}, \"quoted\"", "org": own.slug, "scopes": "read,admin"} for n in range(3)]
    done = importing(csv_of(*rows))
    assert done.counts == counts(3) and done.stderr == ""
    for row in rows:
        who = gateway.request("GET", WHOAMI, row["token"]).json()
        assert who["token"]["name"] == row["name"] and who["token"]["scopes"] == ["read", "admin"]
        assert who["org"]["slug"] == own.slug


def test_json_lines_of_what_a_registry_keeps(importing, new_org, gateway, operator):
    """Hashes alone: the secrets that its users have go on working."""
    own = new_org()
    secret = token_syntax.make()
    row = {"prefix": secret[:12], "sha256": digest_of(secret), "name": "kept", "scopes": ["write"], "id": f"old{own.slug}".replace("-", ""),
           "createdAt": "2024-02-03T04:05:06.789Z", "lastUsedAt": "2025-01-01T00:00:00Z", "expiresAt": "2999-01-01T00:00:00Z",
           "allowedIps": ["127.0.0.0/8", "::1"], "bindChildren": True, "selfRotate": True, "description": "from before"}
    assert importing(json_lines_of(row), "--org", own.slug).counts == counts(1)
    who = gateway.request("GET", WHOAMI, secret).json()["token"]
    shown = json.loads(operator.must("token", "show", row["id"], "--json"))
    assert who["id"] == row["id"] and shown["org"] == own.slug
    for name in ("name", "scopes", "createdAt", "allowedIps", "bindChildren", "selfRotate", "description"):
        assert shown[name] == row[name]
    assert shown["expiresAt"] == "2999-01-01T00:00:00.000Z"


def test_an_import_is_in_the_audit_and_the_log(importing, new_org, gateway, postgres):
    own = new_org()
    (before,), = postgres.query("select max(seq) from skillreg.token_event")
    secrets = [token_syntax.make() for _ in range(5)]
    importing(csv_of(*({"token": secret, "name": f"audited {n}"} for n, secret in enumerate(secrets))), "--org", own.slug)
    events = gateway.request("GET", f"/api/v1/orgs/{own.slug}/audit", own.admin).json()["events"]
    assert sorted(event["tokenName"] for event in events if event["action"] == "import") == [f"audited {n}" for n in range(5)]
    assert {event["actor"]["name"] for event in events if event["action"] == "import"} == {"operator"}
    logged = postgres.query("select kind, encode(digest, 'hex') from skillreg.token_event where seq > %s and org_id ="
                            " (select id from skillreg.organisation where slug = %s)", (before, own.slug))
    assert sorted(logged) == sorted((1, digest_of(secret)) for secret in secrets)


def test_a_token_that_was_refused_before_is_let_in_at_once(importing, new_org, gateway):
    """A gateway remembers for a while that it is unknown, until it hears otherwise."""
    own = new_org()
    secret = token_syntax.make()
    assert gateway.request("GET", WHOAMI, secret).status == 401
    importing(csv_of({"token": secret, "name": "late"}), "--org", own.slug)
    eventually(lambda: gateway.request("GET", WHOAMI, secret).status == 200, "did the gateway hear of it")


def test_standard_input_and_formats(operator, new_org):
    own = new_org()
    text = csv_of({"token": token_syntax.make(), "name": "piped"})
    arguments = ("token", "import", "--file", "-", "--org", own.slug)
    assert operator.must(*arguments, text_in=text) == "✓ 1 imported, 0 already there, 0 refused.\n"
    assert operator.must(*arguments, text_in="\ufeff" + text) == "✓ 0 imported, 1 already there, 0 refused.\n"
    done = operator.run(*arguments, "--format", "json", text_in=text)
    assert done.returncode == REFUSED and "it is no JSON" in done.stderr


# ---- what is refused ----

def bad_rows(org):
    """Each with what its report says."""
    secret = token_syntax.make
    good = {"name": "x", "org": org}
    return [
        ({**good}, "there is no token"),
        ({**good, "token": "nonsense"}, "token must be"),
        ({**good, "token": secret(), "sha256": "00"}, "not both"),
        ({**good, "prefix": "sr_live_a1b2", "sha256": "zz"}, "sha256 must be"),
        ({**good, "token": secret(), "name": ""}, "name must"),
        ({**good, "token": secret(), "name": secret()}, "name must not hold a token"),
        ({**good, "token": secret(), "org": "No Slug"}, "org must be"),
        ({**good, "token": secret(), "org": "nobody-here"}, "no such organisation"),
        ({**good, "token": secret(), "scopes": ["root"]}, "scopes must be"),
        ({**good, "token": secret(), "expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt is over"),
        ({**good, "token": secret(), "expiresAt": "soon"}, "expiresAt must be"),
        ({**good, "token": secret(), "createdAt": "2999-01-01T00:00:00Z"}, "must not be in the future"),
        ({**good, "token": secret(), "allowedIps": ["10.0.0.1/8"]}, "allowedIps must be"),
        ({**good, "token": secret(), "id": "NO"}, "id must be"),
        ({**good, "token": secret(), "bindChildren": "yes"}, "bindChildren must be"),
        ({**good, "token": secret(), "description": "d" * 501}, "description must"),
    ]


def test_bad_rows_are_reported_by_their_line_and_the_others_are_taken(importing, new_org, tmp_path):
    own = new_org()
    bad = bad_rows(own.slug)
    good = [{"name": f"good {n}", "org": own.slug, "token": token_syntax.make()} for n in range(len(bad) + 1)]
    rows = [row for pair in zip(good, (row for row, _ in bad)) for row in pair] + good[-1:]
    report = tmp_path / "refused"
    done = importing(json_lines_of(*rows), "--report", str(report), code=IN_PART)
    assert done.counts == counts(len(good), refused=len(bad)) and done.stderr == ""
    reported = dict(re.fullmatch(r"line (\d+): (.*)", line).groups() for line in report.read_text().splitlines())
    assert sorted(map(int, reported)) == [2 * n + 2 for n in range(len(bad))]
    for n, (_, reason) in enumerate(bad):
        assert reason in reported[str(2 * n + 2)]
    for row in rows:
        assert row.get("token", "no token") not in report.read_text().replace("there is no token", "")
    again = importing(json_lines_of(*rows), code=IN_PART)
    assert again.counts == counts(0, there=len(good), refused=len(bad)) and again.stderr.count("\n") == len(bad)


@pytest.mark.parametrize("text, wrong", [
    ("token,name,scope\n{},x,read\n", "scope"), ('{{"token":"{}","name":"x","expires_at":"2999-01-01T00:00:00Z"}}\n', "expires_at"),
    ('{{"token":"{}","name":"first"}}\n{{"name":"x","scope":["read"]}}\n', "scope"),
], ids=["csv", "json", "json, late"])
def test_a_name_that_is_not_known_is_refused_before_anything_is_written(text, wrong, importing, new_org, postgres):
    """A restriction that is misspelt would make a wider token."""
    own = new_org()
    done = importing(text.format(token_syntax.make()), "--org", own.slug, code=REFUSED)
    assert f'"{wrong}" is not known; known are id, org, name' in done.stderr and done.counts is None
    assert own_tokens(postgres, own) == 1


def own_tokens(postgres, own):
    return postgres.query("select count(*) from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id where slug = %s",
                          (own.slug,))[0][0]


@pytest.mark.parametrize("text", [
    "", "\n\n", "name,token\n\"x,y\n", "name,token\nx\"y,z\n", "name,name\n", "sk_abcdefghijklmnopqrstuvwxyz,name\n",
], ids=["nothing", "blank", "open quote", "quote inside", "twice", "no header"])
def test_a_file_that_is_none_is_one_line(text, importing, new_org, postgres):
    done = importing(text, "--org", new_org().slug, code=REFUSED)
    assert done.counts is None and done.stderr.count("\n") == 1 and "line " in done.stderr
    assert "sk_abc" not in done.stderr


def test_files_that_cannot_be_opened(operator, tmp_path, new_org):
    own = new_org()
    file = tmp_path / "tokens.csv"
    file.write_text(csv_of({"token": token_syntax.make(), "name": "x"}))
    for arguments in (("--file", str(tmp_path / "none")), ("--file", str(tmp_path)), ("--file", str(file), "--report", str(file)),
                      ("--file", str(file), "--report", str(tmp_path / "no/report"))):
        done = operator.run("token", "import", *arguments, "--org", own.slug)
        assert done.returncode == REFUSED and done.stderr.count("\n") == 1, done.stderr
    assert "token" in file.read_text(), "it was not emptied for the report"


def test_an_organisation_for_all_must_be_there(importing):
    assert "nobody-here" in importing(csv_of({"token": token_syntax.make(), "name": "x"}), "--org", "nobody-here", code=REFUSED).stderr


# ---- what is there already ----

def test_a_known_token_is_left_as_it_is(importing, new_org, operator, gateway):
    own = new_org()
    row = {"token": token_syntax.make(), "name": "first", "scopes": "read"}
    importing(csv_of(row), "--org", own.slug)
    assert importing(csv_of(row, row), "--org", own.slug).counts == counts(0, there=2)
    wider = importing(csv_of({**row, "scopes": "admin"}), "--org", own.slug, code=REFUSED)
    assert "with other data" in wider.stderr
    assert gateway.request("GET", WHOAMI, row["token"]).json()["token"]["scopes"] == ["read"]


def test_a_revoked_token_never_comes_back(importing, new_org, operator, gateway):
    own = new_org()
    row = {"token": token_syntax.make(), "name": "leaked"}
    importing(csv_of(row), "--org", own.slug)
    token_id = gateway.request("GET", WHOAMI, row["token"]).json()["token"]["id"]
    operator.must("token", "revoke", token_id)
    assert "revoked" in importing(csv_of(row), "--org", own.slug, code=REFUSED).stderr
    eventually(lambda: gateway.request("GET", WHOAMI, row["token"]).status == 401, "did the gateway hear of it")


def test_an_id_that_another_token_has_is_refused(importing, new_org):
    own = new_org()
    rows = [{"token": token_syntax.make(), "name": "x", "id": f"same{own.slug}".replace("-", "")} for _ in range(2)]
    assert "another token has its id" in importing(csv_of(*rows), "--org", own.slug, code=IN_PART).stderr


def test_a_dry_run_changes_nothing(importing, new_org, postgres):
    own = new_org()
    good = {"token": token_syntax.make(), "name": "x"}
    done = importing(csv_of(good, {**good, "token": "nonsense"}), "--org", own.slug, "--dry-run", code=IN_PART)
    assert done.counts == counts(1, refused=1, dry_run=True)
    assert own_tokens(postgres, own) == 1


# ---- many ----

BATCH = 1000
MANY = 5 * BATCH + 7


def many(count, name="many"):
    yield "prefix,sha256,name,scopes,createdAt\n"
    for n in range(count):
        secret = token_syntax.make()
        yield f"{secret[:12]},{digest_of(secret)},{name} {n},read,2025-01-01T00:00:00Z\n"


def test_batches_are_transactions_and_the_log_has_no_gap(importing, new_org, postgres):
    own = new_org()
    (before,), = postgres.query("select max(seq) from skillreg.token_event")
    assert importing("".join(many(MANY)), "--org", own.slug).counts == counts(MANY)
    batches = postgres.query("select count(*) from skillreg.token_event where seq > %s and kind = 1 group by xmin::text"
                             " order by min(seq)", (before,))
    assert [count for count, in batches if count > 1] == [BATCH] * 5 + [7]
    assert postgres.query("select max(seq) - min(seq) + 1 - count(*), (select max(id) - min(id) + 1 - count(*)"
                          " from skillreg.token_audit) from skillreg.token_event") == [(0, 0)]


def test_an_import_that_is_interrupted_goes_on_where_it_was(operator, new_org, postgres, tmp_path):
    own = new_org()
    file = tmp_path / "many.csv"
    file.write_text("".join(many(MANY)))
    arguments = ("token", "import", "--file", str(file), "--org", own.slug)
    first = operator.on_terminal(*arguments)
    try:
        eventually(lambda: own_tokens(postgres, own) > BATCH, "has it begun")
        first.process.kill()
        first.process.wait(PATIENCE_S)
    finally:
        first.close()
    done = json.loads(operator.must(*arguments, "--json"))
    assert done["imported"] + done["alreadyThere"] == MANY and done["alreadyThere"] >= BATCH
    assert own_tokens(postgres, own) == MANY + 1


def test_nobody_waits_for_an_import(operator, new_org, gateway, tmp_path, postgres):
    """Revocations beside it: each is made, and none waits for more than a batch."""
    own = new_org("admin")
    base = f"/api/v1/orgs/{own.slug}/tokens"
    ids = [operator.create_token(own.slug, f"beside {n}", "read")["id"] for n in range(20)]
    file = tmp_path / "many.csv"
    file.write_text("".join(many(MANY)))
    loader = threading.Thread(target=operator.must, args=("token", "import", "--file", str(file), "--org", own.slug))
    loader.start()
    took = []
    try:
        eventually(lambda: own_tokens(postgres, own) > BATCH, "has it begun")
        for each in ids:
            began = time.monotonic()
            assert gateway.request("DELETE", f"{base}/{each}", own.admin).status == 200
            took.append(time.monotonic() - began)
    finally:
        loader.join()
    assert own_tokens(postgres, own) == MANY + 1 + len(ids)
    assert sorted(took)[len(took) // 2] < 1, took


# ---- out again ----

@pytest.fixture
def new_home(postgres, tmp_path):
    """Makes a database with the schema, and nothing in it."""
    made = []

    def make(name):
        postgres.query(f"create database {name}")
        made.append(name)
        operator = Operator(postgres.url_of(name), tmp_path)
        operator.migrate()
        return operator

    yield make
    for name in made:
        postgres.query(f"drop database {name} with (force)")


@pytest.fixture
def other_home(new_home):
    return new_home("other_home")


COMPARED = ("select t.id, o.slug, t.name, t.prefix, t.digest, t.scopes, t.created_at, t.last_used_at, t.expires_at, t.allowed_ips,"
            " t.description, t.binds_children, t.rotates_itself from skillreg.api_token t join skillreg.organisation o"
            " on o.id = t.org_id where o.slug = '{}' and t.revoked_at is null order by t.id")


@pytest.mark.parametrize("format", ["csv", "json"])
def test_what_is_exported_is_imported_as_the_same(format, importing, new_org, operator, other_home, postgres, tmp_path):
    own = new_org("admin", "read")
    odd = {"token": token_syntax.make(), "name": 'a, "b"; ✓', "allowedIps": ["10.0.0.0/8", "::1"], "expiresAt": "2999-01-01T00:00:00Z",
           "lastUsedAt": "2025-05-05T05:05:05.555Z", "description": "two, \"three\"", "bindChildren": True, "selfRotate": True}
    gone = {"token": token_syntax.make(), "name": "gone", "id": f"gone{own.slug}".replace("-", "")}
    importing(json_lines_of(odd, gone), "--org", own.slug)
    operator.must("token", "revoke", gone["id"])
    exported = operator.must("token", "export", "--org", own.slug, "--format", format, "--with-digests")
    assert odd["token"] not in exported and "gone" not in exported
    file = tmp_path / "exported"
    file.write_text(exported, newline="")
    other_home.create_org(own.slug)
    assert other_home.must("token", "import", "--file", str(file)) == "✓ 3 imported, 0 already there, 0 refused.\n"
    assert postgres.query(COMPARED.format(own.slug), database="other_home") == postgres.query(COMPARED.format(own.slug))
    assert other_home.must("token", "import", "--file", str(file)) == "✓ 0 imported, 3 already there, 0 refused.\n"


def test_an_export_has_no_digests_unless_asked(operator, new_org):
    own = new_org("admin")
    header, row = operator.must("token", "export", "--org", own.slug).splitlines()
    assert header == "id,org,name,prefix,scopes,createdAt,lastUsedAt,expiresAt,allowedIps,bindChildren,selfRotate,description,boundSan"
    assert digest_of(own.admin) not in row and own.admin[:12] in row
    assert digest_of(own.admin) in operator.must("token", "export", "--org", own.slug, "--with-digests")


def test_the_documented_move(new_home, postgres, tmp_path):
    """docs/running.md, command by command."""
    text = documents.section_below(documents.read("docs/running.md"), "Moving the registry's tokens")
    script = "\n".join(command for command, _ in documents.steps(text))
    old, new = new_home("old_home"), new_home("other_home")
    old.create_org("acme")
    made = old.create_token("acme", "moved", "read", "--expires", "90d")
    environment = clean_environment(HOME=str(tmp_path), OLD=old.database_url, NEW=new.database_url)
    environment["PATH"] = f"{pathlib.Path(binaries.find('skillreg-gateway')).parent}:{environment['PATH']}"
    done = run(["bash", "-e", "-c", script], env=environment, cwd=tmp_path)
    assert done.returncode == 0 and "1 imported" in done.stdout, done.stderr
    assert json.loads(new.must("token", "show", made["id"], "--json"))["expiresAt"] == made["expiresAt"]
    assert made["token"] not in (tmp_path / "tokens.csv").read_text()
