// SPDX-License-Identifier: MIT
#include "gateway/process/turns.h"

#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "base/status.h"
#include "base/turn_part.h"

#define NS_PER_MS UINT64_C(1000000)

static uint64_t processor_ns(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

// Rounded up, so that only no turn at all is none.
static int64_t ms_of(uint64_t ns) {
    return (int64_t)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void note_longest(struct gw_turns *turns, uint64_t took_ns, uint64_t now_ns) {
    if (now_ns - turns->window_began_ns >= GW_TURN_WINDOW_MS * NS_PER_MS) {
        turns->window_before_ns = turns->window_longest_ns;
        turns->window_longest_ns = 0;
        turns->window_began_ns = now_ns;
    }
    if (took_ns > turns->window_longest_ns)
        turns->window_longest_ns = took_ns;
    uint64_t longest_ns = turns->window_longest_ns > turns->window_before_ns
                              ? turns->window_longest_ns
                              : turns->window_before_ns;
    turns->metrics->loop_turn_longest_ms = ms_of(longest_ns);
}

static void log_long(uint64_t took_ns, uint64_t used_ns, struct gw_turn_part part) {
    uint64_t rest_ns = took_ns > part.took_ns ? took_ns - part.took_ns : 0;
    if (part.name == NULL || part.took_ns < rest_ns)
        part = (struct gw_turn_part){.name = "requests", .took_ns = rest_ns};
    gw_log(GW_LOG_WARNING, "server",
           "long turn ms=%" PRIu64 " processor_ms=%" PRIu64 " part=%s part_ms=%" PRIu64,
           took_ns / NS_PER_MS, used_ns / NS_PER_MS, part.name, part.took_ns / NS_PER_MS);
}

static void end_turn(struct gw_turns *turns, uint64_t now_ns, uint64_t idle_ns, uint64_t used_ns) {
    uint64_t waited_ns = idle_ns - turns->idle_ns;
    uint64_t all_ns = now_ns - turns->began_ns;
    uint64_t took_ns = all_ns > waited_ns ? all_ns - waited_ns : 0;
    struct gw_turn_part part = gw_turn_part_take();
    if (took_ns >= GW_TURN_LONG_MS * NS_PER_MS) {
        turns->metrics->loop_turns_long_total++;
        log_long(took_ns, used_ns - turns->processor_ns, part);
    }
    note_longest(turns, took_ns, now_ns);
}

// A turn ends here, and the next begins: the wait in between is idle time of the loop. What was
// before the first is the start of the process.
static void on_prepare(uv_prepare_t *prepare) {
    struct gw_turns *turns = gw_container_of(prepare, struct gw_turns, prepare);
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t used_ns = processor_ns();
    if (turns->began_ns != 0)
        end_turn(turns, now_ns, idle_ns, used_ns);
    turns->began_ns = now_ns;
    turns->idle_ns = idle_ns;
    turns->processor_ns = used_ns;
}

void gw_turns_open(struct gw_turns *turns, uv_loop_t *loop, struct gw_metrics *metrics) {
    int failure = uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    gw_assert(failure == 0);
    *turns = (struct gw_turns){.metrics = metrics};
    turns->window_began_ns = uv_hrtime();
    uv_prepare_init(loop, &turns->prepare);
    uv_prepare_start(&turns->prepare, on_prepare);
    uv_unref((uv_handle_t *)&turns->prepare);
}

void gw_turns_close(struct gw_turns *turns) {
    uv_close((uv_handle_t *)&turns->prepare, NULL);
}
