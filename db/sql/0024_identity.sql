-- SPDX-License-Identifier: MIT
-- Tokens that are made from who somebody is. A rule of an organisation trusts identities of an issuer; what such an identity is
-- exchanged for is an ordinary token, with an end. Who an identity is, and whether a rule trusts it, the gateway judges; here is
-- that the rule stands, that an identity is exchanged no more often than it may be, and that all of it is in the audit.
--
-- Locks are taken as in 0006_guarded_changes.sql, with the rules second:
--   1. the organisations (for key share), in the order of their ids,
--   2. the rules: for key share by whoever makes a token of one, for update by whoever removes one; in the order of their ids,
--   3. the rows of all tokens,
--   4. the row of skillreg.log_lock.
-- An exchange needs the lock of the log for its row in the audit, which is numbered under it. So under the same lock it looks
-- whether the identity was exchanged before, and how often the rule was used; many exchanges are one statement for that reason.
-- As the lock is taken, the event is written too: no memory of a gateway can hold anything about a secret that nobody was told
-- yet, but a standby that has not replayed the token says that there is none, and only the event tells whoever asked that this
-- answer was too old.

-- ---- rules ----
create table skillreg.trust_rule (
    id text collate "C" primary key
        check (id ~ '^[a-z0-9]{1,32}$'),
    org_id text collate "C" not null references skillreg.organisation (id),
    kind text collate "C" not null
        check (kind ~ '^[a-z]{1,32}$'),
    issuer text collate "C" not null
        check (octet_length(issuer) between 1 and 512),
    anchor text collate "C" not null
        check (octet_length(anchor) between 1 and 1024),
    conditions jsonb not null
        check (jsonb_typeof(conditions) = 'object' and octet_length(conditions::text) <= 8192),
    scopes smallint not null
        check (scopes between 1 and 7),
    life_s int not null
        check (life_s between 60 and 43200),
    allowed_ips cidr[]
        check (cardinality(allowed_ips) between 1 and 32 and array_ndims(allowed_ips) = 1
               and array_position(allowed_ips, null) is null),
    exchanges_per_minute int not null
        check (exchanges_per_minute between 1 and 100000),
    created_at timestamptz not null
        check (skillreg.is_time(created_at)),
    created_by text collate "C" not null,
    created_from inet,
    removed_at timestamptz
        check (skillreg.is_time(removed_at)),
    removed_by text collate "C",
    removed_from inet,
    check ((removed_at is null) = (removed_by is null))
);

comment on table skillreg.trust_rule is 'Whose identities an organisation gives tokens to. A removed row stays, and never comes back to life.';
comment on column skillreg.trust_rule.id is 'What removing names.';
comment on column skillreg.trust_rule.org_id is 'The organisation whose tokens it gives.';
comment on column skillreg.trust_rule.kind is 'What the issuer is: github, gitlab, ...; says which claims there are.';
comment on column skillreg.trust_rule.issuer is 'The URL of the issuer, compared and never fetched.';
comment on column skillreg.trust_rule.anchor is 'The claim that names the project or workload, by which rules are found.';
comment on column skillreg.trust_rule.conditions is 'Of each claim that is named the values that it may have; with the anchor.';
comment on column skillreg.trust_rule.scopes is 'Bit set, as of a token: the most that its tokens may do.';
comment on column skillreg.trust_rule.life_s is 'The longest life of its tokens, in seconds.';
comment on column skillreg.trust_rule.allowed_ips is 'Where its tokens are asked for and used from; null: anywhere.';
comment on column skillreg.trust_rule.exchanges_per_minute is 'How many tokens it gives in a minute at the most.';
comment on column skillreg.trust_rule.created_at is 'Milliseconds, as the API shows it.';
comment on column skillreg.trust_rule.created_by is 'Id of the token that asked for it, or "operator".';
comment on column skillreg.trust_rule.created_from is 'Address of the client that asked for it; null for an operator.';
comment on column skillreg.trust_rule.removed_at is 'It gives no token since then.';
comment on column skillreg.trust_rule.removed_by is 'Id of the token that asked for it, or "operator".';
comment on column skillreg.trust_rule.removed_from is 'Address of the client that asked for it; null for an operator.';

-- An exchange; the list, newest first; what a token made.
create index trust_rule_anchor on skillreg.trust_rule (issuer, anchor) where removed_at is null;
create index trust_rule_org on skillreg.trust_rule (org_id, created_at desc, id desc) where removed_at is null;
create index trust_rule_maker on skillreg.trust_rule (created_by) where removed_at is null;

create trigger restore_is_refused before insert on skillreg.trust_rule
for each statement execute function skillreg.refuse_restore();

-- Narrow, because it is written by each exchange; under the lock of the log alone.
create table skillreg.trust_use (
    rule_id text collate "C" primary key references skillreg.trust_rule (id),
    exchanges bigint not null default 0,
    last_at timestamptz,
    budget_at timestamptz not null default '-infinity'
) with (fillfactor = 50);

comment on table skillreg.trust_use is 'How often a rule gave a token.';
comment on column skillreg.trust_use.rule_id is 'The rule.';
comment on column skillreg.trust_use.exchanges is 'How many tokens it has given.';
comment on column skillreg.trust_use.last_at is 'When it gave the newest; null: none yet.';
comment on column skillreg.trust_use.budget_at is
    'When all that it gave is paid for, at exchanges_per_minute; a minute ahead: it gives no more for now.';

create trigger restore_is_refused before insert on skillreg.trust_use
for each statement execute function skillreg.refuse_restore();

-- ---- what was exchanged ----
create table skillreg.exchanged_identity (
    replay_key bytea not null
        check (octet_length(replay_key) = 32),
    place smallint not null,
    rule_id text collate "C" not null,
    token_id text collate "C" not null,
    request_key text collate "C"
        check (request_key ~ '^[!-~]{1,64}$'),
    body_digest bytea
        check (octet_length(body_digest) = 32),
    at timestamptz not null
        check (skillreg.is_time(at)),
    until timestamptz not null
        check (skillreg.is_time(until)),
    primary key (replay_key, place)
);
create index exchanged_identity_until on skillreg.exchanged_identity (until);

comment on table skillreg.exchanged_identity is 'Identities that were exchanged, for as long as somebody might believe them.';
comment on column skillreg.exchanged_identity.replay_key is
    'SHA-256 of the issuer and what the issuer calls this identity (jti), or of what it signed.';
comment on column skillreg.exchanged_identity.place is '1 for the first token that it was exchanged for, and so on.';
comment on column skillreg.exchanged_identity.rule_id is 'The rule that trusted it.';
comment on column skillreg.exchanged_identity.token_id is 'The token that it was exchanged for.';
comment on column skillreg.exchanged_identity.request_key is 'Idempotency-Key of the request; null: it had none.';
comment on column skillreg.exchanged_identity.body_digest is 'SHA-256 of what was asked for, of a request with a key.';
comment on column skillreg.exchanged_identity.at is 'When.';
comment on column skillreg.exchanged_identity.until is 'The identity has expired by then, everywhere.';

create trigger restore_is_refused before insert on skillreg.exchanged_identity
for each statement execute function skillreg.refuse_restore();

-- ---- tokens ----
-- PostgreSQL 17.12 and its kin add no column with a default to a table whose row a function takes that was parsed when it was
-- made (`return`, `begin atomic`). As text it is parsed where it is called, by functions with a search path of their own.
create or replace function skillreg.prunable_end(
    p_token skillreg.api_token, p_revoked_before timestamptz, p_expired_before timestamptz
) returns text
language sql immutable
as $$
    select case when (p_token).revoked_at < p_revoked_before then 'revoked'
                when (p_token).revoked_at is null and (p_token).expires_at < p_expired_before
                     and (p_token).noted_end = (p_token).expires_at then 'expired' end
$$;

alter table skillreg.api_token
    add column is_minted boolean not null default false,
    add constraint api_token_minted_end
        check (not is_minted or (expires_at is not null and replaced_by is null)) not valid;
comment on column skillreg.api_token.is_minted is
    'Made for an identity: created_by is the rule, its end is in the audit with its making, and its row goes a day after it.';
comment on column skillreg.api_token.created_by is 'Id of the token that asked for it, of the rule that minted it, or "operator".';

-- The tokens that people make stay as quickly listed as ever, however many are minted beside them.
create index api_token_own on skillreg.api_token (org_id, created_at desc, id desc)
    where revoked_at is null and not is_minted;
create index api_token_own_revoked on skillreg.api_token (org_id, created_at desc, id desc)
    where revoked_at is not null and not is_minted;
-- Those that are live, and those whose rows go.
create index api_token_minted on skillreg.api_token (org_id, expires_at) where is_minted;

-- An organisation that lives by minted tokens alone could make no other once its rules are gone.
drop index skillreg.api_token_admin;
create index api_token_admin on skillreg.api_token (org_id, id)
    where revoked_at is null and scopes & 4 <> 0 and not is_minted;

create or replace function skillreg.are_last_admins(p_org_id text, p_ids text[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from skillreg.api_token t
        where t.id = any(p_ids) and t.org_id = p_org_id and not t.is_minted
            and t.revoked_at is null and t.scopes & 4 <> 0
            and (t.expires_at is null or t.expires_at > clock_timestamp())) then
        return false;
    end if;
    perform skillreg.log_take_turn();
    return not exists (
        select from skillreg.api_token t
        where t.org_id = p_org_id and t.id <> all(p_ids) and not t.is_minted
            and t.revoked_at is null and t.scopes & 4 <> 0
            and (t.expires_at is null or t.expires_at > clock_timestamp()));
end
$$;

-- ---- audit ----
alter table skillreg.token_audit
    drop constraint if exists token_audit_action_check,
    add column by_rule boolean not null default false,
    add column facts json
        check (octet_length(facts::text) <= 16384);
alter table skillreg.token_audit
    add constraint token_audit_action_check
        check (action in ('create', 'import', 'rotate', 'revoke', 'change', 'expire', 'exchange', 'trust', 'untrust')) not valid;
do $$
declare
    name text;
begin
    for name in select c.conname from pg_constraint c
                where c.conrelid = 'skillreg.token_audit'::regclass and c.contype = 'c'
                    and pg_get_constraintdef(c.oid) like '%(ended_at IS NOT NULL) =%' loop
        execute format('alter table skillreg.token_audit drop constraint %I', name);
    end loop;
end
$$;
alter table skillreg.token_audit
    add constraint token_audit_ended_at_check
        check ((ended_at is not null) = (action in ('expire', 'exchange'))) not valid;

comment on column skillreg.token_audit.action is
    'create, import, rotate, revoke, change, expire or exchange of a token; trust or untrust: a rule was made or removed.';
comment on column skillreg.token_audit.token_id is 'The token, or, of trust and untrust, the rule.';
comment on column skillreg.token_audit.token_name is 'Its name; of a rule its kind and anchor.';
comment on column skillreg.token_audit.actor_token_id is
    'The token that asked for it, or, with by_rule, the rule that did it; null: an operator, or nobody.';
comment on column skillreg.token_audit.by_rule is 'actor_token_id is the id of a rule.';
comment on column skillreg.token_audit.ended_at is
    'Of expire: when the token ended; `at` is when that was noted. Of exchange: when it will end.';
comment on column skillreg.token_audit.facts is
    'Of exchange: who the token was made for, as the gateway understood it; of trust and untrust: the rule.';

-- The lock of the log is taken.
create function skillreg.rule_write_audit(p_rule skillreg.trust_rule, p_action text, p_by text, p_from inet) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, facts)
    select (select coalesce(max(a.id), 0) + 1 from skillreg.token_audit a),
        (p_rule).org_id, p_action, (p_rule).id, (p_rule).kind || ' ' || (p_rule).anchor, actor.id, coalesce(actor.name, p_by),
        p_from,
        json_build_object('kind', (p_rule).kind, 'issuer', (p_rule).issuer, 'conditions', (p_rule).conditions,
            'scopes', (p_rule).scopes, 'expiresIn', (p_rule).life_s, 'allowedIps', (p_rule).allowed_ips,
            'exchangesPerMinute', (p_rule).exchanges_per_minute)
    from (select p_by as id) asked left join skillreg.api_token actor on actor.id = asked.id
$$;

comment on function skillreg.rule_write_audit is 'trust or untrust; the lock of the log is taken.';

-- As before, but a rule may be who asks: for one that revokes the token that it gives another instead of.
create or replace function skillreg.revoke_locked(p_ids text[], p_at timestamptz, p_by text, p_from inet)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before bigint;
begin
    perform skillreg.log_take_turn();
    select coalesce(max(e.seq), 0) into before from skillreg.token_event e;
    perform set_config('skillreg.logged_in', pg_current_xact_id()::text, true);
    update skillreg.api_token t
    set revoked_at = p_at, revoked_by = p_by, revoked_from = p_from
    where t.id = any(p_ids);
    perform set_config('skillreg.logged_in', '', true);
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
    select before + row_number() over (order by t.id), 2, t.digest, t.id, t.org_id
    from skillreg.api_token t
    where t.id = any(p_ids);
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, by_rule)
    select (select coalesce(max(a.id), 0) from skillreg.token_audit a) + row_number() over (order by t.id),
        t.org_id, 'revoke', t.id, t.name, coalesce(actor.id, rule.id),
        coalesce(actor.name, rule.kind || ' ' || rule.anchor, p_by), p_from, rule.id is not null
    from skillreg.api_token t
        left join skillreg.api_token actor on actor.id = p_by
        left join skillreg.trust_rule rule on rule.id = p_by
    where t.id = any(p_ids);
    perform pg_notify('skillreg_events', '');
    return before;
end
$$;

-- ---- rules: made and removed ----
-- made; no_org; not_live, other_org, not_admin: the token that asks may not; maker_minted, maker_ends, maker_bound: no token of
-- that sort makes rules, which would outlive it or be used from elsewhere; admin_by_operator: no token makes a rule that gives
-- the scope admin; too_many_rules: of the organisation, or for one anchor of it; there: id is a live rule that says just that, as
-- after an answer that got lost.
create function skillreg.trust_create(
    p_id text, p_org_id text, p_kind text, p_issuer text, p_anchor text, p_conditions jsonb, p_scopes smallint, p_life_s int,
    p_allowed_ips cidr[], p_exchanges_per_minute int, p_by text, p_from inet
) returns table (outcome text, id text, created_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    maker skillreg.api_token;
    made skillreg.trust_rule;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'no_org';
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_by]);
    select t.* into maker from skillreg.api_token t where t.id = p_by;
    outcome := coalesce(
        skillreg.refusal_of(p_by, p_org_id, false),
        case when maker.is_minted then 'maker_minted'
             when maker.expires_at is not null then 'maker_ends'
             when maker.allowed_ips is not null or maker.binds_children then 'maker_bound'
             when p_scopes & 4 <> 0 and p_by <> 'operator' then 'admin_by_operator' end);
    if outcome is not null then
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    perform skillreg.log_take_turn();
    select 'there', r.id, r.created_at into outcome, id, created_at
    from skillreg.trust_rule r
    where r.issuer = p_issuer and r.anchor = p_anchor and r.org_id = p_org_id and r.removed_at is null
        and (r.kind, r.conditions, r.scopes, r.life_s, r.allowed_ips, r.exchanges_per_minute)
            is not distinct from (p_kind, p_conditions, p_scopes, p_life_s, p_allowed_ips, p_exchanges_per_minute)
    limit 1;
    if found then
        return next;
        return;
    end if;
    if (select count(*) from skillreg.trust_rule r where r.org_id = p_org_id and r.removed_at is null) >= 1000
        or (select count(*) from skillreg.trust_rule r
            where r.issuer = p_issuer and r.anchor = p_anchor and r.org_id = p_org_id and r.removed_at is null) >= 64 then
        outcome := 'too_many_rules';
        return next;
        return;
    end if;
    outcome := 'made';
    id := p_id;
    created_at := date_trunc('milliseconds', clock_timestamp());
    insert into skillreg.trust_rule as r
        (id, org_id, kind, issuer, anchor, conditions, scopes, life_s, allowed_ips, exchanges_per_minute, created_at,
         created_by, created_from)
    values (p_id, p_org_id, p_kind, p_issuer, p_anchor, p_conditions, p_scopes, p_life_s, p_allowed_ips,
        p_exchanges_per_minute, trust_create.created_at, p_by, p_from)
    returning r.* into made;
    insert into skillreg.trust_use (rule_id) values (p_id);
    perform skillreg.rule_write_audit(made, 'trust', p_by, p_from);
    return next;
end
$$;

comment on function skillreg.trust_create is 'Makes a rule; outcome says whether.';

-- Live tokens of rules, the first to end first, as far as that many.
create function skillreg.minted_by(p_org_id text, p_rule_ids text[], p_rows_max int) returns text[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(m.id), '{}')
    from (select t.id from skillreg.api_token t
          where t.org_id = p_org_id and t.is_minted and t.expires_at > clock_timestamp() and t.revoked_at is null
              and t.created_by = any(p_rule_ids)
          order by t.expires_at limit p_rows_max) m
$$;

comment on function skillreg.minted_by is 'Live tokens of these rules, at the most that many.';

-- The rules are locked for update, and live.
create function skillreg.remove_locked_rules(p_ids text[], p_at timestamptz, p_by text, p_from inet) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    rule skillreg.trust_rule;
begin
    perform skillreg.log_take_turn();
    for rule in select r.* from skillreg.trust_rule r where r.id = any(p_ids) and r.removed_at is null order by r.id loop
        update skillreg.trust_rule r set removed_at = p_at, removed_by = p_by, removed_from = p_from where r.id = rule.id;
        perform skillreg.rule_write_audit(rule, 'untrust', p_by, p_from);
    end loop;
end
$$;

comment on function skillreg.remove_locked_rules is 'Removes rules that are locked, and writes their audit.';

-- A first row for the rule: removed; not_found: unknown, of another organisation, or removed before with no token of it left;
-- not_live, other_org, not_admin: the token that asks may not. After it a row for each token of the rule that was revoked. When
-- there are p_rows_max of these there may be more: asked again, it ends the next.
create function skillreg.trust_remove(p_org_id text, p_id text, p_by text, p_from inet, p_rows_max int)
returns table (outcome text, id text, name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    rule skillreg.trust_rule;
    minted text[];
    ended_at timestamptz;
    before bigint;
begin
    perform skillreg.lock_organisation(p_org_id);
    perform skillreg.lock_patience(began);
    select r.* into rule from skillreg.trust_rule r where r.id = p_id and r.org_id = p_org_id for update;
    minted := skillreg.minted_by(p_org_id, array[p_id], p_rows_max);
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(p_by || minted);
    outcome := coalesce(
        skillreg.refusal_of(p_by, p_org_id, false),
        case when rule.id is null or (rule.removed_at is not null and minted = '{}') then 'not_found' end);
    if outcome is not null then
        return next;
        return;
    end if;
    perform skillreg.lock_patience(began);
    ended_at := date_trunc('milliseconds', clock_timestamp());
    perform skillreg.remove_locked_rules(array[p_id], ended_at, p_by, p_from);
    minted := array(select t.id from skillreg.api_token t where t.id = any(minted) and t.revoked_at is null);
    before := skillreg.revoke_locked(minted, ended_at, p_by, p_from);
    outcome := 'removed';
    id := p_id;
    name := rule.kind || ' ' || rule.anchor;
    revoked_at := coalesce(rule.removed_at, ended_at);
    return next;
    return query
    select 'revoked', t.id, t.name, t.revoked_at, t.digest, e.seq
    from skillreg.token_event e join skillreg.api_token t on t.id = e.token_id
    where e.seq > before and e.kind = 2 and e.token_id = any(minted);
end
$$;

comment on function skillreg.trust_remove is 'Removes a rule and ends its tokens, so many at once; outcome says whether.';

-- ---- exchange ----
-- One exchange of several. live_max 0: the identity is exchanged once; else as often as one likes, as long as no more of its tokens
-- than that are live. request_key null: the request cannot be made again; instead_of: the token that may_repeat has named.
create type skillreg.exchange_row as (
    rule_id text,
    id text,
    name text,
    prefix text,
    digest bytea,
    scopes smallint,
    life_s int,
    replay_key bytea,
    replay_until timestamptz,
    live_max int,
    request_key text,
    body_digest bytea,
    instead_of text,
    facts json,
    address inet
);

comment on type skillreg.exchange_row is 'An exchange of an identity for a token.';

-- What stands in the way of an exchange, under the lock of the log; null: nothing. earlier: the token that the same request made.
create function skillreg.exchange_refusal(
    p_row skillreg.exchange_row, p_at timestamptz, out outcome text, out earlier skillreg.api_token, out place smallint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    used skillreg.exchanged_identity;
    live int;
begin
    select e.* into used
    from skillreg.exchanged_identity e
    where e.replay_key = (p_row).replay_key and e.until > p_at and e.request_key = (p_row).request_key;
    if found then
        place := used.place;
        select t.* into earlier from skillreg.api_token t where t.id = used.token_id;
        outcome := case when used.body_digest <> (p_row).body_digest then 'other_body'
                        when used.at > p_at - interval '2 seconds' then 'in_progress'
                        when not skillreg.is_unused(earlier) then 'made_before'
                        when (p_row).instead_of is distinct from used.token_id then 'may_repeat' end;
        return;
    end if;
    select coalesce(max(e.place), 0) + 1,
        count(*) filter (where (p_row).live_max = 0 or (t.revoked_at is null and t.expires_at > p_at))
    into place, live
    from skillreg.exchanged_identity e left join skillreg.api_token t on t.id = e.token_id
    where e.replay_key = (p_row).replay_key and e.until > p_at;
    if live >= greatest((p_row).live_max, 1) then
        outcome := 'replayed';
    end if;
end
$$;

comment on function skillreg.exchange_refusal is
    'Whether this identity was exchanged before, and what the same request made; the lock of the log is taken.';

-- When the rule gives a token again; null: it does now, and has noted it.
create function skillreg.trust_spend(p_rule skillreg.trust_rule, p_at timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    paid_at timestamptz;
begin
    select greatest(u.budget_at, p_at) + interval '1 minute' / (p_rule).exchanges_per_minute into paid_at
    from skillreg.trust_use u where u.rule_id = (p_rule).id;
    if paid_at > p_at + interval '1 minute' then
        return paid_at - interval '1 minute';
    end if;
    update skillreg.trust_use u
    set budget_at = paid_at, exchanges = u.exchanges + 1, last_at = p_at
    where u.rule_id = (p_rule).id;
    return null;
end
$$;

comment on function skillreg.trust_spend is 'Counts an exchange against the limit of its rule; the lock of the log is taken.';

-- A row for each that is asked for, by its place in the array from 1: made; rule_gone: removed, of a deleted organisation, or never
-- as wide as that; replayed: the identity was exchanged, or has as many live tokens as it may; too_many: at retry_at the rule gives
-- a token again; other_body, in_progress, made_before, may_repeat (id is the token that the request made, is_revoked whether it
-- is): as of any request with a key. Nobody else's exchange suffers from one that is refused.
create function skillreg.exchange_mint(p_rows skillreg.exchange_row[]) returns table (
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
begin
    perform from skillreg.organisation o
    where o.id in (select r.org_id from skillreg.trust_rule r join unnest(p_rows) a on a.rule_id = r.id)
    order by o.id for key share;
    perform skillreg.lock_patience(began);
    perform from skillreg.trust_rule r where r.id in (select a.rule_id from unnest(p_rows) a) order by r.id for key share;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array(select a.instead_of from unnest(p_rows) a where a.instead_of is not null));
    perform skillreg.lock_patience(began);
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

comment on function skillreg.exchange_mint is 'Exchanges identities, which the gateway has judged, for tokens; outcome says of each whether.';

-- The triggers leave this insert out: the audit of an exchange says more than they know.
create function skillreg.mint_locked(
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
    perform skillreg.token_event_write(1, (p_row).digest, (p_row).id, (p_rule).org_id);
    insert into skillreg.token_audit
        (id, org_id, action, token_id, token_name, actor_token_id, actor_name, address, by_rule, ended_at, facts)
    select coalesce(max(a.id), 0) + 1, (p_rule).org_id, 'exchange', (p_row).id, (p_row).name, (p_rule).id,
        (p_rule).kind || ' ' || (p_rule).anchor, (p_row).address, true, p_expires_at, (p_row).facts
    from skillreg.token_audit a;
end
$$;

comment on function skillreg.mint_locked is 'The writing part of skillreg.exchange_mint; the lock of the log is taken.';

-- ---- rotate ----
-- As before, but for minted: the token is one, whose successor would live on when its rule is removed.
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
    outcome := case when predecessor.is_minted then 'minted'
                    when p_is_own and not predecessor.rotates_itself then 'not_self_rotating'
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

-- ---- what goes by itself ----
-- Identities that have expired, and the rows of minted tokens a day after their end, which the audit has had since they were made:
-- their secrets were drawn here, so nobody brings one back, and nothing is kept of them. Every gateway has heard long ago. Returns
-- the larger of the two numbers.
create function skillreg.exchange_prune(p_rows_max int) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
    identities bigint;
    tokens bigint;
    old_ids text[];
begin
    if not pg_try_advisory_xact_lock(7311583425295) then
        return 0;
    end if;
    delete from skillreg.exchanged_identity e
    where (e.replay_key, e.place) in (
        select o.replay_key, o.place from skillreg.exchanged_identity o
        where o.until < now() order by o.until limit p_rows_max);
    get diagnostics identities = row_count;
    old_ids := array(
        select t.id
        from skillreg.organisation o
            cross join lateral (
                select m.id from skillreg.api_token m
                where m.org_id = o.id and m.is_minted and m.expires_at < now() - interval '1 day'
                    and (m.revoked_at is not null or m.noted_end = m.expires_at)
                order by m.expires_at limit p_rows_max) t
        limit p_rows_max);
    old_ids := array(
        select t.id from skillreg.api_token t where t.id = any(old_ids) order by t.id for update skip locked);
    perform set_config('skillreg.pruning', pg_current_xact_id()::text, true);
    delete from skillreg.api_token t where t.id = any(old_ids);
    get diagnostics tokens = row_count;
    perform set_config('skillreg.pruning', '', true);
    return greatest(identities, tokens);
end
$$;

comment on function skillreg.exchange_prune is
    'Deletes identities that have expired, and tokens that were minted and ended a day ago, at the most that many of each.';

-- ---- who may ----
-- As the owner, so that whoever serves needs no right to write rules. Those who serve may, also where the grants are not given
-- anew yet.
do $$
declare
    may record;
    definer text;
begin
    foreach definer in array array[
        'skillreg.trust_create(text, text, text, text, text, jsonb, smallint, int, cidr[], int, text, inet)',
        'skillreg.trust_remove(text, text, text, inet, int)', 'skillreg.exchange_mint(skillreg.exchange_row[])',
        'skillreg.exchange_prune(int)'] loop
        execute format('revoke execute on function %s from public', definer);
        for may in
            select r.rolname from pg_roles r
            where not r.rolsuper and not starts_with(r.rolname, 'pg_')
                and has_column_privilege(r.oid, 'skillreg.api_token', 'revoked_at', 'update')
                and has_table_privilege(r.oid, 'skillreg.api_token', 'insert')
        loop
            execute format('grant execute on function %s to %I', definer, may.rolname);
            execute format('grant select on skillreg.trust_rule, skillreg.trust_use, skillreg.exchanged_identity to %I',
                may.rolname);
        end loop;
    end loop;
end
$$;
