// SPDX-License-Identifier: MIT
// Where uses are: `noted` goes with the next flush. `batch` is a sorted array on its way to the
// database, a slice of GW_LAST_USED_ENTRIES_MAX rows a statement; a slice that fails goes back,
// with all behind it, into `noted`. `written` knows the tokens that were written in this period,
// and keeps the further uses of those, which are noted when the period ends.
#include "gateway/auth/last_used.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "db/token_store.h"
#include "gateway/auth/last_used_map.h"
#include "gateway/settings/metrics.h"

struct gw_last_used {
    uv_timer_t interval;
    uv_timer_t drain_timer;
    struct db_token_store *store;
    struct gw_metrics *metrics;
    struct gw_last_used_options options;
    uint64_t period_ends_ms; // uv_now
    struct gw_last_used_map noted;
    struct gw_last_used_map written;
    struct gw_last_use *batch;
    size_t batch_count;
    size_t batch_written;
    size_t slice_count;
    struct db_last_used_write write;
    struct gw_str *slice_ids;
    int64_t *slice_times;
    bool is_writing;
    bool is_failing; // logged once for an outage
    int handles_open;
    struct gw_last_used_drain *drain; // who waits for everything to be written, or NULL
    void (*on_closed)(struct gw_last_used *last_used);
};

static void start_flush(struct gw_last_used *last_used);

// All that waits for the next period is due.
static void end_period(struct gw_last_used *last_used) {
    last_used->metrics->last_used_dropped_total += (int64_t)gw_last_used_map_move(
        &last_used->noted, &last_used->written, GW_LAST_USED_KEPT_MAX);
    last_used->period_ends_ms = uv_now(last_used->interval.loop) + last_used->options.resolution_ms;
}

static void on_interval(uv_timer_t *timer) {
    struct gw_last_used *last_used = gw_container_of(timer, struct gw_last_used, interval);
    if (uv_now(timer->loop) >= last_used->period_ends_ms)
        end_period(last_used);
    start_flush(last_used);
}

enum gw_status gw_last_used_create(uv_loop_t *loop, struct db_token_store *store,
                                   struct gw_metrics *metrics,
                                   const struct gw_last_used_options *options,
                                   struct gw_last_used **last_used) {
    struct gw_last_used *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    created->slice_ids = calloc(GW_LAST_USED_ENTRIES_MAX, sizeof(created->slice_ids[0]));
    created->slice_times = calloc(GW_LAST_USED_ENTRIES_MAX, sizeof(created->slice_times[0]));
    if (created->slice_ids == NULL || created->slice_times == NULL) {
        free(created->slice_ids);
        free(created->slice_times);
        free(created);
        return GW_NO_MEMORY;
    }
    created->options = *options;
    created->period_ends_ms = uv_now(loop) + options->resolution_ms;
    created->store = store;
    created->metrics = metrics;
    gw_list_init(&created->write.query.link);
    uv_timer_init(loop, &created->interval);
    uv_timer_init(loop, &created->drain_timer);
    created->handles_open = 2;
    uv_timer_start(&created->interval, on_interval, options->interval_ms, options->interval_ms);
    uv_unref((uv_handle_t *)&created->interval);
    *last_used = created;
    return GW_OK;
}

void gw_last_used_note(struct gw_last_used *last_used, struct gw_str token_id, int64_t used_ms) {
    struct gw_last_use *written = gw_last_used_map_find(&last_used->written, token_id);
    if (written != NULL)
        gw_last_use_add(written, used_ms, 1);
    else if (gw_last_used_map_note(&last_used->noted, token_id, used_ms, 1,
                                   GW_LAST_USED_KEPT_MAX) != GW_OK)
        last_used->metrics->last_used_dropped_total++;
    else if (last_used->noted.count >= GW_LAST_USED_ENTRIES_MAX && !last_used->is_failing)
        start_flush(last_used);
}

static const struct gw_last_use *find_in_batch(const struct gw_last_used *last_used,
                                               struct gw_str token_id) {
    struct gw_last_use key = {.id_length = (uint8_t)token_id.length};
    if (last_used->batch_count == 0 || token_id.length > DB_ID_LENGTH_MAX)
        return NULL;
    memcpy(key.id, token_id.at, token_id.length);
    return bsearch(&key, last_used->batch, last_used->batch_count, sizeof(key),
                   gw_last_use_compare);
}

int64_t gw_last_used_find(const struct gw_last_used *last_used, struct gw_str token_id) {
    const struct gw_last_use *use = gw_last_used_map_find(&last_used->written, token_id);
    if (use == NULL || use->uses == 0)
        use = gw_last_used_map_find(&last_used->noted, token_id);
    if (use == NULL)
        use = find_in_batch(last_used, token_id);
    return use != NULL ? use->used_ms : DB_NO_TIME;
}

// ---- a flush ----

static void finish_drain(struct gw_last_used *last_used, enum gw_status status) {
    struct gw_last_used_drain *drain = last_used->drain;
    if (drain == NULL)
        return;
    last_used->drain = NULL;
    uv_timer_stop(&last_used->drain_timer);
    drain->on_drained(drain, status);
}

static void drop_batch(struct gw_last_used *last_used) {
    free(last_used->batch);
    last_used->batch = NULL;
    last_used->batch_count = last_used->batch_written = 0;
}

// What could not be written is noted again, behind what has come since.
static void put_back(struct gw_last_used *last_used) {
    for (size_t i = last_used->batch_written; i < last_used->batch_count; i++) {
        const struct gw_last_use *use = &last_used->batch[i];
        if (gw_last_used_map_note(&last_used->noted, gw_last_use_id(use), use->used_ms, use->uses,
                                  GW_LAST_USED_KEPT_MAX) != GW_OK)
            last_used->metrics->last_used_dropped_total += use->uses;
    }
    drop_batch(last_used);
}

static void write_slice(struct gw_last_used *last_used);

static void fail_flush(struct gw_last_used *last_used) {
    last_used->metrics->last_used_flush_failures_total++;
    put_back(last_used);
    end_period(last_used); // what was marked as written is not
    if (!last_used->is_failing)
        gw_log(GW_LOG_WARNING, "last_used", "cannot write uses now, keeping them tokens=%zu",
               last_used->noted.count);
    last_used->is_failing = true;
}

// From here on further uses of these tokens wait for the next period, also while the write is on
// its way.
static void mark_written(struct gw_last_used *last_used) {
    if (last_used->options.resolution_ms == 0 || last_used->drain != NULL)
        return;
    for (size_t i = 0; i < last_used->batch_count; i++) {
        if (gw_last_used_map_note(&last_used->written, gw_last_use_id(&last_used->batch[i]),
                                  last_used->batch[i].used_ms, 0, GW_LAST_USED_KEPT_MAX) != GW_OK)
            return; // without room for it a token is only written sooner again
    }
}

static void on_written(struct db_last_used_write *write, enum gw_status status,
                       uint64_t rows_written) {
    struct gw_last_used *last_used = gw_container_of(write, struct gw_last_used, write);
    last_used->is_writing = false;
    if (status != GW_OK) {
        fail_flush(last_used);
        return;
    }
    last_used->is_failing = false;
    last_used->metrics->last_used_rows_written_total += (int64_t)rows_written;
    for (size_t i = 0; i < last_used->slice_count; i++)
        last_used->metrics->last_used_requests_total +=
            last_used->batch[last_used->batch_written + i].uses;
    last_used->batch_written += last_used->slice_count;
    if (last_used->batch_written < last_used->batch_count) {
        write_slice(last_used);
        return;
    }
    drop_batch(last_used);
    if (last_used->drain != NULL && last_used->noted.count > 0)
        start_flush(last_used);
    else
        finish_drain(last_used, GW_OK);
}

static void write_slice(struct gw_last_used *last_used) {
    size_t left = last_used->batch_count - last_used->batch_written;
    last_used->slice_count = left < GW_LAST_USED_ENTRIES_MAX ? left : GW_LAST_USED_ENTRIES_MAX;
    for (size_t i = 0; i < last_used->slice_count; i++) {
        const struct gw_last_use *use = &last_used->batch[last_used->batch_written + i];
        last_used->slice_ids[i] = gw_last_use_id(use);
        last_used->slice_times[i] = use->used_ms;
    }
    last_used->write.ids = last_used->slice_ids;
    last_used->write.used_ms = last_used->slice_times;
    last_used->write.count = (int)last_used->slice_count;
    last_used->write.on_done = on_written;
    if (db_token_store_write_last_used(last_used->store, &last_used->write) == GW_OK)
        last_used->is_writing = true;
    else
        fail_flush(last_used);
}

static void start_flush(struct gw_last_used *last_used) {
    if (last_used->is_writing || last_used->noted.count == 0)
        return;
    last_used->batch = gw_last_used_map_take_sorted(&last_used->noted, &last_used->batch_count);
    last_used->batch_written = 0;
    mark_written(last_used);
    write_slice(last_used);
}

// ---- the end ----

// At 0: nothing was left to write. Later: the time is up.
static void on_drain_timer(uv_timer_t *timer) {
    struct gw_last_used *last_used = gw_container_of(timer, struct gw_last_used, drain_timer);
    bool is_empty = !last_used->is_writing && last_used->noted.count == 0;
    finish_drain(last_used, is_empty ? GW_OK : GW_UNAVAILABLE);
}

void gw_last_used_drain(struct gw_last_used *last_used, uint64_t timeout_ms,
                        struct gw_last_used_drain *drain) {
    last_used->drain = drain;
    end_period(last_used);
    bool is_empty = !last_used->is_writing && last_used->noted.count == 0;
    uv_timer_start(&last_used->drain_timer, on_drain_timer, is_empty ? 0 : timeout_ms, 0);
    start_flush(last_used);
}

static void on_handle_closed(uv_handle_t *handle) {
    struct gw_last_used *last_used = handle->data;
    if (--last_used->handles_open > 0)
        return;
    void (*on_closed)(struct gw_last_used *) = last_used->on_closed;
    free(last_used->slice_ids);
    free(last_used->slice_times);
    if (on_closed != NULL)
        on_closed(last_used);
    free(last_used);
}

void gw_last_used_close(struct gw_last_used *last_used,
                        void (*on_closed)(struct gw_last_used *last_used)) {
    last_used->on_closed = on_closed;
    db_token_store_cancel(last_used->store, &last_used->write.query);
    drop_batch(last_used);
    gw_last_used_map_deinit(&last_used->noted);
    gw_last_used_map_deinit(&last_used->written);
    last_used->interval.data = last_used->drain_timer.data = last_used;
    uv_close((uv_handle_t *)&last_used->interval, on_handle_closed);
    uv_close((uv_handle_t *)&last_used->drain_timer, on_handle_closed);
}
