-- SPDX-License-Identifier: MIT
-- Tokens that are made again, and tokens that make their own successors.
--
-- A secret is stored nowhere, so an answer that got lost cannot be given once more. The same request
-- with the same Idempotency-Key makes another token instead of the first, as long as nobody has used
-- that one. A use is known here only once it was written, so the caller is asked first (may_repeat),
-- and says yes by naming the first token in p_instead_of. That one may have been revoked meanwhile:
-- unused, it stands in the way of nothing.

-- ---- keys of requests ----
create function skillreg.idempotency_find(
    p_org_id text, p_asked_by text, p_action text, p_target_id text, p_key text, p_at timestamptz
) returns setof skillreg.idempotency_key
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select k.*
    from skillreg.idempotency_key k
    where k.org_id = p_org_id and k.asked_by = p_asked_by and k.action = p_action and k.target_id = p_target_id
        and k.key = p_key and k.at > p_at - interval '1 day'
$$;

comment on function skillreg.idempotency_find is 'The request that had this key within the last day, if any.';

create function skillreg.idempotency_refusal(
    p_used skillreg.idempotency_key, p_body_digest bytea, p_at timestamptz
) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when (p_used).body_digest <> p_body_digest then 'other_body'
                when (p_used).at > p_at - interval '2 seconds' then 'in_progress' end
$$;

comment on function skillreg.idempotency_refusal is
    'other_body, in_progress (it was answered within the last two seconds), or null: it may be made.';

-- The token that asks is locked, so nobody else has used its key meanwhile; who has no row has no lock.
create function skillreg.idempotency_keep(
    p_org_id text, p_asked_by text, p_action text, p_target_id text, p_key text, p_body_digest bytea, p_made_id text,
    p_instead_of text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_key is null then
        return;
    end if;
    insert into skillreg.idempotency_key as k (org_id, asked_by, action, target_id, key, body_digest, made_id, at)
    values (p_org_id, p_asked_by, p_action, p_target_id, p_key, p_body_digest, p_made_id, clock_timestamp())
    on conflict (org_id, asked_by, action, target_id, key) do update
    set body_digest = excluded.body_digest, made_id = excluded.made_id, at = excluded.at
    where k.made_id is not distinct from p_instead_of or k.at <= clock_timestamp() - interval '1 day';
    if not found then
        raise exception 'the key is used by another request at this moment' using errcode = 'serialization_failure';
    end if;
end
$$;

comment on function skillreg.idempotency_keep is 'Notes the key of a request, if it has one, with the token that it made.';

create function skillreg.is_unused(p_token skillreg.api_token) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select (p_token).id is not null and (p_token).last_used_at is null and (p_token).replaced_by is null
$$;

comment on function skillreg.is_unused is 'As far as is known here, nobody has its secret: another may be made instead.';

create function skillreg.revoke_unused(p_id text, p_at timestamptz, p_by text, p_from inet) returns bytea
language sql
set search_path = pg_catalog, pg_temp
as $$
    update skillreg.api_token t
    set revoked_at = p_at, revoked_by = p_by, revoked_from = p_from
    where t.id = p_id and t.revoked_at is null
    returning t.digest
$$;

comment on function skillreg.revoke_unused is
    'Revokes the token that another is made instead of; its digest, null when it was revoked before.';

-- ---- create ----
-- made; no_org; not_live, other_org, not_admin: the token that asks may not; ends_too_late: expires_at has the end of the
-- token that asks, which no child outlives; outlives_maker: nor do the successors of a child that rotates itself;
-- not_bound: allowed_ips has what a child of it may have at the most. Of a request with a key: other_body, in_progress;
-- made_before, may_repeat: id is the token that it made, is_revoked says whether that one is.
create function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[],
    p_binds_children boolean, p_description text, p_rotates_itself boolean,
    p_key text, p_body_digest bytea, p_instead_of text
) returns table (
    outcome text, id text, created_at timestamptz, expires_at timestamptz, allowed_ips cidr[], binds_children boolean,
    is_revoked boolean, revoked_digest bytea, revoked_event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    maker skillreg.api_token;
    used skillreg.idempotency_key;
    earlier skillreg.api_token;
    earlier_id text;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'no_org';
        return next;
        return;
    end if;
    select k.made_id into earlier_id
    from skillreg.idempotency_find(p_org_id, p_created_by, 'create', '', p_key, began) k;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_created_by, earlier_id]);
    created_at := date_trunc('milliseconds', clock_timestamp());
    outcome := skillreg.refusal_of(p_created_by, p_org_id, false);
    if outcome is not null then
        return next;
        return;
    end if;
    select k.* into used
    from skillreg.idempotency_find(p_org_id, p_created_by, 'create', '', p_key, token_create.created_at) k;
    outcome := skillreg.idempotency_refusal(used, p_body_digest, token_create.created_at);
    if outcome is not null then
        return next;
        return;
    end if;
    if used.made_id is not null then
        if used.made_id is distinct from earlier_id then -- another than the one that is locked
            raise exception 'the token of this key was replaced meanwhile' using errcode = 'serialization_failure';
        end if;
        select t.* into earlier from skillreg.api_token t where t.id = earlier_id;
        id := earlier_id;
        is_revoked := earlier.revoked_at is not null;
        outcome := case when skillreg.is_unused(earlier) then 'may_repeat' else 'made_before' end;
        if outcome <> 'may_repeat' or p_instead_of is distinct from earlier_id then
            return next;
            return;
        end if;
    end if;
    select t.* into maker from skillreg.api_token t where t.id = p_created_by;
    if p_expires_at > maker.expires_at then
        outcome := 'ends_too_late';
        expires_at := maker.expires_at;
        return next;
        return;
    end if;
    if p_rotates_itself and maker.expires_at is not null and not maker.rotates_itself then
        outcome := 'outlives_maker';
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
    id := p_id;
    is_revoked := false;
    expires_at := coalesce(p_expires_at, maker.expires_at);
    binds_children := coalesce(maker.binds_children, false) or p_binds_children;
    allowed_ips := p_allowed_ips;
    if maker.binds_children and allowed_ips is null then
        allowed_ips := maker.allowed_ips;
    end if;
    revoked_digest := skillreg.revoke_unused(earlier_id, token_create.created_at, p_created_by, p_created_from);
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, is_imported,
         allowed_ips, binds_children, description, rotates_itself)
    values
        (p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, token_create.created_at, p_created_by, p_created_from,
         token_create.expires_at, p_is_imported, token_create.allowed_ips, token_create.binds_children, p_description,
         p_rotates_itself);
    perform skillreg.idempotency_keep(p_org_id, p_created_by, 'create', '', p_key, p_body_digest, p_id, earlier_id);
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    if revoked_digest is not null then
        revoked_event_seq := skillreg.log_number_of(2, earlier_id);
    end if;
    return next;
end
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[], boolean, text, boolean, text, bytea,
    text
) is 'Makes a token; outcome says whether.';

create or replace function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[],
    p_binds_children boolean
) returns table (
    outcome text, created_at timestamptz, expires_at timestamptz, allowed_ips cidr[], binds_children boolean)
language sql
set search_path = pg_catalog, pg_temp
as $$
    select c.outcome, c.created_at, c.expires_at, c.allowed_ips, c.binds_children
    from skillreg.token_create(p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by,
        p_created_from, p_is_imported, p_allowed_ips, p_binds_children, null::text, false, null::text, null::bytea,
        null::text) c
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[], boolean
) is 'What programs before version 15 of this schema call.';

-- ---- rotate ----
-- When a successor of the same length of life ends; null: never. In seconds: a day is not always as long as another.
create function skillreg.end_of_life_like(p_model skillreg.api_token, p_from timestamptz) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select case when (p_model).expires_at is not null then
        least(p_from + make_interval(secs => extract(epoch from (p_model).expires_at - (p_model).created_at)::float8),
              timestamptz '9999-12-31 23:59:59.999+00') end
$$;

comment on function skillreg.end_of_life_like is 'The end of a token that lives from then on as long as that one was made for.';

-- made; not_found: there is no such token, or it is not live; not_live, other_org, not_admin: the token that asks may not;
-- other_body, in_progress: of a request with a key; replaced, may_repeat: id is the successor that it has, is_revoked says
-- whether that one is. p_is_own: the token asks for itself, and needs no scope; but not_self_rotating: it was not made so;
-- lives_too_long: expires_at has the latest end of a successor.
--
-- A successor that was revoked before anybody used it is no answer to anything: another is made. So it is instead of one
-- that is live, for the same key. That goes also, for the same key, when the old token has expired by now, as it does at
-- once without an overlap. What a successor may do is what the old token may now, which may be less than when the first
-- one was made; how long it lives the first one knows, for the old token's end is that of the overlap.
create function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text, p_body_digest bytea, p_is_own boolean
) returns table (
    outcome text, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, old_event_seq bigint, binds_children boolean,
    description text, rotates_itself boolean, is_revoked boolean, revoked_digest bytea, revoked_event_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    predecessor skillreg.api_token;
    like_it skillreg.api_token; -- its length of life
    used skillreg.idempotency_key;
    successor_id text;
    longest timestamptz;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'not_found';
        return next;
        return;
    end if;
    select t.replaced_by into successor_id from skillreg.api_token t where t.id = p_id and t.org_id = p_org_id;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_by, p_id, successor_id]);
    created_at := date_trunc('milliseconds', clock_timestamp());
    outcome := skillreg.refusal_of(p_by, p_org_id, p_is_own);
    if outcome is not null then
        return next;
        return;
    end if;
    select k.* into used
    from skillreg.idempotency_find(p_org_id, p_by, 'rotate', p_id, p_key, token_rotate.created_at) k;
    select t.* into predecessor
    from skillreg.api_token t
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > token_rotate.created_at or used.key is not null);
    if not found then
        outcome := 'not_found';
        return next;
        return;
    end if;
    outcome := case when p_is_own and not predecessor.rotates_itself then 'not_self_rotating'
                    else skillreg.idempotency_refusal(used, p_body_digest, token_rotate.created_at) end;
    if outcome is not null then
        return next;
        return;
    end if;
    id := predecessor.replaced_by;
    if id is distinct from successor_id then -- another than the one that is locked
        if used.key is not null then
            raise exception 'token % was rotated meanwhile', p_id using errcode = 'serialization_failure';
        end if;
        outcome := 'replaced';
        return next;
        return;
    end if;
    like_it := predecessor;
    if successor_id is not null then
        select t.* into like_it from skillreg.api_token t where t.id = successor_id;
        is_revoked := like_it.revoked_at is not null;
        outcome := case when skillreg.is_unused(like_it) and (is_revoked or used.made_id = successor_id)
                        then 'may_repeat' else 'replaced' end;
        if outcome <> 'may_repeat' or p_instead_of is distinct from successor_id then
            return next;
            return;
        end if;
    end if;
    -- What is asked for was counted by the clock of a gateway, before the locks: a few seconds more are no reason to refuse,
    -- nor to live longer.
    longest := skillreg.end_of_life_like(like_it, token_rotate.created_at);
    if p_is_own and p_expires_at > longest + interval '10 seconds' then
        outcome := 'lives_too_long';
        expires_at := longest;
        return next;
        return;
    end if;
    outcome := 'made';
    id := p_new_id;
    name := predecessor.name;
    scopes := predecessor.scopes;
    allowed_ips := predecessor.allowed_ips;
    binds_children := predecessor.binds_children;
    description := predecessor.description;
    rotates_itself := predecessor.rotates_itself;
    is_revoked := false;
    expires_at := case when p_is_own then least(p_expires_at, longest) else coalesce(p_expires_at, longest) end;
    old_expires_at := least(predecessor.expires_at,
        token_rotate.created_at + make_interval(secs => p_overlap_s::float8));
    old_digest := predecessor.digest;
    revoked_digest := skillreg.revoke_unused(successor_id, token_rotate.created_at, p_by, p_from);
    update skillreg.api_token t
    set expires_at = token_rotate.old_expires_at, replaced_by = p_new_id
    where t.id = p_id;
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, replaces, allowed_ips,
         binds_children, description, rotates_itself)
    values (p_new_id, p_org_id, token_rotate.name, p_new_prefix, p_new_digest, token_rotate.scopes, token_rotate.created_at,
        p_by, p_from, token_rotate.expires_at, p_id, token_rotate.allowed_ips, token_rotate.binds_children,
        token_rotate.description, token_rotate.rotates_itself);
    perform skillreg.idempotency_keep(p_org_id, p_by, 'rotate', p_id, p_key, p_body_digest, p_new_id, used.made_id);
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    if old_expires_at is distinct from predecessor.expires_at then
        old_event_seq := skillreg.log_number_of(3, p_id);
    end if;
    if revoked_digest is not null then
        revoked_event_seq := skillreg.log_number_of(2, successor_id);
    end if;
    return next;
end
$$;

comment on function skillreg.token_rotate(
    text, text, text, text, bytea, bigint, timestamptz, text, text, inet, text, bytea, boolean
) is 'Makes a successor of a live token, which then expires after the overlap at the latest; outcome says whether.';

create or replace function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text, p_body_digest bytea
) returns table (
    outcome text, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, old_event_seq bigint, revoked_digest bytea,
    revoked_event_seq bigint, binds_children boolean)
language sql
set search_path = pg_catalog, pg_temp
as $$
    select r.outcome, r.id, r.name, r.scopes, r.allowed_ips, r.created_at, r.expires_at, r.old_expires_at, r.old_digest,
        r.old_event_seq, r.revoked_digest, r.revoked_event_seq, r.binds_children
    from skillreg.token_rotate(p_org_id, p_id, p_new_id, p_new_prefix, p_new_digest, p_overlap_s, p_expires_at, p_key,
        p_by, p_from, p_instead_of, p_body_digest, false) r
$$;

comment on function skillreg.token_rotate(
    text, text, text, text, bytea, bigint, timestamptz, text, text, inet, text, bytea
) is 'What programs before version 15 of this schema call.';
