// SPDX-License-Identifier: MIT
#include "gateway/client/forwarded.h"

#include "base/log.h"
#include "gateway/http/client_ip.h"
#include "gateway/settings/metrics.h"

static enum gw_http_field_id field_that_counts(const struct gw_config *config) {
    return config->client_address_from_forwarded ? GW_FIELD_FORWARDED : GW_FIELD_X_FORWARDED_FOR;
}

static const char *name_of(enum gw_http_field_id field) {
    return field == GW_FIELD_FORWARDED ? "Forwarded" : "X-Forwarded-For";
}

static void log_ignored(struct gw_services *services, enum gw_http_field_id field,
                        const struct gw_ip *peer) {
    char text[GW_IP_TEXT_BYTES_MAX];
    gw_ip_format(peer, text);
    services->has_warned_of_field = true;
    gw_log(GW_LOG_WARNING, "server",
           "a trusted proxy passed on a field that does not count, told of once field=%s proxy=%s "
           "counts=%s",
           name_of(field), text,
           services->config->proxy_protocol ? "--proxy-protocol"
                                            : name_of(field_that_counts(services->config)));
}

static void note_ignored(struct gw_services *services, const struct gw_http_head *request,
                         enum gw_http_field_id field, const struct gw_ip *peer) {
    if (!services->has_warned_of_field && gw_http_head_field(request, field) != NULL)
        log_ignored(services, field, peer);
}

struct gw_client gw_client_fields_read(struct gw_services *services,
                                       const struct gw_http_head *request,
                                       const struct gw_ip *peer) {
    const struct gw_config *config = services->config;
    struct gw_ip ip;
    note_ignored(services, request, gw_client_ip_other_field(field_that_counts(config)), peer);
    if (gw_client_ip_find(request, field_that_counts(config), &config->trusted_proxies, peer, &ip))
        return gw_client_at(&ip);
    services->metrics->clients_unknown_total++;
    return gw_client_unknown();
}

void gw_client_fields_ignore(struct gw_services *services, const struct gw_http_head *request,
                             const struct gw_ip *peer) {
    note_ignored(services, request, GW_FIELD_X_FORWARDED_FOR, peer);
    note_ignored(services, request, GW_FIELD_FORWARDED, peer);
}
