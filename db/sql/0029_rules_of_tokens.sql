-- SPDX-License-Identifier: MIT
-- Rules of trust go on when the token that made them is revoked. So a revocation names them, and ends them if asked: a thief of
-- an admin token could leave one behind, which gives tokens for identities of its own.
--
-- Locks are taken as in 0024_identity.sql. Whoever makes a rule locks its own token first, so that once that is locked there is no
-- new one. What a rule gave ends with it; more than p_rows_max of it are left to skillreg.minted_end, so that the lock of the log
-- is held no longer than for any other revocation.

-- ---- the rules of tokens ----
create function skillreg.rules_made_by(p_org_id text, p_makers text[]) returns text[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(r.id order by r.id), '{}')
    from skillreg.trust_rule r
    where r.created_by = any(p_makers) and r.org_id = p_org_id and r.removed_at is null
$$;

comment on function skillreg.rules_made_by is 'The live rules of the organisation that these tokens made.';

create function skillreg.lock_rules_made_by(p_org_id text, p_makers text[]) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_ids text[] := skillreg.rules_made_by(p_org_id, p_makers);
begin
    perform from skillreg.trust_rule r where r.id = any(found_ids) order by r.id for update;
    return array(select r.id from skillreg.trust_rule r where r.id = any(found_ids) and r.removed_at is null order by r.id);
end
$$;

comment on function skillreg.lock_rules_made_by is 'Locks them to be removed; second of the locks of a change.';

-- Of the answer: rule_removed or rule_left, with kind and anchor for a name; then ended: what they gave, as far as it was revoked.
create function skillreg.rules_told(
    p_org_id text, p_makers text[], p_removed text[], p_ended text[], p_before bigint
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select case when r.removed_at is null then 'rule_left' else 'rule_removed' end, r.id, r.kind || ' ' || r.anchor,
        r.removed_at, null::bytea, null::bigint
    from (select r.* from skillreg.trust_rule r where r.id = any(p_removed || skillreg.rules_made_by(p_org_id, p_makers))
          order by r.created_at, r.id) r
    union all
    select 'ended', t.id, t.name, t.revoked_at, t.digest, e.seq
    from skillreg.token_event e join skillreg.api_token t on t.id = e.token_id
    where e.seq > p_before and e.kind = 2 and e.token_id = any(p_ended)
$$;

comment on function skillreg.rules_told is 'What a revocation says of the rules that its tokens made.';

-- ---- revoke one ----
-- As before. Besides, behind those rows, a row for each live rule that the token or the kin that was asked for made: rule_left, or,
-- p_with_rules, rule_removed, and then one for each token of these rules that was revoked: ended. When there are p_rows_max of
-- these there may be more. Only an admin token ends rules, also those of its own.
create function skillreg.token_revoke(
    p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet, p_with text, p_keeps_admin boolean,
    p_with_rules boolean, p_rows_max int
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    kin text[];
    rules text[] := '{}';
    minted text[] := '{}';
    ended text[];
    ended_at timestamptz;
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    kin := skillreg.kin_of(p_id, p_with);
    if p_with_rules then
        perform skillreg.lock_patience(began);
        rules := skillreg.lock_rules_made_by(p_org_id, p_id || kin);
        minted := skillreg.minted_by(p_org_id, rules, p_rows_max);
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_revoked_by, p_id] || kin || minted);
    outcome := skillreg.refusal_of(p_revoked_by, p_org_id, p_revoked_by = p_id and rules = '{}');
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
    if p_with_rules and rules <> skillreg.rules_made_by(p_org_id, p_id || kin) then
        raise exception 'token % made a rule meanwhile', p_id using errcode = 'serialization_failure';
    end if;
    ended_at := date_trunc('milliseconds', clock_timestamp());
    ended := array[p_id] || array(
        select t.id
        from unnest(kin) with ordinality k(id, place) join skillreg.api_token t on t.id = k.id
        where t.org_id = p_org_id and t.revoked_at is null
            and (t.expires_at is null or t.expires_at > ended_at)
        order by k.place);
    perform skillreg.lock_patience(began);
    if p_keeps_admin and skillreg.are_last_admins(p_org_id, ended) then
        outcome := 'last_admin';
        return next;
        return;
    end if;
    if rules <> '{}' then
        perform skillreg.remove_locked_rules(rules, ended_at, p_revoked_by, p_revoked_from);
    end if;
    minted := array(select t.id from skillreg.api_token t
                    where t.id = any(minted) and t.id <> all(ended) and t.revoked_at is null);
    before := skillreg.revoke_locked(ended || minted, ended_at, p_revoked_by, p_revoked_from);
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
    return query select * from skillreg.rules_told(p_org_id, p_id || kin, rules, minted, before);
end
$$;

comment on function skillreg.token_revoke(text, text, text, inet, text, boolean, boolean, int) is
    'Revokes a live token of the organisation, its successors or its chain if asked, and the rules that these made; outcome says '
    'whether.';

create or replace function skillreg.token_revoke(
    p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet, p_with text, p_keeps_admin boolean
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language sql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select r.* from skillreg.token_revoke(p_org_id, p_id, p_revoked_by, p_revoked_from, p_with, p_keeps_admin, false, 1) r
    where r.outcome <> 'rule_left'
$$;

comment on function skillreg.token_revoke(text, text, text, inet, text, boolean) is
    'What programs before version 29 of this schema call.';

-- ---- revoke many ----
-- As before, with the rules as above.
create function skillreg.tokens_revoke(
    p_org_id text, p_ids text[], p_revoked_by text, p_revoked_from inet, p_keeps_admin boolean, p_with_rules boolean,
    p_rows_max int
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    ended text[];
    rules text[] := '{}';
    minted text[] := '{}';
    ended_at timestamptz;
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    if p_with_rules then
        perform skillreg.lock_patience(began);
        rules := skillreg.lock_rules_made_by(p_org_id, p_ids);
        minted := skillreg.minted_by(p_org_id, rules, p_rows_max);
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(p_revoked_by || p_ids || minted);
    outcome := skillreg.refusal_of(p_revoked_by, p_org_id, false);
    ended := array(
        select t.id from skillreg.api_token t
        where t.id = any(p_ids) and t.org_id = p_org_id and t.revoked_at is null);
    if outcome is null and p_with_rules and rules <> skillreg.rules_made_by(p_org_id, p_ids) then
        raise exception 'one of the tokens made a rule meanwhile' using errcode = 'serialization_failure';
    end if;
    perform skillreg.lock_patience(began);
    if outcome is null and p_keeps_admin and skillreg.are_last_admins(p_org_id, ended) then
        outcome := 'last_admin';
    end if;
    if outcome is not null then
        return next;
        return;
    end if;
    ended_at := date_trunc('milliseconds', clock_timestamp());
    if rules <> '{}' then
        perform skillreg.remove_locked_rules(rules, ended_at, p_revoked_by, p_revoked_from);
    end if;
    minted := array(select t.id from skillreg.api_token t
                    where t.id = any(minted) and t.id <> all(ended) and t.revoked_at is null);
    before := skillreg.revoke_locked(ended || minted, ended_at, p_revoked_by, p_revoked_from);
    return query
    select case when e.seq is null then 'not_found' else 'revoked' end,
        g.id, t.name, t.revoked_at, t.digest, e.seq
    from unnest(p_ids) with ordinality g(id, place)
        left join skillreg.token_event e on e.seq > before and e.kind = 2 and e.token_id = g.id
        left join skillreg.api_token t on t.id = e.token_id
    order by (e.seq is null), g.place;
    return query select * from skillreg.rules_told(p_org_id, p_ids, rules, minted, before);
end
$$;

comment on function skillreg.tokens_revoke(text, text[], text, inet, boolean, boolean, int) is
    'Revokes up to a thousand tokens of the organisation in one transaction, and the rules that they made; outcome says whether.';

create or replace function skillreg.tokens_revoke(
    p_org_id text, p_ids text[], p_revoked_by text, p_revoked_from inet, p_keeps_admin boolean
) returns table (
    outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language sql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select r.* from skillreg.tokens_revoke(p_org_id, p_ids, p_revoked_by, p_revoked_from, p_keeps_admin, false, 1) r
    where r.outcome <> 'rule_left'
$$;

comment on function skillreg.tokens_revoke(text, text[], text, inet, boolean) is
    'What programs before version 29 of this schema call.';

-- ---- what is left of removed rules ----
-- Whoever removed the rules was let do so; by now its own token may be gone with them. A row for each token that was revoked:
-- ended. When there are p_rows_max of these there may be more: asked again, it ends the next.
create function skillreg.minted_end(p_org_id text, p_rule_ids text[], p_by text, p_from inet, p_rows_max int)
returns table (outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    removed text[];
    minted text[];
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    removed := array(select r.id from skillreg.trust_rule r
                     where r.id = any(p_rule_ids) and r.org_id = p_org_id and r.removed_at is not null and r.removed_by = p_by);
    minted := skillreg.minted_by(p_org_id, removed, p_rows_max);
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(minted);
    minted := array(select t.id from skillreg.api_token t where t.id = any(minted) and t.revoked_at is null);
    if minted = '{}' then
        return;
    end if;
    perform skillreg.lock_patience(began);
    before := skillreg.revoke_locked(minted, date_trunc('milliseconds', clock_timestamp()), p_by, p_from);
    return query select * from skillreg.rules_told(p_org_id, '{}', '{}', minted, before);
end
$$;

comment on function skillreg.minted_end is 'Ends tokens of rules that p_by has removed, so many at once.';

-- ---- who may ----
do $$
declare
    may record;
    definer text;
begin
    foreach definer in array array[
        'skillreg.token_revoke(text, text, text, inet, text, boolean, boolean, int)',
        'skillreg.tokens_revoke(text, text[], text, inet, boolean, boolean, int)',
        'skillreg.minted_end(text, text[], text, inet, int)'] loop
        execute format('revoke execute on function %s from public', definer);
        for may in
            select r.rolname from pg_roles r
            where not r.rolsuper and not starts_with(r.rolname, 'pg_')
                and has_column_privilege(r.oid, 'skillreg.api_token', 'revoked_at', 'update')
                and has_table_privilege(r.oid, 'skillreg.api_token', 'insert')
        loop
            execute format('grant execute on function %s to %I', definer, may.rolname);
        end loop;
    end loop;
end
$$;
