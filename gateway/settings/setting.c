// SPDX-License-Identifier: MIT
#include "gateway/settings/setting.h"

#include "base/edit_distance.h"
#include "gateway/settings/config.h"

#define DASHES 2
#define SLIPS_MAX 3

#define SETTING(member) offsetof(struct gw_config, member)

static const struct gw_setting settings[] = {
    {"--config", "GATEWAY_CONFIG", GW_SETTING_TEXT, SETTING(config_file), NULL, "FILE",
     "settings as `key = value`, a line each, keys as these flags without dashes"},
    {"--database-url", "DATABASE_URL", GW_SETTING_SECRET, SETTING(database_url), NULL, "URL",
     "PostgreSQL (libpq URI, several hosts allowed); required, or its file"},
    {"--database-url-file", "DATABASE_URL_FILE", GW_SETTING_TEXT, SETTING(database_url_file), NULL,
     "FILE", "its first line is the URL, read again on SIGHUP; in place of --database-url"},
    {"--database-events-url", "GATEWAY_DATABASE_EVENTS_URL", GW_SETTING_SECRET,
     SETTING(database_events_url), NULL, "URL",
     "for hearing of changes, where --database-url is a transaction pooler"},
    {"--database-events-url-file", "GATEWAY_DATABASE_EVENTS_URL_FILE", GW_SETTING_TEXT,
     SETTING(database_events_url_file), NULL, "FILE", "the same for --database-events-url"},
    {"--database-connections", "GATEWAY_DATABASE_CONNECTIONS", GW_SETTING_NUMBER,
     SETTING(database_connections), "4", "N",
     "connections to it for reading; a process opens four more"},
    {"--listen-https", "GATEWAY_LISTEN_HTTPS", GW_SETTING_TEXT, SETTING(listen_https),
     "0.0.0.0:8443", "ADDRESS", "host:port for HTTPS, or off"},
    {"--listen-http", "GATEWAY_LISTEN_HTTP", GW_SETTING_TEXT, SETTING(listen_http), "off",
     "ADDRESS", "host:port for plain HTTP, or off"},
    {"--listen-admin", "GATEWAY_LISTEN_ADMIN", GW_SETTING_TEXT, SETTING(listen_admin),
     "127.0.0.1:9090", "ADDRESS", "host:port for /healthz, /readyz and /metrics, or off"},
    {"--tokens-page", "GATEWAY_TOKENS_PAGE", GW_SETTING_TEXT, SETTING(tokens_page), "off",
     "ADDRESS", "host:port for the page of the tokens, with a port of its own, or off"},
    {"--tls-cert", "GATEWAY_TLS_CERT", GW_SETTING_FILES, SETTING(tls_certs), NULL, "FILE",
     "certificate chain, PEM; required with HTTPS; repeat for other names"},
    {"--tls-key", "GATEWAY_TLS_KEY", GW_SETTING_FILES, SETTING(tls_keys), NULL, "FILE",
     "its private key, PEM, not encrypted; one for each --tls-cert"},
    {"--tls-min", "GATEWAY_TLS_MIN", GW_SETTING_TLS_VERSION, SETTING(is_tls13_only), "1.2",
     "VERSION", "oldest version of TLS that is spoken, 1.2 or 1.3"},
    {"--client-ca", "GATEWAY_CLIENT_CA", GW_SETTING_TEXT, SETTING(client_ca), NULL, "FILE",
     "certificates, PEM, that sign those of clients; one need not be shown"},
    {"--tls-ticket-secret", "GATEWAY_TLS_TICKET_SECRET", GW_SETTING_TEXT,
     SETTING(tls_ticket_secret), NULL, "FILE",
     "secret that all gateways share, for TLS resumption; 32 bytes or more"},
    {"--upstream", "GATEWAY_UPSTREAM", GW_SETTING_TEXTS, SETTING(upstreams), NULL, "URL",
     "the registry, http[s]://host:port; may be repeated; without it: 503"},
    {"--upstream-ca", "GATEWAY_UPSTREAM_CA", GW_SETTING_TEXT, SETTING(upstream_ca), NULL, "FILE",
     "authorities for an https registry, PEM, in place of the system's"},
    {"--upstream-connect-timeout", "GATEWAY_UPSTREAM_CONNECT_TIMEOUT", GW_SETTING_DURATION,
     SETTING(upstream_connect_timeout_ms), "3s", "TIME",
     "to connect to an address of the registry, twice that for all; a silent host is gone then"},
    {"--upstream-timeout", "GATEWAY_UPSTREAM_TIMEOUT", GW_SETTING_DURATION,
     SETTING(upstream_timeout_ms), "30s", "TIME",
     "for its first byte, for the rest of its head, and between bytes of its body"},
    {"--forward-authorization", "GATEWAY_FORWARD_AUTHORIZATION", GW_SETTING_SWITCH,
     SETTING(forward_authorization), NULL, NULL, "pass the client's Authorization on"},
    {"--authz-fields", "GATEWAY_AUTHZ_FIELDS", GW_SETTING_TEXTS, SETTING(authz_fields), NULL,
     "NAMES", "two more fields that name the original request at /authz, such as Method,Path"},
    {"--keep-transfers", "GATEWAY_KEEP_TRANSFERS", GW_SETTING_SWITCH, SETTING(keep_transfers), NULL,
     NULL, "uploads and downloads that are under way outlive the end of their token"},
    {"--environment", "GATEWAY_ENVIRONMENT", GW_SETTING_ENVIRONMENT, SETTING(is_test_environment),
     "live", "NAME", "live accepts sr_live_ and sk_, test accepts sr_test_ and sk_"},
    {"--workers", "GATEWAY_WORKERS", GW_SETTING_NUMBER, SETTING(workers), "1", "N",
     "processes on the same ports; more cores, more workers"},
    {"--worker-timeout", "GATEWAY_WORKER_TIMEOUT", GW_SETTING_LIMIT, SETTING(worker_timeout_ms),
     "30s", "TIME",
     "one of several that stands still for so long is replaced, at least 10s; 0: never"},
    {"--connections-max", "GATEWAY_CONNECTIONS_MAX", GW_SETTING_NUMBER, SETTING(connections_max),
     "20000", "N",
     "open connections of a worker; idle ones make room for newcomers, else these are closed"},
    {"--connections-per-address", "GATEWAY_CONNECTIONS_PER_ADDRESS", GW_SETTING_COUNT,
     SETTING(connections_per_address), "0", "N",
     "of these from one address; 0: as many as there are; no limit for --trusted-proxies"},
    {"--memory-max", "GATEWAY_MEMORY_MAX", GW_SETTING_BYTES, SETTING(memory_max_bytes), NULL,
     "BYTES",
     "of bytes that wait for slow clients and registries, in all workers together, such as 512M, "
     "or off; without it half of the cgroup's limit"},
    {"--trusted-proxies", "GATEWAY_TRUSTED_PROXIES", GW_SETTING_PROXIES, SETTING(trusted_proxies),
     NULL, "RANGES", "CIDRs by comma: who may say whose request it is"},
    {"--client-address-from", "GATEWAY_CLIENT_ADDRESS_FROM", GW_SETTING_CLIENT_FIELD,
     SETTING(client_address_from_forwarded), "x-forwarded-for", "FIELD",
     "in which field they say it, x-forwarded-for or forwarded; the other never counts"},
    {"--proxy-protocol", "GATEWAY_PROXY_PROTOCOL", GW_SETTING_SWITCH, SETTING(proxy_protocol), NULL,
     NULL, "clients come through --trusted-proxies, with a PROXY header (v1, v2) in front"},
    {"--reuse-port", "GATEWAY_REUSE_PORT", GW_SETTING_SWITCH, SETTING(reuse_port), NULL, NULL,
     "another gateway may listen at the same addresses, so that a new one can take over"},
    {"--rate-limit", "GATEWAY_RATE_LIMIT", GW_SETTING_RATE, SETTING(rate_limit), "off", "RATE",
     "requests of a token such as 120/m (s, m, h); each process counts for itself"},
    {"--search-rate-limit", "GATEWAY_SEARCH_RATE_LIMIT", GW_SETTING_RATE,
     SETTING(search_rate_limit), "off", "RATE",
     "the same for searches, without a token for each address"},
    {"--org-rate-limit", "GATEWAY_ORG_RATE_LIMIT", GW_SETTING_RATE, SETTING(org_rate_limit), "off",
     "RATE", "the same for all tokens of an organisation together"},
    {"--rate-limit-burst", "GATEWAY_RATE_LIMIT_BURST", GW_SETTING_COUNT, SETTING(rate_limit_burst),
     "0", "N", "of these rates at once; 0: as many as the rate says"},
    {"--failed-token-limit", "GATEWAY_FAILED_TOKEN_LIMIT", GW_SETTING_COUNT,
     SETTING(failed_token_limit), "3000", "N",
     "bad tokens a minute from one address (ten times that from a /48) before new ones get 429; 0: "
     "no limit"},
    {"--handshakes-waiting-max", "GATEWAY_HANDSHAKES_WAITING_MAX", GW_SETTING_NUMBER,
     SETTING(handshakes_waiting_max), "8192", "N",
     "handshakes of a worker that wait their turn; more are refused"},
    {"--handshake-timeout", "GATEWAY_HANDSHAKE_TIMEOUT", GW_SETTING_DURATION,
     SETTING(handshake_timeout_ms), "10s", "TIME", "for a TLS handshake"},
    {"--head-timeout", "GATEWAY_HEAD_TIMEOUT", GW_SETTING_DURATION, SETTING(head_timeout_ms), "15s",
     "TIME", "for the head of a request"},
    {"--body-timeout", "GATEWAY_BODY_TIMEOUT", GW_SETTING_DURATION, SETTING(body_timeout_ms), "30s",
     "TIME", "for 16 KiB of a body, either way, or its end"},
    {"--idle-timeout", "GATEWAY_IDLE_TIMEOUT", GW_SETTING_DURATION, SETTING(idle_timeout_ms), "75s",
     "TIME", "between requests of a connection"},
    {"--last-used-interval", "GATEWAY_LAST_USED_INTERVAL", GW_SETTING_DURATION,
     SETTING(last_used_interval_ms), "1s", "TIME", "between writes of last-used times"},
    {"--last-used-resolution", "GATEWAY_LAST_USED_RESOLUTION", GW_SETTING_LIMIT,
     SETTING(last_used_resolution_ms), "60s", "TIME",
     "a token in steady use is written once in this time; 0s: every interval"},
    {"--cache-entries", "GATEWAY_CACHE_ENTRIES", GW_SETTING_COUNT, SETTING(cache_entries), "100000",
     "N", "live tokens kept in memory; 0: none, every request asks the database"},
    {"--cache-negative-entries", "GATEWAY_CACHE_NEGATIVE_ENTRIES", GW_SETTING_COUNT,
     SETTING(cache_negative_entries), "50000", "N", "unknown and revoked tokens kept in memory"},
    {"--cache-ttl", "GATEWAY_CACHE_TTL", GW_SETTING_DURATION, SETTING(cache_ttl_ms), "60s", "TIME",
     "until a live token is looked up again, in the background while it is used"},
    {"--cache-negative-ttl", "GATEWAY_CACHE_NEGATIVE_TTL", GW_SETTING_DURATION,
     SETTING(cache_negative_ttl_ms), "10s", "TIME", "until an unknown token is looked up again"},
    {"--freshness-lease", "GATEWAY_FRESHNESS_LEASE", GW_SETTING_DURATION,
     SETTING(freshness_lease_ms), "3s", "TIME",
     "without news until the cache is no longer trusted, at most 3s"},
    {"--stale-read", "GATEWAY_STALE_READ", GW_SETTING_LIMIT, SETTING(stale_read_ms), "10m", "TIME",
     "known tokens go on reading while the database is away"},
    {"--stale-write", "GATEWAY_STALE_WRITE", GW_SETTING_LIMIT, SETTING(stale_write_ms), "1m",
     "TIME", "the same for writing; admin routes never do"},
    {"--oidc-issuer", "GATEWAY_OIDC_ISSUER", GW_SETTING_ISSUERS, SETTING(oidc_issuers), NULL,
     "NAME=URL,...",
     "whose identity tokens are exchanged: kind=KIND,audience=TEXT and more keys of a section "
     "[oidc NAME]; may be repeated"},
    {"--oidc-keys-max-age", "GATEWAY_OIDC_KEYS_MAX_AGE", GW_SETTING_DURATION,
     SETTING(oidc_keys_max_age_ms), "24h", "TIME",
     "keys of an issuer that could not be fetched again for so long count no more: 503"},
    {"--oidc-admin", "GATEWAY_OIDC_ADMIN", GW_SETTING_SWITCH, SETTING(oidc_admin), NULL, NULL,
     "rules of trust may give the scope admin"},
    {"--registry-credential", "GATEWAY_REGISTRY_CREDENTIAL", GW_SETTING_FILES,
     SETTING(registry_credentials), NULL, "ORG=FILE",
     "who has the file's first line may hand tokens of the organisation over; read again on "
     "SIGHUP; "
     "may be repeated"},
    {"--device-login", "GATEWAY_DEVICE_LOGIN", GW_SETTING_SWITCH, SETTING(device_login), NULL, NULL,
     "people log in with a code that somebody with an admin token approves; else the registry is "
     "asked"},
    {"--leaks-gitlab-secret-file", "GATEWAY_LEAKS_GITLAB_SECRET_FILE", GW_SETTING_TEXT,
     SETTING(leaks_gitlab_secret_file), NULL, "FILE",
     "GitLab, which has the file's first line, may report leaked tokens; read again on SIGHUP"},
    {"--drain-delay", "GATEWAY_DRAIN_DELAY", GW_SETTING_LIMIT, SETTING(drain_delay_ms), "5s",
     "TIME", "after SIGTERM, not ready but still accepting: for balancers to hear of it"},
    {"--drain-timeout", "GATEWAY_DRAIN_TIMEOUT", GW_SETTING_DURATION, SETTING(drain_timeout_ms),
     "10s", "TIME", "then, to finish what is in flight and on its way"},
    {"--metrics-organisations", "GATEWAY_METRICS_ORGANISATIONS", GW_SETTING_COUNT,
     SETTING(metrics_organisations), "0", "N",
     "whose decisions are metrics of their own, at most 1000; others are _other; 0: none"},
    {"--server-timing", "GATEWAY_SERVER_TIMING", GW_SETTING_SWITCH, SETTING(server_timing), NULL,
     NULL, "tell clients in Server-Timing how long decision, lookup and registry took"},
    {"--access-log", "GATEWAY_ACCESS_LOG", GW_SETTING_SWITCH, SETTING(access_log), NULL, NULL,
     "a line for each request on stderr"},
    {"--access-log-sample", "GATEWAY_ACCESS_LOG_SAMPLE", GW_SETTING_NUMBER,
     SETTING(access_log_sample), "1", "N",
     "with --access-log: one of N requests that went well; those from 400 on are all there"},
    {"--access-log-admin", "GATEWAY_ACCESS_LOG_ADMIN", GW_SETTING_SWITCH, SETTING(access_log_admin),
     NULL, NULL, "with --access-log: also for those to the admin port"},
    {"--log-level", "GATEWAY_LOG_LEVEL", GW_SETTING_LEVEL, SETTING(log_level), "info", "LEVEL",
     "debug, info, warning or error"},
    {"--log-format", "GATEWAY_LOG_FORMAT", GW_SETTING_LOG_FORM, SETTING(log_form), "text", "FORMAT",
     "text or json, of every line of the log"},
};

#define COUNT (sizeof(settings) / sizeof(settings[0]))
_Static_assert(COUNT <= GW_CONFIG_SETTINGS_MAX, "each has an origin");

const struct gw_setting *gw_setting_at(size_t index) {
    return index < COUNT ? &settings[index] : NULL;
}

const struct gw_setting *gw_setting_of_flag(struct gw_str flag) {
    for (size_t i = 0; i < COUNT; i++) {
        if (gw_str_equal(flag, gw_str_from(settings[i].flag)))
            return &settings[i];
    }
    return NULL;
}

const struct gw_setting *gw_setting_of_key(struct gw_str key) {
    for (size_t i = 0; i < COUNT; i++) {
        if (gw_str_equal(key, gw_str_from(gw_setting_key(&settings[i]))))
            return &settings[i];
    }
    return NULL;
}

const struct gw_setting *gw_setting_of_variable(struct gw_str name) {
    for (size_t i = 0; i < COUNT; i++) {
        if (gw_str_equal(name, gw_str_from(settings[i].variable)))
            return &settings[i];
    }
    return NULL;
}

// Without what all names begin with.
static struct gw_str text_of(const struct gw_setting *setting, bool is_variable) {
    size_t prefix = sizeof(GW_SETTING_VARIABLE_PREFIX) - 1;
    struct gw_str text = gw_str_from(is_variable ? setting->variable : gw_setting_key(setting));
    return is_variable && text.length > prefix ? gw_str_slice(text, prefix, text.length) : text;
}

static const struct gw_setting *nearest(struct gw_str word, bool is_variable) {
    const struct gw_setting *found = NULL;
    size_t best = SLIPS_MAX + 1;
    for (size_t i = 0; i < COUNT; i++) {
        size_t distance = gw_edit_distance(word, text_of(&settings[i], is_variable));
        if (distance < best && distance * 3 <= word.length) {
            best = distance;
            found = &settings[i];
        }
    }
    return found;
}

const struct gw_setting *gw_setting_nearest(struct gw_str key) {
    return nearest(key, false);
}

const struct gw_setting *gw_setting_nearest_variable(struct gw_str name) {
    return nearest(gw_str_slice(name, sizeof(GW_SETTING_VARIABLE_PREFIX) - 1, name.length), true);
}

bool gw_setting_is_live(const struct gw_setting *setting) {
    static const size_t live[] = {
        SETTING(rate_limit),        SETTING(search_rate_limit), SETTING(org_rate_limit),
        SETTING(rate_limit_burst),  SETTING(drain_delay_ms),    SETTING(drain_timeout_ms),
        SETTING(access_log),        SETTING(access_log_admin),  SETTING(server_timing),
        SETTING(access_log_sample), SETTING(log_level),         SETTING(log_form)};
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        if (setting->offset == live[i])
            return true;
    }
    return false;
}

bool gw_setting_is_list(const struct gw_setting *setting) {
    return setting->kind == GW_SETTING_TEXTS || setting->kind == GW_SETTING_FILES ||
           setting->kind == GW_SETTING_ISSUERS;
}

size_t gw_setting_index(const struct gw_setting *setting) {
    gw_assert(setting >= settings && setting < settings + COUNT);
    return (size_t)(setting - settings);
}

const char *gw_setting_key(const struct gw_setting *setting) {
    return setting->flag + DASHES;
}
