// SPDX-License-Identifier: MIT
#include "db/connect.h"

#include <stdio.h>
#include <uv.h>

#include "db/hosts.h"
#include "db/sql_error.h"

struct search {
    uv_loop_t loop;
    struct db_url url;
    struct db_hosts hosts;
    uv_timer_t timer;
    bool is_over; // the time for lookups
};

static void on_timer(uv_timer_t *timer) {
    gw_container_of(timer, struct search, timer)->is_over = true;
}

// Its effect is that uv_run returns.
static void on_resolved(struct db_hosts *hosts) {
    (void)hosts;
}

static void on_closed(struct db_hosts *hosts) {
    (void)hosts;
}

static void look_up(struct search *search) {
    (void)uv_timer_start(&search->timer, on_timer, DB_CONNECT_TIMEOUT_S * 1000ULL, 0);
    (void)db_hosts_refresh(&search->hosts);
    while (db_hosts_are_looking_up(&search->hosts) && !search->is_over)
        (void)uv_run(&search->loop, UV_RUN_ONCE);
}

static bool connect_to(const struct search *search, const struct db_attempt *attempt,
                       const char *application_name, PGconn **pg, char *reason,
                       size_t reason_length) {
    *pg = db_url_connect_blocking(&search->url, &attempt->what, application_name,
                                  DB_CONNECT_TIMEOUT_S);
    if (PQstatus(*pg) == CONNECTION_OK)
        return true;
    db_sql_error_sentence(*pg == NULL ? gw_status_text(GW_NO_MEMORY) : PQerrorMessage(*pg), reason,
                          reason_length);
    PQfinish(*pg);
    *pg = NULL;
    return false;
}

static enum gw_status try_all(struct search *search, const char *application_name, PGconn **pg,
                              char *reason, size_t reason_length) {
    struct db_round round;
    struct db_attempt attempt;
    (void)snprintf(reason, reason_length, "no address of its host is known");
    db_hosts_plan(&search->hosts, &round);
    while (db_hosts_next(&search->hosts, &round, 0, &attempt)) {
        if (connect_to(search, &attempt, application_name, pg, reason, reason_length))
            return GW_OK;
    }
    return GW_UNAVAILABLE;
}

enum gw_status db_connect(const char *url, const char *application_name, PGconn **pg, char *reason,
                          size_t reason_length) {
    struct search search = {.is_over = false};
    *pg = NULL;
    reason[0] = '\0';
    enum gw_status status = db_url_parse(url, &search.url);
    if (status != GW_OK)
        return status;
    if (uv_loop_init(&search.loop) != 0) {
        db_url_deinit(&search.url);
        return GW_SYSTEM;
    }
    (void)uv_timer_init(&search.loop, &search.timer); // cannot fail
    status = db_hosts_open(&search.hosts, &search.loop, &search.url, on_resolved);
    if (status == GW_OK) {
        look_up(&search);
        status = try_all(&search, application_name, pg, reason, reason_length);
        db_hosts_close(&search.hosts, on_closed);
    }
    uv_close((uv_handle_t *)&search.timer, NULL);
    (void)uv_run(&search.loop, UV_RUN_DEFAULT);
    int error = uv_loop_close(&search.loop);
    gw_assert(error == 0);
    db_url_deinit(&search.url);
    return status;
}
