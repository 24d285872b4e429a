// SPDX-License-Identifier: MIT
// The life of the process: start() makes the parts in the order in which they need each other;
// stopping goes through phases, each ended by an event: drain (the clients are left, see front.h)
// -> flush (last-used times are written, the membership ends) -> close (every handle). A start that
// fails half-way goes straight to close.
#include "gateway/process/server.h"

#include <signal.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/log_writer.h"
#include "base/random.h"
#include "db/events.h"
#include "db/mints.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/role_check.h"
#include "db/statements.h"
#include "db/url.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/leak_secret.h"
#include "gateway/auth/registry_credentials.h"
#include "gateway/client/group.h"
#include "gateway/exchange/services.h"
#include "gateway/issuers/issuers.h"
#include "gateway/net/handshake_queue.h"
#include "gateway/net/transport.h"
#include "gateway/process/certificates.h"
#include "gateway/process/cgroup.h"
#include "gateway/process/changes.h"
#include "gateway/process/database_urls.h"
#include "gateway/process/descriptors.h"
#include "gateway/process/front.h"
#include "gateway/process/heartbeat.h"
#include "gateway/process/listener.h"
#include "gateway/process/readiness.h"
#include "gateway/process/reread.h"
#include "gateway/process/turns.h"
#include "gateway/upstream/pool.h"
#include "token/id.h"

#define FLUSH_TIMEOUT_MS 3000

enum phase { PHASE_RUN, PHASE_DRAIN, PHASE_FLUSH, PHASE_CLOSE };

struct gw_server {
    uv_loop_t loop;
    struct db_role_check role_check;
    enum phase phase;
    struct gw_services services;
    struct gw_auth auth;
    struct gw_registry_credentials registry_credentials;
    struct gw_leak_secret leak_secret;
    struct gw_changes changes;
    struct gw_deadlines deadlines;
    struct gw_deadline_kind deadline_kinds[GW_DEADLINE_COUNT];
    struct gw_handshake_queue handshake_queue;
    struct gw_front front;
    struct gw_conn_group admins;
    struct gw_listener admin;
    struct gw_readiness readiness;
    struct gw_heartbeat heartbeat;
    struct gw_turns turns;
    struct gw_certificates certificates;
    struct gw_last_used_drain flush;
    struct db_events_departure departure;
    bool has_written; // in PHASE_FLUSH
    bool has_left;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_signal_t hangup;
    struct gw_config *config; // that of the services
    const struct gw_worker *worker;
    uv_timer_t flush_timer;
    struct gw_descriptor_room room;
    bool has_failed; // could not start
};

// ---- stopping ----

static void close_everything(struct gw_server *server);

static void close_when_flushed(struct gw_server *server) {
    if (server->has_written && server->has_left)
        close_everything(server);
}

static void on_flushed(struct gw_last_used_drain *flush, enum gw_status status) {
    struct gw_server *server = gw_container_of(flush, struct gw_server, flush);
    if (status != GW_OK)
        gw_log(GW_LOG_WARNING, "server", "last-used times of the last moments were not written");
    server->has_written = true;
    close_when_flushed(server);
}

static void on_left(struct db_events_departure *departure) {
    struct gw_server *server = gw_container_of(departure, struct gw_server, departure);
    server->has_left = true;
    close_when_flushed(server);
}

static void on_flush_timer(uv_timer_t *timer) {
    struct gw_server *server = gw_container_of(timer, struct gw_server, flush_timer);
    gw_log(GW_LOG_WARNING, "server",
           "cannot sign off at the database: revocations that wait will wait for this process");
    on_left(&server->departure);
}

// No request is let in any more: a revocation need not wait for this gateway.
static void start_leaving(struct gw_server *server) {
    gw_assert(server->phase == PHASE_FLUSH);
    server->departure.on_left = on_left;
    server->has_left = !db_events_leave(server->services.events, &server->departure);
    if (!server->has_left)
        uv_timer_start(&server->flush_timer, on_flush_timer, FLUSH_TIMEOUT_MS, 0);
}

static void on_left_front(struct gw_front *front) {
    struct gw_server *server = gw_container_of(front, struct gw_server, front);
    gw_assert(server->phase == PHASE_DRAIN && front->clients.open_count == 0);
    server->phase = PHASE_FLUSH;
    start_leaving(server);
    server->flush.on_drained = on_flushed;
    gw_last_used_drain(server->auth.last_used, FLUSH_TIMEOUT_MS, &server->flush);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct gw_server *server = handle->data;
    gw_notify_stopping(server->worker->notify);
    gw_log(GW_LOG_INFO, "server", "stopping signal=%d connections=%d", number,
           server->front.clients.open_count);
    if (server->phase == PHASE_RUN) {
        server->phase = PHASE_DRAIN;
        gw_front_leave(&server->front, on_left_front);
        gw_readiness_note(&server->readiness);
    } else if (server->phase == PHASE_DRAIN) {
        gw_front_cut(&server->front);
    } else if (server->phase == PHASE_FLUSH) {
        close_everything(server);
    }
}

static void on_admins_closed(struct gw_conn_group *admins) {
    (void)admins;
}

// A signal after its handler is closed would kill the process; they are blocked so that the exit
// code stays 0.
static void block_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void close_everything(struct gw_server *server) {
    struct gw_services *services = &server->services;
    if (server->phase == PHASE_CLOSE)
        return;
    block_signals();
    server->phase = PHASE_CLOSE;
    gw_readiness_close(&server->readiness);
    gw_heartbeat_close(&server->heartbeat);
    gw_turns_close(&server->turns);
    gw_front_close(&server->front);
    gw_listener_close(&server->admin);
    gw_conn_group_close(&server->admins, on_admins_closed);
    if (services->upstream != NULL)
        gw_upstream_close(services->upstream, NULL);
    if (services->issuers != NULL)
        gw_issuers_close(services->issuers);
    if (services->mints != NULL)
        db_mints_close(services->mints);
    gw_auth_close(&server->auth);
    if (services->events != NULL)
        db_events_close(services->events);
    if (services->pool != NULL)
        db_pool_close(services->pool, NULL);
    gw_deadlines_close(&server->deadlines, NULL);
    gw_handshake_queue_close(&server->handshake_queue);
    gw_certificates_close(&server->certificates);
    uv_close((uv_handle_t *)&server->terminate, NULL);
    uv_close((uv_handle_t *)&server->interrupt, NULL);
    uv_close((uv_handle_t *)&server->hangup, NULL);
    uv_close((uv_handle_t *)&server->flush_timer, NULL);
}

// ---- starting ----

static void open_deadlines(struct gw_server *server) {
    const struct gw_config *config = server->services.config;
    uint64_t half_idle_ms = config->idle_timeout_ms / 2;
    uint64_t trim_ms = half_idle_ms < GW_TRIM_TIMEOUT_MS ? half_idle_ms : GW_TRIM_TIMEOUT_MS;
    // Each attempt has its whole time, and the tick that ends it.
    uint64_t connect_all_ms =
        GW_UPSTREAM_CONNECT_TIMES * (config->upstream_connect_timeout_ms + GW_DEADLINE_TICK_MS);
    const uint64_t durations_ms[GW_DEADLINE_COUNT] = {
        [GW_DEADLINE_HANDSHAKE] = config->handshake_timeout_ms,
        [GW_DEADLINE_HEAD] = config->head_timeout_ms,
        [GW_DEADLINE_BODY] = config->body_timeout_ms,
        [GW_DEADLINE_WRITE] = config->body_timeout_ms,
        [GW_DEADLINE_REFUSAL] = GW_REFUSAL_DELAY_MS,
        [GW_DEADLINE_TRIM] = trim_ms,
        [GW_DEADLINE_IDLE] = config->idle_timeout_ms - trim_ms,
        [GW_DEADLINE_LINGER] = GW_LINGER_TIMEOUT_MS,
        [GW_DEADLINE_UPSTREAM_CONNECT] = config->upstream_connect_timeout_ms,
        [GW_DEADLINE_UPSTREAM_CONNECT_ALL] = connect_all_ms,
        [GW_DEADLINE_UPSTREAM_RESPONSE] = config->upstream_timeout_ms,
        [GW_DEADLINE_UPSTREAM_IDLE] = GW_UPSTREAM_IDLE_TIMEOUT_MS,
        [GW_DEADLINE_UPSTREAM_CONTINUE] = GW_UPSTREAM_CONTINUE_TIMEOUT_MS,
    };
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_deadline_kind_init(&server->deadline_kinds[i], durations_ms[i]);
    gw_deadlines_open(&server->deadlines, &server->loop, server->deadline_kinds, GW_DEADLINE_COUNT);
    server->services.deadlines = server->deadline_kinds;
}

static void on_certificates_changed(struct gw_certificates *certificates) {
    struct gw_server *server = gw_container_of(certificates, struct gw_server, certificates);
    gw_front_replace_tls(&server->front, certificates->context);
}

static enum gw_status open_certificates(struct gw_server *server) {
    const struct gw_config *config = server->services.config;
    const struct gw_certificates_options options = {.config = config,
                                                    .ticket_secret = server->worker->ticket_secret,
                                                    .metrics = server->services.metrics,
                                                    .poll_ms = GW_CERTIFICATE_POLL_MS,
                                                    .may_warn = server->worker->index == 0};
    if (!gw_certificates_are_needed(config))
        return GW_OK;
    server->certificates.on_changed = on_certificates_changed;
    return gw_certificates_open(&server->certificates, &server->loop, &options);
}

static void on_hangup(uv_signal_t *handle, int number) {
    (void)number;
    struct gw_server *server = handle->data;
    if (server->phase == PHASE_RUN)
        gw_reread(server->config, &server->services, server->worker->slot == NULL);
    if (server->certificates.is_open && server->phase == PHASE_RUN)
        gw_certificates_reload(&server->certificates);
}

static void open_signal(struct gw_server *server, uv_signal_t *handle, uv_signal_cb on_caught,
                        int number) {
    uv_signal_init(&server->loop, handle);
    handle->data = server;
    uv_signal_start(handle, on_caught, number);
}

// Nothing here can fail, and close_everything takes all of it for granted.
static void open_handles(struct gw_server *server) {
    gw_turns_open(&server->turns, &server->loop, server->services.metrics);
    open_deadlines(server);
    gw_heartbeat_open(&server->heartbeat, &server->services, server->worker->notify);
    gw_handshake_queue_open(&server->handshake_queue, &server->loop,
                            server->services.config->handshakes_waiting_max,
                            server->services.metrics);
    uv_timer_init(&server->loop, &server->flush_timer);
    open_signal(server, &server->terminate, on_signal, SIGTERM);
    open_signal(server, &server->interrupt, on_signal, SIGINT);
    open_signal(server, &server->hangup, on_hangup, SIGHUP);
    gw_front_init(&server->front, &server->services);
    gw_conn_group_open(&server->admins, &server->services, server->front.clients.count_max);
}

static enum gw_status open_events(struct gw_server *server) {
    struct gw_services *services = &server->services;
    const struct gw_config *config = services->config;
    char gateway_id[GW_ID_LENGTH + 1];
    enum gw_status status = gw_id_make(gateway_id);
    if (status != GW_OK)
        return status;
    const struct db_events_options options = {.url = gw_database_urls_of_events(config),
                                              .gateway_id = gateway_id,
                                              .slot = server->worker->slot,
                                              .stale_ms = gw_auth_memory_ms(config),
                                              .poll_interval_ms = GW_EVENTS_POLL_MS,
                                              .query_timeout_ms = GW_DB_QUERY_TIMEOUT_MS,
                                              .connect_timeout_ms = GW_DB_CONNECT_TIMEOUT_MS,
                                              .role_check = &server->role_check,
                                              .pool = services->pool};
    gw_changes_init(&server->changes, gw_auth_cache_consumer(server->auth.cache), services);
    status =
        db_events_create(services->loop, &options, &server->changes.consumer, &services->events);
    if (status == GW_OK)
        status = gw_auth_follow(&server->auth, services, services->events);
    return status;
}

static enum gw_status open_limits(struct gw_server *server) {
    const struct gw_services *services = &server->services;
    uint64_t seed = 0;
    enum gw_status status = gw_auth_open_limits(&server->auth, services);
    if (status == GW_OK)
        status = gw_address_counts_init(&server->front.clients.addresses,
                                        (uint32_t)services->config->connections_per_address);
    if (status == GW_OK)
        status = gw_hash_seed_make(&seed);
    if (status == GW_OK)
        status = gw_idle_init(&server->front.clients.idle, seed);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "server", "cannot set up the limits reason=\"%s\"",
               gw_status_text(status));
    return status;
}

// Without a pool, the URL of the pool is the one that was refused.
static const char *database_problem(const struct gw_services *services, enum gw_status status) {
    const char *events_url = services->config->database_events_url;
    if (status != GW_INVALID)
        return gw_status_text(status);
    return db_url_problem(
        services->pool == NULL || events_url == NULL ? services->config->database_url : events_url);
}

static enum gw_status open_database(struct gw_server *server) {
    struct gw_services *services = &server->services;
    const struct db_pool_options options = {.url = services->config->database_url,
                                            .connections = services->config->database_connections,
                                            .change_connections = GW_DB_CHANGE_CONNECTIONS,
                                            .note_connections = GW_DB_NOTE_CONNECTIONS,
                                            .queue_max = GW_DB_QUEUE_MAX,
                                            .query_timeout_ms = GW_DB_QUERY_TIMEOUT_MS,
                                            .connect_timeout_ms = GW_DB_CONNECT_TIMEOUT_MS,
                                            .statements = db_statements,
                                            .statement_count = db_statement_count,
                                            .role_check = &server->role_check};
    enum gw_status status = db_pool_create(services->loop, &options, &services->pool);
    if (status == GW_OK)
        status = gw_auth_open(&server->auth, services, services->pool);
    if (status == GW_OK)
        status = open_events(server);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "server", "cannot use the database settings reason=\"%s\"",
               database_problem(services, status));
    return status;
}

static enum gw_status open_upstream(struct gw_server *server) {
    struct gw_services *services = &server->services;
    const struct gw_config_texts *texts = &services->config->upstreams;
    struct gw_upstream_problem problem;
    struct gw_log_quote culprit;
    struct gw_log_quote reason;
    const struct gw_upstream_options options = {.texts = texts->at,
                                                .text_count = texts->count,
                                                .authorities_file = services->config->upstream_ca};
    if (texts->count == 0)
        return GW_OK;
    enum gw_status status = gw_upstream_create(services, &options, &services->upstream, &problem);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "server", "cannot use --upstream value=%s reason=%s",
               gw_log_quoted(&culprit, problem.culprit),
               gw_log_quoted(&reason, gw_str_from(problem.text)));
    return status;
}

static enum gw_status open_issuers(struct gw_server *server) {
    struct gw_services *services = &server->services;
    return services->config->oidc_issuers.count == 0
               ? GW_OK
               : gw_issuers_create(services, &services->issuers);
}

static enum gw_status open_registry_credentials(struct gw_server *server) {
    struct gw_registry_credentials *credentials = &server->registry_credentials;
    char problem[GW_REGISTRY_PROBLEM_BYTES];
    struct gw_log_quote reason;
    enum gw_status status =
        gw_registry_credentials_read(server->services.config, credentials, problem);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "server", "cannot use --registry-credential reason=%s",
               gw_log_quoted(&reason, gw_str_from(problem)));
    for (int i = 0; i < credentials->count && server->worker->index == 0; i++) {
        if (credentials->at[i].is_public)
            gw_secret_warn_of_public(credentials->at[i].file);
    }
    return status;
}

static enum gw_status open_leak_secret(struct gw_server *server) {
    const struct gw_config *config = server->services.config;
    const char *problem;
    enum gw_status status = gw_leak_secret_read(config, &server->leak_secret, &problem);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "server",
               "cannot use --leaks-gitlab-secret-file file=%s "
               "reason=\"%s\"",
               config->leaks_gitlab_secret_file, problem);
    else if (server->leak_secret.is_public && server->worker->index == 0)
        gw_secret_warn_of_public(config->leaks_gitlab_secret_file);
    return status;
}

static enum gw_status open_admin(struct gw_server *server) {
    const char *address = gw_port_address(server->services.config, GW_PORT_ADMIN);
    int fd = server->worker->sockets->fds[GW_PORT_ADMIN];
    const struct gw_listener_options options = {.name = gw_port_name(GW_PORT_ADMIN),
                                                .address = address,
                                                .shares_port = server->services.worker_count > 1,
                                                .is_handed_over = fd >= 0,
                                                .fd = fd};
    if (address == NULL)
        return GW_OK;
    enum gw_status status =
        gw_listener_open(&server->admin, &server->admins, NULL, GW_SITE_ADMIN, &options);
    return status == GW_OK ? gw_listener_listen(&server->admin) : status;
}

static void note_listening(struct gw_server *server) {
    gw_readiness_note(&server->readiness);
    gw_notify_ready(server->worker->notify);
}

static void on_may_listen(struct gw_readiness *readiness) {
    struct gw_server *server = gw_container_of(readiness, struct gw_server, readiness);
    if (server->phase != PHASE_RUN)
        return;
    server->has_failed = gw_front_listen(&server->front) != GW_OK;
    if (server->has_failed)
        close_everything(server);
    else
        note_listening(server);
}

// Of this worker. Of a cgroup's limit half is for what waits; the cache, TLS sessions and the
// kernel's own buffers of the sockets need the rest.
static size_t memory_max_bytes(const struct gw_services *services) {
    uint64_t bytes = services->config->memory_max_bytes;
    if (bytes == GW_CONFIG_MEMORY_BY_CGROUP)
        bytes = gw_cgroup_memory_max(GW_CGROUP_OF_PROCESS, GW_CGROUP_ROOT) / 2;
    return (size_t)(bytes / (uint64_t)services->worker_count);
}

static void open_transports(struct gw_server *server) {
    struct gw_transport_shared *shared = server->services.transport_shared;
    gw_transport_shared_set_queue(shared, &server->handshake_queue);
    gw_transport_shared_set_memory_max(shared, memory_max_bytes(&server->services),
                                       server->services.metrics);
}

static enum gw_status start(struct gw_server *server) {
    enum gw_status status = open_certificates(server);
    if (status == GW_OK)
        status = gw_transport_shared_create(&server->services.transport_shared);
    if (status == GW_OK)
        open_transports(server);
    if (status == GW_OK)
        status = open_limits(server);
    if (status == GW_OK)
        status = open_database(server);
    if (status == GW_OK)
        status = db_mints_create(server->services.pool, &server->services.mints);
    if (status == GW_OK)
        status = open_upstream(server);
    if (status == GW_OK)
        status = open_issuers(server);
    if (status == GW_OK)
        status = open_registry_credentials(server);
    if (status == GW_OK)
        status = open_leak_secret(server);
    if (status == GW_OK)
        status =
            gw_front_open(&server->front, server->certificates.context, server->worker->sockets);
    if (status == GW_OK)
        status = open_admin(server);
    if (status == GW_OK)
        gw_readiness_open(&server->readiness, &server->services, on_may_listen);
    return status;
}

int gw_server_run(struct gw_config *config, const struct gw_worker *worker) {
    struct gw_server server = {.phase = PHASE_RUN};
    gw_log_set_level(config->log_level);
    gw_log_writer_start(); // a worker's own
    signal(SIGPIPE, SIG_IGN);
    gw_descriptors_raise_limit();
    int failure = uv_loop_init(&server.loop);
    gw_assert(failure == 0);
    server.services.loop = &server.loop;
    server.services.config = config;
    server.services.auth = &server.auth;
    server.services.registry_credentials = &server.registry_credentials;
    server.services.leak_secret = &server.leak_secret;
    server.services.metrics = &worker->all_metrics[worker->index];
    server.services.all_metrics = worker->all_metrics;
    server.services.worker_count = worker->count;
    server.services.worker_index = worker->index;
    server.services.org_metrics = worker->org_metrics;
    server.config = config;
    server.worker = worker;
    gw_metrics_reset_gauges(server.services.metrics);
    server.services.metrics_at_start = *server.services.metrics;
    gw_log_writer_count_lost(&server.services.metrics->log_lines_lost_total);
    if (gw_random_bytes(&server.services.request_id_base,
                        sizeof(server.services.request_id_base)) != GW_OK)
        server.services.request_id_base = (uint64_t)gw_clock_wall_ms();
    // A trace has random ids, or at least those of this process.
    (void)!gw_random_sequence_seed(&server.services.random, server.services.request_id_base);
    open_handles(&server);
    gw_descriptors_make_room(&server.room, &server.loop, config->connections_max);
    enum gw_status status = start(&server);
    if (status == GW_OK)
        gw_log(GW_LOG_INFO, "server", "started version=%s environment=%s", GATEWAY_VERSION,
               config->is_test_environment ? "test" : "live");
    else
        close_everything(&server);
    server.has_failed = status != GW_OK;
    uv_run(&server.loop, UV_RUN_DEFAULT);
    failure = uv_loop_close(&server.loop);
    gw_assert(failure == 0);
    gw_auth_destroy(&server.auth);
    gw_issuers_destroy(server.services.issuers);
    db_mints_destroy(server.services.mints);
    gw_address_counts_deinit(&server.front.clients.addresses);
    gw_idle_deinit(&server.front.clients.idle);
    gw_transport_shared_destroy(server.services.transport_shared);
    gw_log(GW_LOG_INFO, "server", "stopped");
    return server.has_failed ? 1 : 0;
}
