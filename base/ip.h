// SPDX-License-Identifier: MIT
#pragma once
// Addresses of clients and ranges of them, in one form: 16 bytes, an IPv4 address as its
// IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), so that 192.0.2.1 and ::ffff:192.0.2.1 are
// one address, from any socket or text. Accepts only text that every reader takes for the same
// address: no zone, no port, no leading zeros in IPv4.

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"
#include "base/str.h"

struct gw_ip {
    unsigned char bytes[16];
};

#define GW_IP_TEXT_BYTES_MAX 46       // and a terminator
#define GW_IP_RANGE_TEXT_BYTES_MAX 50 // "/128" more

// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1". GW_INVALID for everything else.
enum gw_status gw_ip_parse(struct gw_str text, struct gw_ip *ip) GW_MUST_USE;
// Bytes in the order of the network.
struct gw_ip gw_ip_from_v4(const unsigned char bytes[4]);
struct gw_ip gw_ip_from_v6(const unsigned char bytes[16]);
// GW_INVALID for another family than these two.
enum gw_status gw_ip_from_sockaddr(const struct sockaddr *address, struct gw_ip *ip) GW_MUST_USE;
bool gw_ip_equal(const struct gw_ip *a, const struct gw_ip *b);
bool gw_ip_is_v4(const struct gw_ip *ip);
// One text for each address: dotted for IPv4, RFC 5952 for the others. Terminated; returns the
// length.
size_t gw_ip_format(const struct gw_ip *ip, char out[GW_IP_TEXT_BYTES_MAX]);

// The number that limits for each client count by: the IPv4 address, or the /64 of the IPv6
// address, which one client usually has. No two clients share it.
uint64_t gw_ip_client_key(const struct gw_ip *ip);
// The same for a site, which usually has a /48 of IPv6, and with it 65,536 client keys. False for
// IPv4, where addresses are dear.
bool gw_ip_site_key(const struct gw_ip *ip, uint64_t *key) GW_MUST_USE;

// A range in CIDR form (RFC 4632). A range of one family never contains an address of the other:
// "::/0" is every IPv6 address, "0.0.0.0/0" every IPv4 address; all addresses are both.
struct gw_ip_range {
    struct gw_ip first;
    uint8_t prefix_bits; // of the 128: at least 96 for IPv4
};

// "10.0.0.0/8", "2001:db8::/32", or an address alone: a range of one. GW_INVALID as above, and for
// bits behind the prefix ("10.0.0.1/8" is a mistake).
enum gw_status gw_ip_range_parse(struct gw_str text, struct gw_ip_range *range) GW_MUST_USE;
bool gw_ip_range_contains(const struct gw_ip_range *range, const struct gw_ip *ip);
// One text for each range; a range of one address is that address. Terminated; returns the length.
size_t gw_ip_range_format(const struct gw_ip_range *range, char out[GW_IP_RANGE_TEXT_BYTES_MAX]);
