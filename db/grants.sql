-- What skillreg-gateway needs of this database to serve as the role "{role}", and no more. Run it after migrate, each time, as a
-- superuser, or as the owner of the database and of the schema who may also alter that role:
--
--   skillreg-gateway grants --role {role} | psql -v ON_ERROR_STOP=1 <database>
--
-- Others that connect to this database need a grant of their own from now on: grant connect on database ... to ...;

do $$
begin
    if to_regnamespace('skillreg') is null then
        raise exception 'there is no schema skillreg in this database'
            using hint = 'Run skillreg-gateway migrate first.';
    end if;
    if not exists (select from pg_roles where rolname = '{role}') then
        raise exception 'there is no role {role}'
            using hint = 'create role "{role}" login password ...';
    end if;
    if pg_has_role('{role}', (select nspowner from pg_namespace where nspname = 'skillreg'), 'member') then
        raise exception 'the role {role} has the rights of the owner of the schema'
            using hint = 'Serve as a role that is no superuser, not the owner, and no member of it.';
    end if;
    execute format('revoke connect, create, temporary on database %I from public, "{role}"', current_database());
    execute format('grant connect on database %I to "{role}"', current_database());
    if to_regnamespace('public') is not null then
        revoke create on schema public from public, "{role}";
    end if;
end
$$;

-- Taken first, so that what an older version needed goes. The functions run with the rights of whoever calls them.
revoke all on schema skillreg from public, "{role}";
revoke all on all tables in schema skillreg from public, "{role}";
revoke all on all sequences in schema skillreg from public, "{role}";
revoke all on all functions in schema skillreg from public, "{role}";
grant usage on schema skillreg to "{role}";
grant execute on all functions in schema skillreg to "{role}";

-- A lock of a row needs the right to change a column of it: that of an organisation decides nothing. What the schema does
-- not have yet is left out.
do $$
declare
    needed record;
begin
    for needed in
        select n.name, n.rights
        from (values
{rights}
            ) n(name, rights)
        where to_regclass('skillreg.' || n.name) is not null
    loop
        execute format('grant %s on skillreg.%I to "{role}"', needed.rights, needed.name);
    end loop;
end
$$;

-- Below the five seconds after which the gateway gives a connection up. A session of its own cannot set these for a pooler.
alter role "{role}" set statement_timeout = '4s';
alter role "{role}" set default_transaction_isolation = 'read committed';
