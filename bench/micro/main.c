// SPDX-License-Identifier: MIT
// bench_micro [repeats]: a line for each thing timed: its name, a tab, the nanoseconds of each
// repeat. bench_micro --fixed NAME COUNT: that thing so many times, untimed.
#include "bench/micro/micro.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEAT_NS                                                                                  \
    50000000.0 // long enough for the clock, short enough to fall between two interruptions
#define REPEATS_MAX 1000

static const struct bench_micro *const things[] = {
    &bench_token_syntax,
    &bench_token_digest,
    &bench_http_parse,
    &bench_router_match,
    &bench_cache_hit,
    &bench_whoami,
    &bench_whoami_text,
    &bench_whoami_json,
    &bench_record_small,
    &bench_record_small_plain,
    &bench_record_large,
    &bench_record_large_plain,
    &bench_handshake_x25519,
    &bench_handshake_x25519_plain,
    &bench_handshake_p256,
    &bench_handshake_p256_plain,
    &bench_signature_rs256_2048,
    &bench_signature_rs256_4096,
    &bench_signature_ps256_2048,
    &bench_signature_es256,
    &bench_signature_es256_plain,
    &bench_signature_es384,
#if GATEWAY_NETTLE
    &bench_signature_eddsa,
#endif
};

static double now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static double time_ns(const struct bench_micro *thing, void *state, long count) {
    double began = now_ns();
    thing->run(state, count);
    return thing->took_ns != NULL ? thing->took_ns(state) : now_ns() - began;
}

// How often the thing fits into one repeat. Warms the caches as well.
static long calibrate(const struct bench_micro *thing, void *state) {
    long count = 16;
    double took = time_ns(thing, state, count);
    while (took < REPEAT_NS / 10) {
        count *= 4;
        took = time_ns(thing, state, count);
    }
    long fitting = (long)((double)count * REPEAT_NS / took);
    return fitting > 0 ? fitting : 1;
}

static int measure(const struct bench_micro *thing, int repeats) {
    void *state = thing->create();
    if (state == NULL) {
        fprintf(stderr, "%s could not be prepared\n", thing->name);
        return 1;
    }
    long count = calibrate(thing, state);
    printf("%s\t", thing->name);
    for (int i = 0; i < repeats; i++)
        printf("%s%.2f", i > 0 ? " " : "", time_ns(thing, state, count) / (double)count);
    putchar('\n');
    thing->destroy(state);
    return 0;
}

// Under callgrind: the difference of two totals over that of their counts is what one costs.
static int run_fixed(const char *name, long count) {
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (strcmp(things[i]->name, name) != 0)
            continue;
        void *state = things[i]->create();
        if (state == NULL)
            return 1;
        things[i]->run(state, count);
        things[i]->destroy(state);
        return 0;
    }
    fprintf(stderr, "there is no \"%s\": bench_micro 1 prints the names\n", name);
    return 2;
}

// Each thing a few times, untimed: that all of them still run.
static int run_all(void) {
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (run_fixed(things[i]->name, 3) != 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--once") == 0)
        return run_all();
    if (argc == 4 && strcmp(argv[1], "--fixed") == 0)
        return run_fixed(argv[2], strtol(argv[3], NULL, 10));
    int repeats = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 11;
    if (repeats < 1 || repeats > REPEATS_MAX) {
        fputs("usage: bench_micro [repeats, 1 to 1000] | --fixed NAME COUNT | --once\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (measure(things[i], repeats) != 0)
            return 1;
    }
    return 0;
}
