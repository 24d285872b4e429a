// SPDX-License-Identifier: MIT
#include "db/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/san.h"
#include "base/status.h"
#include "base/turn_part.h"
#include "db/result.h"
#include "token/limits.h"

#define PREFIXES_PER_STATEMENT 500
// Behind the prefix of a bound token, so that programs which do not know of bindings find none
// (db/sql/0031_bound_san.sql).
#define BOUND_MARK '~'
#define MARKED_PREFIX_LENGTH (GW_TOKEN_PREFIX_LENGTH + 1)

const struct db_statement db_lookup_statement = {
    .name = "token_lookup",
    .sql =
        "select t.prefix, t.digest, t.id, t.name, t.scopes, t.created_at, t.last_used_at,"
        " t.expires_at, o.id, o.slug, o.name, t.allowed_ips, t.rotates_itself,"
        " null::int8, t.bound_san"
        " from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
        " where t.prefix = any($1::text[]) and t.revoked_at is null and o.deleted_at is null"
        // one row more, of a standby: the newest event of the same snapshot
        " union all select null, null, null, null, null, null, null, null, null, null, null, null,"
        " null, skillreg.newest_event(), null where pg_is_in_recovery()",
    .parameter_count = 1,
};

enum lookup_column {
    COLUMN_PREFIX,
    COLUMN_DIGEST,
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_SCOPES,
    COLUMN_CREATED_AT,
    COLUMN_LAST_USED_AT,
    COLUMN_EXPIRES_AT,
    COLUMN_ORG_ID,
    COLUMN_ORG_SLUG,
    COLUMN_ORG_NAME,
    COLUMN_ALLOWED_IPS,
    COLUMN_ROTATES_ITSELF,
    COLUMN_SEEN_SEQ,
    COLUMN_BOUND_SAN
};

struct db_lookups {
    struct db_pool *pool;
    uv_prepare_t prepare;
    uv_timer_t patience;    // runs while lookups wait for a connection
    int handle_count;       // of the two above
    struct gw_list waiting; // of this turn, or for a connection
    struct gw_list batches; // on their way
    bool is_patient;
    bool is_closing;
    void (*on_closed)(struct db_lookups *lookups);
};

// One statement on its way. A lookup belongs to its caller and may leave `members` at any time.
struct lookup_batch {
    struct gw_list link;
    struct db_query query;
    struct db_lookups *lookups;
    struct gw_list members; // of struct db_token_lookup
    int count;              // members at the start
    struct db_token_lookup *sorted[];
};

// ---- asking ----

static int compare_prefixes(const void *a, const void *b) {
    const struct db_token_lookup *const *left = a;
    const struct db_token_lookup *const *right = b;
    return memcmp((*left)->prefix, (*right)->prefix, GW_TOKEN_PREFIX_LENGTH);
}

static void end_members(struct gw_list *members) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(members)) != NULL) {
        struct db_token_lookup *lookup = gw_container_of(link, struct db_token_lookup, link);
        lookup->on_done(lookup, GW_UNAVAILABLE, NULL);
    }
}

// Room for `count` members.
static struct lookup_batch *create_batch(struct db_lookups *lookups, int count) {
    struct lookup_batch *batch =
        calloc(1, sizeof(*batch) + (size_t)count * sizeof(struct db_token_lookup *));
    if (batch == NULL)
        return NULL;
    batch->lookups = lookups;
    batch->count = count;
    gw_list_init(&batch->link);
    gw_list_init(&batch->members);
    return batch;
}

static void on_answer(struct db_query *query, enum gw_status status, const PGresult *result);

// As it is stored, of a token that is bound and of one that is not: beside each other in the index.
static void add_prefix(struct db_params *params, const char *prefix) {
    char marked[MARKED_PREFIX_LENGTH];
    memcpy(marked, prefix, GW_TOKEN_PREFIX_LENGTH);
    marked[GW_TOKEN_PREFIX_LENGTH] = BOUND_MARK;
    db_add_text(params, gw_str(marked, GW_TOKEN_PREFIX_LENGTH));
    db_add_text(params, gw_str(marked, MARKED_PREFIX_LENGTH));
}

static enum gw_status submit_batch(struct lookup_batch *batch, struct db_token_lookup **sorted) {
    struct db_params *params = db_query_start(&batch->query, &db_lookup_statement, on_answer);
    size_t count = (size_t)batch->count;
    db_put_array(params, DB_ARRAY_TEXT, 2 * count, 2 * count * MARKED_PREFIX_LENGTH);
    for (int i = 0; i < batch->count; i++) {
        if (i == 0 || compare_prefixes(&sorted[i - 1], &sorted[i]) != 0)
            add_prefix(params, sorted[i]->prefix);
    }
    return db_pool_submit(batch->lookups->pool, &batch->query);
}

// Sends `count` lookups, sorted by prefix; without memory or room in the pool they go to `refused`.
static void send_batch(struct db_lookups *lookups, struct db_token_lookup **sorted, int count,
                       struct gw_list *refused) {
    struct lookup_batch *batch = create_batch(lookups, count);
    bool is_sent = batch != NULL && submit_batch(batch, sorted) == GW_OK;
    for (int i = 0; i < count; i++) {
        gw_list_remove(&sorted[i]->link);
        gw_list_push_back(is_sent ? &batch->members : refused, &sorted[i]->link);
    }
    if (is_sent)
        gw_list_push_back(&lookups->batches, &batch->link);
    else
        free(batch);
}

// How many of the sorted lookups fit one statement: those of PREFIXES_PER_STATEMENT distinct
// prefixes.
static int take_prefixes(struct db_token_lookup **sorted, int count) {
    int distinct = 1;
    for (int i = 1; i < count; i++) {
        distinct += compare_prefixes(&sorted[i - 1], &sorted[i]) != 0;
        if (distinct > PREFIXES_PER_STATEMENT)
            return i;
    }
    return count;
}

static int list_length(const struct gw_list *list) {
    int length = 0;
    for (const struct gw_list *link = list->next; link != list; link = link->next)
        length++;
    return length;
}

// Puts the members of `list` into `out`, sorted by prefix.
static void sort_list(const struct gw_list *list, struct db_token_lookup **out, int count) {
    struct gw_list *link = list->next;
    for (int i = 0; i < count; i++, link = link->next)
        out[i] = gw_container_of(link, struct db_token_lookup, link);
    qsort(out, (size_t)count, sizeof(struct db_token_lookup *), compare_prefixes);
}

static void send_waiting(struct db_lookups *lookups) {
    int count = list_length(&lookups->waiting);
    struct gw_list refused;
    gw_list_init(&refused);
    gw_turn_part_begin("lookups_sent");
    struct db_token_lookup **sorted = malloc((size_t)count * sizeof(struct db_token_lookup *));
    if (sorted == NULL) {
        gw_list_append_all(&refused, &lookups->waiting);
    } else {
        sort_list(&lookups->waiting, sorted, count);
        for (int at = 0, taken; at < count; at += taken) {
            taken = take_prefixes(sorted + at, count - at);
            send_batch(lookups, sorted + at, taken, &refused);
        }
    }
    free(sorted);
    db_pool_flush(lookups->pool);
    gw_turn_part_end();
    end_members(&refused);
}

static void on_impatient(uv_timer_t *patience) {
    gw_container_of(patience, struct db_lookups, patience)->is_patient = false;
}

static void wait_patiently(struct db_lookups *lookups, uint64_t timeout_ms) {
    uv_timer_t *patience = &lookups->patience;
    if (!uv_is_active((const uv_handle_t *)patience))
        (void)uv_timer_start(patience, on_impatient, timeout_ms, 0);
}

// When the oldest has waited for a connection long enough.
static uint64_t hopeless_ms(const struct db_lookups *lookups) {
    const struct db_token_lookup *oldest =
        gw_container_of(lookups->waiting.next, struct db_token_lookup, link);
    uint64_t late_ms = oldest->asked_ms + GW_DB_EXPECTED_MS;
    uint64_t expected_ms = db_pool_expected_ms(lookups->pool);
    return late_ms < expected_ms ? late_ms : expected_ms;
}

// While there is no connection. A callback may add another lookup: it is looked at the next time.
static void wait_for_connection(struct db_lookups *lookups) {
    uint64_t now = uv_now(lookups->patience.loop);
    struct gw_list late;
    gw_list_init(&late);
    while (!gw_list_is_empty(&lookups->waiting) && hopeless_ms(lookups) <= now)
        gw_list_push_back(&late, gw_list_pop_front(&lookups->waiting));
    (void)uv_timer_stop(&lookups->patience);
    if (!gw_list_is_empty(&lookups->waiting))
        wait_patiently(lookups, hopeless_ms(lookups) - now);
    end_members(&late);
}

// Before the loop sleeps. A slow or silent connection delays what waits by the patience at most.
static void on_prepare(uv_prepare_t *prepare) {
    struct db_lookups *lookups = gw_container_of(prepare, struct db_lookups, prepare);
    bool is_any_waiting = !gw_list_is_empty(&lookups->waiting);
    if (is_any_waiting && !db_pool_is_ready(lookups->pool)) {
        wait_for_connection(lookups);
        return;
    }
    if (is_any_waiting && lookups->is_patient && db_pool_is_busy(lookups->pool)) {
        wait_patiently(lookups, GW_DB_LOOKUP_PATIENCE_MS);
        return;
    }
    lookups->is_patient = true;
    (void)uv_timer_stop(&lookups->patience);
    if (is_any_waiting)
        send_waiting(lookups);
}

enum gw_status db_lookups_add(struct db_lookups *lookups, struct db_token_lookup *lookup) {
    if (lookups->is_closing)
        return GW_UNAVAILABLE;
    for (size_t i = 0; i < GW_TOKEN_PREFIX_LENGTH; i++) {
        if (!gw_base64url_is_char(lookup->prefix[i]))
            return GW_INVALID;
    }
    lookup->asked_ms = uv_now(lookups->patience.loop);
    gw_list_push_back(&lookups->waiting, &lookup->link);
    return GW_OK;
}

// ---- the answer ----

// The first of the sorted lookups with a prefix not below `prefix`.
static int first_of_prefix(struct db_token_lookup **sorted, int count, const char *prefix) {
    int low = 0;
    int high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (memcmp(sorted[middle]->prefix, prefix, GW_TOKEN_PREFIX_LENGTH) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Sets in each member what holds for the whole answer.
static void start_matching(struct lookup_batch *batch, int count, uint64_t seen_seq) {
    for (int i = 0; i < count; i++) {
        batch->sorted[i]->row = -1;
        batch->sorted[i]->seen_seq = seen_seq;
    }
}

static uint64_t read_seen_seq(const PGresult *result) {
    for (int row = PQntuples(result) - 1; row >= 0; row--) {
        if (PQgetisnull(result, row, COLUMN_SEEN_SEQ) == 0)
            return db_get_number(result, row, COLUMN_SEEN_SEQ);
    }
    return DB_SEEN_ALL;
}

static bool is_marked(struct gw_str prefix) {
    return prefix.length == MARKED_PREFIX_LENGTH && prefix.at[GW_TOKEN_PREFIX_LENGTH] == BOUND_MARK;
}

// Without the mark, if there is one; empty: no row has it, a standby's last row for example.
static struct gw_str read_prefix(const PGresult *result, int row) {
    struct gw_str prefix = db_get_bytes(result, row, COLUMN_PREFIX);
    if (prefix.length == GW_TOKEN_PREFIX_LENGTH || is_marked(prefix))
        return gw_str(prefix.at, GW_TOKEN_PREFIX_LENGTH);
    return gw_str(NULL, 0);
}

static void match_row(struct lookup_batch *batch, int count, const PGresult *result, int row) {
    struct gw_str prefix = read_prefix(result, row);
    struct gw_str digest = db_get_bytes(result, row, COLUMN_DIGEST);
    if (prefix.length == 0 || digest.length != DB_DIGEST_LENGTH)
        return;
    int i = first_of_prefix(batch->sorted, count, prefix.at);
    for (; i < count && memcmp(batch->sorted[i]->prefix, prefix.at, prefix.length) == 0; i++) {
        if (gw_bytes_equal_constant_time(batch->sorted[i]->digest, digest.at, digest.length))
            batch->sorted[i]->row = row;
    }
}

static void match_rows(struct lookup_batch *batch, const PGresult *result) {
    int count = list_length(&batch->members); // some may have left
    sort_list(&batch->members, batch->sorted, count);
    start_matching(batch, count, read_seen_seq(result));
    int rows = PQntuples(result);
    for (int row = 0; row < rows; row++)
        match_row(batch, count, result, row);
}

static bool is_id(struct gw_str id) {
    return id.length > 0 && id.length <= DB_ID_LENGTH_MAX;
}

// A mark without a binding, a binding without a mark, or one that this program cannot read.
static bool is_binding_unclear(const PGresult *result, int row, struct gw_str bound_san) {
    bool is_bound = bound_san.at != NULL;
    return is_bound != is_marked(db_get_bytes(result, row, COLUMN_PREFIX)) ||
           (is_bound && gw_san_kind(bound_san) == GW_SAN_NONE);
}

// GW_INVALID: no row of the schema. The memory of tokens relies on the length of their ids, and no
// token may pass without restrictions that it has.
static enum gw_status read_row(const PGresult *result, int row, struct db_token_row *out,
                               struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *out = (struct db_token_row){
        .id = db_get_bytes(result, row, COLUMN_ID),
        .name = db_get_bytes(result, row, COLUMN_NAME),
        .prefix = read_prefix(result, row),
        .scopes = (gw_scope_set)db_get_int(result, row, COLUMN_SCOPES, 0),
        .created_ms = db_get_time(result, row, COLUMN_CREATED_AT),
        .last_used_ms = db_get_time(result, row, COLUMN_LAST_USED_AT),
        .expires_ms = db_get_time(result, row, COLUMN_EXPIRES_AT),
        .rotates_itself = db_get_boolean(result, row, COLUMN_ROTATES_ITSELF),
        .org_id = db_get_bytes(result, row, COLUMN_ORG_ID),
        .org_slug = db_get_bytes(result, row, COLUMN_ORG_SLUG),
        .org_name = db_get_bytes(result, row, COLUMN_ORG_NAME),
        .allowed_ips = allowed_ips,
        .bound_san = db_get_bytes(result, row, COLUMN_BOUND_SAN),
    };
    if (!is_id(out->id) || !is_id(out->org_id) || is_binding_unclear(result, row, out->bound_san))
        return GW_INVALID;
    return db_get_ip_ranges(result, row, COLUMN_ALLOWED_IPS, allowed_ips, &out->allowed_ip_count);
}

static void finish(struct db_token_lookup *lookup, const PGresult *result) {
    if (lookup->row < 0) {
        lookup->on_done(lookup, GW_NOT_FOUND, NULL);
        return;
    }
    struct db_token_row row;
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    if (read_row(result, lookup->row, &row, allowed_ips) == GW_OK)
        lookup->on_done(lookup, GW_OK, &row);
    else
        lookup->on_done(lookup, GW_UNAVAILABLE, NULL);
}

// Their connection is lost, and another is there or will be. They go in front of those that were
// asked later.
static void ask_again(struct lookup_batch *batch) {
    struct db_lookups *lookups = batch->lookups;
    uint64_t now = uv_now(lookups->patience.loop);
    struct gw_list again, *next;
    gw_list_init(&again);
    for (struct gw_list *link = batch->members.next; link != &batch->members; link = next) {
        next = link->next;
        struct db_token_lookup *lookup = gw_container_of(link, struct db_token_lookup, link);
        if (now - lookup->asked_ms >= GW_DB_EXPECTED_MS)
            continue;
        gw_list_remove(link);
        gw_list_push_back(&again, link);
    }
    gw_list_append_all(&again, &lookups->waiting);
    gw_list_append_all(&lookups->waiting, &again);
}

// After any error of the server the lookups are unknown.
static void on_answer(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct lookup_batch *batch = gw_container_of(query, struct lookup_batch, query);
    gw_assert(!batch->lookups->is_closing); // closing has cancelled every batch
    gw_list_remove(&batch->link);           // closing from a callback leaves this batch alone
    gw_turn_part_begin("lookups_answered");
    if (status == GW_UNAVAILABLE && query->is_lost)
        ask_again(batch);
    if (status != GW_OK) {
        end_members(&batch->members);
    } else {
        match_rows(batch, result);
        struct gw_list *link;
        while ((link = gw_list_pop_front(&batch->members)) != NULL)
            finish(gw_container_of(link, struct db_token_lookup, link), result);
    }
    gw_turn_part_end();
    free(batch);
}

// ---- life ----

enum gw_status db_lookups_create(uv_loop_t *loop, struct db_pool *pool,
                                 struct db_lookups **lookups_out) {
    struct db_lookups *lookups = calloc(1, sizeof(*lookups));
    if (lookups == NULL)
        return GW_NO_MEMORY;
    lookups->pool = pool;
    gw_list_init(&lookups->waiting);
    gw_list_init(&lookups->batches);
    lookups->is_patient = true;
    // these cannot fail; see their manual
    (void)uv_prepare_init(loop, &lookups->prepare);
    (void)uv_prepare_start(&lookups->prepare, on_prepare);
    (void)uv_timer_init(loop, &lookups->patience);
    lookups->handle_count = 2;
    *lookups_out = lookups;
    return GW_OK;
}

static void on_handle_closed(struct db_lookups *lookups) {
    gw_assert(lookups->is_closing && lookups->handle_count > 0);
    if (--lookups->handle_count > 0)
        return;
    end_members(&lookups->waiting);
    if (lookups->on_closed != NULL)
        lookups->on_closed(lookups);
    free(lookups);
}

static void on_prepare_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of(handle, struct db_lookups, prepare));
}

static void on_patience_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of(handle, struct db_lookups, patience));
}

void db_lookups_close(struct db_lookups *lookups, void (*on_closed)(struct db_lookups *lookups)) {
    gw_assert(!lookups->is_closing);
    lookups->is_closing = true;
    lookups->on_closed = on_closed;
    struct gw_list *next;
    for (struct gw_list *link = lookups->batches.next; link != &lookups->batches; link = next) {
        next = link->next;
        struct lookup_batch *batch = gw_container_of(link, struct lookup_batch, link);
        db_pool_cancel(lookups->pool, &batch->query);
        gw_list_append_all(&lookups->waiting, &batch->members);
        free(batch);
    }
    gw_list_init(&lookups->batches);
    uv_close((uv_handle_t *)&lookups->prepare, on_prepare_closed);
    uv_close((uv_handle_t *)&lookups->patience, on_patience_closed);
}
