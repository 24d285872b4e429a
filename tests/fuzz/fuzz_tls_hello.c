// SPDX-License-Identifier: MIT
// The first bytes of a TLS connection: any are read without a fault; what wants more input never
// changes its mind for less, and once a record is there, bytes behind it change nothing.

#include <stddef.h>
#include <stdint.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool is_same(const struct tls_hello *a, const struct tls_hello *b) {
    return a->offers_aes_128 == b->offers_aes_128 && a->may_resume == b->may_resume;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str all = gw_str((const char *)bytes, length);
    struct tls_hello whole;
    struct tls_hello part;
    enum gw_status status = tls_hello_read(all, &whole);
    gw_assert(status == GW_OK || (!whole.offers_aes_128 && !whole.may_resume));
    for (size_t cut = length; cut-- > 0;) {
        enum gw_status earlier = tls_hello_read(gw_str_slice(all, 0, cut), &part);
        if (cut == 0)
            gw_assert(earlier == GW_WANT_INPUT);
        else if (earlier == GW_OK)
            gw_assert(status == GW_OK && is_same(&whole, &part));
        else if (status == GW_WANT_INPUT)
            gw_assert(earlier == GW_WANT_INPUT);
    }
    return 0;
}
