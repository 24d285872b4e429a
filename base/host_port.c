// SPDX-License-Identifier: MIT
#include "base/host_port.h"

#include <string.h>

enum gw_status gw_host_port_split(struct gw_str text, struct gw_host_port *parts) {
    bool is_bracketed = text.length > 0 && text.at[0] == '[';
    size_t host_end = gw_str_find(text, is_bracketed ? ']' : ':');
    if (is_bracketed && host_end == text.length)
        return GW_INVALID;
    size_t colon = is_bracketed ? host_end + 1 : host_end;
    if (colon < text.length && text.at[colon] != ':')
        return GW_INVALID;
    *parts = (struct gw_host_port){
        .host = gw_str_slice(text, is_bracketed ? 1 : 0, host_end),
        .port = colon < text.length ? gw_str_slice(text, colon + 1, text.length) : gw_str(NULL, 0),
        .is_bracketed = is_bracketed,
    };
    return GW_OK;
}

enum gw_status gw_port_parse(struct gw_str text, uint16_t *port) {
    uint64_t number;
    enum gw_status status = gw_str_to_u64(text, &number);
    if (status != GW_OK)
        return status;
    if (number > UINT16_MAX)
        return GW_TOO_BIG;
    *port = (uint16_t)number;
    return GW_OK;
}

// Without brackets the last colon is the one before the port.
static enum gw_status split_at_last_colon(struct gw_str text, struct gw_host_port *parts) {
    size_t colon = text.length;
    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return GW_INVALID;
    *parts = (struct gw_host_port){.host = gw_str_slice(text, 0, colon - 1),
                                   .port = gw_str_slice(text, colon, text.length)};
    return GW_OK;
}

enum gw_status gw_host_port_read(const char *address, char host[GW_HOST_BYTES_MAX + 1],
                                 const char **port) {
    struct gw_host_port parts;
    uint16_t number;
    struct gw_str text = gw_str_from(address);
    enum gw_status status =
        address[0] == '[' ? gw_host_port_split(text, &parts) : split_at_last_colon(text, &parts);
    if (status == GW_OK)
        status = gw_port_parse(parts.port, &number);
    if (status != GW_OK)
        return status;
    if (parts.host.length == 0)
        return GW_INVALID;
    if (parts.host.length > GW_HOST_BYTES_MAX)
        return GW_TOO_BIG;
    memcpy(host, parts.host.at, parts.host.length);
    host[parts.host.length] = '\0';
    *port = parts.port.at;
    return GW_OK;
}
