# SPDX-License-Identifier: MIT
"""The tokens of the bench. Number i has the same secret in Python and in SQL, so that millions of rows are made by the
database itself and none of their secrets is kept anywhere.

The first HOT tokens, the ones under load, have their number in the prefix: pgbench, which knows no strings, can name
them too. The others have prefixes as random as real ones. `last_used_at` is set from the start, because a null is
shorter in JSON and every contender must send the same number of bytes."""
import base64
import hashlib
import secrets

from .machine import Trouble

HOT = 10_000
ORG = "acme"


def token_id(number):
    return f"clbench{number:09d}"


def secret(number):
    digest = hashlib.sha256(f"skillreg bench {number}".encode()).digest()
    body = base64.urlsafe_b64encode(digest + digest[:4]).decode()
    return "sr_live_" + (f"{number:04d}{body[4:]}" if number < HOT else body)


def unknown_secret():
    """Well-formed, and in nobody's table."""
    return "sr_live_" + secrets.token_urlsafe(36)


_FILL = """
insert into skillreg.api_token
    (id, org_id, name, prefix, digest, scopes, created_at, created_by, last_used_at)
select 'clbench' || lpad(i::text, 9, '0'), o.id, 'bench-' || lpad(i::text, 9, '0'), left(s.secret, 12),
       sha256(s.secret::bytea), 1, '2026-01-01T00:00:00Z', 'operator', '2026-01-01T00:00:00Z'
from skillreg.organisation o, generate_series({first}, {last}) i,
     lateral (select sha256(('skillreg bench ' || i)::bytea) as digest) d,
     lateral (select translate(encode(d.digest || substr(d.digest, 1, 4), 'base64'), '+/', '-_') as body) b,
     lateral (select 'sr_live_' || case when i < {hot} then lpad(i::text, 4, '0') || substr(b.body, 5)
                                        else b.body end as secret) s
where o.slug = '{org}';
"""

# Indexes that no constraint needs are built once over all rows: several times faster than row by row.
_INDEXES = """
select indexdef from pg_indexes i
where schemaname = 'skillreg' and tablename = 'api_token'
  and not exists (select from pg_constraint c where c.conname = i.indexname)
"""


def count(postgres):
    return int(postgres.number("select count(*) from skillreg.api_token where id like 'clbench%'"))


def fill(postgres, total):
    """Adds tokens until there are `total`. Bounded: about 20 s for each million."""
    have = count(postgres)
    if have >= total:
        return
    definitions = postgres.query(_INDEXES).splitlines() if total - have > 100_000 else []
    names = [definition.split()[definition.split().index("INDEX") + 1] for definition in definitions]
    # No triggers: no gateway knows these tokens yet, so none has to be told.
    statements = ["set session_replication_role = replica;", "set synchronous_commit = off;", "set maintenance_work_mem = '512MB';", *(f"drop index skillreg.{name};" for name in names),
                  _FILL.format(first=have, last=total - 1, hot=HOT, org=ORG),
                  *(definition + ";" for definition in definitions),
                  "vacuum analyze skillreg.api_token;", "checkpoint;"]
    postgres.query("\n".join(statements), timeout_s=120 + total // 5_000)
    if count(postgres) != total:
        raise Trouble(f"the table holds {count(postgres)} tokens of the bench instead of {total}")


def write_list(path, numbers):
    """A file for the load generator: one secret a line."""
    path.write_text("".join(secret(number) + "\n" for number in numbers), encoding="ascii")
    return path
