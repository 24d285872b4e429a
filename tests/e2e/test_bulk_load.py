# SPDX-License-Identifier: MIT
"""Many tokens by plain SQL, as docs/running.md has it: no revocation waits for more than a batch (HARDENING 5.11)."""
import hashlib
import pathlib
import re
import threading

import pytest

from harness import token_syntax
from harness.waiting import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 50
COUNT = 10 * BATCH + 7
WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def script():
    """The documented one."""
    text = (ROOT / "docs/running.md").read_text()
    return re.search(r"### Loading many tokens\n.*?```sql\n(.*?)```", text, re.S)[1]


@pytest.fixture
def secrets():
    return [token_syntax.make() for _ in range(COUNT)]


@pytest.fixture
def load(script, secrets, postgres, new_org):
    """Runs the script on a file with those tokens; the organisation's slug as a parameter."""
    file = pathlib.Path(postgres.directory, "tokens.csv")

    def run(slug):
        file.write_text("".join(f"{slug},loaded {number},{secret[:12]},{hashlib.sha256(secret.encode()).hexdigest()},1,\n"
                                for number, secret in enumerate(secrets)))
        file.chmod(0o644)
        postgres.psql(script)

    yield run
    file.unlink(missing_ok=True)


def loaded(postgres):
    return postgres.query("select count(*) from skillreg.api_token where starts_with(name, 'loaded ')")[0][0]


@pytest.fixture
def own(new_org, postgres):
    yield new_org("admin")
    postgres.query("set session_replication_role = replica; delete from skillreg.api_token where starts_with(name, 'loaded ')")


def test_no_transaction_of_a_load_numbers_more_than_a_batch(load, own, postgres, gateway, secrets):
    """HARDENING 5.11: the lock of the log is held from the first number of a transaction to its end."""
    (before,), = postgres.query("select max(seq) from skillreg.token_event")
    load(own.slug)
    numbered = postgres.query("select count(*) from skillreg.token_event where seq > %s and kind = 1 group by xmin::text"
                              " order by min(seq)", (before,))
    assert [count for count, in numbered if count > 1] == [BATCH] * (COUNT // BATCH) + [COUNT % BATCH]
    (witnessed,), = postgres.query("select count(*) from skillreg.token_audit where action = 'import' and starts_with(token_name, 'loaded ')")
    assert loaded(postgres) == COUNT and witnessed >= COUNT
    for secret in (secrets[0], secrets[-1]):
        assert gateway.request("GET", WHOAMI, secret).status == 200


def test_revocations_are_made_beside_a_load(load, own, postgres, gateway):
    """HARDENING 5.11: from the first batch to the last."""
    base = f"/api/v1/orgs/{own.slug}/tokens"
    ids = [gateway.request("POST", base, own.admin, json_body={"name": f"beside {n}"}).json()["id"] for n in range(5)]
    loader = threading.Thread(target=load, args=(own.slug,))
    loader.start()
    try:
        eventually(lambda: loaded(postgres) > 0, "has the load begun")
        assert [gateway.request("DELETE", f"{base}/{each}", own.admin).status for each in ids] == [200] * len(ids)
    finally:
        loader.join()
    assert loaded(postgres) == COUNT


def test_a_load_that_stops_goes_on_where_it_was(load, own, postgres):
    """A slug that nobody has; then what was made before is left out."""
    with pytest.raises(Exception):
        load("nobody")
    assert loaded(postgres) == 0
    load(own.slug)
    load(own.slug)
    assert loaded(postgres) == COUNT
