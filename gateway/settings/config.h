// SPDX-License-Identifier: MIT
#pragma once
// Settings of the server: flags, each also an environment variable; a flag wins. One table in
// config.c says name, variable, default and help line, and makes `--help`. Slices and strings live
// as long as argv, the environment, and the struct that was read into, which must not be moved.

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/settings/rate.h"
#include "gateway/settings/trusted_proxies.h"
#include "token/syntax.h"

#define GW_FRESHNESS_LEASE_MS_MAX 3000

#define GW_WORKERS_MAX 256
#define GW_CONFIG_TEXTS_MAX 32
#define GW_CONFIG_TEXTS_BYTES_MAX 4096 // all together

// Of a flag that may be repeated; a value may also hold several, with commas between them, but a
// flag for files holds one.
struct gw_config_texts {
    const char *at[GW_CONFIG_TEXTS_MAX];
    int count;
    bool are_flags; // and so take the place of the variable's
    char memory[GW_CONFIG_TEXTS_BYTES_MAX];
    size_t bytes_used;
};

struct gw_config {
    const char *database_url;
    const char *listen_https; // "host:port", "[v6]:port"; NULL: off
    const char *listen_http;
    const char *listen_admin;
    struct gw_config_texts tls_certs; // as many as keys
    struct gw_config_texts tls_keys;
    bool is_tls13_only;
    const char *client_ca;            // a file; NULL: clients are not asked for certificates
    const char *tls_ticket_secret;    // a file; NULL: one of this start's own
    struct gw_config_texts upstreams; // for gateway/upstream/pool.h; may be empty
    const char *upstream_ca;          // a file; NULL: the system's authorities
    bool is_test_environment;
    int workers; // 1 to GW_WORKERS_MAX
    int connections_max;
    int connections_per_address; // 0: no limit
    struct gw_trusted_proxies trusted_proxies;
    bool client_address_from_forwarded; // the field Forwarded, else X-Forwarded-For
    bool proxy_protocol;                // and neither field
    struct gw_rate rate_limit;          // of a token; a count of 0: no limit
    struct gw_rate search_rate_limit;
    struct gw_rate org_rate_limit;
    int rate_limit_burst;   // 0: as many as the rate says
    int failed_token_limit; // a minute for each client address; 0: no limit
    int handshakes_waiting_max;
    uint64_t drain_timeout_ms;
    uint64_t handshake_timeout_ms;
    uint64_t head_timeout_ms;
    uint64_t body_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t last_used_interval_ms;
    uint64_t last_used_resolution_ms;
    int cache_entries; // 0: no cache
    int cache_negative_entries;
    uint64_t cache_ttl_ms;
    uint64_t cache_negative_ttl_ms;
    uint64_t freshness_lease_ms;
    uint64_t stale_read_ms;
    uint64_t stale_write_ms;
    const char *database_events_url; // NULL: database_url
    uint64_t upstream_connect_timeout_ms;
    uint64_t upstream_timeout_ms; // first byte, and progress
    int database_connections;
    bool forward_authorization;
    bool keep_transfers;
    bool access_log;
    enum gw_log_level log_level;
};

enum gw_config_outcome { GW_CONFIG_RUN, GW_CONFIG_EXIT_OK, GW_CONFIG_EXIT_USAGE };

// Reads argv[1..] and the environment. For --help and --version prints to stdout and says EXIT_OK;
// for a mistake prints one line to stderr and says EXIT_USAGE.
enum gw_config_outcome gw_config_read(int argc, char **argv, struct gw_config *config) GW_MUST_USE;
