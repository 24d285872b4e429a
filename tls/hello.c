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
#define SUITE_PAGE_TLS13 0x13
#define EXTENSION_SERVER_NAME 0
#define NAME_OF_HOST 0
#define EXTENSION_SIGNATURE_ALGORITHMS 13
#define EXTENSION_SESSION_TICKET 35
#define EXTENSION_PRE_SHARED_KEY 41
#define EXTENSION_EARLY_DATA 42

// Kinds of keys that a certificate may have.
enum { KIND_ECDSA = 1, KIND_RSA = 2 };

// Those of tls/context.c.
static const struct {
    unsigned suite;
    unsigned kind;
} suites_tls12[] = {{0xC02B, KIND_ECDSA}, {0xC02C, KIND_ECDSA}, {0xCCA9, KIND_ECDSA},
                    {0xC02F, KIND_RSA},   {0xC030, KIND_RSA},   {0xCCA8, KIND_RSA}};

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

// A suite of TLS 1.3 leaves the kind to the signature.
static unsigned kinds_of_suites(struct gw_str suites) {
    unsigned kinds = 0;
    for (size_t at = 0; at + 2 <= suites.length; at += 2) {
        unsigned suite = number_at(suites, at, 2);
        if (suite >> 8 == SUITE_PAGE_TLS13)
            kinds |= KIND_ECDSA | KIND_RSA;
        for (size_t i = 0; i < sizeof(suites_tls12) / sizeof(suites_tls12[0]); i++)
            kinds |= suites_tls12[i].suite == suite ? suites_tls12[i].kind : 0;
    }
    return kinds;
}

// RFC 8446 section 4.2.3: a hash and 1 for RSA or 3 for ECDSA, or 8 and one of 4 to 6 for RSA-PSS.
static unsigned kind_of_signature(unsigned algorithm) {
    unsigned high = algorithm >> 8;
    unsigned low = algorithm & 0xFF;
    if (high == 8)
        return low >= 4 && low <= 6 ? KIND_RSA : 0;
    return low == 1 ? KIND_RSA : low == 3 ? KIND_ECDSA : 0;
}

static unsigned kinds_of_signatures(struct gw_str extension) {
    unsigned kinds = 0;
    struct gw_str list = gw_str(NULL, 0);
    if (!take_vector(&extension, 2, &list))
        return 0;
    for (size_t at = 0; at + 2 <= list.length; at += 2)
        kinds |= kind_of_signature(number_at(list, at, 2));
    return kinds;
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
    unsigned kinds = KIND_ECDSA | KIND_RSA;
    while (take(&extensions, 2, &type) && take_vector(&extensions, 2, &data)) {
        unsigned number = number_at(type, 0, 2);
        if (number == EXTENSION_PRE_SHARED_KEY ||
            (number == EXTENSION_SESSION_TICKET && data.length > 0))
            hello->may_resume = true;
        if (number == EXTENSION_SERVER_NAME)
            hello->server_name = name_in(data);
        if (number == EXTENSION_SIGNATURE_ALGORITHMS)
            kinds = kinds_of_signatures(data);
        if (number == EXTENSION_EARLY_DATA)
            hello->offers_early_data = true;
    }
    hello->takes_ecdsa = hello->takes_ecdsa && (kinds & KIND_ECDSA) != 0;
    hello->takes_rsa = hello->takes_rsa && (kinds & KIND_RSA) != 0;
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
    hello->takes_ecdsa = (kinds_of_suites(part) & KIND_ECDSA) != 0;
    hello->takes_rsa = (kinds_of_suites(part) & KIND_RSA) != 0;
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
