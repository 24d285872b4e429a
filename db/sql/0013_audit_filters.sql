-- SPDX-License-Identifier: MIT
-- The audit, filtered: by token, by actor, by action, by time, in both directions. Each filter has an index that brings the
-- rows in the order of their numbers: of a million events of an organisation a page takes milliseconds, where a scan took a
-- second. They cost about 160 bytes an event.
create index token_audit_token on skillreg.token_audit (token_id);
create index token_audit_successor on skillreg.token_audit (successor_id) where successor_id is not null;
create index token_audit_actor on skillreg.token_audit (org_id, actor_token_id, id desc);
create index token_audit_action on skillreg.token_audit (org_id, action, id desc);
create index token_audit_at on skillreg.token_audit (at);

-- Times rise with the numbers, except where the clock of the server was set back. So a time becomes a number, which the
-- indexes above have, with a margin of ten thousand events for such a clock; the time itself is compared as well.
create function skillreg.audit_first_since(p_since timestamptz) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(min(e.id), 9223372036854775807)
    from (select a.id from skillreg.token_audit a where a.at >= p_since order by a.at limit 10000) e
$$;

comment on function skillreg.audit_first_since is 'No event since that time has a lower number.';

create function skillreg.audit_last_until(p_until timestamptz) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(max(e.id), 0)
    from (select a.id from skillreg.token_audit a where a.at < p_until order by a.at desc limit 10000) e
$$;

comment on function skillreg.audit_last_until is 'No event before that time has a higher number.';

-- The statement is made of the filters that are given, and planned for them.
create function skillreg.audit_page(
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

comment on function skillreg.audit_page is
    'Events of an organisation: those before a number, newest first, or those after one, oldest first. A filter that is null is none.';
