-- SPDX-License-Identifier: MIT
-- A chain of rotations that can always be ended. Revoking a whole chain walks it, changes each token of it that is live, and
-- has four seconds and an answer of two megabytes for that. Nobody but a token that rotates itself makes a chain too long for
-- them, and an overlap keeps a token live for 30 days at most. So a token whose chain has two thousand live tokens, or had
-- ten thousand rotations within those 30 days, rotates itself no further. An admin goes on where it may not.
create function skillreg.is_rotated_too_often(p_id text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    here skillreg.api_token;
    next_id text := p_id;
    live int := 0;
    steps int := 0;
begin
    while next_id is not null loop
        select t.* into here from skillreg.api_token t where t.id = next_id;
        exit when not found or here.created_at < now() - interval '30 days';
        steps := steps + 1;
        if here.revoked_at is null and (here.expires_at is null or here.expires_at > now()) then
            live := live + 1;
        end if;
        if live > 2000 or steps > 10000 then
            return true;
        end if;
        next_id := here.replaces;
    end loop;
    return false;
end
$$;

comment on function skillreg.is_rotated_too_often is
    'The token came of two thousand that are live, or of ten thousand rotations, within 30 days.';

-- ---- rotate ----
-- As before, but for that.
--
-- made; not_found: there is no such token, or it is not live; not_live, other_org, not_admin: the token that asks may not;
-- other_body, in_progress: of a request with a key; replaced, may_repeat: id is the successor that it has, is_revoked says
-- whether that one is. p_is_own: the token asks for itself, and needs no scope; but not_self_rotating: it was not made so;
-- rotated_too_often: with all of its chain; lives_too_long: expires_at has the latest end of a successor.
--
-- A successor that was revoked before anybody used it is no answer to anything: another is made. So it is instead of one
-- that is live, for the same key. That goes also, for the same key, when the old token has expired by now, as it does at
-- once without an overlap. What a successor may do is what the old token may now, which may be less than when the first
-- one was made; how long it lives the first one knows, for the old token's end is that of the overlap.
create or replace function skillreg.token_rotate(
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
                    when p_is_own and used.key is null and skillreg.is_rotated_too_often(p_id) then 'rotated_too_often'
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
