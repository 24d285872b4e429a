// SPDX-License-Identifier: MIT
#include "gateway/api/list_cursor.h"

#include <string.h>

#include "base/base64url.h"
#include "base/big_endian.h"
#include "base/crc32.h"
#include "base/utf8.h"
#include "db/time.h"
#include "token/id.h"

// Version, order, length of the id, time; then the id and the text of the key; at last the
// checksum.
#define VERSION 1
#define ORDER_AT 1
#define ID_LENGTH_AT 2
#define TIME_AT 3
#define ID_AT 11
#define CHECKSUM_BYTES 4
#define BYTES_MAX (GW_LIST_CURSOR_CHARS_MAX / 4 * 3)
#define TEXT_BYTES_MAX (BYTES_MAX - ID_AT - DB_ID_LENGTH_MAX - CHECKSUM_BYTES)
#define TIME_FIRST_US ((DB_TIME_FIRST_MS - DB_EPOCH_2000_MS) * 1000)
#define TIME_LAST_US ((DB_TIME_LAST_MS - DB_EPOCH_2000_MS) * 1000 + 999)

size_t gw_list_cursor_write(enum db_token_order order, const struct db_token_position *position,
                            char out[GW_LIST_CURSOR_CHARS_MAX]) {
    gw_assert(position->id.length > 0 && position->id.length <= DB_ID_LENGTH_MAX);
    unsigned char bytes[BYTES_MAX];
    struct gw_str text = gw_str_slice(position->text, 0, TEXT_BYTES_MAX); // a name is shorter
    bytes[0] = VERSION;
    bytes[ORDER_AT] = (unsigned char)order;
    bytes[ID_LENGTH_AT] = (unsigned char)position->id.length;
    gw_put_big_endian(bytes + TIME_AT, 8, (uint64_t)position->time_us);
    memcpy(bytes + ID_AT, position->id.at, position->id.length);
    size_t length = ID_AT + position->id.length;
    if (text.length > 0)
        memcpy(bytes + length, text.at, text.length);
    length += text.length;
    gw_put_big_endian(bytes + length, CHECKSUM_BYTES, gw_crc32(0, bytes, length));
    length += CHECKSUM_BYTES;
    gw_base64url_encode(bytes, length, out);
    return gw_base64url_length(length);
}

static bool is_cursor(const unsigned char *bytes, size_t length, enum db_token_order order) {
    return length > ID_AT + CHECKSUM_BYTES && bytes[0] == VERSION && bytes[ORDER_AT] == order &&
           (size_t)ID_AT + bytes[ID_LENGTH_AT] + CHECKSUM_BYTES <= length &&
           gw_crc32(0, bytes, length - CHECKSUM_BYTES) ==
               gw_get_big_endian(bytes + length - CHECKSUM_BYTES, CHECKSUM_BYTES);
}

static bool is_time(int64_t time_us) {
    return time_us == INT64_MIN || time_us == INT64_MAX ||
           (time_us >= TIME_FIRST_US && time_us <= TIME_LAST_US);
}

// Anyone can reckon a checksum, and what PostgreSQL does not take would look as if it were down.
static bool is_position(const struct db_token_position *position) {
    return gw_id_valid(position->id) && is_time(position->time_us) &&
           gw_utf8_valid(position->text) &&
           gw_str_find(position->text, '\0') == position->text.length;
}

enum gw_status gw_list_cursor_read(struct gw_arena *arena, struct gw_str text,
                                   enum db_token_order order, struct db_token_position *position) {
    unsigned char bytes[BYTES_MAX];
    size_t length;
    if (gw_base64url_decode(text, bytes, sizeof(bytes), &length) != GW_OK ||
        !is_cursor(bytes, length, order))
        return GW_INVALID;
    const char *copy =
        gw_arena_copy(arena, gw_str((const char *)bytes + ID_AT, length - ID_AT - CHECKSUM_BYTES));
    if (copy == NULL)
        return GW_NO_MEMORY;
    size_t id_length = bytes[ID_LENGTH_AT];
    *position = (struct db_token_position){
        .text = gw_str(copy + id_length, length - ID_AT - CHECKSUM_BYTES - id_length),
        .time_us = (int64_t)gw_get_big_endian(bytes + TIME_AT, 8),
        .id = gw_str(copy, id_length),
    };
    return is_position(position) ? GW_OK : GW_INVALID;
}
