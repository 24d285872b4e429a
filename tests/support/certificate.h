// SPDX-License-Identifier: MIT
#pragma once
// A self-signed certificate for localhost and its key, made anew for each test run: the repository
// holds no key.

enum test_key_kind { TEST_KEY_EC, TEST_KEY_RSA };

struct test_certificate {
    char directory[64]; // private, under $TMPDIR
    char certificate_file[96];
    char key_file[96];
};

// Of the leaf; NULL: for no name, to the end of the century.
struct test_certificate_options {
    const char *const *names; // subjectAltName, names and addresses, NULL at the end
    const char *not_after;    // "YYYYMMDDhhmmss"
};

// Aborts on failure. PEM, the key not encrypted.
void test_certificate_create_with(struct test_certificate *certificate, enum test_key_kind kind,
                                  const struct test_certificate_options *options);
void test_certificate_create(struct test_certificate *certificate, enum test_key_kind kind);
void test_certificate_destroy(struct test_certificate *certificate);
// For broken input: writes `text` over a file.
void test_file_write(const char *path, const char *text);
