-- SPDX-License-Identifier: MIT
-- The log of changes, by which every gateway learns what became of a token that it remembers. Triggers write it, so that
-- whoever changes a token or an organisation, the gateway or an operator's plain SQL, is heard. Writing last_used_at and
-- what else no decision depends on writes no event.
--
-- A bulk load of tokens that no gateway can know yet may do without: `set session_replication_role = replica` keeps the
-- triggers of a session off (and its foreign key checks).

create sequence skillreg.token_event_seq as bigint;

create table skillreg.token_event (
    seq bigint primary key,
    kind smallint not null
        check (kind between 1 and 4),
    digest bytea
        check (octet_length(digest) = 32),
    token_id text collate "C",
    org_id text collate "C" not null,
    at timestamptz not null default clock_timestamp(),
    check ((digest is null) = (kind = 4) and (token_id is null) = (kind = 4))
);
alter sequence skillreg.token_event_seq owned by skillreg.token_event.seq;

comment on table skillreg.token_event is
    'What changed, in the order of the commits; kept for a day. Never all deleted: the newest row says where the log stands.';
comment on column skillreg.token_event.seq is 'Rises in the order of the commits; a transaction undone leaves a gap.';
comment on column skillreg.token_event.kind is
    '1 token created, 2 token revoked or deleted, 3 token changed, 4 organisation deleted, restored or renamed.';
comment on column skillreg.token_event.digest is 'Of the token; null for an organisation.';
comment on column skillreg.token_event.token_id is 'Of the token, for people; null for an organisation.';
comment on column skillreg.token_event.org_id is 'The organisation, or that of the token.';
comment on column skillreg.token_event.at is 'When it was written.';

-- The lock is taken before the number and held until after the commit: who gets the higher number commits later, and a
-- reader that has seen a number will never see a lower one appear. Any lock number that nothing else in the database uses.
-- The notification has no payload: those of one transaction are then one, however many rows it changed.
create function skillreg.token_event_write(p_kind int, p_digest bytea, p_token_id text, p_org_id text)
returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7311583425292);
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
    values (nextval('skillreg.token_event_seq'), p_kind, p_digest, p_token_id, p_org_id);
    perform pg_notify('skillreg_events', '');
end
$$;

comment on function skillreg.token_event_write is 'Appends to the log and wakes the gateways at commit.';

create function skillreg.api_token_write_event() returns trigger
language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.digest = old.digest then
        perform skillreg.token_event_write(
            case when old.revoked_at is null and new.revoked_at is not null then 2 else 3 end,
            new.digest, new.id, new.org_id);
        return null;
    end if;
    if tg_op <> 'INSERT' then
        perform skillreg.token_event_write(2, old.digest, old.id, old.org_id);
    end if;
    if tg_op <> 'DELETE' then
        perform skillreg.token_event_write(1, new.digest, new.id, new.org_id);
    end if;
    return null;
end
$$;

create trigger api_token_inserted
after insert on skillreg.api_token
for each row
execute function skillreg.api_token_write_event();

-- The column list keeps writes of last_used_at free of triggers.
create trigger api_token_updated
after update of id, org_id, name, prefix, digest, scopes, expires_at, revoked_at on skillreg.api_token
for each row
when ((old.id, old.org_id, old.name, old.prefix, old.digest, old.scopes, old.expires_at, old.revoked_at)
      is distinct from
      (new.id, new.org_id, new.name, new.prefix, new.digest, new.scopes, new.expires_at, new.revoked_at))
execute function skillreg.api_token_write_event();

create trigger api_token_deleted
after delete on skillreg.api_token
for each row
execute function skillreg.api_token_write_event();

create function skillreg.organisation_write_event() returns trigger
language plpgsql as $$
begin
    perform skillreg.token_event_write(4, null, null, new.id);
    return null;
end
$$;

create trigger organisation_updated
after update of slug, name, deleted_at on skillreg.organisation
for each row
when ((old.slug, old.name, old.deleted_at) is distinct from (new.slug, new.name, new.deleted_at))
execute function skillreg.organisation_write_event();

-- Tells also whose entry must go where the answer is given, and what number all others must have heard.
drop function skillreg.token_revoke(text, text, text);

create function skillreg.token_revoke(p_org_id text, p_id text, p_revoked_by text)
returns table (name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql as $$
begin
    update skillreg.api_token t
    set revoked_at = date_trunc('milliseconds', now()), revoked_by = p_revoked_by
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
    returning t.name, t.revoked_at, t.digest into name, revoked_at, digest;
    if found then
        event_seq := currval('skillreg.token_event_seq'); -- the trigger's
        return next;
    end if;
end
$$;

comment on function skillreg.token_revoke is
    'Revokes a live token of the organisation; no row when there is none.';

-- Who is there, and how far each has heard. Lost in a crash of the server without harm: the living write themselves anew
-- every second. The fill factor keeps those updates on the page.
create unlogged table skillreg.gateway (
    id text collate "C" primary key
        check (char_length(id) between 1 and 100),
    applied_seq bigint not null,
    seen_at timestamptz not null
) with (fillfactor = 20);

comment on table skillreg.gateway is 'One row per running gateway process, and those that ran within a day or so.';
comment on column skillreg.gateway.id is 'Unique per process.';
comment on column skillreg.gateway.applied_seq is 'Every event up to this one is applied there.';
comment on column skillreg.gateway.seen_at is 'Last sign of life; nobody waits for one that is silent for five seconds.';

-- Bounded, for a log that a bulk change has made long; whoever comes while another is at it has nothing to do. Of the old
-- rows the newest stays: a gateway knows by its last applied row, still there, that it has missed nothing.
create function skillreg.token_event_prune(p_rows_max int) returns bigint
language plpgsql as $$
declare
    pruned bigint;
begin
    if not pg_try_advisory_xact_lock(7311583425293) then
        return 0;
    end if;
    delete from skillreg.gateway where seen_at < now() - interval '1 day';
    delete from skillreg.token_event
    where seq < (
        select max(o.seq)
        from (select e.seq, e.at from skillreg.token_event e order by e.seq limit p_rows_max + 1) o
        where o.at < now() - interval '1 day');
    get diagnostics pruned = row_count;
    return pruned;
end
$$;

comment on function skillreg.token_event_prune is
    'Deletes events and gateways older than a day; returns how many events.';
