// SPDX-License-Identifier: MIT
#include "gateway/http/client.h"

struct gw_client gw_client_at(const struct gw_ip *ip) {
    struct gw_client client = {.is_known = true, .ip = *ip};
    client.text_length = (uint8_t)gw_ip_format(ip, client.text);
    gw_assert(client.text_length > 0);
    return client;
}

struct gw_client gw_client_unknown(void) {
    return (struct gw_client){.is_known = false};
}

bool gw_client_is_in(const struct gw_client *client, const struct gw_ip_range *ranges,
                     size_t count) {
    for (size_t i = 0; i < count && client->is_known; i++) {
        if (gw_ip_range_contains(&ranges[i], &client->ip))
            return true;
    }
    return false;
}

bool gw_client_key(const struct gw_client *client, uint64_t *key) {
    if (client->is_known)
        *key = gw_ip_client_key(&client->ip);
    return client->is_known;
}

bool gw_client_site_key(const struct gw_client *client, uint64_t *key) {
    return client->is_known && gw_ip_site_key(&client->ip, key);
}

struct gw_str gw_client_address(const struct gw_client *client) {
    return client->is_known ? gw_str(client->text, client->text_length) : gw_str(NULL, 0);
}

struct gw_str gw_client_name(const struct gw_client *client) {
    return client->is_known ? gw_client_address(client) : GW_STR("unknown");
}
