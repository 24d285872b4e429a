// SPDX-License-Identifier: MIT
#pragma once
// Names of a certificate as text: the DNS names and URIs of its extension subjectAltName (RFC 5280
// section 4.2.1.6) that something may be bound to. The form tells the kinds apart: a URI has a
// colon, a DNS name has none. So a certificate cannot pass a name of one kind off as the other.
// Names are compared whole, byte by byte, never by a pattern; one with `*` is no name here, nor one
// with `&`, which JSON writes as six characters.

#include <stdbool.h>

#include "base/str.h"

#define GW_SAN_BYTES_MAX 512
#define GW_SAN_DNS_BYTES_MAX 253 // RFC 1035 section 3.1, as text
// For people: what a name must be.
#define GW_SAN_RULE                                                                                \
    "a URI such as spiffe://example.org/ci or a DNS name, whole, of at most 512 bytes, without * " \
    "and &"

enum gw_san_kind { GW_SAN_NONE, GW_SAN_DNS, GW_SAN_URI };

// GW_SAN_NONE: nothing of a certificate can be bound to it, or be it. A URI is absolute (RFC 3986
// section 4.3), with something behind its scheme.
enum gw_san_kind gw_san_kind(struct gw_str name);

// `list` has names that end with a line feed, which no name contains; .at may be NULL.
bool gw_san_list_has(struct gw_str list, struct gw_str name);
