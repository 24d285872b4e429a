-- SPDX-License-Identifier: MIT
-- Changes that nobody can outrun. Each asks, in its own transaction and under a lock of the row, about the token that asks
-- for it. The log is numbered from its own rows, under the lock of a row of ours, which is taken last.
--
-- Whatever changes takes its locks in this order, so that no two wait for each other:
--   1. the organisation (for key share),
--   2. the rows of all tokens that are touched or asked about, in one statement, in the order of their ids,
--   3. the row of skillreg.log_lock.
-- The triggers that write the log and the audit are deferred: they take the third lock at the end of the transaction, or
-- when a function of ours asks for them at its own end. So a transaction that stays open holds up nobody but those who want
-- the same tokens.
--
-- What a session may have set otherwise (time zone, search path, how long a lock is waited for) stands at each function, so
-- that it holds behind a transaction pooler too.

-- Nobody of an older program is in the middle of a change from here on until the commit: first the tables, which such a
-- transaction holds already while it waits for the old lock of the log, then that lock. Their sequence goes below: what
-- would still call it fails, instead of telling the number of an earlier change.
lock table skillreg.organisation, skillreg.api_token, skillreg.token_event, skillreg.token_audit in access exclusive mode;
select pg_advisory_xact_lock(7311583425292);

-- ---- what tokens and events have besides ----
alter table skillreg.api_token
    add column binds_children boolean not null default false;
comment on column skillreg.api_token.binds_children is
    'Tokens that it makes may be used only from where it may be, and bind theirs.';
comment on column skillreg.api_token.rotation_key is 'Of programs before version 6 of this schema; see idempotency_key.';

alter table skillreg.token_event
    add column is_ended boolean not null default false;
comment on column skillreg.token_event.is_ended is 'Of kind 3: the token had expired when this was written.';
comment on column skillreg.token_event.seq is
    'The next after the newest row, under the lock of skillreg.log_lock: rises in the order of the commits, without gaps.';

-- ---- the lock of the log ----
-- Written by whoever takes it: a transaction that has looked at the log before (repeatable read) then fails instead of
-- giving a number twice. The fill factor keeps the updates on the page.
create table skillreg.log_lock (
    id smallint primary key default 1
        check (id = 1),
    taken_in xid8 not null,
    taken_at timestamptz not null
) with (fillfactor = 10);
insert into skillreg.log_lock (taken_in, taken_at) values (pg_current_xact_id(), now());

comment on table skillreg.log_lock is
    'One row, the lock under which token_event and token_audit are numbered; held from there to the end of the transaction.';
comment on column skillreg.log_lock.id is '1.';
comment on column skillreg.log_lock.taken_in is 'The transaction that took it last.';
comment on column skillreg.log_lock.taken_at is 'When that transaction began.';

-- The second time in a transaction there is nothing to do. The number of a transaction alone could come again in a restored
-- database, its time with it could not. What is in the log is committed for good before it is answered, whatever the server's
-- default: else a crash would bring back what was taken away.
create function skillreg.log_take_turn() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    update skillreg.log_lock
    set taken_in = pg_current_xact_id(), taken_at = now()
    where id = 1 and (taken_in, taken_at) is distinct from (pg_current_xact_id(), now());
    if not found and not exists (select from skillreg.log_lock where id = 1) then
        raise exception 'skillreg.log_lock has lost its row'
            using hint = 'insert into skillreg.log_lock (taken_in, taken_at) values (pg_current_xact_id(), now())';
    end if;
end
$$;

comment on function skillreg.log_take_turn is 'Takes the lock of the log until the end of the transaction.';

drop function skillreg.token_event_write(int, bytea, text, text);

-- The notification has no payload: those of one transaction are then one, however many rows it changed.
create function skillreg.token_event_write(
    p_kind int, p_digest bytea, p_token_id text, p_org_id text, p_is_ended boolean default false
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform skillreg.log_take_turn();
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id, is_ended)
    select coalesce(max(e.seq), 0) + 1, p_kind, p_digest, p_token_id, p_org_id, p_is_ended
    from skillreg.token_event e;
    perform pg_notify('skillreg_events', '');
end
$$;

comment on function skillreg.token_event_write is 'Appends to the log and wakes the gateways at commit.';

create or replace function skillreg.api_token_write_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and new.digest = old.digest then
        perform skillreg.token_event_write(
            case when old.revoked_at is null and new.revoked_at is not null then 2 else 3 end,
            new.digest, new.id, new.org_id,
            new.revoked_at is null and coalesce(new.expires_at <= clock_timestamp(), false));
        return null;
    end if;
    if tg_op <> 'INSERT' then
        perform skillreg.token_event_write(2, old.digest, old.id, old.org_id);
    end if;
    if tg_op <> 'DELETE' then
        perform skillreg.token_event_write(1, new.digest, new.id, new.org_id);
    end if;
    return null;
end
$$;

create or replace function skillreg.organisation_write_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform skillreg.token_event_write(4, null, null, new.id);
    return null;
end
$$;

-- The audit is numbered as the log is.
alter table skillreg.token_audit alter column id drop identity;
comment on column skillreg.token_audit.id is
    'The next after the newest row, under the lock of skillreg.log_lock: rises in the order of the commits.';

create or replace function skillreg.api_token_write_audit() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    actor text := case tg_op when 'INSERT' then new.created_by else new.revoked_by end;
    name_of_actor text;
begin
    select t.name into name_of_actor from skillreg.api_token t where t.id = actor;
    perform skillreg.log_take_turn();
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, successor_id, actor_token_id, actor_name, address)
    select
        coalesce(max(a.id), 0) + 1,
        new.org_id,
        case when tg_op = 'UPDATE' then 'revoke' when new.replaces is not null then 'rotate'
             when new.is_imported then 'import' else 'create' end,
        case when tg_op = 'INSERT' then coalesce(new.replaces, new.id) else new.id end,
        new.name,
        case when tg_op = 'INSERT' and new.replaces is not null then new.id end,
        case when name_of_actor is not null then actor end,
        coalesce(name_of_actor, actor),
        case tg_op when 'INSERT' then new.created_from else new.revoked_from end
    from skillreg.token_audit a;
    return null;
end
$$;

-- The column lists keep writes of last_used_at free of triggers.
drop trigger api_token_inserted on skillreg.api_token;
drop trigger api_token_updated on skillreg.api_token;
drop trigger api_token_deleted on skillreg.api_token;
drop trigger api_token_witnessed_made on skillreg.api_token;
drop trigger api_token_witnessed_revoked on skillreg.api_token;
drop trigger organisation_updated on skillreg.organisation;
drop sequence skillreg.token_event_seq;

create constraint trigger api_token_inserted
after insert on skillreg.api_token
deferrable initially deferred
for each row
execute function skillreg.api_token_write_event();

create constraint trigger api_token_updated
after update of id, org_id, name, prefix, digest, scopes, expires_at, revoked_at, allowed_ips on skillreg.api_token
deferrable initially deferred
for each row
when ((old.id, old.org_id, old.name, old.prefix, old.digest, old.scopes, old.expires_at, old.revoked_at, old.allowed_ips)
      is distinct from
      (new.id, new.org_id, new.name, new.prefix, new.digest, new.scopes, new.expires_at, new.revoked_at, new.allowed_ips))
execute function skillreg.api_token_write_event();

create constraint trigger api_token_deleted
after delete on skillreg.api_token
deferrable initially deferred
for each row
execute function skillreg.api_token_write_event();

create constraint trigger api_token_witnessed_made
after insert on skillreg.api_token
deferrable initially deferred
for each row
execute function skillreg.api_token_write_audit();

create constraint trigger api_token_witnessed_revoked
after update of revoked_at on skillreg.api_token
deferrable initially deferred
for each row
when (old.revoked_at is null and new.revoked_at is not null)
execute function skillreg.api_token_write_audit();

create constraint trigger organisation_updated
after update of slug, name, deleted_at on skillreg.organisation
deferrable initially deferred
for each row
when ((old.slug, old.name, old.deleted_at) is distinct from (new.slug, new.name, new.deleted_at))
execute function skillreg.organisation_write_event();

-- What is deferred happens now, and from then on again at the end of the transaction.
create function skillreg.log_now() returns void
language plpgsql as $$
begin
    set constraints skillreg.api_token_inserted, skillreg.api_token_updated, skillreg.api_token_witnessed_made,
        skillreg.api_token_witnessed_revoked immediate;
    set constraints skillreg.api_token_inserted, skillreg.api_token_updated, skillreg.api_token_witnessed_made,
        skillreg.api_token_witnessed_revoked deferred;
end
$$;

comment on function skillreg.log_now is 'Writes what this transaction has for the log and the audit; takes the lock of the log.';

-- The number of the newest event of a kind about a token, which this transaction has just written: near the end of the log.
create function skillreg.log_number_of(p_kind int, p_token_id text) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    number bigint;
begin
    select e.seq into number
    from (select l.* from skillreg.token_event l order by l.seq desc limit 10000) e
    where e.kind = p_kind and e.token_id = p_token_id
    order by e.seq desc
    limit 1;
    if number is null then
        raise exception 'the change of token % is not in the log', p_token_id
            using hint = 'The triggers of skillreg.api_token are off in this session (session_replication_role).';
    end if;
    return number;
end
$$;

comment on function skillreg.log_number_of is 'The number of the event that this transaction wrote about the token.';

-- ---- times ----
-- From the year 1 to the year 9999: what the API can tell. Infinities that are there already have meant "for ever" to some
-- and "never" to others; now they are what they say.
create function skillreg.is_time(p_time timestamptz) returns boolean
language sql immutable parallel safe
return p_time is null or p_time between timestamptz '0001-01-01 00:00:00+00' and timestamptz '9999-12-31 23:59:59.999+00';

comment on function skillreg.is_time is 'Null, or a time of the years 1 to 9999.';

alter table skillreg.api_token
    add constraint api_token_times_are_finite
        check (skillreg.is_time(created_at) and skillreg.is_time(expires_at) and skillreg.is_time(last_used_at)
               and skillreg.is_time(revoked_at)) not valid;
alter table skillreg.organisation
    add constraint organisation_times_are_finite
        check (skillreg.is_time(created_at) and skillreg.is_time(deleted_at)) not valid;
alter table skillreg.token_event
    add constraint token_event_time_is_finite check (skillreg.is_time(at)) not valid;
alter table skillreg.token_audit
    add constraint token_audit_time_is_finite check (skillreg.is_time(at)) not valid;

-- A row that broke the rule could not even be revoked any more. Of a revoked one nothing is changed again.
update skillreg.api_token
set created_at = case when skillreg.is_time(created_at) then created_at else date_trunc('milliseconds', now()) end,
    expires_at = case when skillreg.is_time(expires_at) then expires_at
                      when expires_at > now() then null
                      else timestamptz '0001-01-01 00:00:00+00' end,
    last_used_at = case when skillreg.is_time(last_used_at) then last_used_at end
where revoked_at is null
    and not (skillreg.is_time(created_at) and skillreg.is_time(expires_at) and skillreg.is_time(last_used_at));
update skillreg.organisation
set created_at = case when skillreg.is_time(created_at) then created_at else date_trunc('milliseconds', now()) end,
    deleted_at = case when skillreg.is_time(deleted_at) then deleted_at else now() end
where not (skillreg.is_time(created_at) and skillreg.is_time(deleted_at));
set constraints all immediate;
set constraints all deferred;

-- ---- keys of requests that may be made again ----
create table skillreg.idempotency_key (
    org_id text collate "C" not null,
    asked_by text collate "C" not null,
    action text collate "C" not null
        check (action in ('create', 'rotate')),
    target_id text collate "C" not null,
    key text collate "C" not null
        check (key ~ '^[!-~]{1,64}$'),
    body_digest bytea
        check (octet_length(body_digest) = 32),
    made_id text collate "C" not null,
    at timestamptz not null
        check (skillreg.is_time(at)),
    primary key (org_id, asked_by, action, target_id, key)
);
create index idempotency_key_at on skillreg.idempotency_key (at);

comment on table skillreg.idempotency_key is 'Requests that had an Idempotency-Key, for a day.';
comment on column skillreg.idempotency_key.org_id is 'The organisation.';
comment on column skillreg.idempotency_key.asked_by is 'The token that asked.';
comment on column skillreg.idempotency_key.action is 'What it asked for.';
comment on column skillreg.idempotency_key.target_id is 'The token to be rotated; empty where there is none.';
comment on column skillreg.idempotency_key.key is 'As it was sent.';
comment on column skillreg.idempotency_key.body_digest is
    'SHA-256 of the body; null: of a program before version 6 of this schema.';
comment on column skillreg.idempotency_key.made_id is 'The token that was made.';
comment on column skillreg.idempotency_key.at is 'When it was made.';

insert into skillreg.idempotency_key (org_id, asked_by, action, target_id, key, made_id, at)
select t.org_id, s.created_by, 'rotate', t.id, t.rotation_key, s.id, s.created_at
from skillreg.api_token t join skillreg.api_token s on s.id = t.replaced_by
where t.rotation_key is not null and s.created_at > now() - interval '1 day';

-- ---- what changes have in common ----
-- How long all locks of a change may take together, about: what a row has before it is waited for, and the gateway waits a
-- little longer for the answer.
create function skillreg.lock_patience(p_began timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('lock_timeout',
        greatest(1, 3000 - floor(extract(epoch from clock_timestamp() - p_began) * 1000))::int::text, true);
end
$$;

comment on function skillreg.lock_patience is
    'Sets lock_timeout to what is left of three seconds since then; for functions that have it as a clause.';

-- False: there is none, or it was deleted.
create function skillreg.lock_organisation(p_org_id text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from skillreg.organisation o where o.id = p_org_id for key share;
    return exists (select from skillreg.organisation o where o.id = p_org_id and o.deleted_at is null);
end
$$;

comment on function skillreg.lock_organisation is 'First of the locks of a change.';

create function skillreg.lock_tokens(p_ids text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from skillreg.api_token t where t.id = any(p_ids) order by t.id for no key update;
end
$$;

comment on function skillreg.lock_tokens is 'Second of the locks of a change: all tokens at once, in the order of their ids.';

-- Why the token that asks may not have this changed, null when it may. It is locked, so this holds until the end of the
-- transaction. An operator needs no token.
create function skillreg.refusal_of(p_asked_by text, p_org_id text, p_is_own boolean) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    asker skillreg.api_token;
begin
    if p_asked_by = 'operator' then
        return null;
    end if;
    select t.* into asker
    from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id
    where t.id = p_asked_by and t.revoked_at is null and o.deleted_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp());
    return case when asker.id is null then 'not_live'
                when asker.org_id <> p_org_id then 'other_org'
                when asker.scopes & 4 = 0 and not p_is_own then 'not_admin' end;
end
$$;

comment on function skillreg.refusal_of is 'not_live, other_org, not_admin, or null: it may.';

-- For the functions that older programs call, which have no other way to say so.
create function skillreg.refuse(p_outcome text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the change is refused: %', p_outcome
        using errcode = case p_outcome when 'not_live' then 'SR401' when 'not_admin' then 'SR403'
                                       when 'other_org' then 'SR403' else 'SR422' end;
end
$$;

comment on function skillreg.refuse is 'SR401, SR403 or SR422, for programs before version 6 of this schema.';

-- ---- create ----
-- made; no_org; not_live, other_org, not_admin: the token that asks may not; ends_too_late: expires_at has the end of the
-- token that asks, which no child outlives; not_bound: allowed_ips has what a child of it may have at the most.
create function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[],
    p_binds_children boolean
) returns table (
    outcome text, created_at timestamptz, expires_at timestamptz, allowed_ips cidr[], binds_children boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    maker skillreg.api_token;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'no_org';
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_created_by]);
    outcome := skillreg.refusal_of(p_created_by, p_org_id, false);
    if outcome is not null then
        return next;
        return;
    end if;
    select t.* into maker from skillreg.api_token t where t.id = p_created_by;
    if p_expires_at > maker.expires_at then
        outcome := 'ends_too_late';
        expires_at := maker.expires_at;
        return next;
        return;
    end if;
    if maker.binds_children and exists (
        select from unnest(p_allowed_ips) a(wanted) where not a.wanted::inet <<= any(maker.allowed_ips::inet[])) then
        outcome := 'not_bound';
        allowed_ips := maker.allowed_ips;
        return next;
        return;
    end if;
    outcome := 'made';
    created_at := date_trunc('milliseconds', clock_timestamp());
    expires_at := coalesce(p_expires_at, maker.expires_at);
    binds_children := coalesce(maker.binds_children, false) or p_binds_children;
    allowed_ips := p_allowed_ips;
    if maker.binds_children and allowed_ips is null then
        allowed_ips := maker.allowed_ips;
    end if;
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, is_imported,
         allowed_ips, binds_children)
    values
        (p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, token_create.created_at, p_created_by, p_created_from,
         token_create.expires_at, p_is_imported, token_create.allowed_ips, token_create.binds_children);
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    return next;
end
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[], boolean
) is 'Makes a token; outcome says whether.';

create or replace function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[]
) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made record;
begin
    select c.outcome, c.created_at into made
    from skillreg.token_create(p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by,
        p_created_from, p_is_imported, p_allowed_ips, false) c;
    if made.outcome not in ('made', 'no_org') then
        perform skillreg.refuse(made.outcome);
    end if;
    return made.created_at;
end
$$;

create or replace function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text
) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
    select skillreg.token_create(p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by,
        null::inet, false, null::cidr[])
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[]
) is 'What programs before version 6 of this schema call.';

-- ---- revoke ----
-- The tokens that came of it by rotation, the youngest last.
create function skillreg.successors_of(p_id text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive successor(id, place) as (
        select t.replaced_by, 1 from skillreg.api_token t where t.id = p_id and t.replaced_by is not null
        union all
        select t.replaced_by, s.place + 1
        from successor s join skillreg.api_token t on t.id = s.id
        where t.replaced_by is not null
    ) cycle id set is_cycle using path
    select coalesce(array_agg(s.id order by s.place), '{}') from successor s where not s.is_cycle
$$;

comment on function skillreg.successors_of is 'Ids of the successors of a token, and of theirs.';

-- A row for the token: revoked; not_found: unknown, of another organisation or revoked before; not_live, other_org,
-- not_admin: the token that asks may not. After one that is revoked a row for each successor that lived: revoked as well
-- if that was asked for, else left_live.
create function skillreg.token_revoke(
    p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet, p_with_successors boolean
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    successors text[] := '{}';
    ended text[];
    ended_at timestamptz;
begin
    perform skillreg.lock_organisation(p_org_id);
    if p_with_successors then
        successors := skillreg.successors_of(p_id);
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_revoked_by, p_id] || successors);
    outcome := skillreg.refusal_of(p_revoked_by, p_org_id, p_revoked_by = p_id);
    if outcome is null and not exists (
        select from skillreg.api_token t where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null) then
        outcome := 'not_found';
    end if;
    if outcome is not null then
        return next;
        return;
    end if;
    if p_with_successors and successors <> skillreg.successors_of(p_id) then
        raise exception 'token % was rotated meanwhile', p_id using errcode = 'serialization_failure';
    end if;
    ended_at := date_trunc('milliseconds', clock_timestamp());
    ended := array[p_id] || array(
        select t.id from skillreg.api_token t
        where p_with_successors and t.id = any(successors) and t.org_id = p_org_id and t.revoked_at is null
            and (t.expires_at is null or t.expires_at > ended_at)
        order by array_position(successors, t.id));
    update skillreg.api_token t
    set revoked_at = ended_at, revoked_by = p_revoked_by, revoked_from = p_revoked_from
    where t.id = any(ended);
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    return query
    select 'revoked', t.id, t.name, t.revoked_at, t.digest, skillreg.log_number_of(2, t.id)
    from unnest(ended) with ordinality e(id, place) join skillreg.api_token t on t.id = e.id
    order by e.place;
    return query
    select 'left_live', t.id, t.name, t.revoked_at, null::bytea, null::bigint
    from unnest(skillreg.successors_of(p_id)) with ordinality s(id, place) join skillreg.api_token t on t.id = s.id
    where t.org_id = p_org_id and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp())
    order by s.place;
end
$$;

comment on function skillreg.token_revoke(text, text, text, inet, boolean) is
    'Revokes a live token of the organisation, and its successors if asked; outcome says whether.';

create or replace function skillreg.token_revoke(p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet)
returns table (name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    done record;
begin
    select r.* into done
    from skillreg.token_revoke(p_org_id, p_id, p_revoked_by, p_revoked_from, false) r
    limit 1;
    if done.outcome = 'revoked' then
        name := done.name;
        revoked_at := done.revoked_at;
        digest := done.digest;
        event_seq := done.event_seq;
        return next;
    elsif done.outcome <> 'not_found' then
        perform skillreg.refuse(done.outcome);
    end if;
end
$$;

create or replace function skillreg.token_revoke(p_org_id text, p_id text, p_revoked_by text)
returns table (name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language sql
set search_path = pg_catalog, pg_temp
as $$
    select r.name, r.revoked_at, r.digest, r.event_seq
    from skillreg.token_revoke(p_org_id, p_id, p_revoked_by, null::inet) r
$$;

comment on function skillreg.token_revoke(text, text, text, inet) is
    'What programs before version 6 of this schema call.';

-- ---- rotate ----
-- made; not_found: there is no such token, or it is not live; not_live, other_org, not_admin: the token that asks may not;
-- replaced, may_repeat: it has a successor, which is named; in_progress: it has, and the same request was answered within
-- the last two seconds; other_body: a request with this key had another body.
--
-- The same key again, later, means that the answer was lost. A secret is stored nowhere, so it cannot be given once more:
-- as long as nobody has used the successor it can be revoked, and another one made after its model. A use is known here
-- only once it was written, so the caller is asked first (may_repeat), and says yes by naming that successor in
-- p_instead_of. That goes also when the old token has expired by now, as it does at once without an overlap.
create function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text, p_body_digest bytea
) returns table (
    outcome text, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, old_event_seq bigint, revoked_digest bytea,
    revoked_event_seq bigint, binds_children boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    predecessor skillreg.api_token;
    model skillreg.api_token;
    used skillreg.idempotency_key;
    successor_id text;
    made_at timestamptz;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'not_found';
        return next;
        return;
    end if;
    select t.replaced_by into successor_id from skillreg.api_token t where t.id = p_id and t.org_id = p_org_id;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_by, p_id, successor_id]);
    made_at := date_trunc('milliseconds', clock_timestamp());
    outcome := skillreg.refusal_of(p_by, p_org_id, false);
    if outcome is not null then
        return next;
        return;
    end if;
    select k.* into used
    from skillreg.idempotency_key k
    where k.org_id = p_org_id and k.asked_by = p_by and k.action = 'rotate' and k.target_id = p_id and k.key = p_key
        and k.at > made_at - interval '1 day';
    select t.* into predecessor
    from skillreg.api_token t
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > made_at or used.key is not null);
    if not found then
        outcome := 'not_found';
        return next;
        return;
    end if;
    if used.body_digest <> p_body_digest then
        outcome := 'other_body';
        return next;
        return;
    end if;
    if used.at > made_at - interval '2 seconds' then
        outcome := 'in_progress';
        id := predecessor.replaced_by;
        return next;
        return;
    end if;
    if used.key is null and predecessor.replaced_by is not null then
        outcome := 'replaced';
        id := predecessor.replaced_by;
        return next;
        return;
    end if;
    if predecessor.replaced_by is distinct from successor_id then -- another than the one that is locked
        raise exception 'token % was rotated meanwhile', p_id using errcode = 'serialization_failure';
    end if;
    model := predecessor;
    if predecessor.replaced_by is not null then
        select t.* into model from skillreg.api_token t where t.id = predecessor.replaced_by;
        outcome := case when found and used.made_id = model.id and model.revoked_at is null
                             and model.last_used_at is null and model.replaced_by is null
                        then 'may_repeat' else 'replaced' end;
        if outcome <> 'may_repeat' or p_instead_of is distinct from predecessor.replaced_by then
            id := predecessor.replaced_by;
            return next;
            return;
        end if;
        update skillreg.api_token t
        set revoked_at = made_at, revoked_by = p_by, revoked_from = p_from
        where t.id = model.id;
        revoked_digest := model.digest;
    end if;
    outcome := 'made';
    id := p_new_id;
    name := model.name;
    scopes := model.scopes;
    allowed_ips := model.allowed_ips;
    binds_children := model.binds_children;
    created_at := made_at;
    -- In seconds: a day is not always as long as another.
    expires_at := coalesce(p_expires_at,
        least(made_at + make_interval(secs => extract(epoch from model.expires_at - model.created_at)::float8),
              timestamptz '9999-12-31 23:59:59.999+00'));
    if model.expires_at is null and p_expires_at is null then
        expires_at := null;
    end if;
    old_expires_at := least(predecessor.expires_at, made_at + make_interval(secs => p_overlap_s::float8));
    old_digest := predecessor.digest;
    update skillreg.api_token t
    set expires_at = token_rotate.old_expires_at, replaced_by = p_new_id
    where t.id = p_id;
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, replaces, allowed_ips,
         binds_children)
    values (p_new_id, p_org_id, model.name, p_new_prefix, p_new_digest, model.scopes, made_at, p_by, p_from,
        token_rotate.expires_at, p_id, model.allowed_ips, model.binds_children);
    if p_key is not null then
        insert into skillreg.idempotency_key as k (org_id, asked_by, action, target_id, key, body_digest, made_id, at)
        values (p_org_id, p_by, 'rotate', p_id, p_key, p_body_digest, p_new_id, clock_timestamp())
        on conflict (org_id, asked_by, action, target_id, key) do update
        set body_digest = excluded.body_digest, made_id = excluded.made_id, at = excluded.at;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    if old_expires_at is distinct from predecessor.expires_at then
        old_event_seq := skillreg.log_number_of(3, p_id);
    end if;
    if revoked_digest is not null then
        revoked_event_seq := skillreg.log_number_of(2, model.id);
    end if;
    return next;
end
$$;

comment on function skillreg.token_rotate(
    text, text, text, text, bytea, bigint, timestamptz, text, text, inet, text, bytea
) is 'Makes a successor of a live token, which then expires after the overlap at the latest; outcome says whether.';

create or replace function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text
) returns table (
    is_made boolean, may_repeat boolean, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, revoked_digest bytea)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    done record;
begin
    select r.* into done
    from skillreg.token_rotate(p_org_id, p_id, p_new_id, p_new_prefix, p_new_digest, p_overlap_s, p_expires_at, p_key,
        p_by, p_from, p_instead_of, null::bytea) r;
    if done.outcome = 'not_found' then
        return;
    end if;
    if done.outcome not in ('made', 'replaced', 'may_repeat', 'in_progress') then
        perform skillreg.refuse(done.outcome);
    end if;
    is_made := done.outcome = 'made';
    may_repeat := done.outcome = 'may_repeat';
    id := done.id;
    name := done.name;
    scopes := done.scopes;
    allowed_ips := done.allowed_ips;
    created_at := done.created_at;
    expires_at := done.expires_at;
    old_expires_at := done.old_expires_at;
    old_digest := done.old_digest;
    revoked_digest := done.revoked_digest;
    return next;
end
$$;

comment on function skillreg.token_rotate(
    text, text, text, text, bytea, bigint, timestamptz, text, text, inet, text
) is 'What programs before version 6 of this schema call.';

-- ---- last used ----
-- Rows are locked in the order of their ids, whatever plan the update takes, so that two gateways cannot deadlock. A row
-- that somebody holds for longer makes all wait for the next time.
create function skillreg.last_used_write(p_ids text[], p_times timestamptz[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
    written bigint;
begin
    update skillreg.api_token t set last_used_at = u.at
    from (select t.id, u.at
          from unnest(p_ids, p_times) u(id, at)
          join skillreg.api_token t on t.id = u.id
          where t.revoked_at is null and (t.last_used_at is null or t.last_used_at < u.at)
          order by t.id for no key update of t) u
    where t.id = u.id and t.revoked_at is null
        and (t.last_used_at is null or t.last_used_at < u.at);
    get diagnostics written = row_count;
    return written;
end
$$;

comment on function skillreg.last_used_write is 'Newest uses of many tokens; how many rows that changed.';

-- ---- pruning ----
-- Bounded, for a log that a bulk change has made long; whoever comes while another is at it has nothing to do. Of the old
-- rows the newest stays: a gateway knows by its last applied row, still there, that it has missed nothing.
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
    delete from skillreg.gateway where seen_at < now() - interval '1 day';
    delete from skillreg.idempotency_key k
    where (k.org_id, k.asked_by, k.action, k.target_id, k.key) in (
        select o.org_id, o.asked_by, o.action, o.target_id, o.key
        from skillreg.idempotency_key o where o.at < now() - interval '1 day' order by o.at limit p_rows_max);
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
    'Deletes events, keys of requests and gateways older than a day; returns how many events.';
