// SPDX-License-Identifier: MIT
// bench_tls: the load of the TLS cases (bench/load/tls_load.py starts it).
//
//   bench_tls handshakes <port> <request file> <clients> <seconds> full|resumed
//     each client connects, asks once and closes, again and again
//   bench_tls steady <port> <request file> <clients> <seconds> <rate> <storm clients>
//     established clients ask at a fixed rate; beside them clients that only shake hands and close
//   bench_tls idle <port> <request file> <clients>
//     opens all, asks once on each, prints OPEN; after a line on standard input asks on each again
//
// The outcome is one line: RESULT and JSON. Time counts from when a request was due.
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench/tls/client.h"

#define NS_PER_S 1000000000U
#define SAMPLES_MAX 4000000
#define EVENTS_MAX 64

// ---- what was measured ----

static struct {
    uint32_t *took_us; // SAMPLES_MAX
    size_t count;
    unsigned long failed;
    unsigned long resumed;
    unsigned long storm; // handshakes beside
} outcome;

static void note_sample(uint64_t began_ns) {
    if (outcome.count < SAMPLES_MAX)
        outcome.took_us[outcome.count++] = (uint32_t)((now_ns() - began_ns) / 1000U);
}

static int compare_samples(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static uint32_t percentile_us(double share) {
    return outcome.count == 0 ? 0 : outcome.took_us[(size_t)(share * (double)(outcome.count - 1))];
}

static void print_outcome(uint64_t took_ns) {
    qsort(outcome.took_us, outcome.count, sizeof(*outcome.took_us), compare_samples);
    printf("RESULT {\"done\": %zu, \"failed\": %lu, \"resumed\": %lu, \"storm\": %lu, "
           "\"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
           outcome.count, outcome.failed, outcome.resumed, outcome.storm,
           (double)took_ns / NS_PER_S, percentile_us(0.5), percentile_us(0.99), percentile_us(1));
}

static void note_failure(const struct client *client) {
    if (outcome.failed++ > 0)
        return;
    fprintf(stderr, "first failure: state %d, %.60s\n", client->state, client->answer);
    ERR_print_errors_fp(stderr);
}

// ---- clients in an epoll ----

static void watch(int epoll, struct client *client, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(epoll, operation, client->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void open_watched(int epoll, struct client *client) {
    if (!client_open(client)) {
        perror("connect");
        exit(1);
    }
    watch(epoll, client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET);
}

static struct client *make_clients(const struct target *target, int count) {
    struct client *clients = calloc((size_t)count + 1, sizeof(*clients));
    if (clients == NULL)
        exit(1);
    for (int i = 0; i < count; i++)
        clients[i] = (struct client){.target = target, .number = i};
    return clients;
}

// Blocks for one client.
static bool complete(struct client *client) {
    enum client_progress progress;
    while ((progress = client_step(client)) == CLIENT_WANTS_READ ||
           progress == CLIENT_WANTS_WRITE) {
        struct pollfd fd = {.fd = client->fd,
                            .events = progress == CLIENT_WANTS_READ ? POLLIN : POLLOUT};
        (void)poll(&fd, 1, -1);
    }
    if (progress == CLIENT_FAILED)
        note_failure(client);
    return progress == CLIENT_DONE;
}

// ---- handshakes ----

static void reopen(int epoll, struct client *client) {
    client_close(client);
    open_watched(epoll, client);
}

static void finish_visit(struct client *client, bool resumes) {
    note_sample(client->began_ns);
    outcome.resumed += client_is_resumed(client);
    if (resumes)
        client_keep_session(client);
}

static void continue_visit(int epoll, struct client *client, bool resumes) {
    enum client_progress progress = client_step(client);
    if (progress == CLIENT_DONE && client->answer_bytes == 0) {
        client_request(client, client->began_ns);
        progress = client_step(client);
    }
    if (progress == CLIENT_WANTS_READ || progress == CLIENT_WANTS_WRITE)
        return;
    if (progress == CLIENT_DONE)
        finish_visit(client, resumes);
    else
        note_failure(client);
    client->answer_bytes = 0;
    reopen(epoll, client);
}

static void run_handshakes(const struct target *target, int count, unsigned seconds, bool resumes) {
    struct client *clients = make_clients(target, count);
    struct epoll_event events[EVENTS_MAX];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t began_ns = now_ns();
    for (int i = 0; i < count; i++)
        open_watched(epoll, &clients[i]);
    while (now_ns() - began_ns < (uint64_t)seconds * NS_PER_S) {
        int ready = epoll_wait(epoll, events, EVENTS_MAX, 100);
        for (int i = 0; i < ready; i++)
            continue_visit(epoll, events[i].data.ptr, resumes);
    }
    print_outcome(now_ns() - began_ns);
}

// ---- steady requests, with or without a storm ----

struct steady {
    struct client *clients;
    int count;
    int epoll;
    int next; // whose turn it is
    uint64_t due_ns;
    uint64_t interval_ns;
};

static void continue_request(struct client *client) {
    if (client->state != CLIENT_SEND && client->state != CLIENT_RECEIVE)
        return;
    switch (client_step(client)) {
    case CLIENT_DONE:
        note_sample(client->began_ns);
        break;
    case CLIENT_FAILED:
        note_failure(client);
        exit(1);
    default:
        break;
    }
}

// A client whose last answer has not come yet is passed over; its late sample is there already.
static void serve_steady(struct steady *steady) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(steady->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < ready; i++)
        continue_request(events[i].data.ptr);
    for (; steady->due_ns <= now_ns(); steady->due_ns += steady->interval_ns) {
        struct client *client = &steady->clients[steady->next];
        steady->next = (steady->next + 1) % steady->count;
        if (client->state != CLIENT_READY)
            continue;
        client_request(client, steady->due_ns);
        continue_request(client);
    }
}

static void continue_storm(int epoll, struct client *client) {
    enum client_progress progress = client_step(client);
    if (progress == CLIENT_WANTS_READ || progress == CLIENT_WANTS_WRITE)
        return;
    if (progress == CLIENT_DONE)
        outcome.storm++;
    else
        note_failure(client);
    reopen(epoll, client);
}

static void run_steady(const struct target *target, int count, unsigned seconds, unsigned rate,
                       int storm_count) {
    struct steady steady = {.clients = make_clients(target, count), .count = count};
    struct client *storm = make_clients(target, storm_count);
    int storm_epoll = epoll_create1(EPOLL_CLOEXEC);
    steady.epoll = epoll_create1(EPOLL_CLOEXEC);
    steady.interval_ns = NS_PER_S / rate;
    for (int i = 0; i < count; i++) {
        if (!client_open(&steady.clients[i]) || !complete(&steady.clients[i]))
            exit(1);
        watch(steady.epoll, &steady.clients[i], EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET);
    }
    for (int i = 0; i < storm_count; i++)
        open_watched(storm_epoll, &storm[i]);
    uint64_t began_ns = now_ns();
    steady.due_ns = began_ns;
    while (now_ns() - began_ns < (uint64_t)seconds * NS_PER_S) {
        struct epoll_event event; // one at a time: what is steady goes first
        serve_steady(&steady);
        if (storm_count > 0 && epoll_wait(storm_epoll, &event, 1, 0) == 1)
            continue_storm(storm_epoll, event.data.ptr);
    }
    print_outcome(now_ns() - began_ns);
}

// ---- idle ----

static void ask(struct client *client) {
    client_request(client, now_ns());
    if (complete(client))
        note_sample(client->began_ns);
}

// A server may give a connection some seconds for its first request, so each is asked at once.
static void run_idle(const struct target *target, int count) {
    struct client *clients = make_clients(target, count);
    for (int i = 0; i < count; i++) {
        if (!client_open(&clients[i]) || !complete(&clients[i])) {
            perror("open");
            exit(1);
        }
        ask(&clients[i]);
    }
    printf("OPEN %zu\n", outcome.count);
    (void)fflush(stdout);
    if (getchar() == EOF)
        return;
    outcome.count = 0;
    uint64_t began_ns = now_ns();
    for (int i = 0; i < count; i++)
        ask(&clients[i]);
    print_outcome(now_ns() - began_ns);
}

int main(int argc, char **argv) {
    struct target target;
    (void)signal(SIGPIPE, SIG_IGN);
    outcome.took_us = malloc(SAMPLES_MAX * sizeof(*outcome.took_us));
    if (argc < 5 || outcome.took_us == NULL ||
        !target_open(&target, (uint16_t)strtoul(argv[2], NULL, 10), argv[3])) {
        fputs("usage: see the head of bench/tls/main.c\n", stderr);
        return 2;
    }
    int count = (int)strtol(argv[4], NULL, 10);
    unsigned seconds = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
    if (strcmp(argv[1], "handshakes") == 0 && argc == 7)
        run_handshakes(&target, count, seconds, strcmp(argv[6], "resumed") == 0);
    else if (strcmp(argv[1], "steady") == 0 && argc == 8)
        run_steady(&target, count, seconds, (unsigned)strtoul(argv[6], NULL, 10),
                   (int)strtol(argv[7], NULL, 10));
    else if (strcmp(argv[1], "idle") == 0 && argc == 5)
        run_idle(&target, count);
    else
        return 2;
    return 0;
}
