// SPDX-License-Identifier: MIT
#include "db/prune.h"

#include <string.h>

#include "db/result.h"

#define AGO(parameter) "now() - " parameter "::int8 * interval '1 millisecond'"
#define ROWS_MAX 2000 // of one transaction

static const struct db_statement preview_statement = {
    .name = "prune_preview",
    .sql = "select p.audit_events, p.revoked, p.expired"
           " from skillreg.prune_preview(" AGO("$1") ", " AGO("$2") ", " AGO("$3") ") p",
    .parameter_count = 3,
};
static const struct db_statement audit_statement = {
    .name = "audit_prune",
    .sql = "select p.last_id, p.pruned"
           " from skillreg.audit_prune($1::int8, " AGO("$2") ", $3::int8::int4) p",
    .parameter_count = 3,
};
static const struct db_statement tokens_statement = {
    .name = "token_prune",
    .sql = "select p.last_id, p.pruned"
           " from skillreg.token_prune($1::text, " AGO("$2") ", " AGO("$3") ", $4::int8::int4) p",
    .parameter_count = 4,
};

enum preview_column { COLUMN_AUDIT_EVENTS, COLUMN_REVOKED, COLUMN_EXPIRED };
enum step_column { COLUMN_LAST_ID, COLUMN_PRUNED };

static void put_age(struct db_params *params, uint64_t age_ms) {
    if (age_ms == 0)
        db_put_null(params);
    else
        db_put_int8(params, (int64_t)age_ms);
}

enum gw_status db_prune_preview(struct db_session *session, const struct db_prune_ages *ages,
                                struct db_prune_counts *counts) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    put_age(&params, ages->audit_ms);
    put_age(&params, ages->revoked_ms);
    put_age(&params, ages->expired_ms);
    enum gw_status status = db_session_run(session, &preview_statement, &params, &result);
    if (status != GW_OK)
        return status;
    *counts = (struct db_prune_counts){
        .audit_events = db_get_number(result, 0, COLUMN_AUDIT_EVENTS),
        .revoked = db_get_number(result, 0, COLUMN_REVOKED),
        .expired = db_get_number(result, 0, COLUMN_EXPIRED),
    };
    return GW_OK;
}

// Numbers and times rise together: behind rows of which none is old there is none either.
enum gw_status db_prune_audit_step(struct db_session *session, const struct db_prune_ages *ages,
                                   struct db_prune_audit *at) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_int8(&params, at->after);
    put_age(&params, ages->audit_ms);
    db_put_int8(&params, ROWS_MAX);
    enum gw_status status = db_session_run(session, &audit_statement, &params, &result);
    if (status != GW_OK)
        return status;
    at->after = db_get_int(result, 0, COLUMN_LAST_ID, 0);
    at->deleted = db_get_number(result, 0, COLUMN_PRUNED);
    at->is_over = at->after == 0;
    return GW_OK;
}

enum gw_status db_prune_tokens_step(struct db_session *session, const struct db_prune_ages *ages,
                                    struct db_prune_tokens *at) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, gw_str(at->after, at->after_length));
    put_age(&params, ages->revoked_ms);
    put_age(&params, ages->expired_ms);
    db_put_int8(&params, ROWS_MAX);
    enum gw_status status = db_session_run(session, &tokens_statement, &params, &result);
    if (status != GW_OK)
        return status;
    struct gw_str last = db_get_bytes(result, 0, COLUMN_LAST_ID);
    at->deleted = db_get_number(result, 0, COLUMN_PRUNED);
    at->is_over = last.length == 0 || last.length > sizeof(at->after);
    if (at->is_over)
        return GW_OK;
    memcpy(at->after, last.at, last.length);
    at->after_length = last.length;
    return GW_OK;
}
