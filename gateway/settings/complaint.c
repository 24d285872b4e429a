// SPDX-License-Identifier: MIT
#include "gateway/settings/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static char *caught; // NULL: stderr

void gw_complaints_catch(char text[GW_COMPLAINT_BYTES_MAX]) {
    caught = text;
    if (caught != NULL)
        caught[0] = '\0';
}

void gw_complain(const char *format, ...) {
    char text[GW_COMPLAINT_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    gw_utf8_mask_controls(text, strlen(text));
    if (caught != NULL)
        memcpy(caught, text, sizeof(text));
    else
        (void)fprintf(stderr, "skillreg-gateway: %s\n", text);
}
