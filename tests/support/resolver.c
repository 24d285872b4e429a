// SPDX-License-Identifier: MIT
#include "tests/support/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    const char *found[2];
    int answers; // left
    int begun;
    int ended;
    int taken;
    char host[256];
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

void test_resolver_reset(void) {
    (void)pthread_mutex_lock(&resolver.lock);
    resolver.answers = resolver.begun = resolver.ended = resolver.taken = 0;
    resolver.host[0] = '\0';
    (void)pthread_mutex_unlock(&resolver.lock);
}

void test_resolver_answer(int lookups, const char *first, const char *second) {
    (void)pthread_mutex_lock(&resolver.lock);
    resolver.answers = lookups;
    resolver.found[0] = first;
    resolver.found[1] = second;
    (void)pthread_cond_broadcast(&resolver.answered);
    (void)pthread_mutex_unlock(&resolver.lock);
}

static int read_count(const int *count) {
    (void)pthread_mutex_lock(&resolver.lock);
    int value = *count;
    (void)pthread_mutex_unlock(&resolver.lock);
    return value;
}

int test_resolver_begun(void) {
    return read_count(&resolver.begun);
}

int test_resolver_ended(void) {
    return read_count(&resolver.ended);
}

int test_resolver_taken(void) {
    return read_count(&resolver.taken);
}

bool test_resolver_was_asked_for(const char *host) {
    (void)pthread_mutex_lock(&resolver.lock);
    bool is_same = strcmp(host, resolver.host) == 0;
    (void)pthread_mutex_unlock(&resolver.lock);
    return is_same;
}

// ---- in place of the C library's ----

struct entry {
    struct addrinfo info;
    struct sockaddr_storage address;
};

// Puts `host` in front of *results. False: it is not numeric.
static bool add(const char *host, const char *service, struct addrinfo **results) {
    struct entry *entry = calloc(1, sizeof(*entry));
    struct sockaddr_in *v4 = (struct sockaddr_in *)&entry->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&entry->address;
    in_port_t port = htons((in_port_t)(service == NULL ? 0 : strtol(service, NULL, 10)));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        entry->info.ai_addrlen = sizeof(*v4);
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        entry->info.ai_addrlen = sizeof(*v6);
    } else {
        free(entry);
        return false;
    }
    entry->info.ai_family = entry->address.ss_family;
    entry->info.ai_socktype = SOCK_STREAM;
    entry->info.ai_addr = (struct sockaddr *)&entry->address;
    entry->info.ai_next = *results;
    *results = &entry->info;
    return true;
}

static int answer(const char *service, struct addrinfo **results) {
    if (resolver.found[0] == NULL)
        return EAI_NONAME;
    for (int i = 1; i >= 0; i--) {
        if (resolver.found[i] != NULL)
            (void)add(resolver.found[i], service, results);
    }
    return 0;
}

// The parameters of the C library have names that only it may use.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **results) {
    (void)hints;
    *results = NULL;
    if (add(host, service, results))
        return 0;
    (void)pthread_mutex_lock(&resolver.lock);
    (void)snprintf(resolver.host, sizeof(resolver.host), "%s", host);
    resolver.begun++;
    while (resolver.answers == 0)
        (void)pthread_cond_wait(&resolver.answered, &resolver.lock);
    resolver.answers--;
    resolver.ended++;
    int failure = answer(service, results);
    (void)pthread_mutex_unlock(&resolver.lock);
    return failure;
}

static void count_taken(void) {
    (void)pthread_mutex_lock(&resolver.lock);
    resolver.taken++;
    (void)pthread_mutex_unlock(&resolver.lock);
}

void freeaddrinfo(struct addrinfo *results) {
    while (results != NULL) {
        struct addrinfo *next = results->ai_next;
        free(results); // the first member of its entry
        results = next;
    }
    count_taken();
}

const char *gai_strerror(int failure) {
    (void)failure;
    count_taken();
    return "no such name";
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
