-- SPDX-License-Identifier: MIT
-- A token that ends by itself is in the audit as well: the end of a token is then always there, whatever it was. One of the
-- gateways notes it, a minute or so later, as nothing in a database happens by itself.

alter table skillreg.token_audit drop constraint if exists token_audit_action_check;
alter table skillreg.token_audit
    add constraint token_audit_action_check
        check (action in ('create', 'import', 'rotate', 'revoke', 'change', 'expire')),
    add column ended_at timestamptz
        check ((ended_at is not null) = (action = 'expire'));
comment on column skillreg.token_audit.action is 'create, import, rotate, revoke, change or expire.';
comment on column skillreg.token_audit.ended_at is 'Of expire: when the token ended; `at` is when that was noted.';
comment on column skillreg.token_audit.actor_name is
    'The name of that token, or what the operator is called; of expire "expiry".';
comment on column skillreg.token_audit.actor_token_id is 'The token that asked for it; null: an operator, or nobody.';

alter table skillreg.api_token add column noted_end timestamptz;
comment on column skillreg.api_token.noted_end is
    'The expires_at that the audit has; another one now: its end is still to be noted.';

-- The tokens whose end is to be noted, and no others: those that are noted leave it, and those that are revoked before.
-- last_used_at is not in it, so writing that stays a heap-only update.
create index api_token_ends on skillreg.api_token (expires_at)
where expires_at is not null and noted_end is distinct from expires_at
    and (revoked_at is null or revoked_at >= expires_at);

-- A token that somebody holds, and a log that somebody holds for longer, are left for the next time: the gateway that asks
-- hears of changes over the same connection. No end is noted twice: noted_end is looked at under the lock of the token. That
-- an expired token was revoked afterwards, by its id, changes nothing in when it ended.
create function skillreg.expiry_note(p_rows_max int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
    now_here timestamptz := clock_timestamp();
    ended text[];
    noted bigint;
begin
    if not pg_try_advisory_xact_lock(7311583425294) then
        return 0;
    end if;
    ended := array(
        select t.id from skillreg.api_token t
        where t.expires_at <= now_here and t.expires_at is not null and t.noted_end is distinct from t.expires_at
            and (t.revoked_at is null or t.revoked_at >= t.expires_at)
        order by t.expires_at limit p_rows_max);
    if ended = '{}' then
        return 0;
    end if;
    ended := array(
        select t.id from skillreg.api_token t
        where t.id = any(ended) and t.expires_at <= now_here and t.noted_end is distinct from t.expires_at
            and (t.revoked_at is null or t.revoked_at >= t.expires_at)
        order by t.id for no key update skip locked);
    update skillreg.api_token t set noted_end = t.expires_at where t.id = any(ended);
    perform skillreg.log_take_turn();
    insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name, ended_at)
    select newest.id + row_number() over (order by t.expires_at, t.id),
        t.org_id, 'expire', t.id, t.name, 'expiry', t.expires_at
    from skillreg.api_token t
        cross join (select coalesce(max(a.id), 0) as id from skillreg.token_audit a) newest
    where t.id = any(ended);
    get diagnostics noted = row_count;
    return noted;
exception when lock_not_available then
    return 0;
end
$$;

comment on function skillreg.expiry_note is
    'Notes in the audit which tokens have ended by themselves; how many, at the most that many at once.';
