-- SPDX-License-Identifier: MIT
-- Long chains of rotations. Each step to the next successor carried the whole way so far, and the order of those that a
-- revocation takes with it was looked up anew for each. So of some thousand rotations, which a thief with a token that rotates
-- itself makes in a minute, a revocation took longer than a statement may, and none but the youngest token could be revoked.

-- ---- successors ----
-- A way that leads into a circle, which somebody made, ends: the place where it is looked for moves twice as far each time.
create or replace function skillreg.successors_of(p_id text) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    way text[] := '{}';
    here text := p_id;
    looked_for text := p_id;
    steps int := 0;
    steps_max int := 1;
begin
    loop
        select t.replaced_by into here from skillreg.api_token t where t.id = here;
        exit when here is null;
        way := way || here;
        exit when here = looked_for;
        steps := steps + 1;
        if steps = steps_max then
            looked_for := here;
            steps := 0;
            steps_max := steps_max * 2;
        end if;
    end loop;
    return array(
        select w.id from unnest(way) with ordinality w(id, place) group by w.id order by min(w.place));
end
$$;

-- ---- revoke one ----
-- As before.
create or replace function skillreg.token_revoke(
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
