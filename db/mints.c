// SPDX-License-Identifier: MIT
#include "db/mints.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "db/result.h"

#define STATEMENT_BYTES_MAX ((size_t)2 * 1024 * 1024)

const struct db_statement db_mints_statement = {
    .name = "exchange_mint",
    .sql = "select place, outcome, id, created_at, expires_at,"
           " ceil(extract(epoch from retry_at - created_at))::int8, is_revoked, revoked_digest,"
           " revoked_event_seq"
           " from skillreg.exchange_mint(array(select r from"
           " json_populate_recordset(null::skillreg.exchange_row, $1::text::json) r))"
           " order by place",
    .parameter_count = 1,
    .kind = DB_STATEMENT_CHANGE,
};

enum mint_column {
    MINT_PLACE,
    MINT_OUTCOME,
    MINT_ID,
    MINT_CREATED_AT,
    MINT_EXPIRES_AT,
    MINT_RETRY_AFTER_S,
    MINT_IS_REVOKED,
    MINT_REVOKED_DIGEST,
    MINT_REVOKED_EVENT_SEQ
};

struct db_mints {
    struct db_pool *pool;
    struct db_query query;
    struct gw_buf rows;     // of the statement that is under way
    struct gw_list waiting; // the oldest first
    struct gw_list sent;    // in the statement, in the order of their places
    int waiting_count;      // at the most: some may have left
    int sent_count;         // when it was sent
    int alone_count;        // so many are still to be sent one by one
    bool is_under_way;
    bool is_closing;
};

// ---- the rows ----

static void put_bytes(struct gw_json_writer *json, const char *key, const unsigned char *bytes,
                      size_t length) {
    char text[2 + 2 * DB_DIGEST_LENGTH];
    gw_assert(length <= DB_DIGEST_LENGTH);
    text[0] = '\\';
    text[1] = 'x';
    gw_hex_encode(bytes, length, text + 2);
    gw_json_put_string(json, key, gw_str(text, 2 + 2 * length));
}

static void put_request(struct gw_json_writer *json, const struct db_request_key *request) {
    gw_json_put_string_or_null(json, "request_key", request->key);
    if (request->key.at != NULL)
        put_bytes(json, "body_digest", request->body_digest, DB_DIGEST_LENGTH);
    gw_json_put_string_or_null(json, "instead_of", request->instead_of);
}

// The members are those of skillreg.exchange_row.
static void put_row(struct gw_json_writer *json, const struct db_exchange_mint *mint) {
    gw_json_open_object(json);
    gw_json_put_string(json, "rule_id", mint->rule_id);
    gw_json_put_string(json, "id", mint->id);
    gw_json_put_string(json, "name", mint->name);
    gw_json_put_string(json, "prefix", mint->prefix);
    put_bytes(json, "digest", mint->digest, DB_DIGEST_LENGTH);
    gw_json_put_integer(json, "scopes", mint->scopes);
    gw_json_put_integer(json, "life_s", mint->life_s);
    put_bytes(json, "replay_key", mint->replay_key, DB_EXCHANGE_KEY_LENGTH);
    gw_json_put_time(json, "replay_until", mint->replay_until_ms);
    gw_json_put_integer(json, "live_max", mint->live_max);
    put_request(json, &mint->request);
    gw_json_key(json, "facts");
    gw_json_write_raw(json, mint->facts);
    gw_json_put_string_or_null(json, "address", mint->from);
    gw_json_close_object(json);
}

static enum gw_status put_rows(struct db_mints *mints) {
    struct gw_json_writer json;
    gw_buf_clear(&mints->rows);
    gw_json_writer_init(&json, &mints->rows);
    gw_json_open_array(&json);
    for (struct gw_list *link = mints->sent.next; link != &mints->sent; link = link->next)
        put_row(&json, gw_container_of(link, struct db_exchange_mint, link));
    gw_json_close_array(&json);
    return gw_json_writer_finish(&json);
}

// ---- the answer ----

static const struct gw_str refusals[] = {
    [DB_EXCHANGE_MADE] = GW_STR_INIT("made"),
    [DB_EXCHANGE_RULE_GONE] = GW_STR_INIT("rule_gone"),
    [DB_EXCHANGE_REPLAYED] = GW_STR_INIT("replayed"),
    [DB_EXCHANGE_TOO_MANY] = GW_STR_INIT("too_many"),
    [DB_EXCHANGE_IN_PROGRESS] = GW_STR_INIT("in_progress"),
    [DB_EXCHANGE_OTHER_BODY] = GW_STR_INIT("other_body"),
    [DB_EXCHANGE_MADE_BEFORE] = GW_STR_INIT("made_before"),
    [DB_EXCHANGE_MAY_REPEAT] = GW_STR_INIT("may_repeat"),
};
#define REFUSAL_COUNT (sizeof(refusals) / sizeof(refusals[0]))

static enum gw_status read_refusal(const PGresult *result, int row,
                                   enum db_exchange_refusal *refusal) {
    struct gw_str name = db_get_bytes(result, row, MINT_OUTCOME);
    size_t found = 0;
    while (found < REFUSAL_COUNT && !gw_str_equal(refusals[found], name))
        found++;
    if (found == REFUSAL_COUNT)
        return GW_UNAVAILABLE; // an outcome of a newer schema
    *refusal = (enum db_exchange_refusal)found;
    return found == DB_EXCHANGE_MADE ? GW_OK : GW_DENIED;
}

static void read_outcome(const PGresult *result, int row, struct db_exchange_outcome *outcome) {
    outcome->created_ms = db_get_time(result, row, MINT_CREATED_AT);
    outcome->expires_ms = db_get_time(result, row, MINT_EXPIRES_AT);
    outcome->retry_after_s = (uint32_t)db_get_number(result, row, MINT_RETRY_AFTER_S);
    outcome->superseded.event_seq = db_get_number(result, row, MINT_REVOKED_EVENT_SEQ);
    outcome->superseded.is_there = db_get_fixed(result, row, MINT_REVOKED_DIGEST,
                                                outcome->superseded.digest, DB_DIGEST_LENGTH);
    if (outcome->refusal == DB_EXCHANGE_MADE)
        return;
    outcome->earlier_id = db_get_bytes(result, row, MINT_ID);
    outcome->is_earlier_revoked = db_get_boolean(result, row, MINT_IS_REVOKED);
}

static void finish(struct db_exchange_mint *mint, const PGresult *result) {
    struct db_exchange_outcome outcome = {.refusal = DB_EXCHANGE_MADE};
    int row = mint->place - 1;
    enum gw_status status = GW_UNAVAILABLE;
    if (db_get_int(result, row, MINT_PLACE, 0) == mint->place)
        status = read_refusal(result, row, &outcome.refusal);
    bool is_told = status == GW_OK || status == GW_DENIED;
    if (is_told)
        read_outcome(result, row, &outcome);
    mint->on_done(mint, status, is_told ? &outcome : NULL);
}

static void end_all(struct gw_list *list, enum gw_status status) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(list)) != NULL) {
        struct db_exchange_mint *mint = gw_container_of(link, struct db_exchange_mint, link);
        mint->on_done(mint, status, NULL);
    }
}

// ---- sending ----

static void on_done(struct db_query *query, enum gw_status status, const PGresult *result);

static void take_waiting(struct db_mints *mints) {
    int most = mints->alone_count > 0 ? 1 : DB_MINTS_PER_STATEMENT;
    struct gw_list *link;
    mints->sent_count = 0;
    while (mints->sent_count < most && (link = gw_list_pop_front(&mints->waiting)) != NULL) {
        gw_container_of(link, struct db_exchange_mint, link)->place = ++mints->sent_count;
        gw_list_push_back(&mints->sent, link);
    }
    if (mints->alone_count > 0)
        mints->alone_count--;
    if (gw_list_is_empty(&mints->waiting))
        mints->waiting_count = mints->alone_count = 0;
    else
        mints->waiting_count -= mints->sent_count;
}

// Those that wait, as far as one statement goes. On failure they are back where they were.
static enum gw_status send_statement(struct db_mints *mints) {
    gw_assert(!mints->is_under_way && gw_list_is_empty(&mints->sent));
    take_waiting(mints);
    enum gw_status status = put_rows(mints);
    if (status == GW_OK) {
        struct db_params *params = db_query_start(&mints->query, &db_mints_statement, on_done);
        db_put_text(params, gw_buf_bytes(&mints->rows));
        status = db_pool_submit(mints->pool, &mints->query);
    }
    mints->is_under_way = status == GW_OK;
    return status;
}

static void send_next(struct db_mints *mints) {
    while (!mints->is_under_way && !mints->is_closing && !gw_list_is_empty(&mints->waiting)) {
        struct gw_list failed;
        gw_list_init(&failed);
        enum gw_status status = send_statement(mints);
        if (status == GW_OK)
            return;
        gw_list_append_all(&failed, &mints->sent);
        end_all(&failed, status);
    }
}

// One of several was refused, and which one nobody says.
static void send_one_by_one(struct db_mints *mints, struct gw_list *members) {
    mints->alone_count += mints->sent_count;
    mints->waiting_count += mints->sent_count;
    gw_list_append_all(members, &mints->waiting);
    gw_list_append_all(&mints->waiting, members);
}

static void on_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_mints *mints = gw_container_of(query, struct db_mints, query);
    struct gw_list members;
    struct gw_list *link;
    bool is_refused = status == GW_INVALID || status == GW_CONFLICT;
    gw_list_init(&members);
    gw_list_append_all(&members, &mints->sent);
    if (status == GW_OK && PQntuples(result) != mints->sent_count)
        status = GW_UNAVAILABLE;
    if (is_refused && mints->sent_count > 1)
        send_one_by_one(mints, &members);
    else if (status != GW_OK)
        end_all(&members, status);
    while ((link = gw_list_pop_front(&members)) != NULL)
        finish(gw_container_of(link, struct db_exchange_mint, link), result);
    mints->is_under_way = false; // not before: what a callback adds goes with the others
    send_next(mints);
}

enum gw_status db_mints_add(struct db_mints *mints, struct db_exchange_mint *mint) {
    if (mint->facts.length > DB_EXCHANGE_FACTS_BYTES_MAX)
        return GW_INVALID;
    if (mints->is_closing)
        return GW_UNAVAILABLE;
    if (mints->waiting_count >= DB_MINTS_WAITING_MAX)
        return GW_BUSY;
    gw_list_push_back(&mints->waiting, &mint->link);
    mints->waiting_count++;
    if (mints->is_under_way)
        return GW_OK;
    enum gw_status status = send_statement(mints);
    if (status != GW_OK)
        gw_list_remove(&mint->link);
    return status;
}

// ---- life ----

enum gw_status db_mints_create(struct db_pool *pool, struct db_mints **mints_out) {
    struct db_mints *mints = calloc(1, sizeof(*mints));
    if (mints == NULL)
        return GW_NO_MEMORY;
    mints->pool = pool;
    gw_buf_init(&mints->rows, STATEMENT_BYTES_MAX);
    gw_list_init(&mints->query.link);
    gw_list_init(&mints->waiting);
    gw_list_init(&mints->sent);
    *mints_out = mints;
    return GW_OK;
}

void db_mints_close(struct db_mints *mints) {
    mints->is_closing = true;
    db_pool_cancel(mints->pool, &mints->query);
    end_all(&mints->sent, GW_UNAVAILABLE);
    end_all(&mints->waiting, GW_UNAVAILABLE);
}

void db_mints_destroy(struct db_mints *mints) {
    if (mints == NULL)
        return;
    gw_assert(mints->is_closing);
    gw_buf_deinit(&mints->rows);
    free(mints);
}
