// SPDX-License-Identifier: MIT
#include "gateway/net/tunnel_answer.h"

#include "base/ascii.h"

static const char status_line[] = "HTTP/1.# ###"; // # is a digit; the reason follows
#define STATUS_LINE_LENGTH (sizeof(status_line) - 1)
#define STATUS_COLUMN (STATUS_LINE_LENGTH - 3)

void gw_tunnel_answer_init(struct gw_tunnel_answer *answer) {
    *answer = (struct gw_tunnel_answer){.status = 0};
}

static bool is_interim(int status) {
    return status >= 100 && status < 200 && status != 101;
}

static enum gw_status end_line(struct gw_tunnel_answer *answer) {
    bool is_empty = answer->column == 0;
    bool was_in_head = answer->is_in_head;
    answer->column = 0;
    answer->has_cr = false;
    answer->is_in_head = true;
    if (!was_in_head || !is_empty)
        return GW_WANT_INPUT;
    if (!is_interim(answer->status))
        return GW_OK;
    answer->is_in_head = false;
    answer->status = 0;
    return GW_WANT_INPUT;
}

static enum gw_status take_of_status_line(struct gw_tunnel_answer *answer, char c) {
    char expected = status_line[answer->column];
    if (expected == '#' ? !gw_ascii_is_digit(c) : c != expected)
        return GW_INVALID;
    if (answer->column == STATUS_COLUMN && c == '0')
        return GW_INVALID;
    if (answer->column >= STATUS_COLUMN)
        answer->status = answer->status * 10 + (c - '0');
    answer->column++;
    return GW_WANT_INPUT;
}

static bool is_text(char c) {
    unsigned char byte = (unsigned char)c;
    return c == '\t' || (byte >= ' ' && byte != 0x7f);
}

static enum gw_status take(struct gw_tunnel_answer *answer, char c) {
    if (!answer->is_in_head && answer->column < STATUS_LINE_LENGTH)
        return take_of_status_line(answer, c);
    if (c == '\n')
        return end_line(answer);
    bool follows_status = !answer->is_in_head && answer->column == STATUS_LINE_LENGTH;
    if (answer->has_cr || (c != '\r' && !is_text(c)) || (follows_status && c != '\r' && c != ' '))
        return GW_INVALID;
    if (c == '\r')
        answer->has_cr = true;
    else
        answer->column++;
    return GW_WANT_INPUT;
}

enum gw_status gw_tunnel_answer_feed(struct gw_tunnel_answer *answer, struct gw_str bytes,
                                     size_t *consumed) {
    enum gw_status status = GW_WANT_INPUT;
    *consumed = 0;
    while (status == GW_WANT_INPUT && *consumed < bytes.length) {
        if (answer->length == GW_TUNNEL_ANSWER_BYTES_MAX)
            return GW_TOO_BIG;
        status = take(answer, bytes.at[*consumed]);
        answer->length++;
        (*consumed)++;
    }
    return status;
}

// Those that proxies really give, with what they mean there.
static const struct refusal {
    int status;
    const char *text;
} refusals[] = {
    {403, "the proxy answered 403: it does not let the gateway go there"},
    {404, "the proxy answered 404 to CONNECT: is it a proxy?"},
    {405, "the proxy answered 405: it does not know CONNECT"},
    {407, "the proxy answered 407: it wants a name and a password, or others than these"},
    {429, "the proxy answered 429: it has had too many requests"},
    {500, "the proxy answered 500"},
    {501, "the proxy answered 501: it does not know CONNECT"},
    {502, "the proxy answered 502: it could not reach the host"},
    {503, "the proxy answered 503: it could not reach the host, or serves nobody now"},
    {504, "the proxy answered 504: the host did not answer it in time"},
};

const char *gw_tunnel_refusal(int status) {
    if (status >= 200 && status < 300)
        return NULL;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].status == status)
            return refusals[i].text;
    }
    if (status >= 300 && status < 400)
        return "the proxy answered with a redirect, which is not followed";
    return status >= 400 && status < 500 ? "the proxy refused with another 4xx"
                                         : "the proxy answered with a status that is none of 2xx";
}
