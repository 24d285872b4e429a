// SPDX-License-Identifier: MIT
#include "tests/support/certificate.h"

#include <arpa/inet.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"

#define PEM_BYTES_MAX 8192
#define RSA_BITS 2048

void test_file_write(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    gw_assert(file != NULL);
    gw_assert(fputs(text, file) >= 0);
    gw_assert(fclose(file) == 0);
}

static void generate_key(mbedtls_pk_context *key, enum test_key_kind kind) {
    mbedtls_pk_type_t type = kind == TEST_KEY_RSA ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECKEY;
    gw_assert(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(type)) == 0);
    int code = kind == TEST_KEY_RSA
                   ? mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key), mbedtls_psa_get_random,
                                         MBEDTLS_PSA_RANDOM_STATE, RSA_BITS, 65537)
                   : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
                                         mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    gw_assert(code == 0);
}

static void write_key(mbedtls_pk_context *key, const char *path) {
    unsigned char pem[PEM_BYTES_MAX];
    gw_assert(mbedtls_pk_write_key_pem(key, pem, sizeof(pem)) == 0);
    test_file_write(path, (const char *)pem);
}

#define NAMES_MAX 8

// "192.0.2.1", "2001:db8::1"; else a name.
static void set_name(mbedtls_x509_subject_alternative_name *node, const char *name,
                     unsigned char address[sizeof(struct in6_addr)]) {
    bool is_ipv4 = inet_pton(AF_INET, name, address) == 1;
    if (is_ipv4 || inet_pton(AF_INET6, name, address) == 1) {
        node->type = MBEDTLS_X509_SAN_IP_ADDRESS;
        node->san.unstructured_name.p = address;
        node->san.unstructured_name.len =
            is_ipv4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
        return;
    }
    node->type = MBEDTLS_X509_SAN_DNS_NAME;
    node->san.unstructured_name.p = (unsigned char *)name;
    node->san.unstructured_name.len = strlen(name);
}

static void set_names(mbedtls_x509write_cert *crt, const char *const *names) {
    unsigned char addresses[NAMES_MAX][sizeof(struct in6_addr)];
    mbedtls_x509_san_list list[NAMES_MAX];
    memset(list, 0, sizeof(list));
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        gw_assert(count < NAMES_MAX);
        set_name(&list[count].node, names[count], addresses[count]);
        list[count].next = names[count + 1] != NULL ? &list[count + 1] : NULL;
    }
    gw_assert(mbedtls_x509write_crt_set_subject_alternative_name(crt, list) == 0);
}

static void sign_certificate(mbedtls_pk_context *key, const char *path,
                             const struct test_certificate_options *options) {
    unsigned char serial = 1;
    unsigned char pem[PEM_BYTES_MAX];
    mbedtls_x509write_cert crt;
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, key);
    mbedtls_x509write_crt_set_issuer_key(&crt, key);
    gw_assert(mbedtls_x509write_crt_set_serial_raw(&crt, &serial, 1) == 0);
    gw_assert(mbedtls_x509write_crt_set_subject_name(&crt, "CN=localhost") == 0);
    gw_assert(mbedtls_x509write_crt_set_issuer_name(&crt, "CN=localhost") == 0);
    const char *not_after = options->not_after != NULL ? options->not_after : "20991231235959";
    gw_assert(mbedtls_x509write_crt_set_validity(&crt, "20200101000000", not_after) == 0);
    if (options->names != NULL)
        set_names(&crt, options->names);
    gw_assert(mbedtls_x509write_crt_pem(&crt, pem, sizeof(pem), mbedtls_psa_get_random,
                                        MBEDTLS_PSA_RANDOM_STATE) == 0);
    mbedtls_x509write_crt_free(&crt);
    test_file_write(path, (const char *)pem);
}

void test_certificate_create(struct test_certificate *certificate, enum test_key_kind kind) {
    test_certificate_create_with(certificate, kind, &(struct test_certificate_options){0});
}

void test_certificate_create_with(struct test_certificate *certificate, enum test_key_kind kind,
                                  const struct test_certificate_options *options) {
    const char *parent = getenv("TMPDIR");
    (void)snprintf(certificate->directory, sizeof(certificate->directory), "%.40s/gateway-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    gw_assert(mkdtemp(certificate->directory) != NULL);
    (void)snprintf(certificate->certificate_file, sizeof(certificate->certificate_file),
                   "%s/cert.pem", certificate->directory);
    (void)snprintf(certificate->key_file, sizeof(certificate->key_file), "%s/key.pem",
                   certificate->directory);

    gw_assert(psa_crypto_init() == PSA_SUCCESS);
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    generate_key(&key, kind);
    write_key(&key, certificate->key_file);
    sign_certificate(&key, certificate->certificate_file, options);
    mbedtls_pk_free(&key);
}

void test_certificate_destroy(struct test_certificate *certificate) {
    (void)unlink(certificate->certificate_file);
    (void)unlink(certificate->key_file);
    (void)rmdir(certificate->directory);
}
