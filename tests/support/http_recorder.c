// SPDX-License-Identifier: MIT
#include "tests/support/http_recorder.h"
#include "gateway/http/head_block.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct recorder {
    struct gw_http_parser parser;
    const struct http_recording *recording;
    struct gw_buf *out;
    struct gw_buf head; // its lines, as they were when it was complete
    struct gw_buf body;
    uint32_t random;
    size_t offset;
    bool is_in_body; // between HEAD and END
    bool is_failed;
};

static void must(enum gw_status status) {
    gw_assert(status == GW_OK);
}

static void write_head(const struct recorder *recorder, struct gw_buf *out) {
    const struct gw_http_head *head = recorder->parser.head;
    if (recorder->recording->side == GW_HTTP_REQUESTS)
        must(gw_buf_printf(out, "head %.*s %.*s 1.%d host=%.*s%s", GW_STR_ARG(head->method_name),
                           GW_STR_ARG(head->target), head->version_minor, GW_STR_ARG(head->host),
                           head->expects_continue ? " continue" : ""));
    else
        must(gw_buf_printf(out, "head %d 1.%d", head->status, head->version_minor));
    must(gw_buf_append_str(out, head->keep_alive ? GW_STR(" keep-alive") : GW_STR(" close")));
    if (head->is_chunked)
        must(gw_buf_append_str(out, GW_STR(" chunked")));
    if (head->has_content_length)
        must(gw_buf_printf(out, " length=%" PRIu64, head->content_length));
    must(gw_buf_append_str(out, GW_STR("\n")));
    gw_assert(head->field_count >= 0 && head->field_count <= GW_HTTP_FIELDS_MAX);
    for (int i = 0; i < head->field_count; i++) {
        const struct gw_http_field *field = &head->fields[i];
        gw_assert(field->name.length > 0);
        must(gw_buf_append_str(out, GW_STR("| ")));
        must(gw_buf_append_str(out, field->name));
        must(gw_buf_append_str(out, GW_STR(": ")));
        must(gw_buf_append_str(out, field->value));
        must(gw_buf_append_str(out, GW_STR("\n")));
    }
}

static void on_body(struct gw_http_parser *parser, struct gw_str bytes) {
    struct recorder *recorder = gw_container_of(parser, struct recorder, parser);
    gw_assert(recorder->is_in_body);
    gw_assert(gw_http_parser_in_message(parser));
    must(gw_buf_append_str(&recorder->body, bytes));
}

static void write_body(struct recorder *recorder) {
    if (gw_buf_length(&recorder->body) == 0)
        return;
    must(gw_buf_append_str(recorder->out, GW_STR("body ")));
    must(gw_buf_append_str(recorder->out, gw_buf_bytes(&recorder->body)));
    must(gw_buf_append_str(recorder->out, GW_STR("\n")));
    gw_buf_clear(&recorder->body);
}

static void expect_answer(struct recorder *recorder) {
    if (recorder->recording->is_answer_to_head)
        gw_http_parser_expect_no_body(&recorder->parser);
}

static void note_head(struct recorder *recorder) {
    gw_assert(!recorder->is_in_body);
    recorder->is_in_body = true;
    write_head(recorder, &recorder->head);
    must(gw_buf_append_str(recorder->out, gw_buf_bytes(&recorder->head)));
}

static void note_end(struct recorder *recorder) {
    gw_assert(recorder->is_in_body);
    gw_assert(!gw_http_parser_in_message(&recorder->parser));
    recorder->is_in_body = false;
    struct gw_buf head;
    gw_buf_init(&head, SIZE_MAX / 2);
    write_head(recorder, &head);
    gw_assert(gw_str_equal(gw_buf_bytes(&head), gw_buf_bytes(&recorder->head)));
    gw_buf_deinit(&head);
    gw_buf_clear(&recorder->head);
    if (recorder->parser.head->status >= 200)
        expect_answer(recorder);
    write_body(recorder);
    must(gw_buf_printf(recorder->out, "end %zu\n", recorder->offset));
    gw_http_parser_forget(&recorder->parser);
    if (recorder->offset % 2 == 0)
        gw_http_parser_trim(&recorder->parser);
}

static void note_failure(struct recorder *recorder) {
    const struct gw_refusal *failure = gw_http_parser_failure(&recorder->parser);
    const struct gw_error_row *row = gw_error_row(failure->error);
    recorder->is_failed = true;
    write_body(recorder);
    gw_assert(row->status >= 400 && failure->message[0] != '\0');
    if (recorder->recording->is_reason_hidden)
        must(gw_buf_append_str(recorder->out, GW_STR("failed\n")));
    else
        must(gw_buf_printf(recorder->out, "failed %d %s\n", row->status, row->code));
}

// One call of the parser. The bytes stand at the end of a block of their own, so that reading past
// them is caught.
static size_t feed_once(struct recorder *recorder, struct gw_str bytes, enum gw_http_event *event) {
    char *copy = NULL;
    if (bytes.length > 0) {
        copy = malloc(bytes.length);
        gw_assert(copy != NULL);
        memcpy(copy, bytes.at, bytes.length);
    }
    size_t consumed = 0;
    *event = gw_http_parser_feed(&recorder->parser, gw_str(copy, bytes.length), &consumed);
    free(copy);
    gw_assert(consumed <= bytes.length);
    gw_assert(*event != GW_HTTP_WANT_INPUT || consumed == bytes.length);
    recorder->offset += consumed;
    return consumed;
}

// Feeds until the piece is used up; after a head once more even when it is, as the end may stand
// there already.
static void feed_piece(struct recorder *recorder, struct gw_str piece) {
    enum gw_http_event event = GW_HTTP_WANT_INPUT;
    while (!recorder->is_failed && (piece.length > 0 || event == GW_HTTP_HEAD)) {
        size_t consumed = feed_once(recorder, piece, &event);
        piece = gw_str_slice(piece, consumed, piece.length);
        if (event == GW_HTTP_HEAD)
            note_head(recorder);
        else if (event == GW_HTTP_END)
            note_end(recorder);
        else if (event == GW_HTTP_FAILED)
            note_failure(recorder);
    }
}

static size_t next_piece_length(struct recorder *recorder, size_t left) {
    uint32_t pieces = recorder->recording->pieces;
    if (pieces == HTTP_PIECES_WHOLE)
        return left;
    if (pieces == HTTP_PIECES_BYTES)
        return 1;
    // xorshift; mostly short pieces, some long ones
    recorder->random ^= recorder->random << 13;
    recorder->random ^= recorder->random >> 17;
    recorder->random ^= recorder->random << 5;
    size_t max = (recorder->random >> 8) % 4 == 0 ? 4096 : 24;
    size_t length = 1 + (recorder->random >> 10) % max;
    return length < left ? length : left;
}

static void note_rest(struct recorder *recorder) {
    write_body(recorder);
    if (recorder->is_failed)
        return;
    bool is_open = gw_http_parser_in_message(&recorder->parser);
    must(gw_buf_append_str(recorder->out, is_open ? GW_STR("open\n") : GW_STR("between\n")));
}

void http_record(const struct http_recording *recording, struct gw_buf *out) {
    struct recorder recorder = {
        .recording = recording, .out = out, .random = recording->pieces | 1};
    gw_buf_init(&recorder.head, SIZE_MAX / 2);
    gw_buf_init(&recorder.body, SIZE_MAX / 2);
    gw_http_parser_init(&recorder.parser, recording->side, on_body);
    expect_answer(&recorder);
    struct gw_str left = recording->input;
    while (left.length > 0 && !recorder.is_failed) {
        size_t length = next_piece_length(&recorder, left.length);
        feed_piece(&recorder, gw_str_slice(left, 0, length));
        left = gw_str_slice(left, length, left.length);
    }
    note_rest(&recorder);
    if (recording->is_closed) {
        bool is_whole = gw_http_parser_finish(&recorder.parser);
        must(
            gw_buf_append_str(out, is_whole ? GW_STR("closed whole\n") : GW_STR("closed short\n")));
    }
    must(gw_buf_append(out, "", 1));
    out->end--; // the terminator stands behind the text
    gw_http_parser_deinit(&recorder.parser);
    gw_buf_deinit(&recorder.head);
    gw_buf_deinit(&recorder.body);
}
