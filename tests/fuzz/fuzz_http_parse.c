// SPDX-License-Identifier: MIT
// The HTTP parser against any bytes, as requests, as responses, as responses to HEAD. What must
// hold beyond memory safety and what tests/support/http_recorder.h asserts of every run: the same
// events whatever the pieces the bytes come in.
//
// The first byte of an input says which side it is for and whether the peer closes behind it; two
// more seed the pieces.

#include <stddef.h>
#include <stdint.h>

#include "tests/support/http_recorder.h"

#define PREFIX_BYTES 3
#define IS_RESPONSES 1
#define IS_ANSWER_TO_HEAD 2
#define IS_CLOSED 4

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < PREFIX_BYTES)
        return 0;
    struct http_recording recording = {
        .side = (bytes[0] & IS_RESPONSES) != 0 ? GW_HTTP_RESPONSES : GW_HTTP_REQUESTS,
        .input = gw_str((const char *)bytes + PREFIX_BYTES, length - PREFIX_BYTES),
        .is_answer_to_head = (bytes[0] & IS_RESPONSES) != 0 && (bytes[0] & IS_ANSWER_TO_HEAD) != 0,
        .is_closed = (bytes[0] & IS_CLOSED) != 0,
        .is_reason_hidden = true};
    const uint32_t pieces[] = {HTTP_PIECES_WHOLE, HTTP_PIECES_BYTES,
                               2 + bytes[1] + 256 * (uint32_t)bytes[2]};
    struct gw_buf whole;
    gw_buf_init(&whole, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct gw_buf record;
        gw_buf_init(&record, SIZE_MAX / 2);
        recording.pieces = pieces[i];
        http_record(&recording, i == 0 ? &whole : &record);
        if (i > 0)
            gw_assert(gw_str_equal(gw_buf_bytes(&record), gw_buf_bytes(&whole)));
        gw_buf_deinit(&record);
    }
    gw_buf_deinit(&whole);
    return 0;
}
