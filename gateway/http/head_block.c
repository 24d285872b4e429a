// SPDX-License-Identifier: MIT
#include "gateway/http/head_block.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_FIRST 2048

static struct gw_http_head_block *create(size_t capacity) {
    struct gw_http_head_block *block = malloc(sizeof(*block) + capacity);
    if (block != NULL) {
        block->length = 0;
        block->capacity = capacity;
    }
    return block;
}

enum gw_status gw_http_head_block_begin(struct gw_http_head_block **block) {
    if (*block == NULL && (*block = create(BLOCK_BYTES_FIRST)) == NULL)
        return GW_NO_MEMORY;
    (*block)->length = 0;
    // The field array is left as it is: field_count says what is valid.
    memset(&(*block)->head, 0, offsetof(struct gw_http_head, fields));
    return GW_OK;
}

static void rebase(struct gw_str *slice, const char *old_bytes, const char *new_bytes) {
    if (slice->at != NULL)
        slice->at = new_bytes + (slice->at - old_bytes);
}

static enum gw_status grow(struct gw_http_head_block **block, size_t needed) {
    struct gw_http_head_block *old = *block;
    size_t capacity = old->capacity * 2;
    while (capacity < needed)
        capacity *= 2;
    struct gw_http_head_block *grown = create(capacity);
    if (grown == NULL)
        return GW_NO_MEMORY;
    memcpy(grown->bytes, old->bytes, old->length);
    grown->length = old->length;
    grown->head = old->head;
    rebase(&grown->head.target, old->bytes, grown->bytes);
    for (int i = 0; i < grown->head.field_count; i++) {
        rebase(&grown->head.fields[i].name, old->bytes, grown->bytes);
        rebase(&grown->head.fields[i].value, old->bytes, grown->bytes);
    }
    gw_http_head_block_destroy(old);
    *block = grown;
    return GW_OK;
}

enum gw_status gw_http_head_block_add_field(struct gw_http_head_block *block) {
    struct gw_http_head *head = &block->head;
    gw_assert(head->field_count >= 0 && head->field_count <= GW_HTTP_FIELDS_MAX);
    if (head->field_count == GW_HTTP_FIELDS_MAX)
        return GW_TOO_BIG;
    head->fields[head->field_count++] = (struct gw_http_field){.id = GW_FIELD_OTHER};
    return GW_OK;
}

enum gw_status gw_http_head_block_append(struct gw_http_head_block **block, size_t slice_offset,
                                         struct gw_str bytes) {
    size_t needed = (*block)->length + bytes.length;
    if (needed > (*block)->capacity && grow(block, needed) != GW_OK)
        return GW_NO_MEMORY;
    struct gw_http_head_block *at = *block;
    struct gw_str *slice = (struct gw_str *)(void *)((char *)&at->head + slice_offset);
    if (slice->at == NULL)
        slice->at = at->bytes + at->length;
    gw_assert(slice->at + slice->length == at->bytes + at->length);
    memcpy(at->bytes + at->length, bytes.at, bytes.length);
    at->length += bytes.length;
    slice->length += bytes.length;
    return GW_OK;
}

void gw_http_head_block_wipe(struct gw_http_head_block *block) {
    if (block == NULL)
        return;
    gw_assert(block->length <= block->capacity);
    gw_bytes_wipe(block->bytes, block->length);
    block->length = 0;
}

void gw_http_head_block_destroy(struct gw_http_head_block *block) {
    gw_http_head_block_wipe(block);
    free(block);
}

// ---- reading a head ----

enum gw_http_field_id gw_http_field_identify(struct gw_str name) {
    static const struct gw_str known[] = {
#define X(id, text) [GW_FIELD_##id] = GW_STR_INIT(text),
        GW_HTTP_KNOWN_FIELDS(X)
#undef X
    };
    for (size_t id = 1; id < sizeof(known) / sizeof(known[0]); id++) {
        if (known[id].length == name.length && gw_str_equal_nocase(known[id], name))
            return (enum gw_http_field_id)id;
    }
    return GW_FIELD_OTHER;
}

const struct gw_http_field *gw_http_head_field(const struct gw_http_head *head,
                                               enum gw_http_field_id id) {
    for (int i = 0; i < head->field_count; i++) {
        if (head->fields[i].id == id)
            return &head->fields[i];
    }
    return NULL;
}

int gw_http_head_count(const struct gw_http_head *head, enum gw_http_field_id id) {
    int count = 0;
    for (int i = 0; i < head->field_count; i++)
        count += head->fields[i].id == id;
    return count;
}

struct gw_str gw_http_head_value_once(const struct gw_http_head *head, enum gw_http_field_id id) {
    bool is_once = gw_http_head_count(head, id) == 1;
    return is_once ? gw_http_head_field(head, id)->value : gw_str(NULL, 0);
}
