// SPDX-License-Identifier: MIT
// Where uses are. A token is in one map at most, and no step walks through a whole map:
//
//      noted ──flush──▶ flushing ──slice──▶ database, and the token into `written`
//                        ended  ──slice──▶     "
//      written ──period ends──▶ ended
//
// A flush takes `flushing` and `ended` apart, a sorted slice of GW_LAST_USED_ROWS_MAX rows a
// statement; a slice that fails goes back into `noted`. `written` knows the tokens that were
// written in this period, and has their further uses, which are due when the period ends.
#include "gateway/auth/last_used.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/turn_part.h"
#include "db/last_used.h"
#include "gateway/auth/last_used_map.h"
#include "gateway/settings/metrics.h"

// Slots that one step of a flush looks at: enough for a whole slice of a map that has grown.
#define VISITS_MAX ((size_t)4 * GW_LAST_USED_ROWS_MAX)
#define STEP_PAUSE_MS 1  // the next turn of the loop
#define PART "last_used" // of a turn

struct gw_last_used {
    uv_timer_t interval;
    uv_timer_t drain_timer;
    uv_timer_t step; // the next of a flush that found nothing to write in this one
    struct db_pool *pool;
    struct gw_metrics *metrics;
    struct gw_last_used_options options;
    uint64_t period_ends_ms; // uv_now
    struct gw_last_used_map noted;
    struct gw_last_used_map flushing;
    struct gw_last_used_map written;
    struct gw_last_used_map ended;
    struct gw_last_use *slice; // on its way to the database
    size_t slice_count;
    struct db_last_used_write write;
    struct gw_str *slice_ids;
    int64_t *slice_times;
    bool is_writing;
    bool is_failing; // logged once for an outage
    int handles_open;
    struct gw_last_used_drain *drain; // waits for everything to be written, or NULL
    void (*on_closed)(struct gw_last_used *last_used);
};

static void start_flush(struct gw_last_used *last_used);

// `to` is empty and gets what `from` has.
static void hand_over(struct gw_last_used_map *from, struct gw_last_used_map *to) {
    gw_assert(gw_last_used_map_count(to) == 0);
    struct gw_last_used_map emptied = *to;
    *to = *from;
    *from = emptied;
}

// What waited for the next period is due. A period in which the one before could not be written
// lasts until that is.
static void end_period(struct gw_last_used *last_used) {
    if (gw_last_used_map_count(&last_used->ended) > 0)
        return;
    hand_over(&last_used->written, &last_used->ended);
    last_used->period_ends_ms = uv_now(last_used->interval.loop) + last_used->options.resolution_ms;
}

static void on_interval(uv_timer_t *timer) {
    struct gw_last_used *last_used = gw_container_of(timer, struct gw_last_used, interval);
    if (uv_now(timer->loop) >= last_used->period_ends_ms)
        end_period(last_used);
    start_flush(last_used);
}

// ---- coming ----

static enum gw_status init_maps(struct gw_last_used *last_used) {
    struct gw_last_used_map *const maps[] = {&last_used->noted, &last_used->flushing,
                                             &last_used->written, &last_used->ended};
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && status == GW_OK; i++)
        status = gw_last_used_map_init(maps[i]);
    return status;
}

static void free_memory(struct gw_last_used *last_used) {
    gw_last_used_map_clear(&last_used->noted);
    gw_last_used_map_clear(&last_used->flushing);
    gw_last_used_map_clear(&last_used->written);
    gw_last_used_map_clear(&last_used->ended);
    free(last_used->slice);
    free(last_used->slice_ids);
    free(last_used->slice_times);
    free(last_used);
}

static void open_timers(struct gw_last_used *last_used, uv_loop_t *loop) {
    uint64_t interval_ms = last_used->options.interval_ms;
    uv_timer_init(loop, &last_used->interval);
    uv_timer_init(loop, &last_used->drain_timer);
    uv_timer_init(loop, &last_used->step);
    last_used->handles_open = 3;
    uv_timer_start(&last_used->interval, on_interval, interval_ms, interval_ms);
    uv_unref((uv_handle_t *)&last_used->interval);
}

enum gw_status gw_last_used_create(uv_loop_t *loop, struct db_pool *pool,
                                   struct gw_metrics *metrics,
                                   const struct gw_last_used_options *options,
                                   struct gw_last_used **last_used) {
    struct gw_last_used *created = calloc(1, sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    created->slice = calloc(GW_LAST_USED_ROWS_MAX, sizeof(created->slice[0]));
    created->slice_ids = calloc(GW_LAST_USED_ROWS_MAX, sizeof(created->slice_ids[0]));
    created->slice_times = calloc(GW_LAST_USED_ROWS_MAX, sizeof(created->slice_times[0]));
    enum gw_status status = GW_NO_MEMORY;
    if (created->slice != NULL && created->slice_ids != NULL && created->slice_times != NULL)
        status = init_maps(created);
    if (status != GW_OK) {
        free_memory(created);
        return status;
    }
    created->options = *options;
    created->period_ends_ms = uv_now(loop) + options->resolution_ms;
    created->pool = pool;
    created->metrics = metrics;
    open_timers(created, loop);
    *last_used = created;
    return GW_OK;
}

// The entry of a token that is not in `noted`: its further uses go there.
static struct gw_last_use *find_entry(const struct gw_last_used *last_used,
                                      struct gw_str token_id) {
    struct gw_last_use *use = gw_last_used_map_find(&last_used->written, token_id);
    if (use == NULL)
        use = gw_last_used_map_find(&last_used->ended, token_id);
    if (use == NULL)
        use = gw_last_used_map_find(&last_used->flushing, token_id);
    return use;
}

static enum gw_status note_new(struct gw_last_used *last_used, struct gw_str token_id,
                               int64_t used_ms, uint32_t uses) {
    size_t count_max = GW_LAST_USED_KEPT_MAX - gw_last_used_map_count(&last_used->flushing);
    return gw_last_used_map_note(&last_used->noted, token_id, used_ms, uses, count_max);
}

static const struct gw_last_use *find_in_slice(const struct gw_last_used *last_used,
                                               struct gw_str token_id) {
    if (!last_used->is_writing || token_id.length > DB_ID_LENGTH_MAX)
        return NULL;
    const struct gw_last_use wanted = {.key = gw_id_key_of(token_id)};
    return bsearch(&wanted, last_used->slice, last_used->slice_count, sizeof(wanted),
                   gw_last_use_compare);
}

int64_t gw_last_used_note(struct gw_last_used *last_used, struct gw_str token_id, int64_t used_ms) {
    struct gw_last_use *use = find_entry(last_used, token_id);
    if (use == NULL)
        use = gw_last_used_map_find(&last_used->noted, token_id);
    if (use != NULL) {
        int64_t before_ms = use->used_ms;
        gw_last_use_add(use, used_ms, 1);
        return before_ms;
    }
    if (note_new(last_used, token_id, used_ms, 1) != GW_OK)
        last_used->metrics->last_used_dropped_total++;
    else if (gw_last_used_map_count(&last_used->noted) >= GW_LAST_USED_ENTRIES_MAX &&
             !last_used->is_failing)
        start_flush(last_used);
    const struct gw_last_use *leaving = find_in_slice(last_used, token_id);
    return leaving != NULL ? leaving->used_ms : DB_NO_TIME;
}

int64_t gw_last_used_find(const struct gw_last_used *last_used, struct gw_str token_id) {
    const struct gw_last_use *use = find_entry(last_used, token_id);
    if (use == NULL || use->uses == 0)
        use = gw_last_used_map_find(&last_used->noted, token_id);
    if (use == NULL)
        use = find_in_slice(last_used, token_id);
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

// The uses of the slice, with those that came since, as if it had not left.
static void put_back(struct gw_last_used *last_used) {
    for (size_t i = 0; i < last_used->slice_count; i++) {
        struct gw_last_use *use = &last_used->slice[i];
        struct gw_last_used_map *marks = &last_used->written;
        struct gw_last_use *mark = gw_last_used_map_find(marks, gw_last_use_id(use));
        if (mark == NULL) { // it was not marked, or that period has ended
            marks = &last_used->ended;
            mark = gw_last_used_map_find(marks, gw_last_use_id(use));
        }
        if (mark != NULL) {
            gw_last_use_add(use, mark->used_ms, mark->uses);
            gw_last_used_map_remove(marks, mark);
        }
        if (note_new(last_used, gw_last_use_id(use), use->used_ms, use->uses) != GW_OK)
            last_used->metrics->last_used_dropped_total += use->uses;
    }
    last_used->slice_count = 0;
}

static void fail_slice(struct gw_last_used *last_used) {
    last_used->metrics->last_used_flush_failures_total++;
    put_back(last_used);
    if (!last_used->is_failing)
        gw_log(GW_LOG_WARNING, "last_used", "cannot write uses now, keeping them tokens=%zu",
               gw_last_used_map_count(&last_used->noted) +
                   gw_last_used_map_count(&last_used->flushing));
    last_used->is_failing = true;
}

// From here on further uses of these tokens wait for the next period, also while the write is on
// its way.
static void mark_written(struct gw_last_used *last_used) {
    if (last_used->options.resolution_ms == 0 || last_used->drain != NULL)
        return;
    for (size_t i = 0; i < last_used->slice_count; i++) {
        const struct gw_last_use *use = &last_used->slice[i];
        if (gw_last_used_map_note(&last_used->written, gw_last_use_id(use), use->used_ms, 0,
                                  GW_LAST_USED_KEPT_MAX) != GW_OK)
            return; // without room for it a token is only written sooner again
    }
}

static void flush_step(struct gw_last_used *last_used);

// A drain takes what is noted while it lasts, too.
static bool has_more(struct gw_last_used *last_used) {
    if (last_used->drain != NULL) {
        if (gw_last_used_map_count(&last_used->flushing) == 0)
            hand_over(&last_used->noted, &last_used->flushing);
        end_period(last_used);
    }
    return gw_last_used_map_count(&last_used->flushing) +
               gw_last_used_map_count(&last_used->ended) >
           0;
}

static void take_written(struct gw_last_used *last_used, enum gw_status status,
                         uint64_t rows_written) {
    gw_assert(last_used->is_writing && last_used->slice_count > 0);
    last_used->is_writing = false;
    if (status != GW_OK) {
        fail_slice(last_used);
        return;
    }
    last_used->is_failing = false;
    last_used->metrics->last_used_rows_written_total += (int64_t)rows_written;
    for (size_t i = 0; i < last_used->slice_count; i++)
        last_used->metrics->last_used_requests_total += last_used->slice[i].uses;
    last_used->slice_count = 0;
    if (has_more(last_used))
        flush_step(last_used);
    else
        finish_drain(last_used, GW_OK);
}

static void on_written(struct db_last_used_write *write, enum gw_status status,
                       uint64_t rows_written) {
    gw_turn_part_begin(PART);
    take_written(gw_container_of(write, struct gw_last_used, write), status, rows_written);
    gw_turn_part_end();
}

static void write_slice(struct gw_last_used *last_used) {
    gw_assert(!last_used->is_writing && last_used->slice_count > 0);
    for (size_t i = 0; i < last_used->slice_count; i++) {
        last_used->slice_ids[i] = gw_last_use_id(&last_used->slice[i]);
        last_used->slice_times[i] = last_used->slice[i].used_ms;
    }
    last_used->write.ids = last_used->slice_ids;
    last_used->write.used_ms = last_used->slice_times;
    last_used->write.count = (int)last_used->slice_count;
    last_used->write.on_done = on_written;
    if (db_last_used_write(last_used->pool, &last_used->write) == GW_OK)
        last_used->is_writing = true;
    else
        fail_slice(last_used);
}

static void take_into_slice(struct gw_last_used *last_used, struct gw_last_used_map *map,
                            size_t *visits_left) {
    while (last_used->slice_count < GW_LAST_USED_ROWS_MAX) {
        struct gw_last_use *use = &last_used->slice[last_used->slice_count];
        if (!gw_last_used_map_take(map, use, visits_left))
            break;
        if (use->uses > 0)
            last_used->slice_count++;
    }
    if (gw_last_used_map_count(map) == 0)
        gw_last_used_map_clear(map);
}

static void on_step(uv_timer_t *timer) {
    struct gw_last_used *last_used = gw_container_of(timer, struct gw_last_used, step);
    if (has_more(last_used))
        flush_step(last_used);
    else
        finish_drain(last_used, GW_OK);
}

// Writes a slice of what is due. Where tokens of `ended` have no further uses there may be nothing
// to write in one step, and the next follows in the next turn of the loop.
static void flush_step(struct gw_last_used *last_used) {
    size_t visits_left = VISITS_MAX;
    gw_assert(last_used->slice_count == 0);
    gw_turn_part_begin(PART);
    take_into_slice(last_used, &last_used->flushing, &visits_left);
    take_into_slice(last_used, &last_used->ended, &visits_left);
    if (last_used->slice_count > 0) {
        qsort(last_used->slice, last_used->slice_count, sizeof(last_used->slice[0]),
              gw_last_use_compare);
        mark_written(last_used);
        write_slice(last_used);
    } else {
        uv_timer_start(&last_used->step, on_step, STEP_PAUSE_MS, 0);
    }
    gw_turn_part_end();
}

static bool is_flushing(const struct gw_last_used *last_used) {
    return last_used->is_writing || uv_is_active((const uv_handle_t *)&last_used->step);
}

static void start_flush(struct gw_last_used *last_used) {
    if (is_flushing(last_used))
        return;
    if (gw_last_used_map_count(&last_used->flushing) == 0)
        hand_over(&last_used->noted, &last_used->flushing);
    if (has_more(last_used))
        flush_step(last_used);
}

// ---- the end ----

static void on_drain_timer(uv_timer_t *timer) {
    struct gw_last_used *last_used = gw_container_of(timer, struct gw_last_used, drain_timer);
    finish_drain(last_used, GW_UNAVAILABLE);
}

void gw_last_used_drain(struct gw_last_used *last_used, uint64_t timeout_ms,
                        struct gw_last_used_drain *drain) {
    gw_assert(last_used->drain == NULL);
    last_used->drain = drain;
    uv_timer_start(&last_used->drain_timer, on_drain_timer, timeout_ms, 0);
    if (is_flushing(last_used))
        return;
    if (has_more(last_used))
        flush_step(last_used);
    else
        uv_timer_start(&last_used->step, on_step, STEP_PAUSE_MS, 0);
}

static void on_handle_closed(uv_handle_t *handle) {
    struct gw_last_used *last_used = handle->data;
    if (--last_used->handles_open > 0)
        return;
    if (last_used->on_closed != NULL)
        last_used->on_closed(last_used);
    free_memory(last_used);
}

static void close_timer(struct gw_last_used *last_used, uv_timer_t *timer) {
    timer->data = last_used;
    uv_close((uv_handle_t *)timer, on_handle_closed);
}

void gw_last_used_close(struct gw_last_used *last_used,
                        void (*on_closed)(struct gw_last_used *last_used)) {
    last_used->on_closed = on_closed;
    db_pool_cancel(last_used->pool, &last_used->write.query);
    close_timer(last_used, &last_used->interval);
    close_timer(last_used, &last_used->drain_timer);
    close_timer(last_used, &last_used->step);
}
