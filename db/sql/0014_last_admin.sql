-- SPDX-License-Identifier: MIT
-- Revocations that mind what is left: none, unless it is asked for, ends the last admin token of an
-- organisation, which could then make no other. One can end a whole chain of rotations, or up to a
-- thousand tokens in one transaction.

-- A live admin token is found without a look at the others, however many there are.
create index api_token_admin on skillreg.api_token (org_id, id)
    where revoked_at is null and scopes & 4 <> 0;

-- Whether the organisation would have no live admin token without these, of which at least one is.
-- Counted under the lock of the log, which every change of a token takes before it commits: of two
-- at once the second knows what the first one left. The tokens are locked before.
create function skillreg.are_last_admins(p_org_id text, p_ids text[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from skillreg.api_token t
        where t.id = any(p_ids) and t.org_id = p_org_id
            and t.revoked_at is null and t.scopes & 4 <> 0
            and (t.expires_at is null or t.expires_at > clock_timestamp())) then
        return false;
    end if;
    perform skillreg.log_take_turn();
    return not exists (
        select from skillreg.api_token t
        where t.org_id = p_org_id and t.id <> all(p_ids)
            and t.revoked_at is null and t.scopes & 4 <> 0
            and (t.expires_at is null or t.expires_at > clock_timestamp()));
end
$$;

comment on function skillreg.are_last_admins is
    'True: without these the organisation has no live token with the scope admin; takes the lock of the log.';

-- ---- log and audit of many at once ----
-- A trigger for each row costs a thousand revocations tens of milliseconds under the lock of the
-- log. What revokes many writes their log and audit in two statements, and its update, and no other
-- of the transaction, is left out by the triggers.
create function skillreg.is_logged_by_triggers() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return current_setting('skillreg.logged_in', true) is distinct from pg_current_xact_id()::text;

comment on function skillreg.is_logged_by_triggers is
    'False within the one update of skillreg.revoke_locked.';

drop trigger api_token_updated on skillreg.api_token;
create constraint trigger api_token_updated
after update of id, org_id, name, prefix, digest, scopes, expires_at, revoked_at, allowed_ips on skillreg.api_token
deferrable initially deferred
for each row
when ((old.id, old.org_id, old.name, old.prefix, old.digest, old.scopes, old.expires_at, old.revoked_at, old.allowed_ips)
      is distinct from
      (new.id, new.org_id, new.name, new.prefix, new.digest, new.scopes, new.expires_at, new.revoked_at, new.allowed_ips)
      and skillreg.is_logged_by_triggers())
execute function skillreg.api_token_write_event();

drop trigger api_token_witnessed_revoked on skillreg.api_token;
create constraint trigger api_token_witnessed_revoked
after update of revoked_at on skillreg.api_token
deferrable initially deferred
for each row
when (old.revoked_at is null and new.revoked_at is not null and skillreg.is_logged_by_triggers())
execute function skillreg.api_token_write_audit();

-- The tokens are locked and live. Their events have the numbers after the one that is returned.
create function skillreg.revoke_locked(p_ids text[], p_at timestamptz, p_by text, p_from inet)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    before bigint;
begin
    perform skillreg.log_take_turn();
    select coalesce(max(e.seq), 0) into before from skillreg.token_event e;
    perform set_config('skillreg.logged_in', pg_current_xact_id()::text, true);
    update skillreg.api_token t
    set revoked_at = p_at, revoked_by = p_by, revoked_from = p_from
    where t.id = any(p_ids);
    perform set_config('skillreg.logged_in', '', true);
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
    select before + row_number() over (order by t.id), 2, t.digest, t.id, t.org_id
    from skillreg.api_token t
    where t.id = any(p_ids);
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address)
    select (select coalesce(max(a.id), 0) from skillreg.token_audit a) + row_number() over (order by t.id),
        t.org_id, 'revoke', t.id, t.name, actor.id, coalesce(actor.name, p_by), p_from
    from skillreg.api_token t
        left join skillreg.api_token actor on actor.id = p_by
    where t.id = any(p_ids);
    perform pg_notify('skillreg_events', '');
    return before;
end
$$;

comment on function skillreg.revoke_locked is
    'Revokes tokens that are locked, and writes log and audit; the number of the newest event before.';

-- ---- revoke one ----
create function skillreg.kin_of(p_id text, p_which text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
return case p_which when 'successors' then skillreg.successors_of(p_id)
                    when 'chain' then skillreg.chain_of(p_id)
                    else '{}' end;

comment on function skillreg.kin_of is 'Tokens that a revocation takes with it: "successors", "chain", or none.';

-- A row for the token: revoked; not_found: unknown, of another organisation or revoked before; not_live, other_org,
-- not_admin: the token that asks may not; last_admin. After one that is revoked a row for each that was revoked with it,
-- and one for each live successor that was not: left_live.
create function skillreg.token_revoke(
    p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet, p_with text, p_keeps_admin boolean
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    kin text[];
    ended text[];
    ended_at timestamptz;
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    kin := skillreg.kin_of(p_id, p_with);
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_revoked_by, p_id] || kin);
    outcome := skillreg.refusal_of(p_revoked_by, p_org_id, p_revoked_by = p_id);
    if outcome is null and not exists (
        select from skillreg.api_token t where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null) then
        outcome := 'not_found';
    end if;
    if outcome is not null then
        return next;
        return;
    end if;
    if kin <> skillreg.kin_of(p_id, p_with) then
        raise exception 'token % was rotated meanwhile', p_id using errcode = 'serialization_failure';
    end if;
    ended_at := date_trunc('milliseconds', clock_timestamp());
    ended := array[p_id] || array(
        select t.id from skillreg.api_token t
        where t.id = any(kin) and t.org_id = p_org_id and t.revoked_at is null
            and (t.expires_at is null or t.expires_at > ended_at)
        order by array_position(kin, t.id));
    perform skillreg.lock_patience(began);
    if p_keeps_admin and skillreg.are_last_admins(p_org_id, ended) then
        outcome := 'last_admin';
        return next;
        return;
    end if;
    before := skillreg.revoke_locked(ended, ended_at, p_revoked_by, p_revoked_from);
    return query
    select 'revoked', t.id, t.name, t.revoked_at, t.digest, g.seq
    from unnest(ended) with ordinality e(id, place)
        join skillreg.api_token t on t.id = e.id
        join skillreg.token_event g on g.seq > before and g.kind = 2 and g.token_id = e.id
    order by e.place;
    return query
    select 'left_live', t.id, t.name, t.revoked_at, null::bytea, null::bigint
    from unnest(skillreg.successors_of(p_id)) with ordinality s(id, place) join skillreg.api_token t on t.id = s.id
    where t.org_id = p_org_id and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp())
    order by s.place;
end
$$;

comment on function skillreg.token_revoke(text, text, text, inet, text, boolean) is
    'Revokes a live token of the organisation, and its successors or its chain if asked; outcome says whether.';
comment on function skillreg.token_revoke(text, text, text, inet, boolean) is
    'What programs before version 14 of this schema call.';

-- ---- revoke many ----
-- A row for each of the tokens that are named, in their order: revoked, or not_found (unknown, of
-- another organisation, or revoked before). All those that are found, or none: not_live, other_org
-- and not_admin as everywhere; last_admin.
create function skillreg.tokens_revoke(
    p_org_id text, p_ids text[], p_revoked_by text, p_revoked_from inet, p_keeps_admin boolean
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    ended text[];
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(p_revoked_by || p_ids);
    outcome := skillreg.refusal_of(p_revoked_by, p_org_id, false);
    ended := array(
        select t.id from skillreg.api_token t
        where t.id = any(p_ids) and t.org_id = p_org_id and t.revoked_at is null);
    perform skillreg.lock_patience(began);
    if outcome is null and p_keeps_admin and skillreg.are_last_admins(p_org_id, ended) then
        outcome := 'last_admin';
    end if;
    if outcome is not null then
        return next;
        return;
    end if;
    before := skillreg.revoke_locked(
        ended, date_trunc('milliseconds', clock_timestamp()), p_revoked_by, p_revoked_from);
    return query
    select case when e.seq is null then 'not_found' else 'revoked' end,
        g.id, t.name, t.revoked_at, t.digest, e.seq
    from unnest(p_ids) with ordinality g(id, place)
        left join skillreg.token_event e on e.seq > before and e.kind = 2 and e.token_id = g.id
        left join skillreg.api_token t on t.id = e.token_id
    order by (e.seq is null), g.place;
end
$$;

comment on function skillreg.tokens_revoke is
    'Revokes up to a thousand tokens of the organisation in one transaction; outcome says whether.';
