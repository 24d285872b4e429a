-- SPDX-License-Identifier: MIT
-- Organisations and their tokens. The secret of a token is never here: only its first 12 characters, by which it is
-- found, and the SHA-256 of the whole, by which it is known. Ids, slugs and prefixes are ASCII and compare by bytes
-- (collation "C"): the cheapest order, and the same on every server.

create table skillreg.organisation (
    id text collate "C" primary key
        check (id ~ '^[a-z0-9]{1,32}$'),
    slug text collate "C" not null unique
        check (slug ~ '^[a-z0-9][a-z0-9-]{0,46}[a-z0-9]$'),
    name text not null
        check (char_length(name) between 1 and 100),
    created_at timestamptz not null default date_trunc('milliseconds', now()),
    deleted_at timestamptz
);

comment on table skillreg.organisation is 'Who owns tokens. Kept when deleted: its tokens stop working at once.';
comment on column skillreg.organisation.id is 'Never shown in a path; what tokens and headers refer to.';
comment on column skillreg.organisation.slug is 'Its name in paths; stays taken after deletion.';
comment on column skillreg.organisation.name is 'For people.';
comment on column skillreg.organisation.created_at is 'Milliseconds, as the API shows it.';
comment on column skillreg.organisation.deleted_at is 'Set: every token of the organisation is refused.';

-- The fill factor leaves room for the newer version of a row on its own page: writing last_used_at, which no index
-- covers, then stays a heap-only update and touches no index.
create table skillreg.api_token (
    id text collate "C" primary key
        check (id ~ '^[a-z0-9]{1,32}$'),
    org_id text collate "C" not null references skillreg.organisation (id),
    name text not null
        check (char_length(name) between 1 and 100),
    prefix text collate "C" not null
        check (prefix ~ '^[A-Za-z0-9_-]{12}$' and length(prefix) = 12),
    digest bytea not null unique
        check (octet_length(digest) = 32),
    scopes smallint not null
        check (scopes between 1 and 7),
    created_at timestamptz not null default date_trunc('milliseconds', now()),
    created_by text collate "C" not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text collate "C",
    check ((revoked_at is null) = (revoked_by is null))
) with (fillfactor = 80);

comment on table skillreg.api_token is 'One row per token ever made. A revoked row stays for the audit and never comes back to life.';
comment on column skillreg.api_token.id is 'What revoking names; distinct from name and prefix.';
comment on column skillreg.api_token.org_id is 'The one organisation that the token belongs to.';
comment on column skillreg.api_token.name is 'Given by whoever made it; not unique.';
comment on column skillreg.api_token.prefix is 'First 12 characters of the secret: the lookup key, and what the list shows. Not unique.';
comment on column skillreg.api_token.digest is 'SHA-256 of the whole secret. The secret itself is stored nowhere.';
comment on column skillreg.api_token.scopes is 'Bit set: 1 read, 2 write, 4 admin, as given when made.';
comment on column skillreg.api_token.created_at is 'Milliseconds, as the API shows it.';
comment on column skillreg.api_token.created_by is 'Id of the token that asked for it, or "operator".';
comment on column skillreg.api_token.expires_at is 'Refused from this instant on; null: never.';
comment on column skillreg.api_token.last_used_at is 'Newest use known; written in batches, up to a second or so late; never moves back.';
comment on column skillreg.api_token.revoked_at is 'Refused since then, for good.';
comment on column skillreg.api_token.revoked_by is 'Id of the token that asked for it, or "operator".';

-- The decision on each request.
create index api_token_prefix on skillreg.api_token (prefix) where revoked_at is null;
-- Listing, newest first.
create index api_token_org on skillreg.api_token (org_id, created_at desc, id desc) where revoked_at is null;

-- A revocation is final. The column list keeps writes of last_used_at free of triggers.
create function skillreg.api_token_keep_revoked() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'token % is revoked: its row stays for the audit', old.id
            using errcode = 'restrict_violation';
    end if;
    raise exception 'token % is revoked for good', old.id
        using errcode = 'restrict_violation';
end
$$;

create trigger api_token_stays_revoked
before update of revoked_at, revoked_by on skillreg.api_token
for each row
when (old.revoked_at is not null
      and (new.revoked_at is distinct from old.revoked_at or new.revoked_by is distinct from old.revoked_by))
execute function skillreg.api_token_keep_revoked();

create trigger api_token_revoked_stays
before delete on skillreg.api_token
for each row
when (old.revoked_at is not null)
execute function skillreg.api_token_keep_revoked();

-- Changes of tokens are functions, so that whatever must happen in the same transaction has one place.

-- Null when the organisation is gone, else when the token was made.
create function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text
) returns timestamptz
language plpgsql as $$
declare
    made_at timestamptz;
begin
    insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, expires_at, created_by)
    select p_id, o.id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by
    from skillreg.organisation o
    where o.id = p_org_id and o.deleted_at is null
    returning created_at into made_at;
    return made_at;
end
$$;

comment on function skillreg.token_create is 'Makes a token; null when the organisation is gone.';

-- No row when the token is unknown, of another organisation, or revoked before.
create function skillreg.token_revoke(p_org_id text, p_id text, p_revoked_by text)
returns table (name text, revoked_at timestamptz)
language plpgsql as $$
begin
    return query
    update skillreg.api_token t
    set revoked_at = date_trunc('milliseconds', now()), revoked_by = p_revoked_by
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null
    returning t.name, t.revoked_at;
end
$$;

comment on function skillreg.token_revoke is
    'Revokes a live token of the organisation; no row when there is none.';
