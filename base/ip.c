// SPDX-License-Identifier: MIT
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_BITS 128
#define SITE_KEY_SHIFT 16 // a /48 of the /64 of a client
#define V4_PREFIX_BITS 96 // of ::ffff:0:0/96

static const unsigned char v4_prefix[V4_PREFIX_BITS / 8] = {[10] = 0xff, [11] = 0xff};

// ---- addresses ----

struct gw_ip gw_ip_from_v4(const unsigned char bytes[4]) {
    struct gw_ip ip;
    memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(ip.bytes + sizeof(v4_prefix), bytes, 4);
    return ip;
}

struct gw_ip gw_ip_from_v6(const unsigned char bytes[16]) {
    struct gw_ip ip;
    memcpy(ip.bytes, bytes, sizeof(ip.bytes));
    return ip;
}

enum gw_status gw_ip_from_sockaddr(const struct sockaddr *address, struct gw_ip *ip) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        *ip = gw_ip_from_v4((const unsigned char *)&v4.sin_addr);
        return GW_OK;
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        *ip = gw_ip_from_v6(v6.sin6_addr.s6_addr);
        return GW_OK;
    default:
        return GW_INVALID;
    }
}

enum gw_status gw_ip_parse(struct gw_str text, struct gw_ip *ip) {
    char terminated[GW_IP_TEXT_BYTES_MAX];
    unsigned char bytes[16];
    if (text.length == 0 || text.length >= sizeof(terminated) ||
        gw_str_find(text, '\0') < text.length)
        return GW_INVALID;
    memcpy(terminated, text.at, text.length);
    terminated[text.length] = '\0';
    // inet_pton knows neither zones nor the old short, octal and hexadecimal forms.
    if (inet_pton(AF_INET, terminated, bytes) == 1)
        *ip = gw_ip_from_v4(bytes);
    else if (inet_pton(AF_INET6, terminated, bytes) == 1)
        *ip = gw_ip_from_v6(bytes);
    else
        return GW_INVALID;
    return GW_OK;
}

bool gw_ip_equal(const struct gw_ip *a, const struct gw_ip *b) {
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool gw_ip_is_v4(const struct gw_ip *ip) {
    return memcmp(ip->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

size_t gw_ip_format(const struct gw_ip *ip, char out[GW_IP_TEXT_BYTES_MAX]) {
    bool is_v4 = gw_ip_is_v4(ip);
    const unsigned char *from = is_v4 ? ip->bytes + sizeof(v4_prefix) : ip->bytes;
    const char *text = inet_ntop(is_v4 ? AF_INET : AF_INET6, from, out, GW_IP_TEXT_BYTES_MAX);
    gw_assert(text != NULL);
    return strlen(out);
}

uint64_t gw_ip_client_key(const struct gw_ip *ip) {
    uint64_t key = 0;
    const unsigned char *half = gw_ip_is_v4(ip) ? ip->bytes + 8 : ip->bytes;
    for (int i = 0; i < 8; i++)
        key = key << 8 | half[i];
    return key;
}

bool gw_ip_site_key(const struct gw_ip *ip, uint64_t *key) {
    *key = gw_ip_client_key(ip) >> SITE_KEY_SHIFT;
    return !gw_ip_is_v4(ip);
}

// ---- ranges ----

static bool shares_prefix(const struct gw_ip *a, const struct gw_ip *b, unsigned bits) {
    gw_assert(bits <= ADDRESS_BITS);
    unsigned whole = bits / 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

static bool has_bits_behind(const struct gw_ip *ip, unsigned prefix_bits) {
    gw_assert(prefix_bits <= ADDRESS_BITS);
    for (unsigned bit = prefix_bits; bit < ADDRESS_BITS; bit++) {
        if ((ip->bytes[bit / 8] & (0x80U >> bit % 8)) != 0)
            return true;
    }
    return false;
}

// The number behind the slash, in the one way to write it.
static enum gw_status parse_prefix(struct gw_str digits, unsigned bits_max, unsigned *bits) {
    uint64_t number;
    if ((digits.length > 1 && digits.at[0] == '0') || gw_str_to_u64(digits, &number) != GW_OK ||
        number > bits_max)
        return GW_INVALID;
    *bits = (unsigned)number;
    return GW_OK;
}

enum gw_status gw_ip_range_parse(struct gw_str text, struct gw_ip_range *range) {
    size_t slash = gw_str_find(text, '/');
    struct gw_str address = gw_str_slice(text, 0, slash);
    bool is_dotted = gw_str_find(address, ':') == address.length;
    unsigned family_bits = is_dotted ? ADDRESS_BITS - V4_PREFIX_BITS : ADDRESS_BITS;
    unsigned bits = family_bits;
    struct gw_ip first;
    if (gw_ip_parse(address, &first) != GW_OK)
        return GW_INVALID;
    if (slash < text.length &&
        parse_prefix(gw_str_slice(text, slash + 1, text.length), family_bits, &bits) != GW_OK)
        return GW_INVALID;
    bits += ADDRESS_BITS - family_bits;
    if (has_bits_behind(&first, bits))
        return GW_INVALID;
    *range = (struct gw_ip_range){first, (uint8_t)bits};
    return GW_OK;
}

bool gw_ip_range_contains(const struct gw_ip_range *range, const struct gw_ip *ip) {
    return gw_ip_is_v4(&range->first) == gw_ip_is_v4(ip) &&
           shares_prefix(&range->first, ip, range->prefix_bits);
}

size_t gw_ip_range_format(const struct gw_ip_range *range, char out[GW_IP_RANGE_TEXT_BYTES_MAX]) {
    size_t length = gw_ip_format(&range->first, out);
    if (range->prefix_bits == ADDRESS_BITS)
        return length;
    unsigned bits = range->prefix_bits - (gw_ip_is_v4(&range->first) ? V4_PREFIX_BITS : 0U);
    int added = snprintf(out + length, GW_IP_RANGE_TEXT_BYTES_MAX - length, "/%u", bits);
    gw_assert(added > 0);
    return length + (size_t)added;
}
