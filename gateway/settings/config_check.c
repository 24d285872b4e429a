// SPDX-License-Identifier: MIT
#include "gateway/settings/config_check.h"

#include <string.h>
#include <strings.h>

#include "base/host_port.h"
#include "gateway/settings/complaint.h"
#include "gateway/settings/org_metrics.h"
#include "gateway/settings/registry_credential.h"

// Always false, so that a check can return it.
static bool refuse(const char *what, const char *name, const char *value) {
    gw_complain("%s %s%s%s (see --help)", what, name, value != NULL ? ": " : "",
                value != NULL ? value : "");
    return false;
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

// None, or two different ones (RFC 9110 section 5.1).
static bool are_field_names(const struct gw_config_texts *names) {
    static const char characters[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int i = 0; i < names->count; i++) {
        if (names->at[i][strspn(names->at[i], characters)] != '\0')
            return false;
    }
    return names->count == 0 || (names->count == 2 && strcasecmp(names->at[0], names->at[1]) != 0);
}

// 0: another one each time, or none, or an address that is refused when it is opened.
static uint16_t port_of(const char *address) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *text;
    uint16_t port;
    if (address == NULL || gw_host_port_read(address, host, &text) != GW_OK ||
        gw_port_parse(gw_str_from(text), &port) != GW_OK)
        return 0;
    return port;
}

// With the port of the gateway a browser could take the two for one origin: what the registry
// stores would be shown there, and could read what is typed into the page.
static bool has_own_port(const struct gw_config *config) {
    uint16_t own = port_of(config->tokens_page);
    return own == 0 ||
           (own != port_of(config->listen_https) && own != port_of(config->listen_http) &&
            own != port_of(config->listen_admin));
}

static bool check_registry_credentials(const struct gw_config_texts *texts) {
    struct gw_str org;
    const char *file;
    for (int i = 0; i < texts->count; i++) {
        if (!gw_registry_credential_split(texts->at[i], &org, &file))
            return refuse("not the slug of an organisation, = and a file:", "--registry-credential",
                          texts->at[i]);
    }
    return true;
}

bool gw_config_check(struct gw_config *config) {
    set_bursts(config);
    config->listen_https = none_if_off(config->listen_https);
    config->listen_http = none_if_off(config->listen_http);
    config->listen_admin = none_if_off(config->listen_admin);
    config->tokens_page = none_if_off(config->tokens_page);
    if (config->database_url == NULL)
        return refuse("missing --database-url (DATABASE_URL) or", "--database-url-file", NULL);
    if (config->tls_certs.count != config->tls_keys.count)
        return refuse("not as many --tls-key as", "--tls-cert", NULL);
    if (config->listen_https != NULL && config->tls_certs.count == 0)
        return refuse("missing --tls-cert and --tls-key for", "--listen-https",
                      config->listen_https);
    // Without trusted proxies any client could claim any address.
    if (config->proxy_protocol && config->trusted_proxies.count == 0)
        return refuse("missing --trusted-proxies, who may send it, for", "--proxy-protocol", NULL);
    if (!are_field_names(&config->authz_fields))
        return refuse("not two names of fields:", "--authz-fields", NULL);
    if (!check_registry_credentials(&config->registry_credentials))
        return false;
    if (config->workers > GW_WORKERS_MAX)
        return refuse("too many for", "--workers", NULL);
    if (config->metrics_organisations > GW_ORG_METRICS_MAX)
        return refuse("over 1000:", "--metrics-organisations", NULL);
    if (config->worker_timeout_ms != 0 && config->worker_timeout_ms < GW_WORKER_TIMEOUT_MS_MIN)
        return refuse("under 10s:", "--worker-timeout", NULL);
    // With a longer lease a revoke with `?wait=` could report too early that it is everywhere
    // (db/events.h).
    if (config->freshness_lease_ms > GW_FRESHNESS_LEASE_MS_MAX)
        return refuse("over 3s:", "--freshness-lease", NULL);
    if (config->listen_https == NULL && config->listen_http == NULL)
        return refuse("nothing to listen on:", "--listen-https and --listen-http are off", NULL);
    if (!has_own_port(config))
        return refuse("needs a port that no other --listen-... has:", "--tokens-page",
                      config->tokens_page);
    return true;
}
