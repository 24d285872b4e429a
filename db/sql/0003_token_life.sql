-- SPDX-License-Identifier: MIT
-- The life of a token: where it was made and revoked from, the audit of that, rotation, and the addresses it may be used
-- from. The functions that an older program calls stay, with the arguments that it gives them.

alter table skillreg.api_token
    add column is_imported boolean not null default false,
    add column created_from inet,
    add column revoked_from inet,
    add column replaces text collate "C",
    add column replaced_by text collate "C",
    add column rotation_key text collate "C"
        check (rotation_key ~ '^[!-~]{1,64}$'),
    add column allowed_ips cidr[]
        check (cardinality(allowed_ips) between 1 and 32 and array_ndims(allowed_ips) = 1
               and array_position(allowed_ips, null) is null);

comment on column skillreg.api_token.is_imported is 'Made elsewhere, and told to us.';
comment on column skillreg.api_token.created_from is 'Address of the client that asked for it; null for an operator.';
comment on column skillreg.api_token.revoked_from is 'Address of the client that asked for it; null for an operator.';
comment on column skillreg.api_token.replaces is 'Id of the token whose successor this one is; null: made anew.';
comment on column skillreg.api_token.replaced_by is 'Id of the successor; null: never rotated.';
comment on column skillreg.api_token.rotation_key is 'Idempotency-Key of the rotation; null: it had none.';
comment on column skillreg.api_token.allowed_ips is 'Where it may be used from; null: anywhere.';

-- allowed_ips decides, so a change of it is told.
drop trigger api_token_updated on skillreg.api_token;

create trigger api_token_updated
after update of id, org_id, name, prefix, digest, scopes, expires_at, revoked_at, allowed_ips on skillreg.api_token
for each row
when ((old.id, old.org_id, old.name, old.prefix, old.digest, old.scopes, old.expires_at, old.revoked_at, old.allowed_ips)
      is distinct from
      (new.id, new.org_id, new.name, new.prefix, new.digest, new.scopes, new.expires_at, new.revoked_at, new.allowed_ips))
execute function skillreg.api_token_write_event();

-- ---- audit ----
-- Nothing here refers to a row of another table: it must outlive them, and names are as they were then.
create table skillreg.token_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
    org_id text collate "C" not null,
    action text collate "C" not null
        check (action in ('create', 'import', 'rotate', 'revoke')),
    token_id text collate "C" not null,
    token_name text not null,
    successor_id text collate "C"
        check ((successor_id is not null) = (action = 'rotate')),
    actor_token_id text collate "C",
    actor_name text not null,
    address inet
);

comment on table skillreg.token_audit is
    'What was done to tokens, by whom and from where, since this table exists. Rows are added and never change.';
comment on column skillreg.token_audit.id is 'Rises in the order of the commits.';
comment on column skillreg.token_audit.at is 'Milliseconds, as the API shows it.';
comment on column skillreg.token_audit.org_id is 'The organisation of the token.';
comment on column skillreg.token_audit.action is 'create, import, rotate or revoke.';
comment on column skillreg.token_audit.token_id is 'The token that it was done to; of a rotation the old one.';
comment on column skillreg.token_audit.token_name is 'Its name.';
comment on column skillreg.token_audit.successor_id is 'Of a rotation: the token that was made.';
comment on column skillreg.token_audit.actor_token_id is 'The token that asked for it; null: an operator.';
comment on column skillreg.token_audit.actor_name is 'The name of that token, or what the operator is called.';
comment on column skillreg.token_audit.address is 'Address of the client that asked for it; null for an operator.';

-- The list, newest first.
create index token_audit_org on skillreg.token_audit (org_id, id desc);

create function skillreg.token_audit_keep() returns trigger
language plpgsql as $$
begin
    raise exception 'the audit is only ever added to'
        using errcode = 'restrict_violation';
end
$$;

create trigger token_audit_stays
before update or delete or truncate on skillreg.token_audit
for each statement
execute function skillreg.token_audit_keep();

-- From the row alone, so that plain SQL of an operator is seen as well.
create function skillreg.api_token_write_audit() returns trigger
language plpgsql as $$
declare
    actor text := case tg_op when 'INSERT' then new.created_by else new.revoked_by end;
    actor_name text;
begin
    select t.name into actor_name from skillreg.api_token t where t.id = actor;
    insert into skillreg.token_audit
        (org_id, action, token_id, token_name, successor_id, actor_token_id, actor_name, address)
    values (
        new.org_id,
        case when tg_op = 'UPDATE' then 'revoke' when new.replaces is not null then 'rotate'
             when new.is_imported then 'import' else 'create' end,
        case when tg_op = 'INSERT' then coalesce(new.replaces, new.id) else new.id end,
        new.name,
        case when tg_op = 'INSERT' and new.replaces is not null then new.id end,
        case when actor_name is not null then actor end,
        coalesce(actor_name, actor),
        case tg_op when 'INSERT' then new.created_from else new.revoked_from end);
    return null;
end
$$;

-- Triggers fire in the order of their names: after the one that writes the event and takes the lock which makes the order
-- of the numbers the order of the commits.
create trigger api_token_witnessed_made
after insert on skillreg.api_token
for each row
execute function skillreg.api_token_write_audit();

create trigger api_token_witnessed_revoked
after update of revoked_at on skillreg.api_token
for each row
when (old.revoked_at is null and new.revoked_at is not null)
execute function skillreg.api_token_write_audit();

-- ---- create ----
-- Null when the organisation is gone, else when the token was made.
create function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[]
) returns timestamptz
language plpgsql as $$
declare
    made_at timestamptz;
begin
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, expires_at, created_by, created_from, is_imported, allowed_ips)
    select p_id, o.id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by, p_created_from, p_is_imported,
        p_allowed_ips
    from skillreg.organisation o
    where o.id = p_org_id and o.deleted_at is null
    returning created_at into made_at;
    return made_at;
end
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[]
) is 'Makes a token; null when the organisation is gone.';
comment on function skillreg.token_create(text, text, text, text, bytea, smallint, timestamptz, text) is
    'What programs before version 3 of this schema call.';

-- ---- revoke ----
create function skillreg.token_revoke(p_org_id text, p_id text, p_revoked_by text, p_revoked_from inet)
returns table (name text, revoked_at timestamptz, digest bytea, event_seq bigint)
language plpgsql as $$
begin
    update skillreg.api_token t
    set revoked_at = date_trunc('milliseconds', now()), revoked_by = p_revoked_by, revoked_from = p_revoked_from
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
    returning t.name, t.revoked_at, t.digest into name, revoked_at, digest;
    if found then
        event_seq := currval('skillreg.token_event_seq'); -- the trigger's
        return next;
    end if;
end
$$;

comment on function skillreg.token_revoke(text, text, text, inet) is
    'Revokes a live token of the organisation; no row when there is none.';
comment on function skillreg.token_revoke(text, text, text) is
    'What programs before version 3 of this schema call.';

-- ---- rotate ----
-- No row when there is no such token, or it is not live. With is_made false the token has a successor already, whose id is
-- told. Everything is locked before anything is written, the old token first: of two rotations at once the second sees
-- the first, and who holds the lock of the log waits for nobody.
--
-- The same key again means that the answer was lost. A secret is stored nowhere, so it cannot be given once more: as long
-- as nobody has used the successor it can be revoked, and another one made after its model. A use is known here only once
-- it was written, so the caller is asked first (may_repeat), and says yes by naming that successor in p_instead_of.
-- That goes also when the old token has expired by now, as it does at once without an overlap.
create function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text
) returns table (
    is_made boolean, may_repeat boolean, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, revoked_digest bytea)
language plpgsql as $$
declare
    predecessor skillreg.api_token;
    model skillreg.api_token;
    made_at timestamptz := date_trunc('milliseconds', now());
begin
    select t.* into predecessor
    from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null and o.deleted_at is null
        and (t.expires_at is null or t.expires_at > now() or t.rotation_key = p_key)
    for update of t;
    if not found then
        return;
    end if;
    model := predecessor;
    if predecessor.replaced_by is not null then
        select t.* into model from skillreg.api_token t where t.id = predecessor.replaced_by for update;
        may_repeat := found and p_key is not null and predecessor.rotation_key is not distinct from p_key
            and model.revoked_at is null and model.last_used_at is null and model.replaced_by is null;
        if not may_repeat or p_instead_of is distinct from predecessor.replaced_by then
            is_made := false;
            id := predecessor.replaced_by;
            return next;
            return;
        end if;
        update skillreg.api_token t
        set revoked_at = made_at, revoked_by = p_by, revoked_from = p_from
        where t.id = model.id;
        revoked_digest := model.digest;
    end if;
    is_made := true;
    id := p_new_id;
    name := model.name;
    scopes := model.scopes;
    allowed_ips := model.allowed_ips;
    created_at := made_at;
    expires_at := coalesce(p_expires_at, made_at + (model.expires_at - model.created_at));
    old_expires_at := least(predecessor.expires_at, made_at + make_interval(secs => p_overlap_s));
    old_digest := predecessor.digest;
    update skillreg.api_token t
    set expires_at = token_rotate.old_expires_at, replaced_by = p_new_id, rotation_key = p_key
    where t.id = p_id;
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, replaces, allowed_ips)
    values (p_new_id, p_org_id, model.name, p_new_prefix, p_new_digest, model.scopes, made_at, p_by, p_from,
        token_rotate.expires_at, p_id, model.allowed_ips);
    return next;
end
$$;

comment on function skillreg.token_rotate is
    'Makes a successor of a live token, which then expires after the overlap at the latest.';
