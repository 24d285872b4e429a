// SPDX-License-Identifier: MIT
#include "db/token_import.h"

#include "db/result.h"

static const struct db_statement import_statement = {
    .name = "token_import",
    .sql = "select line, outcome from skillreg.token_import($1::text::json)",
    .parameter_count = 1,
};
static const struct db_statement preview_statement = {
    .name = "token_import_preview",
    .sql = "select line, outcome from skillreg.token_import_preview($1::text::json)",
    .parameter_count = 1,
};

enum column { COLUMN_LINE, COLUMN_OUTCOME };

static enum gw_status run(struct db_session *session, const struct db_statement *statement,
                          struct gw_str rows, int *count) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, rows);
    enum gw_status status = db_session_run(session, statement, &params, &result);
    if (status == GW_OK)
        *count = PQntuples(result);
    return status;
}

enum gw_status db_token_import(struct db_session *session, struct gw_str rows, int *count) {
    return run(session, &import_statement, rows, count);
}

enum gw_status db_token_import_preview(struct db_session *session, struct gw_str rows, int *count) {
    return run(session, &preview_statement, rows, count);
}

enum db_token_import_outcome db_token_import_at(const struct db_session *session, int index,
                                                uint64_t *line) {
    static const struct gw_str outcomes[] = {
#define X(name, text) GW_STR_INIT(text),
        DB_TOKEN_IMPORT_OUTCOME_MAP(X)
#undef X
    };
    size_t outcome = 0;
    struct gw_str text = db_get_bytes(session->result, index, COLUMN_OUTCOME);
    *line = db_get_number(session->result, index, COLUMN_LINE);
    while (outcome < sizeof(outcomes) / sizeof(outcomes[0]) &&
           !gw_str_equal(outcomes[outcome], text))
        outcome++;
    return (enum db_token_import_outcome)outcome;
}
