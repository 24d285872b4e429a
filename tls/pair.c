// SPDX-License-Identifier: MIT
#include "tls/pair.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <mbedtls/psa_util.h>
#include <stdio.h>

#include "base/clock.h"

void tls_pair_init(struct tls_pair *pair) {
    *pair = (struct tls_pair){0};
    mbedtls_x509_crt_init(&pair->chain);
    mbedtls_pk_init(&pair->key);
}

void tls_pair_deinit(struct tls_pair *pair) {
    mbedtls_pk_free(&pair->key);
    mbedtls_x509_crt_free(&pair->chain);
}

// ---- reading ----

static enum gw_status load_chain(struct tls_pair *pair, const struct tls_files *read, char *error) {
    const char *file = pair->files.certificate_file;
    int code = tls_file_parse_certificates(read, file, &pair->chain);
    if (code == MBEDTLS_ERR_PK_FILE_IO_ERROR || code == MBEDTLS_ERR_X509_FILE_IO_ERROR)
        return tls_explain(error, file, "cannot read the certificate file", 0);
    if (code > 0)
        return tls_explain(error, file, "holds a certificate that cannot be parsed", 0);
    if (code < 0)
        return tls_explain(error, file, "holds no PEM certificate", code);
    return GW_OK;
}

static enum gw_status load_key(struct tls_pair *pair, const struct tls_files *read, char *error) {
    const char *file = pair->files.key_file;
    int code = tls_file_parse_key(read, file, &pair->key);
    if (code == MBEDTLS_ERR_PK_FILE_IO_ERROR)
        return tls_explain(error, file, "cannot read the private key file", 0);
    if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || code == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        return tls_explain(error, file,
                           "the private key is encrypted; store it without a passphrase and "
                           "protect the file with permissions",
                           0);
    if (code != 0)
        return tls_explain(error, file, "holds no PEM private key", code);
    return GW_OK;
}

enum gw_status tls_pair_load(struct tls_pair *pair, const struct tls_pair_files *files,
                             const struct tls_files *read, char *error) {
    pair->files = *files;
    enum gw_status status = load_chain(pair, read, error);
    if (status == GW_OK)
        status = load_key(pair, read, error);
    if (status != GW_OK)
        return status;
    if (mbedtls_pk_check_pair(&pair->chain.pk, &pair->key, mbedtls_psa_get_random,
                              MBEDTLS_PSA_RANDOM_STATE) != 0)
        return tls_explain(error, files->key_file,
                           "the private key does not belong to the first certificate of the "
                           "certificate file",
                           0);
    return GW_OK;
}

// ---- names ----

static enum tls_name_match match_one(struct gw_str pattern, struct gw_str name) {
    if (gw_str_equal_nocase(pattern, name))
        return TLS_NAME_EXACT;
    if (!gw_str_starts_with(pattern, GW_STR("*.")))
        return TLS_NAME_FOREIGN;
    size_t label_length = gw_str_find(name, '.');
    struct gw_str rest = gw_str_slice(name, label_length, name.length);
    bool is_match =
        label_length > 0 && gw_str_equal_nocase(gw_str_slice(pattern, 1, pattern.length), rest);
    return is_match ? TLS_NAME_WILDCARD : TLS_NAME_FOREIGN;
}

static bool is_dns_name(const mbedtls_x509_sequence *alternative) {
    int kind = alternative->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    return kind == MBEDTLS_X509_SAN_DNS_NAME && alternative->buf.p != NULL;
}

enum tls_name_match tls_pair_match(const struct tls_pair *pair, struct gw_str name) {
    enum tls_name_match best = TLS_NAME_FOREIGN;
    const mbedtls_x509_sequence *alternative = &pair->chain.subject_alt_names;
    for (; alternative != NULL && best != TLS_NAME_EXACT; alternative = alternative->next) {
        if (!is_dns_name(alternative))
            continue;
        struct gw_str pattern = gw_str((const char *)alternative->buf.p, alternative->buf.len);
        enum tls_name_match match = match_one(pattern, name);
        best = match > best ? match : best;
    }
    return best;
}

// ---- its end ----

static int64_t to_wall_ms(const mbedtls_x509_time *time) {
    char text[32];
    int64_t wall_ms = 0;
    int length = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", time->year,
                          time->mon, time->day, time->hour, time->min, time->sec);
    // The library has checked the date.
    (void)!gw_clock_parse_iso(gw_str(text, (size_t)length), &wall_ms);
    return wall_ms;
}

int64_t tls_pair_not_after_ms(const struct tls_pair *pair) {
    int64_t earliest_ms = INT64_MAX;
    for (const mbedtls_x509_crt *crt = &pair->chain; crt != NULL; crt = crt->next) {
        int64_t not_after_ms = to_wall_ms(&crt->valid_to);
        earliest_ms = not_after_ms < earliest_ms ? not_after_ms : earliest_ms;
    }
    return earliest_ms;
}

int64_t tls_pair_not_before_ms(const struct tls_pair *pair) {
    int64_t latest_ms = INT64_MIN;
    for (const mbedtls_x509_crt *crt = &pair->chain; crt != NULL; crt = crt->next) {
        int64_t not_before_ms = to_wall_ms(&crt->valid_from);
        latest_ms = not_before_ms > latest_ms ? not_before_ms : latest_ms;
    }
    return latest_ms;
}

// ---- for a reader ----

// Empty for a kind of name that no server has.
static void show_alternative(const mbedtls_x509_buf *name, char *out, size_t size) {
    int kind = name->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    out[0] = '\0';
    if (kind == MBEDTLS_X509_SAN_DNS_NAME)
        (void)snprintf(out, size, "%.*s", (int)name->len, (const char *)name->p);
    else if (kind == MBEDTLS_X509_SAN_IP_ADDRESS && (name->len == 4 || name->len == 16))
        (void)inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->p, out, (socklen_t)size);
}

void tls_pair_write_names(const struct tls_pair *pair, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (const mbedtls_x509_sequence *alternative = &pair->chain.subject_alt_names;
         alternative != NULL && used < size; alternative = alternative->next) {
        char name[256] = "";
        if (alternative->buf.p != NULL)
            show_alternative(&alternative->buf, name, sizeof(name));
        if (name[0] == '\0')
            continue;
        int length = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", name);
        used += length > 0 ? (size_t)length : 0;
    }
}
