// SPDX-License-Identifier: MIT
#pragma once
// The server's end of what is timed over TLS: a certificate on P-256, and the context that shows
// it.

#include <stdbool.h>

#include "tests/support/certificate.h"
#include "tls/context.h"

struct bench_tls_server {
    struct test_certificate certificate;
    struct tls_context *context;
};

// False: there is no context. bench_tls_server_deinit is due either way.
bool bench_tls_server_init(struct bench_tls_server *server);
// Leaves nettle switched on, for whatever is timed next.
void bench_tls_server_deinit(struct bench_tls_server *server);
