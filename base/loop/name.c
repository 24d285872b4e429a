// SPDX-License-Identifier: MIT
#include "base/loop/name.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_port.h"
#include "base/log.h"
#include "base/loop/thread.h"

// What a name and its threads share. The last of them to leave frees it.
struct gw_name_box {
    pthread_mutex_t lock;
    uv_async_t *posted; // of the name; NULL: it was closed
    char host[GW_HOST_BYTES_MAX + 1];
    char port[8];
    int threads; // that have not left
    uint32_t answered;
    int failure;
    struct addrinfo *results; // of the lookup `answered`, until they are taken
};

struct lookup {
    struct gw_name_box *box;
    uint32_t number;
};

// ---- the thread ----

static void free_box(struct gw_name_box *box) {
    if (box->results != NULL)
        freeaddrinfo(box->results);
    (void)pthread_mutex_destroy(&box->lock);
    free(box);
}

// Under the lock. An older lookup that ends late has nothing to say.
static void post(struct gw_name_box *box, uint32_t number, int failure, struct addrinfo *results) {
    bool is_wanted = box->posted != NULL && number > box->answered;
    struct addrinfo *unwanted = is_wanted ? box->results : results;
    if (unwanted != NULL)
        freeaddrinfo(unwanted);
    if (!is_wanted)
        return;
    box->answered = number;
    box->failure = failure;
    box->results = results;
    (void)uv_async_send(box->posted);
}

static void *look_up(void *argument) {
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct lookup lookup = *(struct lookup *)argument;
    struct gw_name_box *box = lookup.box;
    struct addrinfo *results = NULL;
    free(argument);
    int failure = getaddrinfo(box->host, box->port, &hints, &results);
    (void)pthread_mutex_lock(&box->lock);
    post(box, lookup.number, failure, failure == 0 ? results : NULL);
    bool is_last = --box->threads == 0 && box->posted == NULL;
    (void)pthread_mutex_unlock(&box->lock);
    if (is_last)
        free_box(box);
    return NULL;
}

// ---- results ----

// Logs the first failure of a series, and its end.
static void log_outcome(struct gw_name *name, const char *failure) {
    struct gw_log_quote host;
    bool is_failing = failure != NULL;
    if (is_failing == name->was_failing)
        return;
    name->was_failing = is_failing;
    gw_log_quoted(&host, gw_str_from(name->host));
    if (is_failing)
        gw_log(GW_LOG_WARNING, name->component, "cannot resolve host=%s reason=\"%s\" known=%d",
               host.text, failure, name->count);
    else
        gw_log(GW_LOG_INFO, name->component, "resolves again host=%s addresses=%d", host.text,
               name->count);
}

static void take_results(struct gw_name *name, const struct addrinfo *results) {
    int count = 0;
    for (; results != NULL && count < GW_NAME_ADDRESSES_MAX; results = results->ai_next) {
        struct sockaddr_storage *address = &name->list[count];
        if (results->ai_addrlen > sizeof(*address))
            continue;
        memset(address, 0, sizeof(*address));
        memcpy(address, results->ai_addr, results->ai_addrlen);
        count++;
    }
    if (count > 0)
        name->count = count;
}

static void update_reference(struct gw_name *name) {
    if (gw_name_is_looking_up(name))
        uv_ref((uv_handle_t *)&name->posted);
    else
        uv_unref((uv_handle_t *)&name->posted);
}

static void on_posted(uv_async_t *posted) {
    struct gw_name *name = gw_container_of(posted, struct gw_name, posted);
    struct gw_name_box *box = name->box;
    gw_assert(!name->is_closing && box != NULL);
    (void)pthread_mutex_lock(&box->lock);
    uint32_t answered = box->answered;
    int failure = box->failure;
    struct addrinfo *results = box->results;
    box->results = NULL;
    (void)pthread_mutex_unlock(&box->lock);
    if (answered == name->answered)
        return; // taken already
    name->answered = answered;
    update_reference(name);
    if (failure == 0)
        take_results(name, results);
    if (results != NULL)
        freeaddrinfo(results);
    log_outcome(name, failure == 0 ? NULL : gai_strerror(failure));
    name->on_resolved(name);
}

// ---- asking ----

static enum gw_status start_lookup(struct gw_name *name) {
    struct lookup *lookup = name->box == NULL ? NULL : malloc(sizeof(*lookup));
    if (lookup == NULL)
        return GW_NO_MEMORY;
    *lookup = (struct lookup){name->box, name->asked + 1};
    if (gw_thread_start(look_up, lookup) == 0)
        return GW_OK;
    free(lookup);
    return GW_SYSTEM;
}

// False: too many of this name hang.
static bool enter_thread(struct gw_name_box *box, int change) {
    (void)pthread_mutex_lock(&box->lock);
    bool may_enter = change < 0 || box->threads < GW_NAME_THREADS_MAX;
    if (may_enter)
        box->threads += change;
    (void)pthread_mutex_unlock(&box->lock);
    return may_enter;
}

bool gw_name_refresh(struct gw_name *name) {
    uint64_t now_ms = uv_now(name->timer.loop);
    uint64_t age_ms = now_ms - name->looked_up_ms;
    bool is_first = name->looked_up_ms == 0;
    if (name->is_numeric || name->is_closing)
        return false;
    if (gw_name_is_looking_up(name) && age_ms < GW_NAME_STUCK_MS)
        return true;
    if (!is_first && age_ms < GW_NAME_REFRESH_MIN_MS)
        return false;
    if (name->box == NULL || !enter_thread(name->box, 1))
        return gw_name_is_looking_up(name);
    name->looked_up_ms = now_ms > 0 ? now_ms : 1;
    enum gw_status status = start_lookup(name);
    if (status == GW_OK)
        name->asked++;
    else
        (void)enter_thread(name->box, -1);
    if (status != GW_OK)
        log_outcome(name, "no thread could be started");
    update_reference(name);
    return gw_name_is_looking_up(name);
}

static void on_interval(uv_timer_t *timer) {
    (void)gw_name_refresh(gw_container_of(timer, struct gw_name, timer));
}

// ---- life ----

static bool take_numeric(struct gw_name *name) {
    struct sockaddr_storage *socket = &name->list[0];
    if (uv_ip4_addr(name->host, name->port, (struct sockaddr_in *)socket) != 0 &&
        uv_ip6_addr(name->host, name->port, (struct sockaddr_in6 *)socket) != 0)
        return false;
    name->count = 1;
    return true;
}

static struct gw_name_box *create_box(struct gw_name *name) {
    struct gw_name_box *box = calloc(1, sizeof(*box));
    if (box == NULL || pthread_mutex_init(&box->lock, NULL) != 0) {
        free(box);
        return NULL;
    }
    box->posted = &name->posted;
    (void)snprintf(box->host, sizeof(box->host), "%s", name->host);
    (void)snprintf(box->port, sizeof(box->port), "%u", (unsigned)name->port);
    return box;
}

void gw_name_open(struct gw_name *name, uv_loop_t *loop, const char *component, const char *host,
                  uint16_t port, void (*on_resolved)(struct gw_name *name)) {
    gw_assert(strlen(host) <= GW_HOST_BYTES_MAX);
    memset(name, 0, sizeof(*name));
    name->component = component;
    name->host = host;
    name->port = port;
    name->on_resolved = on_resolved;
    name->handle_count = 2;
    int failure = uv_timer_init(loop, &name->timer);
    if (failure == 0)
        failure = uv_async_init(loop, &name->posted, on_posted);
    gw_assert(failure == 0);
    uv_unref((uv_handle_t *)&name->timer);
    update_reference(name);
    name->is_numeric = take_numeric(name);
    if (name->is_numeric)
        return;
    name->box = create_box(name);
    failure = uv_timer_start(&name->timer, on_interval, GW_NAME_INTERVAL_MS, GW_NAME_INTERVAL_MS);
    gw_assert(failure == 0);
}

static void on_handle_closed(struct gw_name *name) {
    gw_assert(name->is_closing && name->handle_count > 0);
    if (--name->handle_count == 0)
        name->on_closed(name);
}

static void on_timer_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of((uv_timer_t *)handle, struct gw_name, timer));
}

static void on_posted_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of((uv_async_t *)handle, struct gw_name, posted));
}

// The threads that are still there find nobody.
static void leave_box(struct gw_name_box *box) {
    (void)pthread_mutex_lock(&box->lock);
    box->posted = NULL;
    bool is_last = box->threads == 0;
    (void)pthread_mutex_unlock(&box->lock);
    if (is_last)
        free_box(box);
}

void gw_name_close(struct gw_name *name, void (*on_closed)(struct gw_name *name)) {
    gw_assert(!name->is_closing);
    name->is_closing = true;
    name->on_closed = on_closed;
    if (name->box != NULL)
        leave_box(name->box);
    name->box = NULL;
    uv_close((uv_handle_t *)&name->timer, on_timer_closed);
    uv_close((uv_handle_t *)&name->posted, on_posted_closed);
}
