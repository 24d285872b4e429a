-- SPDX-License-Identifier: MIT
-- Tokens that a scanner has found where everybody can read them: revoked by the report alone, whoever they belong to. The audit
-- says who reported them and where they were found.

-- ---- reported ----
-- p_digests are distinct, in hexadecimal; p_found has the place of each, or ''. A row for each that is one of ours: revoked, now;
-- ended: it was revoked before, or pruned. What is there already is written again nowhere: neither in the log nor in the audit.
-- The last admin token of an organisation goes too, and what the token made stays: its rules are named by whoever asks for them.
-- Locks are taken as in 0006_guarded_changes.sql, of all organisations at once in the order of their ids.
create function skillreg.tokens_leaked(p_digests text[], p_found text[], p_by text, p_from inet)
returns table (outcome text, digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    reported bytea[] := array(select decode(d, 'hex') from unnest(p_digests) with ordinality r(d, place) order by place);
    ids text[] := array(select t.id from skillreg.api_token t where t.digest = any(reported));
    ended text[];
    ended_at timestamptz;
    before bigint := 0;
begin
    perform from skillreg.organisation o
    where o.id in (select t.org_id from skillreg.api_token t where t.id = any(ids)) order by o.id for key share;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(ids);
    ended := array(select t.id from skillreg.api_token t where t.id = any(ids) and t.revoked_at is null);
    if ended <> '{}' then
        perform skillreg.lock_patience(began);
        perform skillreg.log_take_turn();
        ended_at := date_trunc('milliseconds', clock_timestamp());
        select coalesce(max(e.seq), 0) into before from skillreg.token_event e;
        perform set_config('skillreg.logged_in', pg_current_xact_id()::text, true);
        update skillreg.api_token t
        set revoked_at = ended_at, revoked_by = p_by, revoked_from = p_from
        where t.id = any(ended);
        perform set_config('skillreg.logged_in', '', true);
        insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
        select before + row_number() over (order by t.id), 2, t.digest, t.id, t.org_id
        from skillreg.api_token t
        where t.id = any(ended);
        insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name, address, facts)
        select (select coalesce(max(a.id), 0) from skillreg.token_audit a) + row_number() over (order by t.id),
            t.org_id, 'revoke', t.id, t.name, p_by, p_from, json_build_object('foundAt', nullif(f.place, ''))
        from unnest(reported, p_found) f(digest, place) join skillreg.api_token t on t.digest = f.digest
        where t.id = any(ended);
        perform pg_notify('skillreg_events', '');
    end if;
    return query
    select case when t.id = any(ended) then 'revoked' else 'ended' end, r.digest, e.seq
    from unnest(reported) r(digest)
        left join skillreg.api_token t on t.digest = r.digest
        left join skillreg.token_event e on e.seq > before and e.kind = 2 and e.token_id = any(ended) and e.token_id = t.id
    where t.id is not null or exists (select from skillreg.pruned_token p where p.digest = r.digest);
end
$$;

comment on function skillreg.tokens_leaked is 'Revokes tokens that a scanner has found, of any organisation, in one transaction.';

-- ---- audit ----
-- As before, with the scanners as actors of their own.
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
        case when p_actor = 'operator' then ' and a.actor_token_id is null and a.action <> ''expire'''
                                            ' and a.actor_name not in (''registry'', ''gitlab'')'
             when p_actor in ('registry', 'gitlab') then ' and a.actor_token_id is null and a.actor_name = $5'
             when p_actor = 'expiry' then ' and a.action = ''expire'''
             when p_actor is not null then ' and a.actor_token_id = $5' end,
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
revoke execute on function skillreg.tokens_leaked(text[], text[], text, inet) from public;
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
        execute format('grant execute on function skillreg.tokens_leaked(text[], text[], text, inet) to %I', may.rolname);
    end loop;
end
$$;
