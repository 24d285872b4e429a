-- SPDX-License-Identifier: MIT
-- What an exchange costs, with the same guarantees: measured, an eighth of its time went into a question that was planned anew for
-- each trigger of each token, a tenth into locking no tokens, and some into a lock that was taken already.

-- As before. An SQL function with a setting of its own is planned at each call; this one is planned once in a connection.
create or replace function skillreg.is_logged_by_triggers() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return current_setting('skillreg.logged_in', true) is distinct from pg_current_xact_id()::text
        or not pg_has_role(current_user,
            (select c.relowner from pg_class c where c.oid = 'skillreg.api_token'::regclass), 'member');
end
$$;

-- As before, but the row of the log's lock is not looked at for each event.
create or replace function skillreg.mint_locked(
    p_row skillreg.exchange_row, p_rule skillreg.trust_rule, p_at timestamptz, p_expires_at timestamptz, p_place smallint
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('skillreg.logged_in', pg_current_xact_id()::text, true);
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, noted_end, allowed_ips,
         is_minted)
    values ((p_row).id, (p_rule).org_id, (p_row).name, (p_row).prefix, (p_row).digest, (p_row).scopes, p_at,
        (p_rule).id, (p_row).address, p_expires_at, p_expires_at, (p_rule).allowed_ips, true);
    perform set_config('skillreg.logged_in', '', true);
    insert into skillreg.exchanged_identity as e (replay_key, place, rule_id, token_id, request_key, body_digest, at, until)
    values ((p_row).replay_key, p_place, (p_rule).id, (p_row).id, (p_row).request_key,
        (p_row).body_digest, p_at, (p_row).replay_until)
    on conflict (replay_key, place) do update
    set rule_id = excluded.rule_id, token_id = excluded.token_id, request_key = excluded.request_key,
        body_digest = excluded.body_digest, at = excluded.at, until = excluded.until
    where e.until <= p_at or e.request_key = excluded.request_key;
    if not found then
        raise exception 'the identity was exchanged meanwhile' using errcode = 'serialization_failure';
    end if;
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
    select coalesce(max(e.seq), 0) + 1, 1, (p_row).digest, (p_row).id, (p_rule).org_id from skillreg.token_event e;
    perform pg_notify('skillreg_events', '');
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, by_rule, ended_at, facts)
    select coalesce(max(a.id), 0) + 1, (p_rule).org_id, 'exchange', (p_row).id, (p_row).name, (p_rule).id,
        (p_rule).kind || ' ' || (p_rule).anchor, (p_row).address, true, p_expires_at, (p_row).facts
    from skillreg.token_audit a;
end
$$;

-- As before, but tokens are locked only where a request is made again.
create or replace function skillreg.exchange_mint(p_rows skillreg.exchange_row[]) returns table (
    place int, outcome text, id text, created_at timestamptz, expires_at timestamptz, retry_at timestamptz, is_revoked boolean,
    revoked_digest bytea, revoked_event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    asked skillreg.exchange_row;
    rule skillreg.trust_rule;
    refusal record;
    earlier skillreg.api_token;
    repeated text[]; -- the tokens that requests name which are made again
begin
    perform from skillreg.organisation o
    where o.id in (select r.org_id from skillreg.trust_rule r join unnest(p_rows) a on a.rule_id = r.id)
    order by o.id for key share;
    perform skillreg.lock_patience(began);
    perform from skillreg.trust_rule r where r.id in (select a.rule_id from unnest(p_rows) a) order by r.id for key share;
    perform skillreg.lock_patience(began);
    repeated := array(select a.instead_of from unnest(p_rows) a where a.instead_of is not null);
    if repeated <> '{}' then
        perform skillreg.lock_tokens(repeated);
        perform skillreg.lock_patience(began);
    end if;
    perform skillreg.log_take_turn();
    created_at := date_trunc('milliseconds', clock_timestamp());
    foreach asked in array p_rows loop
        place := coalesce(place, 0) + 1;
        id := asked.id;
        expires_at := null;
        retry_at := null;
        is_revoked := null;
        revoked_digest := null;
        revoked_event_seq := null;
        select r.* into rule
        from skillreg.trust_rule r join skillreg.organisation o on o.id = r.org_id
        where r.id = asked.rule_id and r.removed_at is null and o.deleted_at is null
            and skillreg.scope_reach(asked.scopes) <= skillreg.scope_reach(r.scopes) and asked.life_s <= r.life_s;
        if not found then
            outcome := 'rule_gone';
            id := null;
            return next;
            continue;
        end if;
        select f.* into refusal from skillreg.exchange_refusal(asked, exchange_mint.created_at) f;
        outcome := refusal.outcome;
        earlier := refusal.earlier;
        if outcome is null then
            retry_at := skillreg.trust_spend(rule, exchange_mint.created_at);
            outcome := case when retry_at is not null then 'too_many' end;
        end if;
        if outcome is not null then
            id := earlier.id;
            is_revoked := earlier.revoked_at is not null;
            return next;
            continue;
        end if;
        outcome := 'made';
        if earlier.revoked_at is null and earlier.id is not null then
            revoked_event_seq := skillreg.revoke_locked(array[earlier.id], exchange_mint.created_at, rule.id, asked.address) + 1;
            revoked_digest := earlier.digest;
        end if;
        expires_at := exchange_mint.created_at + make_interval(secs => asked.life_s);
        perform skillreg.mint_locked(asked, rule, exchange_mint.created_at, exchange_mint.expires_at, refusal.place);
        return next;
    end loop;
end
$$;
