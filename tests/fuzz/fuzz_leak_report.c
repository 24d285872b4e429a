// SPDX-License-Identifier: MIT
// Reports of leaked tokens. What must hold beyond memory safety: the tokens are distinct, as many
// as the database takes, and each place is plain text that fits.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/api/leak_report.h"
#include "gateway/exchange/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_leaks(const struct gw_leak_report *report) {
    gw_assert(report->reported >= 1 && report->reported <= DB_LEAKS_MAX);
    gw_assert(report->leak_count >= 0 && report->leak_count <= report->reported);
    for (int i = 0; i < report->leak_count; i++) {
        const struct db_leak *leak = &report->leaks[i];
        gw_assert(i == 0 || memcmp(leak[-1].digest, leak->digest, DB_DIGEST_LENGTH) < 0);
        gw_assert(leak->place.length <= DB_LEAK_PLACE_BYTES_MAX);
        gw_assert(gw_utf8_valid(leak->place) && !gw_utf8_has_control(leak->place));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_arena arena;
    struct gw_leak_report report;
    struct gw_refusal refusal;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    if (gw_leak_report_parse(&arena, gw_str((const char *)bytes, length), &report, &refusal)) {
        check_leaks(&report);
    } else {
        gw_assert(gw_error_row(refusal.error)->status == 400 ||
                  gw_error_row(refusal.error)->status == 503);
        gw_assert(refusal.message[strlen(refusal.message) - 1] == '.');
    }
    gw_arena_deinit(&arena);
    return 0;
}
