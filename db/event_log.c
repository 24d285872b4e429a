// SPDX-License-Identifier: MIT
#include "db/event_log.h"

#include "db/result.h"

const struct db_statement db_event_log_newest_statement = {
    .name = "event_newest",
    .sql = "select seq, at from skillreg.token_event order by seq desc limit 1",
    .parameter_count = 0,
};

#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

const struct db_statement db_event_log_page_statement = {
    .name = "event_page",
    .sql = "select seq, at, kind, digest, org_id, is_ended from skillreg.token_event"
           " where seq >= $1::int8 order by seq limit " TEXT_OF_VALUE(DB_EVENT_LOG_PAGE_ROWS),
    .parameter_count = 1,
};

// The newest row begins with the same two.
enum column { COLUMN_SEQ, COLUMN_AT, COLUMN_KIND, COLUMN_DIGEST, COLUMN_ORG_ID, COLUMN_IS_ENDED };

static uint64_t get_seq(const PGresult *result, int row) {
    return db_get_number(result, row, COLUMN_SEQ);
}

static int64_t get_at(const PGresult *result, int row) {
    return db_get_int(result, row, COLUMN_AT, 0);
}

void db_event_log_put(const struct db_event_log *log, struct db_params *params) {
    db_put_int8(params, (int64_t)log->applied_seq);
}

void db_event_log_take_newest(struct db_event_log *log, const PGresult *result) {
    bool is_empty = PQntuples(result) == 0;
    bool was_known = log->is_known;
    log->is_known = true;
    log->applied_seq = is_empty ? 0 : get_seq(result, 0);
    log->applied_at = is_empty ? 0 : get_at(result, 0);
    if (was_known && log->consumer != NULL)
        log->consumer->on_gap(log->consumer);
}

// True when the page begins with the last row applied. A log that was empty begins with number 1.
static bool follows(const struct db_event_log *log, const PGresult *result) {
    bool is_empty = PQntuples(result) == 0;
    if (log->applied_seq == 0)
        return is_empty || get_seq(result, 0) == 1;
    return !is_empty && get_seq(result, 0) == log->applied_seq &&
           get_at(result, 0) == log->applied_at;
}

// False for a kind of event of a newer program.
static bool read_event(const PGresult *result, int row, struct db_event *event) {
    int64_t kind = db_get_int(result, row, COLUMN_KIND, 0);
    *event = (struct db_event){
        .seq = get_seq(result, row),
        .kind = (enum db_event_kind)kind,
        .written_us = get_at(result, row) + DB_EPOCH_2000_MS * 1000, // finite, by the schema
        .is_ended = db_get_boolean(result, row, COLUMN_IS_ENDED),
        .org_id = db_get_bytes(result, row, COLUMN_ORG_ID),
    };
    bool has_digest =
        db_get_fixed(result, row, COLUMN_DIGEST, event->digest, sizeof(event->digest));
    if (kind == DB_EVENT_ORG_CHANGED || kind == DB_EVENT_ISSUER_CHANGED)
        return event->org_id.at != NULL;
    return kind >= DB_EVENT_TOKEN_CREATED && kind <= DB_EVENT_TOKEN_CHANGED && has_digest;
}

// Advances first: lookups that the consumer starts from now on are newer than this event.
static void apply(struct db_event_log *log, const PGresult *result, int row) {
    struct db_event event;
    bool is_understood = read_event(result, row, &event);
    log->applied_seq = event.seq;
    log->applied_at = get_at(result, row);
    if (is_understood)
        log->consumer->on_event(log->consumer, &event);
    else
        log->consumer->on_gap(log->consumer);
}

enum db_event_log_state db_event_log_take_page(struct db_event_log *log, const PGresult *result) {
    gw_assert(log->is_known && log->consumer != NULL);
    if (!follows(log, result))
        return DB_EVENT_LOG_GAP;
    int count = PQntuples(result);
    int first = log->applied_seq == 0 ? 0 : 1;
    for (int row = first; row < count && log->consumer != NULL; row++)
        apply(log, result, row);
    return count < DB_EVENT_LOG_PAGE_ROWS ? DB_EVENT_LOG_CURRENT : DB_EVENT_LOG_BEHIND;
}
