-- SPDX-License-Identifier: MIT
-- Rows that nobody needs any more go when the owner of the schema asks for it (skillreg-gateway prune), and in no other way.
-- Of a token its digest stays for ever, so that its secret never comes back.

create table skillreg.pruned_token (
    digest bytea primary key
        check (octet_length(digest) = 32),
    ended_at timestamptz not null
        check (skillreg.is_time(ended_at)),
    pruned_at timestamptz not null default date_trunc('milliseconds', now())
        check (skillreg.is_time(pruned_at))
);

comment on table skillreg.pruned_token is 'What is left of tokens whose rows were pruned: no token is made of these again.';
comment on column skillreg.pruned_token.digest is 'SHA-256 of the whole secret.';
comment on column skillreg.pruned_token.ended_at is 'When it was revoked or expired, whatever came first.';
comment on column skillreg.pruned_token.pruned_at is 'When its row went.';

create trigger restore_is_refused before insert on skillreg.pruned_token
for each statement execute function skillreg.refuse_restore();

-- ---- what keeps rows, except from a prune ----
-- The setting is of one transaction, and counts for the owner alone.
create function skillreg.is_pruning() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(current_setting('skillreg.pruning', true), '') = pg_current_xact_id()::text
        and pg_has_role(current_user, (select c.relowner from pg_class c where c.oid = 'skillreg.api_token'::regclass), 'member')
$$;

comment on function skillreg.is_pruning is 'True within the statements of token_prune and audit_prune that delete, for the owner.';

create or replace function skillreg.token_audit_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' and skillreg.is_pruning() then
        return null;
    end if;
    raise exception 'the audit is only ever added to'
        using errcode = 'restrict_violation', hint = 'Old events go by skillreg-gateway prune.';
end
$$;

create or replace function skillreg.api_token_keep_revoked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' and skillreg.is_pruning() then
        return old;
    end if;
    if tg_op = 'DELETE' then
        raise exception 'token % is revoked: its row stays for the audit', old.id
            using errcode = 'restrict_violation', hint = 'Old rows go by skillreg-gateway prune.';
    end if;
    raise exception 'token % is revoked for good', old.id
        using errcode = 'restrict_violation';
end
$$;

-- Every gateway has heard long ago that the token ended: that its row goes is no event.
drop trigger api_token_deleted on skillreg.api_token;
create constraint trigger api_token_deleted
after delete on skillreg.api_token
deferrable initially deferred
for each row
when (not skillreg.is_pruning())
execute function skillreg.api_token_write_event();

-- ---- what never comes back ----
-- After the insert, which has waited for a prune of the same token. Before it only token_import's rows are looked at, which
-- are left out one by one. As the owner, so that whoever makes tokens needs no right to these.
create function skillreg.api_token_refuse_pruned() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from skillreg.pruned_token p where p.digest = new.digest) then
        return new;
    end if;
    if tg_when = 'BEFORE' then
        return case when skillreg.is_logged_by_triggers() then new end;
    end if;
    raise exception 'this token was there before, has ended and was pruned: it never comes back'
        using errcode = 'unique_violation', schema = 'skillreg', table = 'api_token';
end
$$;

comment on function skillreg.api_token_refuse_pruned is 'Keeps tokens of skillreg.pruned_token from being made again.';
revoke execute on function skillreg.api_token_refuse_pruned from public;

create trigger api_token_stays_pruned
after insert or update of digest on skillreg.api_token
for each row
execute function skillreg.api_token_refuse_pruned();

create trigger api_token_is_not_imported_again
before insert on skillreg.api_token
for each row
execute function skillreg.api_token_refuse_pruned();

-- As before, but a pruned token was revoked, or is as good as that.
create or replace function skillreg.token_import_outcomes(p_rows skillreg.token_import_row[], p_made bytea[])
returns table (line bigint, outcome text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select r.line, case
        when o.id is null then 'no_org'
        when o.deleted_at is not null then 'org_deleted'
        when m.digest is not null and r.place = 1 then 'made'
        when exists (select from skillreg.pruned_token p where p.digest = r.digest_bytes) then 'revoked'
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

-- ---- pruning ----
-- Which end a row has long behind it, if any: a null age is none. An expired token waits until the audit has its end.
create function skillreg.prunable_end(
    p_token skillreg.api_token, p_revoked_before timestamptz, p_expired_before timestamptz
) returns text
language sql immutable
return case when (p_token).revoked_at < p_revoked_before then 'revoked'
            when (p_token).revoked_at is null and (p_token).expires_at < p_expired_before
                 and (p_token).noted_end = (p_token).expires_at then 'expired' end;

comment on function skillreg.prunable_end is 'revoked, expired, or null: the row stays.';

-- The newest event stays: the next number is made from it.
create function skillreg.prune_preview(
    p_audit_before timestamptz, p_revoked_before timestamptz, p_expired_before timestamptz
) returns table (audit_events bigint, revoked bigint, expired bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        (select count(*) from skillreg.token_audit a
         where a.at < p_audit_before and a.id < (select max(n.id) from skillreg.token_audit n)),
        count(*) filter (where e.kind = 'revoked'),
        count(*) filter (where e.kind = 'expired')
    from (select skillreg.prunable_end(t, p_revoked_before, p_expired_before) as kind from skillreg.api_token t) e
$$;

comment on function skillreg.prune_preview is 'What a prune would delete now; a null time: nothing of that.';

-- From one number on, that many rows: where it stopped, and how many of them it deleted. Null: there are none left.
create function skillreg.audit_prune(
    p_after bigint, p_before timestamptz, p_rows_max int, out last_id bigint, out pruned bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    select max(w.id) into last_id
    from (select a.id from skillreg.token_audit a where a.id > p_after order by a.id limit p_rows_max) w;
    perform set_config('skillreg.pruning', pg_current_xact_id()::text, true);
    delete from skillreg.token_audit a
    where a.id > p_after and a.id <= last_id and a.at < p_before
        and a.id < (select max(n.id) from skillreg.token_audit n);
    get diagnostics pruned = row_count;
    perform set_config('skillreg.pruning', '', true);
end
$$;

comment on function skillreg.audit_prune is 'Deletes old events of the audit, of a bounded number of rows.';

-- A token in the middle of a chain of rotations: those beside it take each other's hands, so that the whole chain is still
-- found from each of its tokens. All of them are locked.
create function skillreg.unlink_token(p_id text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    gone skillreg.api_token;
begin
    select t.* into gone from skillreg.api_token t where t.id = p_id;
    if gone.replaced_by is null or not exists (select from skillreg.api_token t where t.id = gone.replaces) then
        return;
    end if;
    update skillreg.api_token t set replaced_by = gone.replaced_by where t.id = gone.replaces and t.replaced_by = p_id;
    update skillreg.api_token t set replaces = gone.replaces where t.id = gone.replaced_by and t.replaces = p_id;
end
$$;

comment on function skillreg.unlink_token is 'Takes a token that is to be deleted out of its chain of rotations.';

-- As audit_prune, in the order of the ids. What changes in the meantime is left for the next prune.
create function skillreg.token_prune(
    p_after text, p_revoked_before timestamptz, p_expired_before timestamptz, p_rows_max int,
    out last_id text, out pruned bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    old_ids text[];
    locked text[];
begin
    pruned := 0;
    select max(w.id) into last_id
    from (select t.id from skillreg.api_token t where t.id > p_after order by t.id limit p_rows_max) w;
    select array_agg(distinct t.id), array_agg(distinct n.id) into old_ids, locked
    from skillreg.api_token t cross join lateral unnest(array[t.id, t.replaces, t.replaced_by]) n(id)
    where t.id > p_after and t.id <= last_id and n.id is not null
        and skillreg.prunable_end(t, p_revoked_before, p_expired_before) is not null;
    if old_ids is null then
        return;
    end if;
    perform skillreg.lock_tokens(locked);
    old_ids := array(
        select t.id from skillreg.api_token t
        where t.id = any(old_ids) and skillreg.prunable_end(t, p_revoked_before, p_expired_before) is not null
            and (t.replaces is null or t.replaces = any(locked))
            and (t.replaced_by is null or t.replaced_by = any(locked)));
    perform skillreg.unlink_token(t.id)
    from unnest(old_ids) o(id) join skillreg.api_token t on t.id = o.id
    where t.replaces is not null and t.replaced_by is not null;
    perform set_config('skillreg.pruning', pg_current_xact_id()::text, true);
    with gone as (
        delete from skillreg.api_token t where t.id = any(old_ids)
        returning t.digest, least(t.revoked_at, t.expires_at) as ended_at)
    insert into skillreg.pruned_token (digest, ended_at)
    select g.digest, g.ended_at from gone g
    on conflict do nothing;
    get diagnostics pruned = row_count;
    perform set_config('skillreg.pruning', '', true);
end
$$;

comment on function skillreg.token_prune is 'Deletes rows of tokens that ended long ago, of a bounded number of rows.';
