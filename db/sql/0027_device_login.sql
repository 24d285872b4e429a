-- SPDX-License-Identifier: MIT
-- People who log in with a code (RFC 8628): a program asks for two codes at any gateway, a person types the short one where
-- somebody with a token of the scope admin approves it, and the program that has the long one picks the token up.
--
-- Of both codes the SHA-256 is here. That of the short one hides it from nobody who reads this table, as there are few of them: to
-- know it is of no use, since the token goes to whoever has the long one.
--
-- Locks are taken as in 0006_guarded_changes.sql, with the row of the login after the rows of tokens:
--   1. the organisation, 2. the token that approves, 3. the row of the login, 4. the row of skillreg.log_lock.

create table skillreg.device_login (
    device_digest bytea primary key
        check (octet_length(device_digest) = 32),
    user_digest bytea not null unique
        check (octet_length(user_digest) = 32),
    requested_at timestamptz not null
        check (skillreg.is_time(requested_at)),
    expires_at timestamptz not null
        check (skillreg.is_time(expires_at)),
    requested_from inet,
    requested_net inet not null,
    user_agent text
        check (char_length(user_agent) between 1 and 200),
    org_id text collate "C",
    approved_by text collate "C",
    approved_at timestamptz
        check (skillreg.is_time(approved_at)),
    token_id text collate "C",
    token_name text
        check (char_length(token_name) between 1 and 100),
    description text
        check (char_length(description) between 1 and 500),
    scopes smallint
        check (scopes between 1 and 3),
    token_expires_at timestamptz
        check (skillreg.is_time(token_expires_at)),
    check (num_nulls(org_id, approved_by, approved_at, token_id, token_name, scopes, token_expires_at) in (0, 7))
);

comment on table skillreg.device_login is 'Logins that wait: for an approval, or for the program to pick the token up.';
comment on column skillreg.device_login.device_digest is 'SHA-256 of the code that the program keeps, and picks the token up with.';
comment on column skillreg.device_login.user_digest is 'SHA-256 of the code that the person types.';
comment on column skillreg.device_login.requested_at is 'When the program asked.';
comment on column skillreg.device_login.expires_at is 'Neither is approved nor picked up after that, and the row goes.';
comment on column skillreg.device_login.requested_from is 'The address of the program; null: unknown.';
comment on column skillreg.device_login.requested_net is 'What its logins are counted by: the address, of IPv6 its /64; 0.0.0.0: unknown.';
comment on column skillreg.device_login.user_agent is 'What the program calls itself; null: nothing.';
comment on column skillreg.device_login.org_id is 'Of whom the token will be; null, as all below: not approved yet.';
comment on column skillreg.device_login.approved_by is 'The token that approved it, and will have made the new one.';
comment on column skillreg.device_login.approved_at is 'When.';
comment on column skillreg.device_login.token_id is 'The id that the token will have, by which the audit knows the approval.';
comment on column skillreg.device_login.token_name is 'Its name.';
comment on column skillreg.device_login.description is 'Its description: whom the approver says it is for.';
comment on column skillreg.device_login.scopes is 'Bit set, as of a token; never with admin.';
comment on column skillreg.device_login.token_expires_at is 'Its end, unless that of its maker is earlier by then.';

create index device_login_expires on skillreg.device_login (expires_at);
create index device_login_net on skillreg.device_login (requested_net, expires_at);

create trigger restore_is_refused before insert on skillreg.device_login
for each statement execute function skillreg.refuse_restore();

-- ---- audit ----
alter table skillreg.token_audit
    drop constraint if exists token_audit_action_check;
alter table skillreg.token_audit
    add constraint token_audit_action_check
        check (action in ('create', 'import', 'rotate', 'revoke', 'change', 'expire', 'exchange', 'trust', 'untrust',
                          'approve')) not valid;
comment on column skillreg.token_audit.action is
    'create, import, rotate, revoke, change, expire or exchange of a token; approve: of the login of a person, whose token is made'
    ' when it is picked up; trust or untrust: a rule was made or removed.';
comment on column skillreg.token_audit.facts is
    'Of exchange: who the token was made for, as the gateway understood it; of approve: who asked, and what was given; of trust and'
    ' untrust: the rule.';

-- ---- asking ----
-- started; taken: somebody has this user code, another is to be drawn; too_many_here: of this address; too_many: of all. With the
-- last two, retry_at is when one of them will have expired. Those that ask at the same moment may be a few more.
create function skillreg.device_login_start(
    p_device_digest bytea, p_user_digest bytea, p_from inet, p_user_agent text, p_life_s int, p_here_max int, p_all_max int
) returns table (outcome text, expires_at timestamptz, retry_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    asked_at timestamptz := date_trunc('milliseconds', clock_timestamp());
    net inet := case when p_from is null then '0.0.0.0'::inet
                     when family(p_from) = 6 then network(set_masklen(p_from, 64))::inet else p_from end;
begin
    select min(o.expires_at) into retry_at
    from (select l.expires_at from skillreg.device_login l
          where l.requested_net = net and l.expires_at > asked_at limit p_here_max) o
    having count(*) >= p_here_max;
    outcome := case when retry_at is not null then 'too_many_here' end;
    if outcome is null then
        select min(o.expires_at) into retry_at
        from (select l.expires_at from skillreg.device_login l
              where l.expires_at > asked_at order by l.expires_at limit p_all_max) o
        having count(*) >= p_all_max;
        outcome := case when retry_at is not null then 'too_many' end;
    end if;
    if outcome is null then
        expires_at := asked_at + make_interval(secs => p_life_s);
        insert into skillreg.device_login
            (device_digest, user_digest, requested_at, expires_at, requested_from, requested_net, user_agent)
        values (p_device_digest, p_user_digest, asked_at, device_login_start.expires_at, p_from, net, p_user_agent)
        on conflict do nothing;
        outcome := case when found then 'started' else 'taken' end;
    end if;
    return next;
end
$$;

comment on function skillreg.device_login_start is 'A program asks for a login; outcome says whether it may wait for one.';

-- ---- approving ----
-- approved; not_found: no such code waits for an approval; not_live, other_org, not_admin: the token that asks may not;
-- ends_too_late: expires_at has the end of the token that asks. Without an end it is that of p_life_s, or of the token that asks.
create function skillreg.device_login_approve(
    p_org_id text, p_by text, p_from inet, p_user_digest bytea, p_token_id text, p_name text, p_description text,
    p_scopes smallint, p_expires_at timestamptz, p_life_s int
) returns table (outcome text, expires_at timestamptz, requested_from inet)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    moment timestamptz;
    maker_end timestamptz;
    login skillreg.device_login;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'not_live';
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_by]);
    moment := date_trunc('milliseconds', clock_timestamp());
    outcome := skillreg.refusal_of(p_by, p_org_id, false);
    if outcome is not null then
        return next;
        return;
    end if;
    select t.expires_at into maker_end from skillreg.api_token t where t.id = p_by;
    if p_expires_at > maker_end then
        outcome := 'ends_too_late';
        expires_at := maker_end;
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    expires_at := coalesce(p_expires_at, least(maker_end, moment + make_interval(secs => p_life_s)));
    update skillreg.device_login l
    set org_id = p_org_id, approved_by = p_by, approved_at = moment, token_id = p_token_id,
        token_name = p_name, description = p_description, scopes = p_scopes,
        token_expires_at = device_login_approve.expires_at
    where l.user_digest = p_user_digest and l.approved_by is null and l.expires_at > moment
    returning l.* into login;
    if not found then
        outcome := 'not_found';
        expires_at := null;
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.log_take_turn();
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, facts)
    select (select coalesce(max(a.id), 0) + 1 from skillreg.token_audit a),
        p_org_id, 'approve', p_token_id, p_name, actor.id, actor.name, p_from,
        json_build_object('requestedFrom', host(login.requested_from), 'userAgent', login.user_agent,
            'requestedAt', to_char(login.requested_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'scopes',
            array_remove(array[case when p_scopes & 1 <> 0 then 'read' end, case when p_scopes & 2 <> 0 then 'write' end], null),
            'expiresAt', to_char(login.token_expires_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'description', p_description)
    from skillreg.api_token actor where actor.id = p_by;
    outcome := 'approved';
    requested_from := login.requested_from;
    return next;
end
$$;

comment on function skillreg.device_login_approve is 'Whoever knows the code gets a token once; outcome says whether.';

-- ---- picking up ----
-- made; not_found: it waits no more, or was never approved; not_live, not_admin, ...: the token that approved it would not be
-- obeyed by now. A login that was approved ends here, whatever comes of it. The token is made as its maker makes any other.
create function skillreg.device_login_collect(
    p_device_digest bytea, p_prefix text, p_digest bytea, p_from inet
) returns table (outcome text)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    login skillreg.device_login;
    maker_end timestamptz;
begin
    outcome := 'not_found';
    select l.* into login from skillreg.device_login l where l.device_digest = p_device_digest and l.approved_by is not null;
    if not found or not skillreg.lock_organisation(login.org_id) then
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[login.approved_by]);
    perform skillreg.lock_patience(began);
    delete from skillreg.device_login l
    where l.device_digest = p_device_digest and l.approved_by = login.approved_by
    returning l.* into login;
    if not found or login.expires_at <= clock_timestamp() or login.token_expires_at <= clock_timestamp() then
        return next;
        return;
    end if;
    select t.expires_at into maker_end from skillreg.api_token t where t.id = login.approved_by;
    select c.outcome into outcome
    from skillreg.token_create(login.token_id, login.org_id, login.token_name, p_prefix, p_digest, login.scopes,
        least(login.token_expires_at, maker_end), login.approved_by, p_from, false, null::cidr[], false, login.description, false,
        null::text, null::bytea, null::text) c;
    return next;
end
$$;

comment on function skillreg.device_login_collect is 'Makes the token of a login that was approved, once; outcome says whether.';

-- ---- what goes by itself ----
create function skillreg.device_login_prune(p_rows_max int) returns bigint
language sql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
    with gone as (
        delete from skillreg.device_login l
        where l.device_digest in (
            select o.device_digest from skillreg.device_login o
            where o.expires_at < now() order by o.expires_at limit p_rows_max for update skip locked)
        returning 1)
    select count(*) from gone
$$;

comment on function skillreg.device_login_prune is 'Deletes logins that have expired, at the most that many.';

-- ---- who may ----
-- Those who serve may, also where the grants are not given anew yet.
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
        execute format('grant select, insert, update, delete on skillreg.device_login to %I', may.rolname);
    end loop;
end
$$;
