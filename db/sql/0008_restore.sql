-- SPDX-License-Identifier: MIT
-- A dump holds rows and what the triggers wrote for them: the log and the audit. A whole dump is restored right, because its
-- triggers come after its rows. Data alone, into a schema that was migrated, meets triggers that fire: they write an audit of
-- tokens made just now by whoever made them then, revocations are not in it, and the true one no longer fits in. So no table
-- takes rows from such a session. It is known by two settings that pg_dump writes at the head of each script, and pg_restore makes,
-- and nobody else needs both.

create function skillreg.refuse_restore() returns trigger
language plpgsql as $$
begin
    if current_setting('row_security') = 'off' and current_setting('check_function_bodies') = 'off' then
        raise exception 'no data is restored into a schema that was migrated: % would get rows that its triggers make up', tg_table_name
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Restore the whole dump, schema and data, into a database that has no schema skillreg, and then run'
                    ' skillreg-gateway migrate.';
    end if;
    return null;
end
$$;

comment on function skillreg.refuse_restore is 'Keeps pg_dump --data-only and pg_restore out of a schema that was migrated.';
revoke execute on function skillreg.refuse_restore from public;

-- A table that comes later gets its own; a test compares.
do $$
declare
    name text;
begin
    for name in select tablename from pg_tables where schemaname = 'skillreg' loop
        execute format('create trigger restore_is_refused before insert on skillreg.%I for each statement'
            ' execute function skillreg.refuse_restore()', name);
    end loop;
end
$$;
