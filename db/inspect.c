// SPDX-License-Identifier: MIT
#include "db/inspect.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "db/migration_files.h"
#include "db/result.h"
#include "db/rights_sql.h"
#include "db/session.h"
#include "db/sql_error.h"
#include "db/statements.h"
#include "db/url.h"

#define RIGHTS_SQL_BYTES_MAX 8192

struct inspector {
    struct db_session session;
    struct db_inspection *found;
};

static enum gw_status ask(struct inspector *inspector, const char *sql, const PGresult **rows) {
    const struct db_statement statement = {.name = "inspect", .sql = sql};
    struct db_params none;
    db_params_init(&none);
    return db_session_run(&inspector->session, &statement, &none, rows);
}

static void copy(char *out, size_t size, struct gw_str text) {
    (void)snprintf(out, size, "%.*s", GW_STR_ARG(text));
}

// ---- who and where ----

static const char server_sql[] =
    "select current_user::text, current_setting('server_version'), pg_is_in_recovery(),"
    " coalesce((select pg_has_role(current_user, nspowner, 'member') from pg_namespace"
    " where nspname = 'skillreg'), false) or (select rolsuper from pg_roles where"
    " rolname = current_user),"
    " coalesce(has_schema_privilege(to_regnamespace('skillreg'), 'usage'), false)";
enum server_column {
    SERVER_ROLE,
    SERVER_VERSION,
    SERVER_IS_STANDBY,
    SERVER_IS_OWNER,
    SERVER_HAS_SCHEMA
};

static enum gw_status ask_server(struct inspector *inspector) {
    struct db_inspection *found = inspector->found;
    const PGresult *rows;
    enum gw_status status = ask(inspector, server_sql, &rows);
    if (status != GW_OK)
        return status;
    copy(found->role, sizeof(found->role), db_get_bytes(rows, 0, SERVER_ROLE));
    copy(found->server, sizeof(found->server), db_get_bytes(rows, 0, SERVER_VERSION));
    found->is_standby = db_get_boolean(rows, 0, SERVER_IS_STANDBY);
    found->is_owner = db_get_boolean(rows, 0, SERVER_IS_OWNER);
    found->has_schema = db_get_boolean(rows, 0, SERVER_HAS_SCHEMA);
    return GW_OK;
}

static enum gw_status ask_role_settings(struct inspector *inspector) {
    const PGresult *rows;
    enum gw_status status = ask(inspector, db_role_check_sql, &rows);
    if (status == GW_OK)
        db_role_check_compare(rows, &inspector->found->differences);
    return status;
}

// ---- the schema ----

enum { ONLY_COLUMN };

static enum gw_status ask_version(struct inspector *inspector) {
    const PGresult *rows;
    enum gw_status status = ask(inspector,
                                "select to_regclass('skillreg.migration') is not null"
                                " and has_table_privilege('skillreg.migration', 'select')",
                                &rows);
    if (status != GW_OK || !db_get_boolean(rows, 0, ONLY_COLUMN))
        return status;
    status = ask(inspector, "select max(number)::int8 from skillreg.migration", &rows);
    if (status == GW_OK)
        inspector->found->version = (int)db_get_int(rows, 0, ONLY_COLUMN, 0);
    return status;
}

// Around the list of rights.sql: one text that names what is missing.
static const char rights_head[] =
    "with needed as (select n.name, m[1] as action, m[2] as columns from (values\n";
static const char rights_tail[] =
    ") n(name, rights), regexp_matches(n.rights, '(\\w+)(?: \\(([^)]*)\\))?', 'g') m"
    " where to_regclass('skillreg.' || n.name) is not null),"
    " missing as (select action || ' on ' || name as what from needed"
    " where not case when columns is null"
    " then has_table_privilege('skillreg.' || name, action)"
    " else (select bool_and(has_column_privilege('skillreg.' || name, c, action))"
    " from regexp_split_to_table(columns, ', *') c) end"
    " union all select 'execute of ' || proname from pg_proc"
    " where pronamespace = to_regnamespace('skillreg') and not has_function_privilege(oid, "
    "'execute'))"
    " select string_agg(what, ', ' order by what) from missing";

static enum gw_status ask_rights(struct inspector *inspector) {
    struct gw_buf sql;
    const PGresult *rows;
    gw_buf_init(&sql, RIGHTS_SQL_BYTES_MAX);
    enum gw_status status = gw_buf_printf(&sql, "%s%s%s", rights_head, db_rights_sql, rights_tail);
    if (status == GW_OK)
        status = gw_buf_append(&sql, "", 1); // the end of the string
    if (status == GW_OK)
        status = ask(inspector, gw_buf_bytes(&sql).at, &rows);
    if (status == GW_OK)
        copy(inspector->found->lacks, sizeof(inspector->found->lacks),
             db_get_bytes(rows, 0, ONLY_COLUMN));
    gw_buf_deinit(&sql);
    return status;
}

// Parsed by the server and not run: tables, columns and functions that are missing are found.
static void prepare_all(struct inspector *inspector) {
    struct db_inspection *found = inspector->found;
    for (int i = 0; i < db_statement_count && found->refused[0] == '\0'; i++) {
        const struct db_statement *statement = db_statements[i];
        PGresult *result =
            PQprepare(inspector->session.pg, statement->name, statement->sql, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            db_sql_error_sentence(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                                  found->refused, sizeof(found->refused));
        PQclear(result);
    }
}

static enum gw_status ask_all(struct inspector *inspector) {
    const PGresult *rows;
    enum gw_status status = ask(inspector, "begin read only", &rows);
    if (status == GW_OK)
        status = ask_server(inspector);
    if (status == GW_OK)
        status = ask_role_settings(inspector);
    if (status != GW_OK || !inspector->found->has_schema)
        return status;
    status = ask_version(inspector);
    if (status == GW_OK)
        status = ask_rights(inspector);
    if (status == GW_OK)
        prepare_all(inspector); // the first failure ends the transaction: nothing is asked after it
    return status;
}

enum gw_status db_inspect(const char *url, struct db_inspection *found, char *reason) {
    struct inspector inspector = {.found = found};
    *found = (struct db_inspection){.version_here =
                                        db_migration_files[db_migration_file_count - 1].number};
    enum gw_status status = db_session_open(&inspector.session, url);
    if (status == GW_INVALID)
        (void)snprintf(reason, DB_INSPECTION_TEXT_BYTES, "%s", db_url_problem(url));
    else if (status != GW_OK)
        (void)snprintf(reason, DB_INSPECTION_TEXT_BYTES, "%s",
                       inspector.session.reason[0] != '\0' ? inspector.session.reason
                                                           : gw_status_text(status));
    if (status != GW_OK)
        return status;
    status = ask_all(&inspector);
    if (status != GW_OK)
        (void)snprintf(reason, DB_INSPECTION_TEXT_BYTES, "%s", inspector.session.reason);
    db_session_close(&inspector.session);
    return status == GW_OK || status == GW_UNAVAILABLE ? status : GW_INVALID;
}
