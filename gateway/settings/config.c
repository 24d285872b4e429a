// SPDX-License-Identifier: MIT
#include "gateway/settings/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "gateway/settings/complaint.h"

// For the first three an empty variable counts as not set.
enum kind {
    TEXT,
    TEXTS,
    FILES,
    NUMBER,
    COUNT,
    DURATION,
    LIMIT,
    SWITCH,
    ENVIRONMENT,
    LEVEL,
    PROXIES,
    CLIENT_FIELD,
    TLS_VERSION,
    RATE
};

struct setting {
    const char *flag;
    const char *variable;
    enum kind kind;
    size_t offset;
    const char *fallback; // as if given; may be NULL
    const char *argument; // its name in --help; NULL for a switch
    const char *help;
};

#define SETTING(member) offsetof(struct gw_config, member)

static const struct setting settings[] = {
    {"--database-url", "DATABASE_URL", TEXT, SETTING(database_url), NULL, "URL",
     "PostgreSQL (libpq URI, several hosts allowed); required"},
    {"--database-events-url", "GATEWAY_DATABASE_EVENTS_URL", TEXT, SETTING(database_events_url),
     NULL, "URL", "for hearing of changes, where --database-url is a transaction pooler"},
    {"--database-connections", "GATEWAY_DATABASE_CONNECTIONS", NUMBER,
     SETTING(database_connections), "4", "N",
     "connections to it for reading; a process opens four more"},
    {"--listen-https", "GATEWAY_LISTEN_HTTPS", TEXT, SETTING(listen_https), "0.0.0.0:8443",
     "ADDRESS", "host:port for HTTPS, or off"},
    {"--listen-http", "GATEWAY_LISTEN_HTTP", TEXT, SETTING(listen_http), "off", "ADDRESS",
     "host:port for plain HTTP, or off"},
    {"--listen-admin", "GATEWAY_LISTEN_ADMIN", TEXT, SETTING(listen_admin), "127.0.0.1:9090",
     "ADDRESS", "host:port for /healthz, /readyz and /metrics, or off"},
    {"--tls-cert", "GATEWAY_TLS_CERT", FILES, SETTING(tls_certs), NULL, "FILE",
     "certificate chain, PEM; required with HTTPS; repeat for other names"},
    {"--tls-key", "GATEWAY_TLS_KEY", FILES, SETTING(tls_keys), NULL, "FILE",
     "its private key, PEM, not encrypted; one for each --tls-cert"},
    {"--tls-min", "GATEWAY_TLS_MIN", TLS_VERSION, SETTING(is_tls13_only), "1.2", "VERSION",
     "oldest version of TLS that is spoken, 1.2 or 1.3"},
    {"--client-ca", "GATEWAY_CLIENT_CA", TEXT, SETTING(client_ca), NULL, "FILE",
     "certificates, PEM, that sign those of clients; one need not be shown"},
    {"--tls-ticket-secret", "GATEWAY_TLS_TICKET_SECRET", TEXT, SETTING(tls_ticket_secret), NULL,
     "FILE", "secret that all gateways share, for TLS resumption; 32 bytes or more"},
    {"--upstream", "GATEWAY_UPSTREAM", TEXTS, SETTING(upstreams), NULL, "URL",
     "the registry, http[s]://host:port; may be repeated; without it: 503"},
    {"--upstream-ca", "GATEWAY_UPSTREAM_CA", TEXT, SETTING(upstream_ca), NULL, "FILE",
     "authorities for an https registry, PEM, in place of the system's"},
    {"--upstream-connect-timeout", "GATEWAY_UPSTREAM_CONNECT_TIMEOUT", DURATION,
     SETTING(upstream_connect_timeout_ms), "3s", "TIME",
     "to connect to an address of the registry; for all of them twice that"},
    {"--upstream-timeout", "GATEWAY_UPSTREAM_TIMEOUT", DURATION, SETTING(upstream_timeout_ms),
     "30s", "TIME", "for its first byte, and between bytes"},
    {"--forward-authorization", "GATEWAY_FORWARD_AUTHORIZATION", SWITCH,
     SETTING(forward_authorization), NULL, NULL, "pass the client's Authorization on"},
    {"--keep-transfers", "GATEWAY_KEEP_TRANSFERS", SWITCH, SETTING(keep_transfers), NULL, NULL,
     "uploads and downloads that are under way outlive the end of their token"},
    {"--environment", "GATEWAY_ENVIRONMENT", ENVIRONMENT, SETTING(is_test_environment), "live",
     "NAME", "live accepts sr_live_ and sk_, test accepts sr_test_ and sk_"},
    {"--workers", "GATEWAY_WORKERS", NUMBER, SETTING(workers), "1", "N",
     "processes on the same ports; more cores, more workers"},
    {"--connections-max", "GATEWAY_CONNECTIONS_MAX", NUMBER, SETTING(connections_max), "20000", "N",
     "open connections of a worker; newcomers over it are closed"},
    {"--connections-per-address", "GATEWAY_CONNECTIONS_PER_ADDRESS", COUNT,
     SETTING(connections_per_address), "0", "N",
     "of these from one address; 0: as many as there are; no limit for --trusted-proxies"},
    {"--trusted-proxies", "GATEWAY_TRUSTED_PROXIES", PROXIES, SETTING(trusted_proxies), NULL,
     "RANGES", "CIDRs by comma: who may say whose request it is"},
    {"--client-address-from", "GATEWAY_CLIENT_ADDRESS_FROM", CLIENT_FIELD,
     SETTING(client_address_from_forwarded), "x-forwarded-for", "FIELD",
     "in which field they say it, x-forwarded-for or forwarded; the other never counts"},
    {"--proxy-protocol", "GATEWAY_PROXY_PROTOCOL", SWITCH, SETTING(proxy_protocol), NULL, NULL,
     "clients come through --trusted-proxies, with a PROXY header (v1, v2) in front"},
    {"--rate-limit", "GATEWAY_RATE_LIMIT", RATE, SETTING(rate_limit), "off", "RATE",
     "requests of a token such as 120/m (s, m, h); each process counts for itself"},
    {"--search-rate-limit", "GATEWAY_SEARCH_RATE_LIMIT", RATE, SETTING(search_rate_limit), "off",
     "RATE", "the same for searches, without a token for each address"},
    {"--org-rate-limit", "GATEWAY_ORG_RATE_LIMIT", RATE, SETTING(org_rate_limit), "off", "RATE",
     "the same for all tokens of an organisation together"},
    {"--rate-limit-burst", "GATEWAY_RATE_LIMIT_BURST", COUNT, SETTING(rate_limit_burst), "0", "N",
     "of these rates at once; 0: as many as the rate says"},
    {"--failed-token-limit", "GATEWAY_FAILED_TOKEN_LIMIT", COUNT, SETTING(failed_token_limit),
     "3000", "N",
     "bad tokens a minute from one address (ten times that from a /48) before new ones get 429; 0: "
     "no limit"},
    {"--handshakes-waiting-max", "GATEWAY_HANDSHAKES_WAITING_MAX", NUMBER,
     SETTING(handshakes_waiting_max), "8192", "N",
     "handshakes of a worker that wait their turn; more are refused"},
    {"--handshake-timeout", "GATEWAY_HANDSHAKE_TIMEOUT", DURATION, SETTING(handshake_timeout_ms),
     "10s", "TIME", "for a TLS handshake"},
    {"--head-timeout", "GATEWAY_HEAD_TIMEOUT", DURATION, SETTING(head_timeout_ms), "15s", "TIME",
     "for the head of a request"},
    {"--body-timeout", "GATEWAY_BODY_TIMEOUT", DURATION, SETTING(body_timeout_ms), "30s", "TIME",
     "for 16 KiB of a body, either way, or its end"},
    {"--idle-timeout", "GATEWAY_IDLE_TIMEOUT", DURATION, SETTING(idle_timeout_ms), "75s", "TIME",
     "between requests of a connection"},
    {"--last-used-interval", "GATEWAY_LAST_USED_INTERVAL", DURATION, SETTING(last_used_interval_ms),
     "1s", "TIME", "between writes of last-used times"},
    {"--last-used-resolution", "GATEWAY_LAST_USED_RESOLUTION", LIMIT,
     SETTING(last_used_resolution_ms), "60s", "TIME",
     "a token in steady use is written once in this time; 0s: every interval"},
    {"--cache-entries", "GATEWAY_CACHE_ENTRIES", COUNT, SETTING(cache_entries), "100000", "N",
     "live tokens kept in memory; 0: none, every request asks the database"},
    {"--cache-negative-entries", "GATEWAY_CACHE_NEGATIVE_ENTRIES", COUNT,
     SETTING(cache_negative_entries), "50000", "N", "unknown and revoked tokens kept in memory"},
    {"--cache-ttl", "GATEWAY_CACHE_TTL", DURATION, SETTING(cache_ttl_ms), "60s", "TIME",
     "until a live token is looked up again, in the background while it is used"},
    {"--cache-negative-ttl", "GATEWAY_CACHE_NEGATIVE_TTL", DURATION, SETTING(cache_negative_ttl_ms),
     "10s", "TIME", "until an unknown token is looked up again"},
    {"--freshness-lease", "GATEWAY_FRESHNESS_LEASE", DURATION, SETTING(freshness_lease_ms), "3s",
     "TIME", "without news until the cache is no longer trusted, at most 3s"},
    {"--stale-read", "GATEWAY_STALE_READ", LIMIT, SETTING(stale_read_ms), "10m", "TIME",
     "known tokens go on reading while the database is away"},
    {"--stale-write", "GATEWAY_STALE_WRITE", LIMIT, SETTING(stale_write_ms), "1m", "TIME",
     "the same for writing; admin routes never do"},
    {"--drain-timeout", "GATEWAY_DRAIN_TIMEOUT", DURATION, SETTING(drain_timeout_ms), "10s", "TIME",
     "to finish what is in flight after SIGTERM"},
    {"--access-log", "GATEWAY_ACCESS_LOG", SWITCH, SETTING(access_log), NULL, NULL,
     "a line for each request on stderr"},
    {"--log-level", "GATEWAY_LOG_LEVEL", LEVEL, SETTING(log_level), "info", "LEVEL",
     "debug, info, warning or error"},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

// ---- help ----

#define HELP_INDENT 37
#define HELP_COLUMNS 72 // of text beside the flag

// A line ends at a space.
static void print_wrapped(const char *text) {
    size_t length = strlen(text);
    while (length > HELP_COLUMNS) {
        size_t end = HELP_COLUMNS;
        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0)
            break;
        printf("%.*s\n%*s", (int)end, text, HELP_INDENT, "");
        text += end + 1;
        length -= end + 1;
    }
    puts(text);
}

static void print_setting(const struct setting *setting) {
    char left[64];
    snprintf(left, sizeof(left), "%s%s%s", setting->flag, setting->argument != NULL ? " " : "",
             setting->argument != NULL ? setting->argument : "");
    printf("  %-34s ", left);
    print_wrapped(setting->help);
    printf("%*s  %s", HELP_INDENT, "", setting->variable);
    if (setting->fallback != NULL)
        printf(", default %s", setting->fallback);
    putchar('\n');
}

static void print_help(void) {
    puts(
        "SkillReg token gateway: checks API tokens, manages them, forwards to the registry.\n"
        "\n"
        "usage: skillreg-gateway [settings]                 run the gateway\n"
        "       skillreg-gateway migrate                    bring the database schema up to date\n"
        "       skillreg-gateway grants --role <name>       print the rights of a role that "
        "serves\n"
        "       skillreg-gateway org create <slug>          make an organisation\n"
        "       skillreg-gateway token create --org <slug> --name <name> [--scopes <list>]\n"
        "       skillreg-gateway token import --org <slug> --name <name> [--scopes <list>]\n"
        "       skillreg-gateway healthcheck                exit 0 when the gateway answers\n"
        "\n"
        "Each command has its own --help. Every setting is a flag or an environment variable; the\n"
        "flag wins. Times are such as 300ms, 10s, 15m, 24h, 90d.\n");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        print_setting(&settings[i]);
    puts("  --help, --version");
}

// ---- values ----

static bool parse_switch(const char *text, bool *value) {
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off", ""};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(text, yes[i]) == 0)
            return *value = true, true;
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcmp(text, no[i]) == 0)
            return *value = false, true;
    }
    return false;
}

static bool parse_number(const char *text, uint64_t min, int *value) {
    uint64_t number;
    if (gw_str_to_u64(gw_str_from(text), &number) != GW_OK || number < min || number > 100000000)
        return false;
    *value = (int)number;
    return true;
}

// A duration that may be 0: "0" or "0s".
static bool parse_limit(const char *text, uint64_t *limit_ms) {
    if (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0)
        return *limit_ms = 0, true;
    return gw_clock_parse_duration(gw_str_from(text), limit_ms) == GW_OK;
}

static bool parse_environment(const char *text, bool *is_test) {
    *is_test = strcmp(text, "test") == 0;
    return *is_test || strcmp(text, "live") == 0;
}

static bool parse_tls_version(const char *text, bool *is_tls13_only) {
    *is_tls13_only = strcmp(text, "1.3") == 0;
    return *is_tls13_only || strcmp(text, "1.2") == 0;
}

static bool parse_client_field(const char *text, bool *is_forwarded) {
    *is_forwarded = strcasecmp(text, "forwarded") == 0;
    return *is_forwarded || strcasecmp(text, "x-forwarded-for") == 0;
}

static bool add_texts(const char *text, const char *separators, struct gw_config_texts *texts) {
    gw_assert(texts->count <= GW_CONFIG_TEXTS_MAX && texts->bytes_used <= sizeof(texts->memory));
    size_t bytes = strlen(text) + 1;
    bool is_good = bytes <= sizeof(texts->memory) - texts->bytes_used;
    char *rest = texts->memory + texts->bytes_used;
    if (is_good)
        memcpy(rest, text, bytes);
    texts->bytes_used += is_good ? bytes : 0;
    for (char *piece; is_good && (piece = strsep(&rest, separators)) != NULL;) {
        is_good = texts->count < GW_CONFIG_TEXTS_MAX;
        if (is_good)
            texts->at[texts->count++] = piece;
        is_good = is_good && piece[0] != '\0';
    }
    return is_good;
}

// The name of a file may hold a comma; a variable has no other way to name several.
static bool add_files(const char *text, struct gw_config_texts *files) {
    return add_texts(text, files->are_flags ? "" : ",", files);
}

static bool set_value(struct gw_config *config, const struct setting *setting, const char *text) {
    gw_assert(setting->offset < sizeof(*config));
    void *at = (char *)config + setting->offset;
    switch (setting->kind) {
    case TEXT:
        *(const char **)at = text;
        return text[0] != '\0';
    case TEXTS:
        return add_texts(text, ",", at);
    case FILES:
        return add_files(text, at);
    case TLS_VERSION:
        return parse_tls_version(text, at);
    case NUMBER:
        return parse_number(text, 1, at);
    case COUNT:
        return parse_number(text, 0, at);
    case DURATION:
        return gw_clock_parse_duration(gw_str_from(text), at) == GW_OK;
    case LIMIT:
        return parse_limit(text, at);
    case SWITCH:
        return parse_switch(text, at);
    case ENVIRONMENT:
        return parse_environment(text, at);
    case PROXIES:
        return gw_trusted_proxies_parse(gw_str_from(text), at) == GW_OK;
    case CLIENT_FIELD:
        return parse_client_field(text, at);
    case RATE:
        return gw_rate_parse(gw_str_from(text), at) == GW_OK;
    case LEVEL:
    default:
        return gw_log_level_parse(gw_str_from(text), at) == GW_OK;
    }
}

static enum gw_config_outcome refuse(const char *what, const char *name, const char *value) {
    gw_complain("%s %s%s%s (see --help)", what, name, value != NULL ? ": " : "",
                value != NULL ? value : "");
    return GW_CONFIG_EXIT_USAGE;
}

static enum gw_config_outcome set_or_refuse(struct gw_config *config, const struct setting *setting,
                                            const char *name, const char *text) {
    if (set_value(config, setting, text))
        return GW_CONFIG_RUN;
    // A connection string may hold a password.
    bool is_secret =
        setting->offset == SETTING(database_url) || setting->offset == SETTING(database_events_url);
    return refuse("not a value for", name, is_secret ? NULL : text);
}

static enum gw_config_outcome read_environment(struct gw_config *config) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *text = getenv(settings[i].variable);
        const char *name = settings[i].variable;
        if (text == NULL || (text[0] == '\0' && settings[i].kind <= FILES)) {
            text = settings[i].fallback;
            name = settings[i].flag;
        }
        enum gw_config_outcome outcome = GW_CONFIG_RUN;
        if (text != NULL)
            outcome = set_or_refuse(config, &settings[i], name, text);
        if (outcome != GW_CONFIG_RUN)
            return outcome;
    }
    return GW_CONFIG_RUN;
}

// ---- flags ----

static const struct setting *find_flag(const char *argument, size_t length) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strlen(settings[i].flag) == length && memcmp(settings[i].flag, argument, length) == 0)
            return &settings[i];
    }
    return NULL;
}

// The first flag of its kind replaces the values of the variable.
static void begin_flags(struct gw_config_texts *texts) {
    if (!texts->are_flags)
        *texts = (struct gw_config_texts){.are_flags = true};
}

// Takes "--flag value", "--flag=value" or "--switch"; *index moves past a value of its own.
static enum gw_config_outcome read_flag(struct gw_config *config, int argc, char **argv,
                                        int *index) {
    gw_assert(*index < argc);
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    const struct setting *setting = find_flag(argument, length);
    if (setting == NULL)
        return refuse("unknown argument", argument, NULL);
    if (setting->kind == TEXTS || setting->kind == FILES)
        begin_flags((struct gw_config_texts *)(void *)((char *)config + setting->offset));
    if (equals != NULL)
        return set_or_refuse(config, setting, setting->flag, equals + 1);
    if (setting->kind == SWITCH)
        return set_or_refuse(config, setting, setting->flag, "on");
    if (*index + 1 >= argc)
        return refuse("missing value of", setting->flag, NULL);
    *index += 1;
    return set_or_refuse(config, setting, setting->flag, argv[*index]);
}

static const char *none_if_off(const char *address) {
    return address == NULL || strcmp(address, "off") == 0 ? NULL : address;
}

static void set_bursts(struct gw_config *config) {
    struct gw_rate *const rates[] = {&config->rate_limit, &config->search_rate_limit,
                                     &config->org_rate_limit};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]) && config->rate_limit_burst > 0; i++)
        rates[i]->burst = (uint64_t)config->rate_limit_burst;
}

static enum gw_config_outcome check(struct gw_config *config) {
    set_bursts(config);
    config->listen_https = none_if_off(config->listen_https);
    config->listen_http = none_if_off(config->listen_http);
    config->listen_admin = none_if_off(config->listen_admin);
    if (config->database_url == NULL)
        return refuse("missing --database-url or", "DATABASE_URL", NULL);
    if (config->tls_certs.count != config->tls_keys.count)
        return refuse("not as many --tls-key as", "--tls-cert", NULL);
    if (config->listen_https != NULL && config->tls_certs.count == 0)
        return refuse("missing --tls-cert and --tls-key for", "--listen-https",
                      config->listen_https);
    // Without trusted proxies any client could claim any address.
    if (config->proxy_protocol && config->trusted_proxies.count == 0)
        return refuse("missing --trusted-proxies, who may send it, for", "--proxy-protocol", NULL);
    if (config->workers > GW_WORKERS_MAX)
        return refuse("too many for", "--workers", NULL);
    // With a longer lease a revoke with `?wait=` could report too early that it is everywhere
    // (db/events.h).
    if (config->freshness_lease_ms > GW_FRESHNESS_LEASE_MS_MAX)
        return refuse("over 3s:", "--freshness-lease", NULL);
    if (config->listen_https == NULL && config->listen_http == NULL)
        return refuse("nothing to listen on:", "--listen-https and --listen-http are off", NULL);
    return GW_CONFIG_RUN;
}

enum gw_config_outcome gw_config_read(int argc, char **argv, struct gw_config *config) {
    *config = (struct gw_config){.workers = 0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return GW_CONFIG_EXIT_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("skillreg-gateway " GATEWAY_VERSION);
            return GW_CONFIG_EXIT_OK;
        }
    }
    enum gw_config_outcome outcome = read_environment(config);
    for (int i = 1; i < argc && outcome == GW_CONFIG_RUN; i++)
        outcome = read_flag(config, argc, argv, &i);
    return outcome == GW_CONFIG_RUN ? check(config) : outcome;
}
