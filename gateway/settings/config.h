// SPDX-License-Identifier: MIT
#pragma once
// Settings of the server, as gateway/settings/config_read.h reads them and setting.h lists them.
// Slices and strings live as long as argv, the environment, and the struct that was read into,
// which must not be moved.

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/settings/config_file.h"
#include "gateway/settings/issuer_setting.h"
#include "gateway/settings/rate.h"
#include "gateway/settings/secret_line.h"
#include "gateway/settings/trusted_proxies.h"
#include "token/syntax.h"

#define GW_FRESHNESS_LEASE_MS_MAX 3000

#define GW_WORKERS_MAX 256
#define GW_WORKER_TIMEOUT_MS_MIN 10000
#define GW_CONFIG_SETTINGS_MAX 80
#define GW_CONFIG_TEXTS_MAX 32
#define GW_CONFIG_TEXTS_BYTES_MAX 4096 // all together

// Of a flag that may be repeated; a value may also hold several, with commas between them, but a
// flag for files holds one.
struct gw_config_texts {
    const char *at[GW_CONFIG_TEXTS_MAX];
    int count;
    char memory[GW_CONFIG_TEXTS_BYTES_MAX];
    size_t bytes_used;
};

#define GW_CONFIG_MEMORY_BY_CGROUP UINT64_MAX

// From the weakest to the strongest.
enum gw_setting_source {
    GW_SETTING_UNSET,
    GW_SETTING_BY_DEFAULT,
    GW_SETTING_BY_FILE,
    GW_SETTING_BY_VARIABLE,
    GW_SETTING_BY_FLAG
};

// Where a setting is from.
struct gw_setting_origin {
    enum gw_setting_source source;
    int line;         // of the file
    const char *text; // the value that was given last, as it was given; NULL: none
};

struct gw_config {
    int argc; // of the read, to read again
    char **argv;
    struct gw_setting_origin origins[GW_CONFIG_SETTINGS_MAX]; // in the order of setting.h
    const char *config_file;                                  // NULL: none
    struct gw_config_source file;
    const char *database_url;
    const char *database_url_file; // NULL: the URL was given itself; so for the other one
    struct gw_secret_line database_url_line;
    const char *listen_https; // "host:port", "[v6]:port"; NULL: off
    const char *listen_http;
    const char *listen_admin;
    const char *tokens_page;
    struct gw_config_texts tls_certs; // as many as keys
    struct gw_config_texts tls_keys;
    bool is_tls13_only;
    const char *client_ca;            // a file; NULL: clients are not asked for certificates
    const char *tls_ticket_secret;    // a file; NULL: one of this start's own
    struct gw_config_texts upstreams; // for gateway/upstream/pool.h; may be empty
    const char *upstream_ca;          // a file; NULL: the system's authorities
    bool is_test_environment;
    int workers;                // 1 to GW_WORKERS_MAX
    int metrics_organisations;  // 0: none; to GW_ORG_METRICS_MAX
    uint64_t worker_timeout_ms; // 0: a worker may stand still for ever
    int connections_max;
    int connections_per_address; // 0: no limit
    uint64_t memory_max_bytes;   // of all workers; 0: no bound, or GW_CONFIG_MEMORY_BY_CGROUP
    struct gw_trusted_proxies trusted_proxies;
    bool client_address_from_forwarded; // the field Forwarded, else X-Forwarded-For
    bool proxy_protocol;                // and neither field
    bool reuse_port;                    // another gateway may listen at the same addresses
    struct gw_rate rate_limit;          // of a token; a count of 0: no limit
    struct gw_rate search_rate_limit;
    struct gw_rate org_rate_limit;
    int rate_limit_burst;   // 0: as many as the rate says
    int failed_token_limit; // a minute for each client address; 0: no limit
    int handshakes_waiting_max;
    uint64_t drain_delay_ms;
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
    const char *database_events_url_file;
    struct gw_secret_line database_events_url_line;
    uint64_t upstream_connect_timeout_ms;
    uint64_t upstream_timeout_ms; // first byte, and progress
    int database_connections;
    bool forward_authorization;
    struct gw_config_texts authz_fields; // two names, or none
    struct gw_issuer_settings oidc_issuers;
    uint64_t oidc_keys_max_age_ms;
    bool oidc_admin;
    struct gw_config_texts registry_credentials; // ORG=FILE each
    bool device_login;
    const char *leaks_gitlab_secret_file; // NULL: no reports of leaks from GitLab
    bool keep_transfers;
    bool server_timing;
    bool access_log;
    int access_log_sample; // one of so many answers below 400
    bool access_log_admin;
    enum gw_log_level log_level;
    enum gw_log_form log_form;
};
