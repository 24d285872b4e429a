-- SPDX-License-Identifier: MIT
-- A token may be changed so that it may do less: other words about it, an earlier end, fewer scopes,
-- fewer addresses. It never may do more: what was handed out is known elsewhere by what it could do.

-- ---- audit ----
-- A change has no trigger: whose it is the row does not say. So the function writes it, and a change
-- by plain SQL is in the log, which the gateways obey, and not in the audit.
alter table skillreg.token_audit drop constraint if exists token_audit_action_check;
alter table skillreg.token_audit
    add constraint token_audit_action_check
        check (action in ('create', 'import', 'rotate', 'revoke', 'change', 'expire')),
    add column detail text
        check (char_length(detail) between 1 and 200);
comment on column skillreg.token_audit.detail is 'Of a change: the members that were changed, as the API calls them.';

-- ---- what is narrower ----
-- Each scope contains those below it, so the highest one says what a set permits.
create function skillreg.scope_reach(p_scopes smallint) returns int
language sql immutable parallel safe
return case when p_scopes & 4 <> 0 then 3 when p_scopes & 2 <> 0 then 2 else 1 end;

comment on function skillreg.scope_reach is '3: admin, 2: write, 1: read.';

-- Null and empty are anywhere.
create function skillreg.addresses_lie_within(p_wanted cidr[], p_allowed cidr[]) returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return p_allowed is null or cardinality(p_wanted) > 0 and not exists (
    select from unnest(p_wanted) w(range)
    where not w.range::inet <<= any(p_allowed::inet[]));

comment on function skillreg.addresses_lie_within is 'Each range lies in one of those that are allowed.';

-- ---- change ----
-- Null stays as it is; an empty description is none. changed; not_found: there is no such token, or it is not live;
-- not_live, other_org, not_admin: the token that asks may not; wider_scopes, later_end, wider_addresses: with the token as it
-- is; last_admin. event_seq is null where no decision depends on what was changed.
create function skillreg.token_change(
    p_org_id text, p_id text, p_by text, p_from inet, p_name text, p_description text, p_expires_at timestamptz,
    p_scopes smallint, p_allowed_ips cidr[], p_keeps_admin boolean
) returns table (
    outcome text, id text, name text, prefix text, scopes smallint, created_at timestamptz, last_used_at timestamptz,
    expires_at timestamptz, allowed_ips cidr[], binds_children boolean, description text, rotates_itself boolean,
    digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    token skillreg.api_token;
    ends_sooner boolean;
    changed text[];
begin
    perform skillreg.lock_organisation(p_org_id);
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_by, p_id]);
    select t.* into token
    from skillreg.api_token t
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > clock_timestamp());
    ends_sooner := p_expires_at is not null and p_expires_at is distinct from token.expires_at;
    outcome := coalesce(
        skillreg.refusal_of(p_by, p_org_id, false),
        case when token.id is null then 'not_found'
             when skillreg.scope_reach(p_scopes) > skillreg.scope_reach(token.scopes) and p_scopes is not null
                 then 'wider_scopes'
             when p_expires_at > token.expires_at then 'later_end'
             when p_allowed_ips is not null
                 and not skillreg.addresses_lie_within(p_allowed_ips, token.allowed_ips) then 'wider_addresses' end);
    perform skillreg.lock_patience(began);
    if outcome is null and p_keeps_admin and (ends_sooner or p_scopes & 4 = 0)
        and skillreg.are_last_admins(p_org_id, array[p_id]) then
        outcome := 'last_admin';
    end if;
    if outcome is null then
        outcome := 'changed';
        changed := array_remove(array[
            case when p_name <> token.name then 'name' end,
            case when p_description is not null and nullif(p_description, '') is distinct from token.description
                 then 'description' end,
            case when ends_sooner then 'expiresAt' end,
            case when p_scopes <> token.scopes then 'scopes' end,
            case when nullif(p_allowed_ips, '{}') is distinct from token.allowed_ips and p_allowed_ips is not null
                 then 'allowedIps' end], null);
        event_seq := skillreg.change_locked(token, p_by, p_from, changed, p_name, p_description, p_expires_at, p_scopes,
            nullif(p_allowed_ips, '{}'));
        select t.* into token from skillreg.api_token t where t.id = p_id;
    end if;
    id := token.id;
    name := token.name;
    prefix := token.prefix;
    scopes := token.scopes;
    created_at := token.created_at;
    last_used_at := token.last_used_at;
    expires_at := token.expires_at;
    allowed_ips := token.allowed_ips;
    binds_children := token.binds_children;
    description := token.description;
    rotates_itself := token.rotates_itself;
    digest := token.digest;
    return next;
end
$$;

comment on function skillreg.token_change is
    'Changes what is said of a live token, or what it may do, which becomes less; outcome says whether.';

revoke execute on function skillreg.token_change from public;

-- Writes the change, its event and its audit; the number of the event, null without one.
create function skillreg.change_locked(
    p_token skillreg.api_token, p_by text, p_from inet, p_changed text[], p_name text, p_description text,
    p_expires_at timestamptz, p_scopes smallint, p_allowed_ips cidr[]
) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_changed = '{}' then
        return null;
    end if;
    update skillreg.api_token t
    set name = coalesce(p_name, t.name),
        description = case when p_description is null then t.description else nullif(p_description, '') end,
        expires_at = coalesce(p_expires_at, t.expires_at),
        scopes = coalesce(p_scopes, t.scopes),
        allowed_ips = coalesce(p_allowed_ips, t.allowed_ips)
    where t.id = p_token.id;
    perform skillreg.log_now();
    perform skillreg.log_take_turn();
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, detail)
    select (select coalesce(max(a.id), 0) + 1 from skillreg.token_audit a),
        p_token.org_id, 'change', p_token.id, coalesce(p_name, p_token.name), actor.id, coalesce(actor.name, p_by), p_from,
        array_to_string(p_changed, ', ')
    from (select p_by as id) asked left join skillreg.api_token actor on actor.id = asked.id;
    return case when p_changed <> array['description'] then skillreg.log_number_of(3, p_token.id) end;
end
$$;

comment on function skillreg.change_locked is 'The writing part of skillreg.token_change; the token is locked.';
