-- SPDX-License-Identifier: MIT
-- A token may be bound to a name of a client's certificate: it is refused on a connection that has not shown one. The binding is
-- made with the token and stands to its end.
--
-- A program that does not know of bindings must not let such a token pass, and it finds tokens by the first 12 characters of the
-- secret. So the prefix of a bound token has a mark behind these 12, by a trigger, whoever makes it: an older program finds no
-- such token and answers 401.
alter table skillreg.api_token
    add column bound_san text collate "C"
        check (octet_length(bound_san) between 1 and 512 and bound_san ~ '^[!-~]+$'),
    drop constraint if exists api_token_prefix_check;
alter table skillreg.api_token
    add constraint api_token_prefix_check
        check (left(prefix, 12) ~ '^[A-Za-z0-9_-]{12}$'
               and substr(prefix, 13) = case when bound_san is null then '' else '~' end) not valid;
comment on column skillreg.api_token.bound_san is
    'The DNS name or URI that a client''s certificate must have (subjectAltName), byte by byte; null: it needs no certificate.';
comment on column skillreg.api_token.prefix is
    'First 12 characters of the secret: the lookup key, and what the list shows. Not unique. ~ behind them: the token is bound.';

create function skillreg.api_token_mark_bound() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.prefix := left(new.prefix, 12) || '~';
    return new;
end
$$;

comment on function skillreg.api_token_mark_bound is 'Keeps a bound token from programs that do not know of bindings.';

create trigger api_token_is_marked_bound
before insert on skillreg.api_token
for each row
when (new.bound_san is not null)
execute function skillreg.api_token_mark_bound();

create function skillreg.api_token_keep_bound() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the binding of token % stands as it was made', old.id
        using errcode = 'restrict_violation', hint = 'Make another token.';
end
$$;

comment on function skillreg.api_token_keep_bound is 'A binding is not changed: no memory of a gateway has a token without it.';

create trigger api_token_stays_bound
before update of bound_san on skillreg.api_token
for each row
when (old.bound_san is distinct from new.bound_san)
execute function skillreg.api_token_keep_bound();

-- ---- create ----
-- As before, and for a binding. other_binding: bound_san has that of the token that asks, which makes no token with another;
-- those that it makes without one have its own.
create function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[],
    p_binds_children boolean, p_description text, p_rotates_itself boolean,
    p_key text, p_body_digest bytea, p_instead_of text, p_bound_san text
) returns table (
    outcome text, id text, created_at timestamptz, expires_at timestamptz, allowed_ips cidr[], binds_children boolean,
    is_revoked boolean, revoked_digest bytea, revoked_event_seq bigint, bound_san text)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
    began timestamptz := clock_timestamp();
    maker skillreg.api_token;
    used skillreg.idempotency_key;
    earlier skillreg.api_token;
    earlier_id text;
begin
    if not skillreg.lock_organisation(p_org_id) then
        outcome := 'no_org';
        return next;
        return;
    end if;
    select k.made_id into earlier_id
    from skillreg.idempotency_find(p_org_id, p_created_by, 'create', '', p_key, began) k;
    perform skillreg.lock_patience(began);
    perform skillreg.lock_tokens(array[p_created_by, earlier_id]);
    created_at := date_trunc('milliseconds', clock_timestamp());
    outcome := skillreg.refusal_of(p_created_by, p_org_id, false);
    if outcome is not null then
        return next;
        return;
    end if;
    select k.* into used
    from skillreg.idempotency_find(p_org_id, p_created_by, 'create', '', p_key, token_create.created_at) k;
    outcome := skillreg.idempotency_refusal(used, p_body_digest, token_create.created_at);
    if outcome is not null then
        return next;
        return;
    end if;
    if used.made_id is not null then
        if used.made_id is distinct from earlier_id then -- another than the one that is locked
            raise exception 'the token of this key was replaced meanwhile' using errcode = 'serialization_failure';
        end if;
        select t.* into earlier from skillreg.api_token t where t.id = earlier_id;
        id := earlier_id;
        is_revoked := earlier.revoked_at is not null;
        outcome := case when skillreg.is_unused(earlier) then 'may_repeat' else 'made_before' end;
        if outcome <> 'may_repeat' or p_instead_of is distinct from earlier_id then
            return next;
            return;
        end if;
    end if;
    select t.* into maker from skillreg.api_token t where t.id = p_created_by;
    if p_expires_at > maker.expires_at then
        outcome := 'ends_too_late';
        expires_at := maker.expires_at;
        return next;
        return;
    end if;
    if p_rotates_itself and maker.expires_at is not null and not maker.rotates_itself then
        outcome := 'outlives_maker';
        return next;
        return;
    end if;
    if maker.binds_children and exists (
        select from unnest(p_allowed_ips) a(wanted) where not a.wanted::inet <<= any(maker.allowed_ips::inet[])) then
        outcome := 'not_bound';
        allowed_ips := maker.allowed_ips;
        return next;
        return;
    end if;
    if p_bound_san <> maker.bound_san then
        outcome := 'other_binding';
        bound_san := maker.bound_san;
        return next;
        return;
    end if;
    outcome := 'made';
    id := p_id;
    is_revoked := false;
    expires_at := coalesce(p_expires_at, maker.expires_at);
    binds_children := coalesce(maker.binds_children, false) or p_binds_children;
    allowed_ips := p_allowed_ips;
    if maker.binds_children and allowed_ips is null then
        allowed_ips := maker.allowed_ips;
    end if;
    bound_san := coalesce(p_bound_san, maker.bound_san);
    revoked_digest := skillreg.revoke_unused(earlier_id, token_create.created_at, p_created_by, p_created_from);
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, is_imported,
         allowed_ips, binds_children, description, rotates_itself, bound_san)
    values
        (p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, token_create.created_at, p_created_by, p_created_from,
         token_create.expires_at, p_is_imported, token_create.allowed_ips, token_create.binds_children, p_description,
         p_rotates_itself, token_create.bound_san);
    perform skillreg.idempotency_keep(p_org_id, p_created_by, 'create', '', p_key, p_body_digest, p_id, earlier_id);
    perform skillreg.lock_patience(began);
    perform skillreg.log_now();
    if revoked_digest is not null then
        revoked_event_seq := skillreg.log_number_of(2, earlier_id);
    end if;
    return next;
end
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[], boolean, text, boolean, text, bytea,
    text, text
) is 'Makes a token; outcome says whether.';

create or replace function skillreg.token_create(
    p_id text, p_org_id text, p_name text, p_prefix text, p_digest bytea, p_scopes smallint,
    p_expires_at timestamptz, p_created_by text, p_created_from inet, p_is_imported boolean, p_allowed_ips cidr[],
    p_binds_children boolean, p_description text, p_rotates_itself boolean,
    p_key text, p_body_digest bytea, p_instead_of text
) returns table (
    outcome text, id text, created_at timestamptz, expires_at timestamptz, allowed_ips cidr[], binds_children boolean,
    is_revoked boolean, revoked_digest bytea, revoked_event_seq bigint)
language sql
set search_path = pg_catalog, pg_temp
as $$
    select c.outcome, c.id, c.created_at, c.expires_at, c.allowed_ips, c.binds_children, c.is_revoked, c.revoked_digest,
        c.revoked_event_seq
    from skillreg.token_create(p_id, p_org_id, p_name, p_prefix, p_digest, p_scopes, p_expires_at, p_created_by,
        p_created_from, p_is_imported, p_allowed_ips, p_binds_children, p_description, p_rotates_itself, p_key, p_body_digest,
        p_instead_of, null::text) c
$$;

comment on function skillreg.token_create(
    text, text, text, text, bytea, smallint, timestamptz, text, inet, boolean, cidr[], boolean, text, boolean, text, bytea,
    text
) is 'What programs before version 31 of this schema call.';

-- ---- rotate ----
-- As before; a successor has the binding of the old token. other_binding: the token that asks is bound, and the old one not to
-- the same name.
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
                    when exists (select from skillreg.api_token asker
                                 where asker.id = p_by and asker.bound_san is not null
                                     and asker.bound_san is distinct from predecessor.bound_san) then 'other_binding'
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
         binds_children, description, rotates_itself, bound_san)
    values (p_new_id, p_org_id, token_rotate.name, p_new_prefix, p_new_digest, token_rotate.scopes, token_rotate.created_at,
        p_by, p_from, token_rotate.expires_at, p_id, token_rotate.allowed_ips, token_rotate.binds_children,
        token_rotate.description, token_rotate.rotates_itself, predecessor.bound_san);
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

-- ---- import ----
alter type skillreg.token_import_row add attribute bound_san text;

-- As before, and with the binding.
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
        when (t.org_id, t.name, left(t.prefix, 12), t.scopes, t.expires_at, t.allowed_ips, t.description, t.binds_children,
              t.rotates_itself, t.bound_san, t.created_at, t.id)
             is not distinct from
             (o.id, r.name, r.prefix, r.scopes, r.expires_at, r.allowed_ips, r.description, r.binds_children,
              r.rotates_itself, r.bound_san, coalesce(r.created_at, t.created_at), case when r.has_own_id then r.id else t.id end)
        then 'there'
        else 'differs' end
    from (select g.*, decode(g.digest, 'hex') as digest_bytes, row_number() over (partition by g.digest order by g.line) as place
          from unnest(p_rows) g) r
    left join skillreg.organisation o on o.slug = r.org
    left join skillreg.api_token t on t.digest = r.digest_bytes
    left join unnest(p_made) m(digest) on m.digest = r.digest_bytes
    order by r.line
$$;

create or replace function skillreg.token_import(p_rows json) returns table (line bigint, outcome text)
language plpgsql
security definer
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
             allowed_ips, description, binds_children, rotates_itself, bound_san)
        select g.id, o.id, g.name, g.prefix, decode(g.digest, 'hex'), g.scopes,
            coalesce(g.created_at, date_trunc('milliseconds', began)), 'operator', g.last_used_at, g.expires_at, true,
            g.allowed_ips, g.description, g.binds_children, g.rotates_itself, g.bound_san
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
