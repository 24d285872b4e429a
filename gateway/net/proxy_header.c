// SPDX-License-Identifier: MIT
#include "gateway/net/proxy_header.h"

#include <string.h>

#include "base/host_port.h"

#define SIGNATURE_BYTES 12
#define FIXED_BYTES                                                                                \
    16 // of version 2: the signature, version and command, family and protocol, length
#define LINE_BYTES_MAX GW_PROXY_HEADER_KEPT_MAX

#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21
#define TCP_OVER_IPV4 0x11
#define TCP_OVER_IPV6 0x21

static const unsigned char signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";
static const char line_start[] = "PROXY ";

void gw_proxy_header_init(struct gw_proxy_header *header) {
    *header = (struct gw_proxy_header){.length = 0};
}

// ---- version 1 ----

// A decimal number up to 65535 without leading zeros.
static bool is_port(struct gw_str text) {
    uint16_t number;
    bool has_leading_zero = text.length > 1 && text.at[0] == '0';
    return !has_leading_zero && gw_port_parse(text, &number) == GW_OK;
}

static bool is_address_of(struct gw_str text, bool is_v6, struct gw_ip *ip) {
    return (gw_str_find(text, ':') < text.length) == is_v6 && gw_ip_parse(text, ip) == GW_OK;
}

// "TCP4 source destination port port", or "UNKNOWN" and anything.
static enum gw_status read_line(struct gw_proxy_header *header, struct gw_str line) {
    enum { PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, WORDS };
    struct gw_str words[WORDS] = {{NULL, 0}};
    int count = 0;
    struct gw_ip source;
    struct gw_ip destination;
    while (count < WORDS && gw_str_next(&line, ' ', &words[count]))
        count++;
    if (gw_str_equal(words[PROTOCOL], GW_STR("UNKNOWN")))
        return GW_OK;
    bool is_v6 = gw_str_equal(words[PROTOCOL], GW_STR("TCP6"));
    if ((!is_v6 && !gw_str_equal(words[PROTOCOL], GW_STR("TCP4"))) || count != WORDS ||
        line.at != NULL || !is_address_of(words[SOURCE], is_v6, &source) ||
        !is_address_of(words[DESTINATION], is_v6, &destination) || !is_port(words[SOURCE_PORT]) ||
        !is_port(words[DESTINATION_PORT]))
        return GW_INVALID;
    header->has_source = true;
    header->source = source;
    return GW_OK;
}

// After each byte: whether it can still be a line, and whether it is complete. CR and LF are
// allowed only as its end.
static enum gw_status judge_line(struct gw_proxy_header *header) {
    const unsigned char *bytes = header->bytes;
    unsigned last = header->length - 1;
    if (last < sizeof(line_start) - 1)
        return bytes[last] == (unsigned char)line_start[last] ? GW_WANT_INPUT : GW_INVALID;
    bool follows_cr = bytes[last - 1] == '\r';
    if (follows_cr != (bytes[last] == '\n'))
        return GW_INVALID;
    if (follows_cr)
        return read_line(header, gw_str((const char *)bytes + sizeof(line_start) - 1,
                                        last - 1 - (sizeof(line_start) - 1)));
    return header->length < LINE_BYTES_MAX ? GW_WANT_INPUT : GW_INVALID;
}

// ---- version 2 ----

static unsigned block_bytes(const struct gw_proxy_header *header) {
    return (unsigned)header->bytes[14] << 8 | header->bytes[15];
}

// Bytes of the addresses of this family; 0 where they are ignored.
static unsigned address_bytes(unsigned char family) {
    static const unsigned bytes[] = {0, 12, 36, 216}; // unspecified, IPv4, IPv6, UNIX
    return bytes[family >> 4];
}

// The fixed part is complete. Families and protocols that the document lacks are refused.
static enum gw_status judge_fixed(const struct gw_proxy_header *header) {
    unsigned char command = header->bytes[12];
    unsigned char family = header->bytes[13];
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return GW_INVALID;
    if (FIXED_BYTES + block_bytes(header) > GW_PROXY_HEADER_BYTES_MAX)
        return GW_INVALID;
    if (command == COMMAND_LOCAL)
        return GW_OK; // its family is ignored
    bool is_known = (family >> 4) <= 3 && (family & 15) <= 2;
    return is_known && block_bytes(header) >= address_bytes(family) ? GW_OK : GW_INVALID;
}

static void read_source(struct gw_proxy_header *header) {
    const unsigned char *source = header->bytes + FIXED_BYTES;
    header->is_local = header->bytes[12] == COMMAND_LOCAL;
    if (header->is_local)
        return;
    if (header->bytes[13] == TCP_OVER_IPV4)
        header->source = gw_ip_from_v4(source);
    else if (header->bytes[13] == TCP_OVER_IPV6)
        header->source = gw_ip_from_v6(source);
    else
        return;
    header->has_source = true;
}

static enum gw_status judge_binary(struct gw_proxy_header *header) {
    unsigned last = header->length - 1;
    if (last < SIGNATURE_BYTES && header->bytes[last] != signature[last])
        return GW_INVALID;
    if (header->length < FIXED_BYTES)
        return GW_WANT_INPUT;
    if (header->length == FIXED_BYTES && judge_fixed(header) != GW_OK)
        return GW_INVALID;
    if (header->length < FIXED_BYTES + block_bytes(header))
        return GW_WANT_INPUT;
    read_source(header);
    return GW_OK;
}

// ---- both ----

enum gw_status gw_proxy_header_feed(struct gw_proxy_header *header, struct gw_str bytes,
                                    size_t *consumed) {
    enum gw_status status = GW_WANT_INPUT;
    size_t i = 0;
    while (i < bytes.length && status == GW_WANT_INPUT) {
        if (header->length < sizeof(header->bytes))
            header->bytes[header->length] = (unsigned char)bytes.at[i];
        header->length++;
        i++;
        status = header->bytes[0] == signature[0] ? judge_binary(header) : judge_line(header);
    }
    *consumed = i;
    return status;
}
