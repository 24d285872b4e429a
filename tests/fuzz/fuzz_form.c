// SPDX-License-Identifier: MIT
// A form with any bytes in it. What must hold beyond memory safety: the value lies within the form,
// and the answer is the same with another parameter before or behind.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/api/body.h"
#include "gateway/api/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum gw_status take(char *form, size_t length, struct gw_str *value) {
    struct gw_form_parameter token = {.name = GW_STR("token")};
    enum gw_status status = gw_form_read(form, length, &token, 1);
    *value = token.value;
    if (value->at != NULL)
        gw_assert(value->at >= form && value->at + value->length <= form + length);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static char plain[GW_BODY_OWN_BYTES_MAX];
    static char wrapped[GW_BODY_OWN_BYTES_MAX + 8];
    struct gw_str value = {NULL, 0};
    struct gw_str same = {NULL, 0};
    if (length > sizeof(plain))
        return 0;
    memcpy(wrapped, "a=b&", 4);
    if (length > 0) {
        memcpy(plain, bytes, length);
        memcpy(wrapped + 4, bytes, length);
    }
    memcpy(wrapped + 4 + length, "&c=d", 4);
    enum gw_status status = take(plain, length, &value);
    gw_assert(take(wrapped, length + 8, &same) == status);
    if (status == GW_OK)
        gw_assert(gw_str_equal(value, same));
    return 0;
}
