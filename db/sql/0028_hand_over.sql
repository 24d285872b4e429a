-- SPDX-License-Identifier: MIT
-- Tokens that the registry made itself, after a login in a browser, and tells the gateway of: what it stores of one, never its
-- secret. It asks a gateway to do so, or calls the function below in a database that it shares, as a role that may do nothing
-- else.

-- ---- keys of requests ----
-- As the idempotency of making a token (0015_made_again.sql), but that the same request again has the same answer: no secret
-- is in it.
alter table skillreg.idempotency_key drop constraint if exists idempotency_key_action_check;
alter table skillreg.idempotency_key
    add constraint idempotency_key_action_check check (action in ('create', 'rotate', 'hand_over')) not valid;

comment on column skillreg.idempotency_key.asked_by is 'The token that asked, or "registry".';
comment on column skillreg.api_token.created_by is
    'Id of the token that asked for it, of the rule that minted it, "registry", which handed it over, or "operator".';

-- ---- handing over ----
-- An id as the programs make them, of random bytes alone.
create function skillreg.make_id() returns text
language sql volatile
set search_path = pg_catalog, pg_temp
return 'cl' || left(replace(gen_random_uuid()::text, '-', ''), 12) || left(replace(gen_random_uuid()::text, '-', ''), 10);

comment on function skillreg.make_id is 'A new id, unique without coordination.';

-- made; there: a token with this digest is there with the same values, or this request was made before: what it is now;
-- differs: a token with this digest has other values, or is of another organisation, which is not told; ended: it was revoked,
-- or pruned after its end, and never comes back; no_org; other_body: the key was sent with another request within a day.
-- Nothing is changed unless made. What cannot be a token is an exception: the scope admin among it, which no token that is
-- handed over has.
--
-- As the owner, so that the role of a registry needs no right to any table. The lock of the log is taken at the end: in a
-- transaction of the caller's own it is the last statement before the commit, or every other change waits for that.
create function skillreg.token_hand_over(
    p_org text, p_prefix text, p_digest bytea, p_name text, p_scopes text[], p_expires_at timestamptz,
    p_description text default null, p_from inet default null, p_key text default null, p_body_digest bytea default null
) returns table (
    outcome text, id text, name text, prefix text, scopes smallint, created_at timestamptz, expires_at timestamptz,
    description text, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    org skillreg.organisation;
    used skillreg.idempotency_key;
    token skillreg.api_token;
    wanted smallint := (select bit_or(case s when 'read' then 1 when 'write' then 2 end)::smallint from unnest(p_scopes) s);
    ends_at timestamptz := date_trunc('milliseconds', p_expires_at);
begin
    if wanted is null or exists (select from unnest(p_scopes) s where s not in ('read', 'write') or s is null) then
        raise exception 'the scopes of a token that is handed over are read, write or both' using errcode = 'check_violation';
    end if;
    if p_prefix !~ '^(sr_live_|sr_test_|sk_)' or p_name ~ '[[:cntrl:]]' or p_description ~ '[[:cntrl:]]' then
        raise exception 'the prefix is not that of a token, or a text has control characters' using errcode = 'check_violation';
    end if;
    select o.* into org from skillreg.organisation o where o.slug = p_org for key share;
    if org.id is null or org.deleted_at is not null then
        outcome := 'no_org';
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    select k.* into used from skillreg.idempotency_find(org.id, 'registry', 'hand_over', '', p_key, began) k;
    if used.body_digest is distinct from p_body_digest and used.key is not null then
        outcome := 'other_body';
        return next;
        return;
    end if;
    if exists (select from skillreg.pruned_token p where p.digest = p_digest) then
        outcome := 'ended';
        return next;
        return;
    end if;
    insert into skillreg.api_token as t
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, is_imported, description)
    values (skillreg.make_id(), org.id, p_name, p_prefix, p_digest, wanted, date_trunc('milliseconds', clock_timestamp()),
        'registry', p_from, ends_at, true, p_description)
    on conflict (digest) do nothing
    returning t.* into token;
    outcome := case when token.id is not null then 'made' end;
    if outcome is null then
        select t.* into token from skillreg.api_token t where t.digest = p_digest;
        outcome := case
            when token.org_id is distinct from org.id then 'differs'
            when token.revoked_at is not null then 'ended'
            when used.made_id = token.id or (token.prefix, token.name, token.scopes, token.expires_at, token.description)
                is not distinct from (p_prefix, p_name, wanted, ends_at, p_description) then 'there'
            else 'differs' end;
    end if;
    if outcome not in ('made', 'there') then
        return next;
        return;
    end if;
    perform skillreg.idempotency_keep(org.id, 'registry', 'hand_over', '', p_key, p_body_digest, token.id, token.id);
    id := token.id;
    name := token.name;
    prefix := token.prefix;
    scopes := token.scopes;
    created_at := token.created_at;
    expires_at := token.expires_at;
    description := token.description;
    if outcome = 'made' then
        perform skillreg.lock_patience(began);
        perform skillreg.log_now();
        event_seq := skillreg.log_number_of(1, token.id);
    end if;
    return next;
end
$$;

comment on function skillreg.token_hand_over is
    'Takes a token that the registry made, by its first 12 characters and the SHA-256 of the whole; outcome says whether.';

-- ---- audit ----
-- As before, with the registry as an actor of its own.
create or replace function skillreg.audit_page(
    p_org_id text, p_before bigint, p_after bigint, p_token_id text, p_actor text, p_action text,
    p_since timestamptz, p_until timestamptz, p_limit bigint
) returns setof skillreg.token_audit
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    filters text := concat(
        case when p_before is not null then ' and a.id < $2' end,
        case when p_after is not null then ' and a.id > $3' end,
        case when p_token_id is not null then ' and (a.token_id = $4 or a.successor_id = $4)' end,
        case p_actor when 'operator' then ' and a.actor_token_id is null and a.action <> ''expire'''
                         ' and a.actor_name is distinct from ''registry'''
                     when 'registry' then ' and a.actor_token_id is null and a.actor_name = ''registry'''
                     when 'expiry' then ' and a.action = ''expire'''
                     else case when p_actor is not null then ' and a.actor_token_id = $5' end end,
        case when p_action is not null then ' and a.action = $6' end,
        case when p_since is not null then ' and a.at >= $7 and a.id >= $10' end,
        case when p_until is not null then ' and a.at < $8 and a.id <= $11' end);
begin
    return query execute
        'select a.* from skillreg.token_audit a where a.org_id = $1' || filters || ' order by a.id'
            || case when p_after is null then ' desc' else '' end || ' limit $9'
    using p_org_id, p_before, p_after, p_token_id, p_actor, p_action, p_since, p_until, p_limit,
        case when p_since is not null then skillreg.audit_first_since(p_since) end,
        case when p_until is not null then skillreg.audit_last_until(p_until) end;
end
$$;

-- ---- who may ----
-- Those that serve may call it, also where the grants are not given anew yet.
revoke execute on function skillreg.token_hand_over(
    text, text, bytea, text, text[], timestamptz, text, inet, text, bytea) from public;
do $$
declare
    may record;
begin
    for may in
        select r.rolname from pg_roles r
        where not r.rolsuper and not starts_with(r.rolname, 'pg_')
            and has_column_privilege(r.oid, 'skillreg.api_token', 'revoked_at', 'update')
            and has_table_privilege(r.oid, 'skillreg.api_token', 'insert')
    loop
        execute format('grant execute on function skillreg.token_hand_over('
            'text, text, bytea, text, text[], timestamptz, text, inet, text, bytea) to %I', may.rolname);
    end loop;
end
$$;
