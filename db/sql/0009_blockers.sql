-- SPDX-License-Identifier: MIT
-- Whom the gateway waits for when a change of it does not get its lock: for the log, so that an operator need not search.

-- The sessions in front of the line: those that have what the gateway waits for, and wait for nobody themselves. p_pids are the
-- processes that serve its waiting connections. Behind a pooler it does not know these: then, for every session of its role
-- that waits. A role without rights over the others sees of them neither what they do nor since when; the owner of the
-- schema sees that of its own sessions, which are those of operators, and so this function runs as the owner. It tells of
-- nobody but who is in the way of the role that asks.
create function skillreg.blockers(p_pids int[])
returns table (pid int, usename text, application_name text, state text, since timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with own as (
        select a.pid from pg_stat_activity a
        where a.usename = session_user and a.datname = current_database()),
    waiting as (
        select o.pid from own o where o.pid = any(p_pids)
        union
        select l.pid from pg_locks l join own o on o.pid = l.pid
        where not l.granted and not exists (select from own o where o.pid = any(p_pids)))
    select distinct b.pid, a.usename::text,
        case when b.pid = 0 then 'a prepared transaction' else a.application_name end,
        coalesce(a.state, 'not shown'), a.state_change
    from waiting w cross join unnest(pg_blocking_pids(w.pid)) b(pid) left join pg_stat_activity a on a.pid = b.pid
    where b.pid = 0 or cardinality(pg_blocking_pids(b.pid)) = 0
    limit 4
$$;

comment on function skillreg.blockers is 'The sessions that hold up those of the role that asks.';
revoke execute on function skillreg.blockers from public;
