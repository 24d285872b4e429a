-- SPDX-License-Identifier: MIT
-- An issuer may show two key sets by turns, an hour or a year long: two of its machines differ. Each turn is a change, and stays one
-- in the log and in the table of changes, but its text is kept once.

alter table skillreg.issuer_keys_change
    add column same_as bigint,
    alter column keys drop not null,
    add constraint issuer_keys_change_text check ((keys is null) <> (same_as is null));

comment on column skillreg.issuer_keys_change.keys is 'What they became; null: what they were once before.';
comment on column skillreg.issuer_keys_change.same_as is 'Then: the version of the issuer whose row has the text.';

create or replace function skillreg.issuer_keys_put(p_gateway text, p_issuer text, p_keys text, p_outcome text) returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    known skillreg.issuer_keys;
    same_version bigint;
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
    -- A text stays as long as a row that names it.
    delete from skillreg.issuer_keys_change c
    where c.at < now() - interval '400 days'
        and not exists (
            select from skillreg.issuer_keys_change r
            where r.issuer = c.issuer and r.same_as = c.version and r.at >= now() - interval '400 days');
    select c.version into same_version
    from skillreg.issuer_keys_change c
    where c.issuer = p_issuer and c.keys = p_keys
    order by c.id desc
    limit 1;
    insert into skillreg.issuer_keys_change (issuer, version, keys, same_as, gateway, role, address)
    values (p_issuer, known.version + 1, case when same_version is null then p_keys end, same_version, p_gateway, session_user,
        inet_client_addr());
    perform skillreg.token_event_write(5, null, null, p_issuer);
    return 'changed';
end
$$;
