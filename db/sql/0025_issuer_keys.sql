-- SPDX-License-Identifier: MIT
-- The keys of the issuers of identity tokens: one gateway fetches them, all use what it brought. Whoever could write them could
-- sign as any workload, so nobody has a right to the tables: the two functions below are all there is, and each change of keys
-- leaves a row that no function changes before it is old.

create table skillreg.issuer_keys (
    issuer text collate "C" primary key
        check (octet_length(issuer) between 1 and 255),
    version bigint not null default 0,
    keys text
        check (octet_length(keys) <= 65536 and coalesce(jsonb_typeof(keys::jsonb -> 'keys') = 'array', keys is null)),
    fetched_at timestamptz,
    taken_at timestamptz not null,
    taken_by text collate "C" not null,
    outcome text
        check (char_length(outcome) between 1 and 300),
    check ((keys is null) = (version = 0) and (keys is null) = (fetched_at is null))
);

create trigger restore_is_refused before insert on skillreg.issuer_keys
for each statement execute function skillreg.refuse_restore();

comment on table skillreg.issuer_keys is 'One row for each issuer that a gateway has keys fetched for.';
comment on column skillreg.issuer_keys.issuer is 'As its tokens have it in iss, or the trust domain.';
comment on column skillreg.issuer_keys.version is 'Rises with each change of the keys; 0: there are none yet.';
comment on column skillreg.issuer_keys.keys is 'The key set as the issuer published it (RFC 7517).';
comment on column skillreg.issuer_keys.fetched_at is 'When the fetch began that last brought these keys.';
comment on column skillreg.issuer_keys.taken_at is
    'When the last fetch began: a lease, since the next may not begin before a minute has passed.';
comment on column skillreg.issuer_keys.taken_by is 'The gateway that made it, which alone may bring its result.';
comment on column skillreg.issuer_keys.outcome is 'Why the last fetch brought no keys; null: it did, or has not ended.';

create table skillreg.issuer_keys_change (
    id bigint generated always as identity primary key,
    issuer text collate "C" not null,
    version bigint not null,
    keys text not null,
    gateway text collate "C" not null,
    role name not null,
    address inet,
    at timestamptz not null default clock_timestamp()
);

create trigger restore_is_refused before insert on skillreg.issuer_keys_change
for each statement execute function skillreg.refuse_restore();

comment on table skillreg.issuer_keys_change is 'Who changed the keys of an issuer to what; kept for 400 days.';
comment on column skillreg.issuer_keys_change.id is 'In the order of the changes.';
comment on column skillreg.issuer_keys_change.issuer is 'As in issuer_keys.';
comment on column skillreg.issuer_keys_change.version is 'That the keys became.';
comment on column skillreg.issuer_keys_change.keys is 'What they became.';
comment on column skillreg.issuer_keys_change.gateway is 'The process that fetched them, by its own word.';
comment on column skillreg.issuer_keys_change.address is 'From where the session came; null: over a local socket.';
comment on column skillreg.issuer_keys_change.at is 'When it was written.';
comment on column skillreg.issuer_keys_change.role is 'The role of the session: what a gateway says of itself proves nothing.';

-- ---- the log ----
-- A program that does not know the kind takes the row for a gap: it forgets what it remembers, and asks again.
alter table skillreg.token_event
    drop constraint if exists token_event_kind_check,
    drop constraint if exists token_event_check;
alter table skillreg.token_event
    add constraint token_event_kind_check check (kind between 1 and 5) not valid,
    add constraint token_event_check
        check ((digest is null) = (kind in (4, 5)) and (token_id is null) = (kind in (4, 5))) not valid;

comment on column skillreg.token_event.kind is
    '1 token created, 2 token revoked or deleted, 3 token changed, 4 organisation deleted, restored or renamed,'
    ' 5 keys of an issuer changed.';
comment on column skillreg.token_event.digest is 'Of the token; null for an organisation and an issuer.';
comment on column skillreg.token_event.token_id is 'Of the token, for people; null for an organisation and an issuer.';
comment on column skillreg.token_event.org_id is 'The organisation, or that of the token, or the issuer.';

-- ---- looking, and taking the lease ----
create function skillreg.issuer_keys_look(p_gateway text, p_issuers text[], p_versions bigint[], p_asked text[])
returns table (issuer text, version bigint, keys text, age_ms bigint, taken_ms bigint, is_ours boolean)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    wanted record;
    is_taken boolean;
begin
    for wanted in
        select i.issuer, v.version, i.issuer = any(p_asked) as is_asked
        from unnest(p_issuers) with ordinality i(issuer, at)
            join unnest(p_versions) with ordinality v(version, at) using (at)
        order by i.issuer
    loop
        if not exists (select from skillreg.issuer_keys k where k.issuer = wanted.issuer) then
            insert into skillreg.issuer_keys (issuer, taken_at, taken_by)
            values (wanted.issuer, '-infinity', '')
            on conflict do nothing;
        end if;
        update skillreg.issuer_keys k
        set taken_at = clock_timestamp(), taken_by = p_gateway
        where k.issuer = wanted.issuer
            and k.taken_at < clock_timestamp() - case when k.keys is null then interval '15 seconds' else interval '1 minute' end
            and (wanted.is_asked or k.fetched_at is null or k.fetched_at < clock_timestamp() - interval '5 minutes');
        is_taken := found;
        return query
            select k.issuer, k.version, case when k.version <> wanted.version then k.keys end,
                case when k.fetched_at is not null
                    then greatest(extract(epoch from clock_timestamp() - k.fetched_at) * 1000, 0)::bigint end,
                case when k.taken_at > '-infinity'
                    then greatest(extract(epoch from clock_timestamp() - k.taken_at) * 1000, 0)::bigint end,
                is_taken
            from skillreg.issuer_keys k
            where k.issuer = wanted.issuer;
    end loop;
end
$$;

comment on function skillreg.issuer_keys_look is
    'The keys of these issuers that differ from the versions known, how old they are and when the last fetch began; is_ours:'
    ' it is now for the caller to fetch. p_asked: issuers of which a token named a key that is not there.';

-- ---- bringing the result ----
create function skillreg.issuer_keys_put(p_gateway text, p_issuer text, p_keys text, p_outcome text) returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    known skillreg.issuer_keys;
begin
    select k.* into known
    from skillreg.issuer_keys k
    where k.issuer = p_issuer and k.taken_by = p_gateway
    for update;
    if not found then
        return 'lost';
    end if;
    if p_keys is null then
        update skillreg.issuer_keys k set outcome = p_outcome where k.issuer = p_issuer;
        return 'failed';
    end if;
    if known.keys = p_keys then
        update skillreg.issuer_keys k set fetched_at = k.taken_at, outcome = null where k.issuer = p_issuer;
        return 'same';
    end if;
    update skillreg.issuer_keys k
    set keys = p_keys, version = k.version + 1, fetched_at = k.taken_at, outcome = null
    where k.issuer = p_issuer;
    delete from skillreg.issuer_keys_change c where c.at < now() - interval '400 days';
    insert into skillreg.issuer_keys_change (issuer, version, keys, gateway, role, address)
    values (p_issuer, known.version + 1, p_keys, p_gateway, session_user, inet_client_addr());
    perform skillreg.token_event_write(5, null, null, p_issuer);
    return 'changed';
end
$$;

comment on function skillreg.issuer_keys_put is
    'What a fetch brought: p_keys, or why it brought none. changed, same, failed; lost: another gateway has begun a fetch since.';

revoke all on table skillreg.issuer_keys, skillreg.issuer_keys_change from public;
revoke execute on function skillreg.issuer_keys_look(text, text[], bigint[], text[]) from public;
revoke execute on function skillreg.issuer_keys_put(text, text, text, text) from public;

-- Those that serve may call them, also where the grants are not given anew yet.
do $$
declare
    may record;
begin
    for may in
        select r.rolname, f.name
        from pg_roles r
            cross join (values ('skillreg.issuer_keys_look(text, text[], bigint[], text[])'),
                ('skillreg.issuer_keys_put(text, text, text, text)')) f(name)
        where not r.rolsuper and not starts_with(r.rolname, 'pg_')
            and has_column_privilege(r.oid, 'skillreg.api_token', 'revoked_at', 'update')
            and has_table_privilege(r.oid, 'skillreg.api_token', 'insert')
    loop
        execute format('grant execute on function %s to %I', may.name, may.rolname);
    end loop;
end
$$;
