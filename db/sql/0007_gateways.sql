-- SPDX-License-Identifier: MIT
-- Who may decide from memory, and until when. skillreg.gateway holds the heartbeats: written every
-- second, and therefore unlogged, so that a crash of the server or the promotion of a standby
-- empties it. Membership must not be lost with it: a gateway that is cut off at that moment goes on
-- by what it knows. So each member has a logged row as well.
--
-- When was a member last seen? If it has a heartbeat, at seen_at. If it has none, the heartbeats
-- were lost: it was seen before the crash or the promotion, no later than the first heartbeat that
-- anybody wrote afterwards, which is gateway_since.since. That table is unlogged too and emptied
-- together with the heartbeats, so its row cannot survive them; the time is of the server that is
-- asked, so the clocks of two servers are never compared. A member may decide from memory for
-- stale_ms after it was last seen, and no longer.
--
-- Older programs write skillreg.gateway alone. A trigger makes them members, with the ten minutes
-- of their default.

create table skillreg.gateway_member (
    id text collate "C" primary key
        check (char_length(id) between 1 and 100),
    slot text collate "C"
        check (char_length(slot) between 1 and 100),
    joined_at timestamptz not null default now(),
    stale_ms bigint not null
        check (stale_ms between 5000 and 3153600000000)
);

comment on table skillreg.gateway_member is
    'One row per gateway process that may decide from memory; logged.';
comment on column skillreg.gateway_member.id is 'Unique per process.';
comment on column skillreg.gateway_member.slot is
    'Its place at its supervisor, filled again only after its end; null: nobody supervises it.';
comment on column skillreg.gateway_member.joined_at is
    'When it last joined, which is before it decided anything from memory.';
comment on column skillreg.gateway_member.stale_ms is
    'How long it may decide from memory after it was last seen: its settings, and some slack.';

create unlogged table skillreg.gateway_since (
    one boolean primary key default true check (one),
    since timestamptz not null default now()
);

comment on table skillreg.gateway_since is
    'One row, as old as the oldest heartbeat: lost together with them.';
comment on column skillreg.gateway_since.one is 'Keeps it at one row.';
comment on column skillreg.gateway_since.since is
    'A member without a heartbeat was last seen before this.';

-- Committed for good before it is answered, whatever the server's default: by this row alone a
-- gateway is waited for that nobody can reach any more. A row that is there is written anew, so
-- that nobody prunes it at this very moment.
create function skillreg.gateway_join(p_id text, p_stale_ms bigint, p_slot text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    insert into skillreg.gateway_since default values on conflict do nothing;
    insert into skillreg.gateway_member (id, slot, stale_ms)
    values (p_id, p_slot, p_stale_ms)
    on conflict (id) do update
    set slot = excluded.slot, joined_at = excluded.joined_at, stale_ms = excluded.stale_ms;
end
$$;

comment on function skillreg.gateway_join is
    'Makes a process a member, before it decides anything from memory.';

-- Whoever is in the slot of another is the process that was started in its place, after that had
-- ended.
create function skillreg.gateway_heartbeat(
    p_id text, p_applied_seq bigint, p_stale_ms bigint, p_slot text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
    update skillreg.gateway set applied_seq = p_applied_seq, seen_at = now() where id = p_id;
    if found
        and exists (select from skillreg.gateway_member m
                    where m.id = p_id and m.stale_ms = p_stale_ms)
        and exists (select from skillreg.gateway_since) then
        return;
    end if;
    perform skillreg.gateway_join(p_id, p_stale_ms, p_slot);
    insert into skillreg.gateway (id, applied_seq, seen_at) values (p_id, p_applied_seq, now())
    on conflict (id) do update set applied_seq = excluded.applied_seq, seen_at = excluded.seen_at;
    perform skillreg.gateway_leave(m.id)
    from skillreg.gateway_member m
    where m.slot = p_slot and m.id <> p_id;
end
$$;

comment on function skillreg.gateway_heartbeat is
    'A sign of life, and what is applied; joins when it must, and ends the one before in its slot.';

create function skillreg.gateway_leave(p_id text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
    delete from skillreg.gateway where id = p_id;
    delete from skillreg.gateway_member where id = p_id;
end
$$;

comment on function skillreg.gateway_leave is
    'The process decides nothing any more: nobody waits for it.';

-- What older programs do.
create function skillreg.gateway_write_member() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
    if tg_op = 'DELETE' then
        delete from skillreg.gateway_member where id = old.id;
    elsif not exists (select from skillreg.gateway_member m where m.id = new.id) then
        perform skillreg.gateway_join(new.id, 605000, null);
    end if;
    return null;
end
$$;

create trigger gateway_inserted_or_deleted
after insert or delete on skillreg.gateway
for each row
execute function skillreg.gateway_write_member();

-- A member without a heartbeat is taken for one that was seen until now.
create function skillreg.gateway_forget_since() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
    delete from skillreg.gateway_since;
    return null;
end
$$;

create trigger gateway_truncated
after truncate on skillreg.gateway
for each statement
execute function skillreg.gateway_forget_since();

-- The older programs that run now. Their heartbeats are all there are: the server has not crashed
-- since they wrote them.
insert into skillreg.gateway_since default values;
insert into skillreg.gateway_member (id, joined_at, stale_ms)
select g.id, least(g.seen_at, now()), 605000 from skillreg.gateway g;

-- A heartbeat without a member (deleted by hand) counts as that of an older program, until the next
-- one joins again.
create view skillreg.gateway_state as
select s.id, s.joined_at, s.applied_seq, s.seen_at,
       s.has_heartbeat and s.seen_at > now() - interval '5 seconds' as is_live,
       s.seen_at + s.stale_ms * interval '1 millisecond' as decides_until
from (
    select coalesce(m.id, g.id) as id,
           m.joined_at,
           coalesce(g.applied_seq, 0) as applied_seq,
           coalesce(g.seen_at, greatest(m.joined_at, coalesce(l.since, now()))) as seen_at,
           g.seen_at is not null as has_heartbeat,
           coalesce(m.stale_ms, 605000) as stale_ms
    from skillreg.gateway_member m
    full join skillreg.gateway g on g.id = m.id
    left join skillreg.gateway_since l on true) s;

comment on view skillreg.gateway_state is
    'Every known gateway process, whether it is live, and until when it may decide from memory.';

comment on table skillreg.gateway is
    'Heartbeats: a row per gateway process seen since the server last crashed; see gateway_state.';
comment on column skillreg.gateway.seen_at is
    'Last sign of life; after five seconds the process is silent, see gateway_state.decides_until.';

-- As before, but for the gateways: they go a day after nobody waits for them any more. seen_at and
-- joined_at are looked at once more when one comes back at this very moment.
create or replace function skillreg.token_event_prune(p_rows_max int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
    pruned bigint;
begin
    if not pg_try_advisory_xact_lock(7311583425293) then
        return 0;
    end if;
    delete from skillreg.gateway g
    where g.seen_at < now() - interval '24 hours'
      and g.id in (select s.id from skillreg.gateway_state s
                   where s.decides_until < now() - interval '24 hours');
    delete from skillreg.gateway_member m
    where m.joined_at < now() - interval '24 hours'
      and m.id in (select s.id from skillreg.gateway_state s
                   where s.decides_until < now() - interval '24 hours')
      and not exists (select from skillreg.gateway g where g.id = m.id);
    delete from skillreg.idempotency_key k
    where (k.org_id, k.asked_by, k.action, k.target_id, k.key) in (
        select o.org_id, o.asked_by, o.action, o.target_id, o.key
        from skillreg.idempotency_key o where o.at < now() - interval '1 day'
        order by o.at limit p_rows_max);
    delete from skillreg.token_event
    where seq < (
        select max(o.seq)
        from (select e.seq, e.at from skillreg.token_event e order by e.seq limit p_rows_max + 1) o
        where o.at < now() - interval '1 day');
    get diagnostics pruned = row_count;
    return pruned;
end
$$;

comment on function skillreg.token_event_prune is
    'Deletes events and keys older than a day, gateways that nobody waits for; how many events.';
