// SPDX-License-Identifier: MIT
#include "gateway/check/certificates.h"

#include "base/clock.h"
#include "base/loop/files.h"
#include "gateway/process/certificates.h"
#include "tls/context.h"
#include "tls/tickets.h"

#define NAMES_BYTES 384
#define DATE_LENGTH 16 // "2026-01-31T12:00" of an ISO time
#define TODO_PRIVATE "chmod o-r it"

static void check_privacy(const struct gw_file *file, struct gw_check_report *report) {
    if (file->is_public)
        gw_check_add(report, GW_CHECK_WARNING, "secret", TODO_PRIVATE,
                     "%s can be read by everybody on this machine", file->path);
}

// ---- pairs ----

static void check_dates(const struct tls_pair *pair, struct gw_check_report *report) {
    char names[NAMES_BYTES];
    char from[GW_CLOCK_ISO_LENGTH];
    char until[GW_CLOCK_ISO_LENGTH];
    int64_t now_ms = gw_clock_wall_ms();
    int64_t left_ms = tls_pair_not_after_ms(pair) - now_ms;
    enum gw_check_level level = GW_CHECK_OK;
    const char *todo = NULL;
    tls_pair_write_names(pair, names, sizeof(names));
    gw_clock_format_iso(tls_pair_not_before_ms(pair), from);
    gw_clock_format_iso(tls_pair_not_after_ms(pair), until);
    if (left_ms <= 0) {
        level = GW_CHECK_ERROR;
        todo = "it has expired: clients refuse it, put a new one in its place";
    } else if (tls_pair_not_before_ms(pair) > now_ms) {
        level = GW_CHECK_ERROR;
        todo = "it is not valid yet: clients refuse it until then";
    } else if (left_ms < GW_CERTIFICATE_WARNING_MS) {
        level = GW_CHECK_WARNING;
        todo = "it expires soon, renew it";
    }
    gw_check_add(report, level, "certificate", todo,
                 "%s: fits its key; names %s; valid from %.*s to %.*s",
                 pair->files.certificate_file, names[0] == '\0' ? "(none)" : names, DATE_LENGTH,
                 from, DATE_LENGTH, until);
    if (names[0] == '\0')
        gw_check_add(report, GW_CHECK_WARNING, "certificate",
                     "clients refuse it: they look at no other name",
                     "%s: has no name in subjectAltName", pair->files.certificate_file);
}

static void check_pair(const struct gw_config *config, int index, struct gw_check_report *report) {
    const struct tls_context_options options = {.certificate_file = config->tls_certs.at[index],
                                                .key_file = config->tls_keys.at[index],
                                                .is_tls13_only = config->is_tls13_only};
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    if (tls_context_create_server(&options, &context, error) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, "certificate", "a start ends here", "%s", error);
        return;
    }
    check_dates(tls_context_first_to_end(context), report);
    tls_context_release(context);
}

static void check_keys(const struct gw_config *config, struct gw_check_report *report) {
    for (int i = 0; i < config->tls_keys.count; i++) {
        struct gw_file file = {.path = config->tls_keys.at[i]};
        gw_files_read(&file, 1);
        check_privacy(&file, report);
        gw_files_drop(&file, 1);
    }
}

// ---- the rest ----

static void check_client_ca(const struct gw_config *config, struct gw_check_report *report) {
    const struct tls_context_options options = {.certificate_file = config->tls_certs.at[0],
                                                .key_file = config->tls_keys.at[0],
                                                .client_ca_file = config->client_ca,
                                                .is_tls13_only = config->is_tls13_only};
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    if (config->client_ca == NULL)
        return;
    if (tls_context_create_server(&options, &context, error) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, "client-ca", "a start ends here", "%s", error);
        return;
    }
    tls_context_release(context);
    gw_check_add(report, GW_CHECK_OK, "client-ca", NULL, "%s: can be used", config->client_ca);
}

static void check_ticket_secret(const struct gw_config *config, struct gw_check_report *report) {
    struct gw_file file = {.path = config->tls_ticket_secret};
    unsigned char secret[TLS_TICKET_SECRET_BYTES];
    char error[TLS_ERROR_TEXT_BYTES];
    if (file.path == NULL)
        return;
    gw_files_read(&file, 1);
    const struct tls_file read = {file.path, file.bytes, file.length};
    if (tls_ticket_secret_take(&read, secret, error) == GW_OK)
        gw_check_add(report, GW_CHECK_OK, "tickets", NULL, "%s: can be used", file.path);
    else
        gw_check_add(report, GW_CHECK_ERROR, "tickets",
                     "openssl rand -out FILE 48 makes one; a start ends here", "%s", error);
    check_privacy(&file, report);
    gw_bytes_wipe(secret, sizeof(secret));
    gw_files_drop(&file, 1);
}

void gw_check_certificates(const struct gw_config *config, struct gw_check_report *report) {
    if (!gw_certificates_are_needed(config))
        return;
    for (int i = 0; i < config->tls_certs.count; i++)
        check_pair(config, i, report);
    check_keys(config, report);
    if (!gw_check_has_failed(report)) // it is read together with a pair
        check_client_ca(config, report);
    check_ticket_secret(config, report);
}
