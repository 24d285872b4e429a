-- SPDX-License-Identifier: MIT
-- What an operator changes: organisations, and tokens by the thousand.

-- ---- organisations ----
-- done, with the row as it is then; not_found; taken: another organisation has the slug; deleted, not_deleted: it is so
-- already. A null is left as it is.
create function skillreg.organisation_rename(p_slug text, p_new_slug text, p_new_name text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    update skillreg.organisation o
    set slug = coalesce(p_new_slug, o.slug), name = coalesce(p_new_name, o.name)
    where o.slug = p_slug and o.deleted_at is null;
    return case when found then 'done' else 'not_found' end;
exception when unique_violation then
    return 'taken';
end
$$;

comment on function skillreg.organisation_rename is
    'Changes slug, name or both of an organisation that is not deleted: done, not_found or taken.';

create function skillreg.organisation_delete(p_slug text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    update skillreg.organisation o
    set deleted_at = date_trunc('milliseconds', clock_timestamp())
    where o.slug = p_slug and o.deleted_at is null;
    return case when found then 'done'
                when exists (select from skillreg.organisation o where o.slug = p_slug) then 'deleted'
                else 'not_found' end;
end
$$;

comment on function skillreg.organisation_delete is
    'From now on every token of it is refused: done, not_found, or deleted when it was before.';

create function skillreg.organisation_restore(p_slug text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    update skillreg.organisation o set deleted_at = null
    where o.slug = p_slug and o.deleted_at is not null;
    return case when found then 'done'
                when exists (select from skillreg.organisation o where o.slug = p_slug) then 'not_deleted'
                else 'not_found' end;
end
$$;

comment on function skillreg.organisation_restore is
    'Undoes its deletion; tokens that were revoked stay so: done, not_found, or not_deleted.';

-- ---- many tokens at once ----
-- As with the revocation of many: token_import writes log and audit in two statements, and its insert, and no other of the
-- transaction, is left out by the triggers.
comment on function skillreg.is_logged_by_triggers is
    'False within the one statement of skillreg.revoke_locked, or of skillreg.token_import, that changes tokens.';

drop trigger api_token_inserted on skillreg.api_token;
create constraint trigger api_token_inserted
after insert on skillreg.api_token
deferrable initially deferred
for each row
when (skillreg.is_logged_by_triggers())
execute function skillreg.api_token_write_event();

drop trigger api_token_witnessed_made on skillreg.api_token;
create constraint trigger api_token_witnessed_made
after insert on skillreg.api_token
deferrable initially deferred
for each row
when (skillreg.is_logged_by_triggers())
execute function skillreg.api_token_write_audit();

-- A row of a file. line is for whoever reads the answer; created_at null: now.
create type skillreg.token_import_row as (
    line bigint,
    id text,
    has_own_id boolean,
    org text,
    name text,
    prefix text,
    digest text,
    scopes smallint,
    created_at timestamptz,
    last_used_at timestamptz,
    expires_at timestamptz,
    allowed_ips cidr[],
    description text,
    binds_children boolean,
    rotates_itself boolean
);

comment on type skillreg.token_import_row is 'A token of a file, as JSON has it for token_import; digest in hexadecimal.';

-- made: of p_made, the digests that the caller has just inserted; new: nothing is in its way; there: a token with the same
-- secret has the same data; differs: it has other data; revoked: it was revoked, which is for good; no_org, org_deleted;
-- id_taken: another token has its id. When it was used last changes by itself, so nobody compares it.
create function skillreg.token_import_outcomes(p_rows skillreg.token_import_row[], p_made bytea[])
returns table (line bigint, outcome text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select r.line, case
        when o.id is null then 'no_org'
        when o.deleted_at is not null then 'org_deleted'
        when m.digest is not null and r.place = 1 then 'made'
        when t.id is null and exists (select from skillreg.api_token other where other.id = r.id) then 'id_taken'
        when t.id is null then 'new'
        when t.revoked_at is not null then 'revoked'
        when (t.org_id, t.name, t.prefix, t.scopes, t.expires_at, t.allowed_ips, t.description, t.binds_children,
              t.rotates_itself, t.created_at, t.id)
             is not distinct from
             (o.id, r.name, r.prefix, r.scopes, r.expires_at, r.allowed_ips, r.description, r.binds_children,
              r.rotates_itself, coalesce(r.created_at, t.created_at), case when r.has_own_id then r.id else t.id end)
        then 'there'
        else 'differs' end
    from (select g.*, decode(g.digest, 'hex') as digest_bytes, row_number() over (partition by g.digest order by g.line) as place
          from unnest(p_rows) g) r
    left join skillreg.organisation o on o.slug = r.org
    left join skillreg.api_token t on t.digest = r.digest_bytes
    left join unnest(p_made) m(digest) on m.digest = r.digest_bytes
    order by r.line
$$;

comment on function skillreg.token_import_outcomes is
    'What became of each row, or would: made, new, there, differs, revoked, no_org, org_deleted or id_taken.';

create function skillreg.token_import_rows(p_rows json) returns skillreg.token_import_row[]
language sql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select array_agg(r::skillreg.token_import_row)
    from json_populate_recordset(null::skillreg.token_import_row, p_rows) r
$$;

comment on function skillreg.token_import_rows is 'The rows of an array of objects.';

create function skillreg.token_import_preview(p_rows json) returns table (line bigint, outcome text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select v.line, v.outcome from skillreg.token_import_outcomes(skillreg.token_import_rows(p_rows), '{}') v
$$;

comment on function skillreg.token_import_preview is 'What token_import would say of these rows, with new in place of made.';

-- As the triggers would have written it, under the lock of the log.
create function skillreg.log_imported(p_digests bytea[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform skillreg.log_take_turn();
    insert into skillreg.token_event (seq, kind, digest, token_id, org_id)
    select (select coalesce(max(e.seq), 0) from skillreg.token_event e) + row_number() over (order by t.created_at, t.id),
        1, t.digest, t.id, t.org_id
    from unnest(p_digests) m(digest) join skillreg.api_token t on t.digest = m.digest;
    insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name)
    select (select coalesce(max(a.id), 0) from skillreg.token_audit a) + row_number() over (order by t.created_at, t.id),
        t.org_id, 'import', t.id, t.name, t.created_by
    from unnest(p_digests) m(digest) join skillreg.api_token t on t.digest = m.digest;
    perform pg_notify('skillreg_events', '');
end
$$;

comment on function skillreg.log_imported is 'Events and audit of tokens that token_import has just made.';

-- A row is made or it is not, whatever becomes of the others. In the order of the digests, so that two who load the same
-- file do not wait for each other in a circle.
create function skillreg.token_import(p_rows json) returns table (line bigint, outcome text)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    given skillreg.token_import_row[] := skillreg.token_import_rows(p_rows);
    made bytea[];
begin
    perform from skillreg.organisation o
    where o.slug in (select g.org from unnest(given) g)
    order by o.id for key share;
    perform skillreg.lock_patience(began);
    perform set_config('skillreg.logged_in', pg_current_xact_id()::text, true);
    with inserted as (
        insert into skillreg.api_token
            (id, org_id, name, prefix, digest, scopes, created_at, created_by, last_used_at, expires_at, is_imported,
             allowed_ips, description, binds_children, rotates_itself)
        select g.id, o.id, g.name, g.prefix, decode(g.digest, 'hex'), g.scopes,
            coalesce(g.created_at, date_trunc('milliseconds', began)), 'operator', g.last_used_at, g.expires_at, true,
            g.allowed_ips, g.description, g.binds_children, g.rotates_itself
        from unnest(given) g
            join skillreg.organisation o on o.slug = g.org and o.deleted_at is null
        order by g.digest, g.line
        on conflict do nothing
        returning digest)
    select coalesce(array_agg(i.digest), '{}') into made from inserted i;
    perform set_config('skillreg.logged_in', '', true);
    return query
    select v.line, v.outcome from skillreg.token_import_outcomes(given, made) v;
    if cardinality(made) > 0 then
        perform skillreg.lock_patience(began);
        perform skillreg.log_imported(made);
    end if;
end
$$;

comment on function skillreg.token_import is
    'Takes tokens that were made elsewhere; what became of each row is in token_import_outcomes.';
