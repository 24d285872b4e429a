// SPDX-License-Identifier: MIT
#include "gateway/api/body.h"

static const struct kind {
    size_t bytes_max;
    struct gw_refusal too_large;
    struct gw_str media_type;
    struct gw_refusal wrong_type;
} kinds[] = {
    [GW_API_BODY_JSON] = {GW_BODY_OWN_BYTES_MAX,
                          {GW_ERROR_BODY_TOO_LARGE, "The body is over 16 KiB."},
                          GW_STR_INIT("application/json"),
                          {GW_ERROR_UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."}},
    [GW_API_BODY_FORM] = {GW_BODY_OWN_BYTES_MAX,
                          {GW_ERROR_BODY_TOO_LARGE, "The body is over 16 KiB."},
                          GW_STR_INIT("application/x-www-form-urlencoded"),
                          {GW_ERROR_UNSUPPORTED_MEDIA_TYPE,
                           "The body must be application/x-www-form-urlencoded."}},
    [GW_API_BODY_IDS] = {GW_BODY_IDS_BYTES_MAX,
                         {GW_ERROR_BODY_TOO_LARGE, "The body is over 40 KiB."},
                         GW_STR_INIT("application/json"),
                         {GW_ERROR_UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."}},
    [GW_API_BODY_LEAKS] = {GW_BODY_LEAKS_BYTES_MAX,
                           {GW_ERROR_BODY_TOO_LARGE, "The body is over 256 KiB."},
                           GW_STR_INIT("application/json"),
                           {GW_ERROR_UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."}},
};

static struct gw_api_body *body_of(struct gw_handler *handler) {
    return gw_container_of(handler, struct gw_api_body, handler);
}

static void on_body(struct gw_handler *handler, struct gw_str bytes) {
    struct gw_api_body *body = body_of(handler);
    if (body->is_refused)
        return;
    enum gw_status status = gw_buf_append_str(&body->bytes, bytes);
    if (status == GW_OK)
        return;
    body->is_refused = true;
    gw_exchange_refuse(handler->exchange,
                       status == GW_TOO_BIG ? &kinds[body->kind].too_large : &gw_refusal_no_memory);
}

static void on_body_end(struct gw_handler *handler) {
    struct gw_api_body *body = body_of(handler);
    if (!body->is_refused)
        body->calls->on_whole(body);
}

static void on_over(struct gw_handler *handler) {
    struct gw_api_body *body = body_of(handler);
    body->calls->on_over(body);
    gw_buf_deinit_wiped(&body->bytes);
}

static bool has_media_type(const struct gw_http_head *request, struct gw_str wanted) {
    const struct gw_http_field *field = gw_http_head_field(request, GW_FIELD_CONTENT_TYPE);
    if (field == NULL)
        return false;
    struct gw_str type = gw_str_slice(field->value, 0, gw_str_find(field->value, ';'));
    return gw_str_equal_nocase(gw_str_trim(type), wanted);
}

bool gw_api_body_check(struct gw_exchange *exchange, enum gw_api_body_kind kind, bool is_optional) {
    const struct gw_http_head *request = exchange->request;
    gw_assert(kind <= GW_API_BODY_LEAKS);
    if (request->has_content_length && request->content_length > kinds[kind].bytes_max) {
        gw_exchange_refuse(exchange, &kinds[kind].too_large);
        return false;
    }
    bool has_body = request->is_chunked || request->content_length > 0;
    if ((is_optional && !has_body) || has_media_type(request, kinds[kind].media_type))
        return true;
    gw_exchange_refuse(exchange, &kinds[kind].wrong_type);
    return false;
}

void gw_api_body_init(struct gw_api_body *body, struct gw_exchange *exchange,
                      enum gw_api_body_kind kind, const struct gw_api_body_calls *calls) {
    static const struct gw_handler_calls handler_calls = {
        .on_body = on_body, .on_body_end = on_body_end, .on_over = on_over};
    gw_assert(calls->on_whole != NULL && calls->on_over != NULL);
    *body = (struct gw_api_body){
        .handler = {.calls = &handler_calls, .exchange = exchange}, .calls = calls, .kind = kind};
    gw_buf_init(&body->bytes, kinds[kind].bytes_max);
}

void gw_api_body_read(struct gw_api_body *body) {
    struct gw_exchange *exchange = body->handler.exchange;
    gw_assert(exchange->handler == NULL && exchange->phase == GW_RESPONSE_NONE);
    exchange->handler = &body->handler;
    gw_exchange_continue(exchange);
}

// A buffer that grows would leave copies behind.
void gw_api_body_read_secret(struct gw_api_body *body) {
    char *at;
    if (gw_buf_reserve(&body->bytes, kinds[body->kind].bytes_max, &at) == GW_OK)
        gw_api_body_read(body);
    else
        gw_exchange_refuse(body->handler.exchange, &gw_refusal_no_memory);
}
