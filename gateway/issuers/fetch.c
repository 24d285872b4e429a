// SPDX-License-Identifier: MIT
#include "gateway/issuers/fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/issuers/discovery.h"
#include "gateway/oidc/jwk.h"
#include "gateway/upstream/pool.h"

#define ARENA_BYTES ((size_t)512 * 1024)

static struct gw_issuer_fetch *fetch_of(struct gw_upstream_call *call) {
    return gw_container_of(call, struct gw_issuer_fetch, call);
}

// ---- the end ----

static void stop(struct gw_issuer_fetch *fetch) {
    gw_assert(fetch->is_busy);
    fetch->is_busy = false;
    uv_timer_stop(&fetch->timer);
    gw_upstream_call_abort(&fetch->call);
    gw_bytes_wipe(fetch->fields, sizeof(fetch->fields));
}

// The last act of each path.
static void finish(struct gw_issuer_fetch *fetch, enum gw_status status) {
    struct gw_buf body = fetch->body;
    stop(fetch);
    gw_buf_init(&fetch->body, GW_JWK_SET_BYTES_MAX);
    fetch->on_done(fetch, status, gw_buf_bytes(&body));
    gw_buf_deinit(&body);
}

static void fail(struct gw_issuer_fetch *fetch, const char *problem) {
    (void)snprintf(fetch->problem, sizeof(fetch->problem), "%s", problem);
    finish(fetch, GW_INVALID);
}

static void on_timer(uv_timer_t *timer) {
    struct gw_issuer_fetch *fetch = gw_container_of(timer, struct gw_issuer_fetch, timer);
    fail(fetch, "it did not answer whole within ten seconds");
}

// ---- one request ----

static const struct gw_upstream_call_events call_events;

static enum gw_status request(struct gw_issuer_fetch *fetch, struct gw_str path) {
    (void)snprintf(fetch->line, sizeof(fetch->line), "GET %s%.*s HTTP/1.1\r\n",
                   path.length > 0 ? "" : "/", GW_STR_ARG(path));
    const struct gw_upstream_request asked = {.line = gw_str_from(fetch->line),
                                              .fields = gw_str_from(fetch->fields),
                                              .body = GW_UPSTREAM_NO_BODY,
                                              .is_idempotent = true};
    gw_buf_clear(&fetch->body);
    enum gw_status status =
        gw_upstream_call_start(fetch->upstream, &fetch->call, &call_events, &asked);
    if (status != GW_OK)
        (void)snprintf(fetch->problem, sizeof(fetch->problem), "%s",
                       gw_upstream_call_reason(&fetch->call));
    return status;
}

static void on_head(struct gw_upstream_call *call, const struct gw_http_head *head) {
    struct gw_issuer_fetch *fetch = fetch_of(call);
    bool is_moved = head->status >= 300 && head->status < 400;
    if (head->status == 200)
        return;
    (void)snprintf(fetch->problem, sizeof(fetch->problem), "it answered %d to %s%s", head->status,
                   fetch->is_discovering ? "the discovery" : "the question for its keys",
                   is_moved ? ", and redirects are not followed" : "");
    finish(fetch, GW_INVALID);
}

static void on_body(struct gw_upstream_call *call, struct gw_str bytes) {
    struct gw_issuer_fetch *fetch = fetch_of(call);
    if (gw_buf_length(&fetch->body) + bytes.length > GW_JWK_SET_BYTES_MAX)
        fail(fetch, "its answer is longer than 64 KiB");
    else if (gw_buf_append_str(&fetch->body, bytes) != GW_OK)
        fail(fetch, gw_status_text(GW_NO_MEMORY));
}

static void follow(struct gw_issuer_fetch *fetch) {
    struct gw_arena arena;
    struct gw_issuer_url keys;
    const char *problem = gw_status_text(GW_NO_MEMORY);
    gw_arena_init(&arena, ARENA_BYTES);
    enum gw_status status = gw_discovery_read(&arena, gw_buf_bytes(&fetch->body),
                                              gw_str_from(fetch->setting->issuer), &keys, &problem);
    fetch->is_discovering = false;
    if (status != GW_OK)
        fail(fetch, problem);
    else if (request(fetch, keys.path) != GW_OK)
        finish(fetch, GW_UNAVAILABLE);
    gw_arena_deinit(&arena);
}

static void on_end(struct gw_upstream_call *call) {
    struct gw_issuer_fetch *fetch = fetch_of(call);
    if (fetch->is_discovering)
        follow(fetch);
    else
        finish(fetch, GW_OK);
}

static void on_error(struct gw_upstream_call *call, enum gw_status status) {
    (void)status;
    fail(fetch_of(call), gw_upstream_call_reason(call));
}

static const struct gw_upstream_call_events call_events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_error = on_error};

// ---- start ----

static void write_fields(struct gw_issuer_fetch *fetch, struct gw_str bearer) {
    (void)snprintf(fetch->fields, sizeof(fetch->fields),
                   "Accept: application/json\r\nUser-Agent: skillreg-gateway/" GATEWAY_VERSION
                   "\r\nConnection: close\r\n%s%.*s%s\r\n",
                   bearer.length > 0 ? "Authorization: Bearer " : "", GW_STR_ARG(bearer),
                   bearer.length > 0 ? "\r\n" : "");
}

// The place of the keys, or of the document that says it.
static struct gw_str first_path(struct gw_issuer_fetch *fetch, char *discovery, size_t bytes) {
    const struct gw_issuer_setting *setting = fetch->setting;
    const char *text = setting->keys != NULL ? setting->keys : setting->issuer;
    struct gw_issuer_url url;
    const char *problem;
    enum gw_status status = gw_issuer_url_split(gw_str_from(text), true, &url, &problem);
    gw_assert(status == GW_OK); // the settings are checked
    fetch->is_discovering = setting->keys == NULL;
    if (!fetch->is_discovering)
        return url.path;
    bool has_slash = url.path.length > 0 && url.path.at[url.path.length - 1] == '/';
    (void)snprintf(discovery, bytes, "%.*s" GW_DISCOVERY_PATH,
                   (int)(url.path.length - (has_slash ? 1 : 0)), url.path.at);
    return gw_str_from(discovery);
}

enum gw_status gw_issuer_fetch_start(struct gw_issuer_fetch *fetch, struct gw_str bearer) {
    char discovery[GW_ISSUER_URL_BYTES_MAX + sizeof(GW_DISCOVERY_PATH)];
    gw_assert(!fetch->is_busy && bearer.length <= GW_ISSUER_BEARER_BYTES_MAX);
    write_fields(fetch, bearer);
    enum gw_status status = request(fetch, first_path(fetch, discovery, sizeof(discovery)));
    if (status != GW_OK)
        return status;
    fetch->is_busy = true;
    uv_timer_start(&fetch->timer, on_timer, GW_ISSUER_FETCH_MS, 0);
    return GW_OK;
}

// ---- life ----

enum gw_status gw_issuer_fetch_open(struct gw_issuer_fetch *fetch,
                                    const struct gw_services *services,
                                    const struct gw_issuer_setting *setting,
                                    const struct gw_issuer_proxy *proxy,
                                    struct gw_upstream_problem *problem) {
    const char *text = setting->keys != NULL ? setting->keys : setting->issuer;
    struct gw_issuer_url url;
    const char *why;
    *fetch = (struct gw_issuer_fetch){.setting = setting, .services = services};
    enum gw_status status = gw_issuer_url_split(gw_str_from(text), true, &url, &why);
    gw_assert(status == GW_OK);
    (void)snprintf(fetch->origin, sizeof(fetch->origin), "%.*s", GW_STR_ARG(url.origin));
    const char *const origins[] = {fetch->origin};
    struct gw_upstream_options options = {
        .texts = origins, .text_count = 1, .authorities_file = setting->ca};
    gw_issuer_proxy_use(proxy, &options);
    status = gw_upstream_create(services, &options, &fetch->upstream, problem);
    if (status != GW_OK)
        return status;
    gw_buf_init(&fetch->body, GW_JWK_SET_BYTES_MAX);
    uv_timer_init(services->loop, &fetch->timer);
    return GW_OK;
}

void gw_issuer_fetch_close(struct gw_issuer_fetch *fetch) {
    if (fetch->is_busy)
        stop(fetch);
    gw_buf_deinit(&fetch->body);
    gw_upstream_close(fetch->upstream, NULL);
    uv_close((uv_handle_t *)&fetch->timer, NULL);
}
