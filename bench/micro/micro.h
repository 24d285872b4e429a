// SPDX-License-Identifier: MIT
#pragma once
// One thing to time: a state made once, and a function that does the thing `count` times. Each
// result must reach bench_keep, or the compiler may leave the work out. To add one: a struct here,
// its file beside this one, a line in main.c's table.

struct bench_micro {
    const char *name;
    void *(*create)(void); // NULL: it could not be prepared
    void (*run)(void *state, long count);
    void (*destroy)(void *state);
    double (*took_ns)(const void *state); // what of the last run counts; NULL: all of it
};

extern const struct bench_micro bench_token_digest;
extern const struct bench_micro bench_token_syntax;
extern const struct bench_micro bench_http_parse;
extern const struct bench_micro bench_router_match;
extern const struct bench_micro bench_cache_hit;
extern const struct bench_micro bench_whoami;
extern const struct bench_micro bench_whoami_text;
extern const struct bench_micro bench_whoami_json;
extern const struct bench_micro bench_record_small;
extern const struct bench_micro bench_record_large;
extern const struct bench_micro bench_record_small_plain;
extern const struct bench_micro bench_record_large_plain;
extern const struct bench_micro bench_handshake_x25519;
extern const struct bench_micro bench_handshake_p256;
extern const struct bench_micro bench_handshake_x25519_plain;
extern const struct bench_micro bench_handshake_p256_plain;
extern const struct bench_micro bench_signature_rs256_2048;
extern const struct bench_micro bench_signature_rs256_4096;
extern const struct bench_micro bench_signature_ps256_2048;
extern const struct bench_micro bench_signature_es256;
extern const struct bench_micro bench_signature_es256_plain;
extern const struct bench_micro bench_signature_es384;
extern const struct bench_micro bench_signature_eddsa; // with nettle alone

// The token and the request that all of them work on.
#define BENCH_TOKEN "sr_live_00427Qm3x9ZkT1vWb8RnYcLpJd5sGfHa2EuKo6iBtMXqwrPz"
#define BENCH_REQUEST                                                                              \
    "GET /api/v1/auth/whoami HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"                                 \
    "Authorization: Bearer " BENCH_TOKEN "\r\n\r\n"

static inline void bench_keep(const void *at) {
    __asm__ volatile("" : : "r"(at) : "memory");
}
