// SPDX-License-Identifier: MIT
#include "db/migrate.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32.h"
#include "base/str.h"
#include "db/connect.h"
#include "db/grants.h"
#include "db/migration_files.h"
#include "db/sql_error.h"
#include "db/url.h"

// A number that nothing else in the database locks; the same in every version.
#define MIGRATION_LOCK "7311583425291"

static void ignore_notice(void *argument, const PGresult *result) {
    (void)argument;
    (void)result;
}

static void set_error(struct db_migrate_report *report, const char *what, const char *why) {
    char reason[sizeof(report->error) / 2];
    db_sql_error_sentence(why, reason, sizeof(reason));
    (void)snprintf(report->error, sizeof(report->error), "%s: %s", what, reason);
}

static enum gw_status connect_to(const char *url, PGconn **pg, struct db_migrate_report *report) {
    char reason[sizeof(report->error) / 2];
    enum gw_status status = db_connect(url, "skillreg-gateway migrate", pg, reason, sizeof(reason));
    if (status == GW_OK)
        (void)PQsetNoticeReceiver(*pg, ignore_notice, NULL);
    else if (status == GW_INVALID)
        (void)snprintf(report->error, sizeof(report->error), "%s", db_url_problem(url));
    else
        set_error(report, "cannot reach PostgreSQL",
                  *reason != '\0' ? reason : gw_status_text(status));
    return status;
}

// Runs statements. `rows` may be NULL; else the caller clears *rows.
static enum gw_status execute(PGconn *pg, const char *sql, const char *what, PGresult **rows,
                              struct db_migrate_report *report) {
    PGresult *result = PQexec(pg, sql);
    ExecStatusType outcome = PQresultStatus(result);
    if (outcome == PGRES_TUPLES_OK || outcome == PGRES_COMMAND_OK) {
        if (rows != NULL)
            *rows = result;
        else
            PQclear(result);
        return GW_OK;
    }
    set_error(report, what, result == NULL ? PQerrorMessage(pg) : PQresultErrorMessage(result));
    PQclear(result);
    return PQstatus(pg) == CONNECTION_OK ? GW_INVALID : GW_UNAVAILABLE;
}

// One transaction that holds the lock: a second program waits here, and then sees what the first
// has applied.
static enum gw_status begin(PGconn *pg, struct db_migrate_report *report) {
    return execute(pg,
                   "begin isolation level read committed read write;"
                   "set local lock_timeout = '60s';"
                   "select pg_advisory_xact_lock(" MIGRATION_LOCK ")",
                   "cannot take the migration lock", NULL, report);
}

enum owner_column { OWNER_NAME, OWNER_CALLER, OWNER_MAY_ACT };

// Everything belongs to the owner of the schema, also when a member of that role creates it: a
// table of another role could not be changed, or dumped, with the rest.
static enum gw_status become_owner(PGconn *pg, struct db_migrate_report *report) {
    PGresult *rows = NULL;
    enum gw_status status = execute(pg,
                                    "select pg_get_userbyid(nspowner), current_user,"
                                    " pg_has_role(current_user, nspowner, 'member')"
                                    " from pg_namespace where nspname = 'skillreg'",
                                    "cannot read the schema", &rows, report);
    if (status != GW_OK)
        return status;
    bool is_there = PQntuples(rows) == 1;
    bool may_act = !is_there || strcmp(PQgetvalue(rows, 0, OWNER_MAY_ACT), "t") == 0;
    if (!may_act) {
        (void)snprintf(
            report->error, sizeof(report->error),
            "the schema skillreg belongs to the role %.63s, and %.63s is no member of it: "
            "run this as its owner",
            PQgetvalue(rows, 0, OWNER_NAME), PQgetvalue(rows, 0, OWNER_CALLER));
        status = GW_INVALID;
    }
    PQclear(rows);
    if (status != GW_OK || !is_there)
        return status;
    return execute(pg,
                   "select set_config('role', pg_get_userbyid(nspowner), true)"
                   " from pg_namespace where nspname = 'skillreg'",
                   "cannot become the owner of the schema", NULL, report);
}

enum { ONLY_COLUMN };

static enum gw_status ask(PGconn *pg, const char *sql, bool *is_true,
                          struct db_migrate_report *report) {
    PGresult *rows = NULL;
    enum gw_status status = execute(pg, sql, "cannot read the schema", &rows, report);
    if (status == GW_OK)
        *is_true = strcmp(PQgetvalue(rows, 0, ONLY_COLUMN), "t") == 0;
    PQclear(rows);
    return status;
}

// Asks first: a role that may not make schemas is refused even by `create schema if not exists`.
static enum gw_status ensure_schema(PGconn *pg, struct db_migrate_report *report) {
    bool is_there = true;
    enum gw_status status =
        ask(pg, "select to_regnamespace('skillreg') is not null", &is_there, report);
    if (status != GW_OK || is_there)
        return status;
    return execute(pg, "create schema skillreg", "cannot create the schema", NULL, report);
}

static enum gw_status ensure_table(PGconn *pg, struct db_migrate_report *report) {
    bool is_there = true;
    enum gw_status status =
        ask(pg, "select to_regclass('skillreg.migration') is not null", &is_there, report);
    if (status != GW_OK || is_there)
        return status;
    return execute(pg,
                   "comment on schema skillreg is 'Of the SkillReg token gateway.';"
                   "create table skillreg.migration ("
                   " number integer primary key, name text not null, checksum bigint not null,"
                   " applied_at timestamptz not null default now());"
                   "comment on table skillreg.migration is"
                   " 'What was applied to this schema; checksum is the CRC-32 of the file.'",
                   "cannot create the schema", NULL, report);
}

static uint32_t checksum_of(const struct db_migration_file *file) {
    return gw_crc32(0, file->sql, strlen(file->sql));
}

// A file that was mended after schemas were made of it: its earlier form, which is as good where it
// could be applied, because a later file brings what was mended.
static const struct {
    int number;
    uint32_t checksum;
} earlier_forms[] = {
    {24, 21208534}, // PostgreSQL 17.12 does not apply it; 0026 has the same change
};

static bool is_form_of(const struct db_migration_file *file, uint32_t checksum) {
    for (size_t i = 0; i < sizeof(earlier_forms) / sizeof(earlier_forms[0]); i++) {
        if (earlier_forms[i].number == file->number && earlier_forms[i].checksum == checksum)
            return true;
    }
    return checksum == checksum_of(file);
}

enum applied_column { APPLIED_NUMBER, APPLIED_NAME, APPLIED_CHECKSUM };

// The applied files must be the first of those that this program carries, byte for byte or in an
// earlier form.
static enum gw_status check_applied(const PGresult *rows, struct db_migrate_report *report) {
    int applied = PQntuples(rows);
    for (int i = 0; i < applied; i++) {
        int number = (int)strtol(PQgetvalue(rows, i, APPLIED_NUMBER), NULL, 10);
        if (i >= db_migration_file_count) {
            (void)snprintf(
                report->error, sizeof(report->error),
                "the schema is at version %s, this program knows %d: use the newer program",
                PQgetvalue(rows, applied - 1, APPLIED_NUMBER), report->version_after);
            return GW_INVALID;
        }
        const struct db_migration_file *file = &db_migration_files[i];
        if (number != file->number || strcmp(PQgetvalue(rows, i, APPLIED_NAME), file->name) != 0 ||
            !is_form_of(file, (uint32_t)strtoul(PQgetvalue(rows, i, APPLIED_CHECKSUM), NULL, 10))) {
            (void)snprintf(report->error, sizeof(report->error),
                           "migration %04d (%.100s) was applied with another content than this "
                           "program carries: the schema was made by a different build",
                           number, PQgetvalue(rows, i, APPLIED_NAME));
            return GW_INVALID;
        }
        report->version_before = number;
    }
    return GW_OK;
}

static enum gw_status apply(PGconn *pg, const struct db_migration_file *file,
                            struct db_migrate_report *report) {
    char what[128];
    (void)snprintf(what, sizeof(what), "migration %04d (%.64s) failed", file->number, file->name);
    enum gw_status status = execute(pg, file->sql, what, NULL, report);
    if (status != GW_OK)
        return status;
    char record[256];
    (void)snprintf(
        record, sizeof(record),
        "insert into skillreg.migration (number, name, checksum) values (%d, '%.64s', %u)",
        file->number, file->name, checksum_of(file));
    return execute(pg, record, what, NULL, report);
}

static enum gw_status apply_missing(PGconn *pg, struct db_migrate_report *report) {
    PGresult *rows = NULL;
    enum gw_status status =
        execute(pg, "select number, name, checksum from skillreg.migration order by number",
                "cannot read the schema", &rows, report);
    if (status != GW_OK)
        return status;
    status = check_applied(rows, report);
    int applied = PQntuples(rows);
    PQclear(rows);
    for (int i = applied; i < db_migration_file_count && status == GW_OK; i++)
        status = apply(pg, &db_migration_files[i], report);
    return status;
}

// Without a role nothing is granted. With the rights of the caller again: where the owner of the
// schema may not alter roles, a superuser can.
static enum gw_status grant(PGconn *pg, struct gw_str role, struct db_migrate_report *report) {
    if (role.at == NULL)
        return GW_OK;
    struct gw_buf sql;
    gw_buf_init(&sql, DB_GRANTS_BYTES_MAX);
    enum gw_status status = gw_buf_append_str(&sql, GW_STR("reset role;"));
    if (status == GW_OK)
        status = db_grants_write(role, &sql);
    if (status == GW_OK)
        status = gw_buf_append_str(&sql, gw_str("", 1)); // the end of the string
    if (status == GW_OK)
        status =
            execute(pg, gw_buf_bytes(&sql).at, "cannot grant what the role needs", NULL, report);
    else
        set_error(report, "cannot grant what the role needs", gw_status_text(status));
    gw_buf_deinit(&sql);
    return status;
}

enum gw_status db_migrate_and_grant(const char *url, struct gw_str role,
                                    struct db_migrate_report *report) {
    memset(report, 0, sizeof(*report));
    report->version_after = db_migration_files[db_migration_file_count - 1].number;
    PGconn *pg;
    enum gw_status status = connect_to(url, &pg, report);
    if (status != GW_OK)
        return status;
    status = begin(pg, report);
    if (status == GW_OK)
        status = become_owner(pg, report);
    if (status == GW_OK)
        status = ensure_schema(pg, report);
    if (status == GW_OK)
        status = ensure_table(pg, report);
    if (status == GW_OK)
        status = apply_missing(pg, report);
    if (status == GW_OK)
        status = grant(pg, role, report);
    if (status == GW_OK)
        status = execute(pg, "commit", "cannot commit", NULL, report);
    if (status != GW_OK)
        report->version_after = report->version_before;
    PQfinish(pg); // without the commit all is undone
    return status;
}

enum gw_status db_migrate(const char *url, struct db_migrate_report *report) {
    return db_migrate_and_grant(url, gw_str(NULL, 0), report);
}
