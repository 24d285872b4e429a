// SPDX-License-Identifier: MIT
#include "tls/hello.h"

#define RECORD_HEAD_BYTES 5 // type, version, length
#define RECORD_BYTES_MAX (TLS_HELLO_BYTES_MAX - RECORD_HEAD_BYTES)
#define VERSION_AND_RANDOM_BYTES (2 + 32)
// RFC 8446 section 5.1: change_cipher_spec, alert, handshake, application_data; 24 is the heartbeat
// of RFC 6520.
#define TYPE_FIRST 20
#define TYPE_HANDSHAKE 22
#define TYPE_LAST 24
#define MESSAGE_CLIENT_HELLO 1
#define SUITE_AES_128_GCM_SHA256 0x1301
#define EXTENSION_SERVER_NAME 0
#define NAME_OF_HOST 0
#define EXTENSION_SESSION_TICKET 35
#define EXTENSION_PRE_SHARED_KEY 41

static unsigned number_at(struct gw_str bytes, size_t at, size_t width) {
    unsigned number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | (unsigned char)bytes.at[at + i];
    return number;
}

static bool take(struct gw_str *rest, size_t length, struct gw_str *taken) {
    if (length > rest->length)
        return false;
    *taken = gw_str_slice(*rest, 0, length);
    *rest = gw_str_slice(*rest, length, rest->length);
    return true;
}

// The bytes after a length of `width` bytes.
static bool take_vector(struct gw_str *rest, size_t width, struct gw_str *taken) {
    struct gw_str length;
    return take(rest, width, &length) && take(rest, number_at(length, 0, width), taken);
}

static bool has_suite(struct gw_str suites, unsigned wanted) {
    for (size_t at = 0; at + 2 <= suites.length; at += 2) {
        if (number_at(suites, at, 2) == wanted)
            return true;
    }
    return false;
}

// A list of names, with at most one of a host.
static struct gw_str name_in(struct gw_str extension) {
    struct gw_str list;
    struct gw_str type;
    struct gw_str name;
    if (take_vector(&extension, 2, &list) && take(&list, 1, &type) && type.at[0] == NAME_OF_HOST &&
        take_vector(&list, 2, &name))
        return name;
    return gw_str(NULL, 0);
}

// An empty session ticket only asks for one.
static void read_extensions(struct gw_str extensions, struct tls_hello *hello) {
    struct gw_str type;
    struct gw_str data;
    while (take(&extensions, 2, &type) && take_vector(&extensions, 2, &data)) {
        unsigned number = number_at(type, 0, 2);
        if (number == EXTENSION_PRE_SHARED_KEY ||
            (number == EXTENSION_SESSION_TICKET && data.length > 0))
            hello->may_resume = true;
        if (number == EXTENSION_SERVER_NAME)
            hello->server_name = name_in(data);
    }
}

static void read_message(struct gw_str record, struct tls_hello *hello) {
    struct gw_str type;
    struct gw_str message;
    struct gw_str part;
    if (!take(&record, 1, &type) || type.at[0] != MESSAGE_CLIENT_HELLO ||
        !take_vector(&record, 3, &message))
        return;
    if (!take(&message, VERSION_AND_RANDOM_BYTES, &part) || !take_vector(&message, 1, &part))
        return; // the session id
    if (!take_vector(&message, 2, &part))
        return;
    hello->offers_aes_128 = has_suite(part, SUITE_AES_128_GCM_SHA256);
    if (take_vector(&message, 1, &part) && take_vector(&message, 2, &part))
        read_extensions(part, hello); // after the compression methods
}

enum gw_status tls_hello_read(struct gw_str bytes, struct tls_hello *hello) {
    *hello = (struct tls_hello){0};
    if (bytes.length == 0)
        return GW_WANT_INPUT;
    unsigned type = (unsigned char)bytes.at[0];
    if (type < TYPE_FIRST || type > TYPE_LAST)
        return GW_INVALID;
    if (bytes.length < RECORD_HEAD_BYTES)
        return GW_WANT_INPUT;
    size_t length = number_at(bytes, RECORD_HEAD_BYTES - 2, 2);
    if (type != TYPE_HANDSHAKE || length > RECORD_BYTES_MAX)
        return GW_OK; // the session refuses it
    if (bytes.length < RECORD_HEAD_BYTES + length)
        return GW_WANT_INPUT;
    read_message(gw_str_slice(bytes, RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + length), hello);
    return GW_OK;
}
