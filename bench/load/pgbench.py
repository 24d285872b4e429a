# SPDX-License-Identifier: MIT
"""pgbench: what PostgreSQL can do with a statement when nothing stands before it."""
import re
import subprocess
import tempfile
import time

from .machine import Trouble
from .measure import Sample
from .process import pinned

PIPELINE_LENGTH = 50
CLIENTS = 4  # as many connections as the gateway keeps

# The gateway's statement (db/lookup.c) for one token. pgbench knows numbers alone, so the prefix is put
# together here; the hot tokens have their number in it.
_LOOKUP = """
select t.prefix, t.digest, t.id, t.name, t.scopes, t.created_at, t.last_used_at, t.expires_at, o.id, o.slug, o.name,
 t.allowed_ips, null::int8
 from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id
 where t.prefix = any(('{{sr_live_' || lpad({number}, 4, '0') || '}}')::text[])
 and t.revoked_at is null and o.deleted_at is null
 union all select null, null, null, null, null, null, null, null, null, null, null, null,
 skillreg.newest_event() where pg_is_in_recovery()
""".replace("\n", "")


def lookup_script():
    """A pipeline of lookups, each of another random hot token."""
    numbers = "".join(f"\\set n{i} random(0, 9999)\n" for i in range(PIPELINE_LENGTH))
    lookups = "".join(_LOOKUP.format(number=f":n{i}") + ";\n" for i in range(PIPELINE_LENGTH))
    return f"{numbers}\\startpipeline\n{lookups}\\endpipeline\n"


def check_lookup(postgres):
    """The statement finds exactly the token that is meant."""
    for number in (0, 42, 9999):
        rows = postgres.query(_LOOKUP.format(number=f"'{number}'")).splitlines()
        if len(rows) != 1 or f"|clbench{number:09d}|" not in rows[0]:
            raise Trouble(f"pgbench's lookup of token {number} finds {rows}")


def run(bench, script, seconds, core):
    """Transactions done and their seconds, from pgbench's own count; a failed one is a failure of the run."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", dir=bench.folder) as file:
        file.write(script)
        file.flush()
        command = [bench.postgres.bin / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1",
                   "-T", str(seconds), "-f", file.name]
        # Each statement of the script is prepared on its own: planned once, not five times and then once more.
        environment = {**bench.postgres.environment(), "PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}
        done = subprocess.run(pinned(core, command), env=environment, capture_output=True, text=True,
                              timeout=seconds + 60, check=False)
    count = re.search(r"actually processed: ([0-9]+)", done.stdout)
    failed = re.search(r"failed transactions: ([0-9]+)", done.stdout)
    if done.returncode != 0 or not count or (failed and failed[1] != "0"):
        raise Trouble("pgbench: " + (done.stderr.strip() or done.stdout.strip()))
    rate = float(re.search(r"tps = ([0-9.]+)", done.stdout)[1])
    return int(count[1]), int(count[1]) / rate


def lookup_sample(bench):
    """pgbench stands where the gateway stands: on the server's core."""
    check_lookup(bench.postgres)
    before, began = bench.postgres.cpu_seconds(), time.monotonic()
    transactions, seconds = run(bench, lookup_script(), bench.options.seconds, bench.server_core)
    database = bench.postgres.cpu_seconds() - before
    lookups = transactions * PIPELINE_LENGTH
    database_busy = database / (time.monotonic() - began)
    return Sample(lookups / seconds, 0.0, database / lookups * 1e6, 0.0, database_busy, 0.0, 0, 0)
