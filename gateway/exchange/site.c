// SPDX-License-Identifier: MIT
#include "gateway/exchange/site.h"

#define PAGE_FIELDS                                                                                \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "connect-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; "                    \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"         \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

struct gw_str gw_site_fields(enum gw_site site) {
    return site == GW_SITE_PAGE ? GW_STR(PAGE_FIELDS) : GW_STR("");
}
