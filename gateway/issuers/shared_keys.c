// SPDX-License-Identifier: MIT
#include "gateway/issuers/shared_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "gateway/settings/secret_line.h"

static int64_t now_ms(const struct gw_shared_keys *shared) {
    return (int64_t)uv_now(shared->services->loop);
}

// ---- when to look ----

static int64_t due_ms(const struct gw_shared_issuer *issuer, int64_t now) {
    if (issuer->is_busy)
        return now + GW_KEYS_LOOK_MS;
    if (issuer->keys->is_asked && issuer->taken_ms > now - DB_ISSUER_FETCH_PAUSE_MS)
        return issuer->taken_ms + DB_ISSUER_FETCH_PAUSE_MS;
    if (issuer->keys->is_asked)
        return now;
    return now + (issuer->keys->set == NULL ? GW_KEYS_LOOK_SOON_MS : GW_KEYS_LOOK_MS);
}

static void on_timer(uv_timer_t *timer);

// `pause_ms`: at least so long from now.
static void plan(struct gw_shared_keys *shared, int64_t pause_ms) {
    int64_t now = now_ms(shared);
    int64_t next = now + GW_KEYS_LOOK_MS;
    for (int i = 0; i < shared->count; i++) {
        int64_t due = due_ms(&shared->of[i], now);
        next = due < next ? due : next;
    }
    if (shared->is_closing)
        return;
    uv_timer_start(&shared->timer, on_timer,
                   (uint64_t)(next - now > pause_ms ? next - now : pause_ms), 0);
}

static void note_ages(const struct gw_shared_keys *shared) {
    struct gw_metrics *metrics = shared->services->metrics;
    int64_t now = now_ms(shared);
    metrics->oidc_keys_age_ms = 0;
    metrics->oidc_issuers_without_keys = 0;
    for (int i = 0; i < shared->count; i++) {
        const struct gw_issuer_keys *keys = shared->of[i].keys;
        if (!gw_issuer_keys_are_fresh(keys, now))
            metrics->oidc_issuers_without_keys++;
        if (keys->set != NULL && now - keys->fetched_ms > metrics->oidc_keys_age_ms)
            metrics->oidc_keys_age_ms = now - keys->fetched_ms;
    }
}

// ---- what failed ----

// False: that was said already.
static bool is_news(struct gw_shared_issuer *issuer, const char *problem) {
    if (strcmp(issuer->problem, problem) == 0)
        return false;
    (void)snprintf(issuer->problem, sizeof(issuer->problem), "%s", problem);
    return true;
}

static void log_failure(struct gw_shared_issuer *issuer, const char *problem) {
    struct gw_log_quote reason;
    if (is_news(issuer, problem))
        gw_log(GW_LOG_WARNING, "oidc",
               "cannot fetch the keys of an issuer, those that there are stay issuer=%s reason=%s",
               issuer->setting->name, gw_log_quoted(&reason, gw_str_from(problem)));
}

static void log_success(struct gw_shared_issuer *issuer) {
    if (issuer->problem[0] != '\0')
        gw_log(GW_LOG_INFO, "oidc", "the keys of an issuer are fetched again issuer=%s",
               issuer->setting->name);
    issuer->problem[0] = '\0';
}

// ---- bringing ----

static void end_put(struct gw_shared_issuer *issuer, enum gw_key_fetch outcome) {
    free(issuer->text);
    issuer->text = NULL;
    issuer->is_busy = false;
    issuer->shared->services->metrics->oidc_key_fetches_total[outcome]++;
    gw_shared_keys_hurry(issuer->shared);
}

static void on_put(struct db_issuer_keys_put *put, enum gw_status status,
                   enum db_issuer_keys_outcome outcome) {
    struct gw_shared_issuer *issuer = gw_container_of(put, struct gw_shared_issuer, put);
    if (status != GW_OK)
        log_failure(issuer, "the database did not take them");
    if (outcome == DB_ISSUER_KEYS_CHANGED || outcome == DB_ISSUER_KEYS_SAME)
        log_success(issuer);
    if (outcome == DB_ISSUER_KEYS_CHANGED)
        end_put(issuer, GW_KEY_FETCH_CHANGED);
    else if (outcome == DB_ISSUER_KEYS_SAME)
        end_put(issuer, GW_KEY_FETCH_SAME);
    else
        end_put(issuer, GW_KEY_FETCH_FAILED);
}

static void put(struct gw_shared_issuer *issuer, struct gw_str keys, struct gw_str outcome) {
    issuer->put.gateway_id = gw_str_from(issuer->shared->gateway_id);
    issuer->put.issuer = gw_str_from(issuer->setting->issuer);
    issuer->put.keys = keys;
    issuer->put.outcome = outcome;
    issuer->put.on_done = on_put;
    if (db_issuer_keys_put(issuer->shared->services->pool, &issuer->put) != GW_OK)
        on_put(&issuer->put, GW_UNAVAILABLE, DB_ISSUER_KEYS_LOST);
}

static void put_failure(struct gw_shared_issuer *issuer, const char *problem) {
    log_failure(issuer, problem);
    (void)snprintf(issuer->outcome, sizeof(issuer->outcome), "%s", problem);
    put(issuer, gw_str(NULL, 0), gw_str_from(issuer->outcome));
}

// Only a set that can be used reaches the others.
static void put_keys(struct gw_shared_issuer *issuer, struct gw_str text) {
    struct gw_jwk_set_report report;
    struct gw_jwk_set *set = NULL;
    char problem[DB_ISSUER_OUTCOME_BYTES_MAX + 1];
    enum gw_status status = gw_jwk_set_parse(text, &set, &report);
    gw_jwk_set_destroy(set);
    issuer->text = status == GW_OK ? malloc(text.length) : NULL;
    if (issuer->text != NULL) {
        memcpy(issuer->text, text.at, text.length);
        put(issuer, gw_str(issuer->text, text.length), gw_str(NULL, 0));
        return;
    }
    (void)snprintf(problem, sizeof(problem), "its key set cannot be used: %s",
                   status == GW_INVALID ? gw_jwk_set_fault_text(report.fault)
                                        : gw_status_text(GW_NO_MEMORY));
    put_failure(issuer, problem);
}

// ---- fetching ----

static void on_fetched(struct gw_issuer_fetch *fetch, enum gw_status status, struct gw_str keys) {
    struct gw_shared_issuer *issuer = gw_container_of(fetch, struct gw_shared_issuer, fetch);
    if (status == GW_OK)
        put_keys(issuer, keys);
    else
        put_failure(issuer, fetch->problem);
}

static void start_fetch(struct gw_shared_issuer *issuer, struct gw_str bearer) {
    issuer->fetch.on_done = on_fetched;
    if (gw_issuer_fetch_start(&issuer->fetch, bearer) != GW_OK)
        put_failure(issuer, issuer->fetch.problem);
}

// It may not end the field that it stands in.
static bool is_visible(const char *text) {
    while (*text > ' ' && *text < 0x7f)
        text++;
    return *text == '\0';
}

static void on_bearer(struct gw_file_reader *reader, const struct gw_file *files, int count) {
    struct gw_shared_issuer *issuer =
        gw_container_of(reader, struct gw_shared_issuer, bearer_reader);
    struct gw_secret_line line;
    const char *problem = "it holds a character that no token has";
    char text[DB_ISSUER_OUTCOME_BYTES_MAX + 1];
    gw_assert(count == 1 && files != NULL);
    bool is_read = files[0].bytes != NULL;
    if (is_read &&
        gw_secret_line_take(gw_str(files[0].bytes, files[0].length), &line, &problem) == GW_OK &&
        is_visible(line.text)) {
        start_fetch(issuer, gw_str_from(line.text));
    } else {
        (void)snprintf(text, sizeof(text), "cannot use its bearer-file: %s",
                       is_read ? problem : strerror(files[0].failure));
        put_failure(issuer, text);
    }
    gw_bytes_wipe(&line, sizeof(line));
}

static void begin_fetch(struct gw_shared_issuer *issuer) {
    const struct gw_file file = {.path = issuer->setting->bearer_file};
    issuer->is_busy = true;
    if (file.path == NULL)
        start_fetch(issuer, GW_STR(""));
    else if (gw_file_reader_start(&issuer->bearer_reader, &file, 1, false) != GW_OK)
        put_failure(issuer, "cannot read its bearer-file now");
}

// ---- looking ----

static void use_keys(struct gw_shared_issuer *issuer, const struct db_issuer_keys_row *row) {
    struct gw_jwk_set_report report;
    issuer->version = row->version;
    enum gw_status status = gw_issuer_keys_take(issuer->keys, row->keys, &report);
    issuer->is_usable = status == GW_OK;
    if (status == GW_OK)
        gw_log(GW_LOG_INFO, "oidc",
               "keys of an issuer in use issuer=%s version=%" PRIu64 " keys=%d",
               issuer->setting->name, row->version, gw_jwk_set_count(issuer->keys->set));
    else
        gw_log(GW_LOG_WARNING, "oidc",
               "keys of an issuer cannot be used here issuer=%s version=%" PRIu64 " reason=\"%s\"",
               issuer->setting->name, row->version,
               status == GW_INVALID ? gw_jwk_set_fault_text(report.fault)
                                    : gw_status_text(GW_NO_MEMORY));
}

static struct gw_shared_issuer *find(struct gw_shared_keys *shared, struct gw_str name) {
    for (int i = 0; i < shared->count; i++) {
        if (gw_str_equal(gw_str_from(shared->of[i].setting->issuer), name))
            return &shared->of[i];
    }
    return NULL;
}

static void take_row(struct gw_shared_keys *shared, const struct db_issuer_keys_row *row) {
    struct gw_shared_issuer *issuer = find(shared, row->issuer);
    if (issuer == NULL)
        return;
    if (row->keys.at != NULL)
        use_keys(issuer, row);
    // From when the look was sent on, which is before the database answered: rather too old.
    if (row->age_ms >= 0 && issuer->is_usable)
        gw_issuer_keys_note_fetch(issuer->keys, shared->look_ms - row->age_ms);
    if (row->taken_ms >= 0)
        issuer->taken_ms = now_ms(shared) - row->taken_ms;
    if (row->is_ours && !issuer->is_busy)
        begin_fetch(issuer);
}

static void look(struct gw_shared_keys *shared);

static void on_looked(struct db_issuer_keys_look *done, enum gw_status status,
                      const struct db_issuer_keys_row *rows, int count) {
    struct gw_shared_keys *shared = gw_container_of(done, struct gw_shared_keys, look);
    (void)status; // without an answer the next look comes soon enough
    shared->is_looking = false;
    for (int i = 0; i < count; i++)
        take_row(shared, &rows[i]);
    note_ages(shared);
    if (shared->is_wanted)
        look(shared);
    else
        plan(shared, GW_KEYS_LOOK_PAUSE_MS);
}

static void look(struct gw_shared_keys *shared) {
    struct db_issuer_known known[GW_ISSUERS_MAX];
    if (shared->is_closing || shared->count == 0)
        return;
    shared->is_wanted = shared->is_looking;
    if (shared->is_looking)
        return;
    for (int i = 0; i < shared->count; i++)
        known[i] = (struct db_issuer_known){.issuer = gw_str_from(shared->of[i].setting->issuer),
                                            .version = shared->of[i].version,
                                            .is_asked = shared->of[i].keys->is_asked};
    shared->look.gateway_id = gw_str_from(shared->gateway_id);
    shared->look.known = known;
    shared->look.count = shared->count;
    shared->look.on_done = on_looked;
    shared->look_ms = now_ms(shared);
    shared->is_looking = db_issuer_keys_look(shared->services->pool, &shared->look) == GW_OK;
    if (!shared->is_looking)
        plan(shared, GW_KEYS_LOOK_PAUSE_MS);
}

static void on_timer(uv_timer_t *timer) {
    struct gw_shared_keys *shared = gw_container_of(timer, struct gw_shared_keys, timer);
    note_ages(shared);
    look(shared);
}

void gw_shared_keys_hurry(struct gw_shared_keys *shared) {
    look(shared);
}

void gw_shared_keys_ask(struct gw_shared_keys *shared) {
    if (!shared->is_looking)
        plan(shared, 0);
    else
        shared->is_wanted = true;
}

// ---- life ----

enum gw_status gw_shared_keys_open(struct gw_shared_keys *shared,
                                   const struct gw_services *services) {
    *shared = (struct gw_shared_keys){.services = services, .fetch_services = *services};
    shared->fetch_services.metrics = &shared->fetch_metrics;
    enum gw_status status = gw_id_make(shared->gateway_id);
    if (status != GW_OK)
        return status;
    uv_timer_init(services->loop, &shared->timer);
    uv_timer_start(&shared->timer, on_timer, 0, 0);
    return GW_OK;
}

// Without an issuer whose keys are fetched, the environment is not looked at.
static enum gw_status find_proxy(struct gw_shared_keys *shared,
                                 struct gw_upstream_problem *problem) {
    enum gw_status status = gw_issuer_proxy_read(&shared->proxy, problem);
    if (status == GW_OK && shared->proxy.is_set)
        gw_log(GW_LOG_INFO, "oidc", "keys of issuers are fetched through a proxy proxy=%s",
               shared->proxy.proxy.name);
    return status;
}

enum gw_status gw_shared_keys_add(struct gw_shared_keys *shared,
                                  const struct gw_issuer_setting *setting,
                                  struct gw_issuer_keys *keys,
                                  struct gw_upstream_problem *problem) {
    gw_assert(shared->count < GW_ISSUERS_MAX);
    struct gw_shared_issuer *issuer = &shared->of[shared->count];
    *issuer = (struct gw_shared_issuer){
        .shared = shared, .setting = setting, .keys = keys, .taken_ms = INT64_MIN};
    enum gw_status status = shared->count == 0 ? find_proxy(shared, problem) : GW_OK;
    if (status == GW_OK)
        status = gw_issuer_fetch_open(&issuer->fetch, &shared->fetch_services, setting,
                                      &shared->proxy, problem);
    if (status != GW_OK)
        return status;
    if (setting->bearer_file != NULL)
        gw_file_reader_open(&issuer->bearer_reader, shared->services->loop, on_bearer);
    shared->count++;
    return GW_OK;
}

void gw_shared_keys_close(struct gw_shared_keys *shared) {
    gw_assert(!shared->is_closing);
    shared->is_closing = true;
    db_pool_cancel(shared->services->pool, &shared->look.query);
    for (int i = 0; i < shared->count; i++) {
        struct gw_shared_issuer *issuer = &shared->of[i];
        db_pool_cancel(shared->services->pool, &issuer->put.query);
        free(issuer->text);
        issuer->text = NULL;
        gw_file_reader_close(&issuer->bearer_reader);
        gw_issuer_fetch_close(&issuer->fetch);
    }
    uv_close((uv_handle_t *)&shared->timer, NULL);
}
