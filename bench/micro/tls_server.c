// SPDX-License-Identifier: MIT
#include "bench/micro/tls_server.h"

#include "tls/accelerate/ecp_nettle.h"

bool bench_tls_server_init(struct bench_tls_server *server) {
    char error[TLS_ERROR_TEXT_BYTES];
    server->context = NULL;
    test_certificate_create(&server->certificate, TEST_KEY_EC);
    const struct tls_context_options options = {.certificate_file =
                                                    server->certificate.certificate_file,
                                                .key_file = server->certificate.key_file};
    return tls_context_create_server(&options, &server->context, error) == GW_OK;
}

void bench_tls_server_deinit(struct bench_tls_server *server) {
    tls_context_release(server->context);
    test_certificate_destroy(&server->certificate);
    tls_ecp_nettle_switch(true);
}
