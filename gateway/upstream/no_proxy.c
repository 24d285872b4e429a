// SPDX-License-Identifier: MIT
#include "gateway/upstream/no_proxy.h"

#include "base/host_port.h"
#include "base/ip.h"

static bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

// The next entry of *list, which moves past it; empty at the end.
static struct gw_str next_entry(struct gw_str *list) {
    size_t start = 0;
    while (start < list->length && is_separator(list->at[start]))
        start++;
    size_t end = start;
    while (end < list->length && !is_separator(list->at[end]))
        end++;
    struct gw_str entry = gw_str_slice(*list, start, end);
    *list = gw_str_slice(*list, end, list->length);
    return entry;
}

static bool is_in_range(struct gw_str entry, struct gw_str host) {
    struct gw_ip_range range;
    struct gw_ip ip;
    return gw_ip_range_parse(entry, &range) == GW_OK && gw_ip_parse(host, &ip) == GW_OK &&
           gw_ip_range_contains(&range, &ip);
}

// "example.com" covers itself and a.example.com, not anexample.com.
static bool is_at_or_below(struct gw_str host, struct gw_str name) {
    if (gw_str_starts_with(name, GW_STR(".")))
        name = gw_str_slice(name, 1, name.length);
    if (name.length == 0 || name.length > host.length)
        return false;
    size_t before = host.length - name.length;
    return gw_str_equal_nocase(gw_str_slice(host, before, host.length), name) &&
           (before == 0 || host.at[before - 1] == '.');
}

static bool covers(struct gw_str entry, const struct gw_upstream_url *url) {
    struct gw_str host = gw_str_from(url->host);
    struct gw_host_port parts;
    uint16_t port = url->port;
    if (gw_str_equal(entry, GW_STR("*")) || is_in_range(entry, host))
        return true;
    if (gw_host_port_split(entry, &parts) != GW_OK ||
        (parts.port.at != NULL && gw_port_parse(parts.port, &port) != GW_OK) || port != url->port)
        return false;
    struct gw_ip ip;
    bool is_address = gw_ip_parse(host, &ip) == GW_OK;
    return is_address ? is_in_range(parts.host, host) : is_at_or_below(host, parts.host);
}

bool gw_no_proxy_has(struct gw_str list, const struct gw_upstream_url *url) {
    for (struct gw_str entry; (entry = next_entry(&list)).length > 0;) {
        if (covers(entry, url))
            return true;
    }
    return false;
}
