-- SPDX-License-Identifier: MIT
-- Only the owner's functions leave the triggers out that write log and audit: whoever serves could set that as well, and make
-- tokens that neither of them has.
create or replace function skillreg.is_logged_by_triggers() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return current_setting('skillreg.logged_in', true) is distinct from pg_current_xact_id()::text
    or not pg_has_role(current_user,
        (select c.relowner from pg_class c where c.oid = 'skillreg.api_token'::regclass), 'member');

-- Whoever may call these may change the same rows without them.
alter function skillreg.revoke_locked(text[], timestamptz, text, inet) security definer;
alter function skillreg.token_import(json) security definer;
revoke execute on function skillreg.revoke_locked(text[], timestamptz, text, inet) from public;
revoke execute on function skillreg.token_import(json) from public;

-- Those may call them still, also where the grants are not given anew yet.
do $$
declare
    may record;
begin
    for may in
        select r.rolname, f.name
        from pg_roles r
            cross join (values ('skillreg.revoke_locked(text[], timestamptz, text, inet)'),
                ('skillreg.token_import(json)')) f(name)
        where not r.rolsuper and not starts_with(r.rolname, 'pg_')
            and has_column_privilege(r.oid, 'skillreg.api_token', 'revoked_at', 'update')
            and has_table_privilege(r.oid, 'skillreg.api_token', 'insert')
    loop
        execute format('grant execute on function %s to %I', may.name, may.rolname);
    end loop;
end
$$;
