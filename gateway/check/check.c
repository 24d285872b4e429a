// SPDX-License-Identifier: MIT
#include "gateway/check/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/standard_streams.h"
#include "gateway/check/certificates.h"
#include "gateway/check/database.h"
#include "gateway/check/issuers.h"
#include "gateway/check/leak_secret.h"
#include "gateway/check/ports.h"
#include "gateway/check/registry.h"
#include "gateway/check/registry_credentials.h"
#include "gateway/check/report.h"
#include "gateway/check/table.h"
#include "gateway/settings/complaint.h"
#include "gateway/settings/config_read.h"
#include "gateway/settings/config_source.h"
#include "gateway/settings/unknown_variables.h"

#define OUTPUT_BYTES_MAX 1048576

static const char usage[] =
    "Usage: skillreg-gateway check [settings] [--json]\n"
    "\n"
    "Says what a gateway would run with, by the flags, variables and --config file that it is\n"
    "given, where each setting is from, and whether all of it can be used: certificates and keys,\n"
    "ticket secret, database with its schema and role, registry, addresses to listen on. Changes\n"
    "nothing, and shows no secret. skillreg-gateway --help has the settings.\n"
    "\n"
    "  --json        print one JSON document\n"
    "\n"
    "Exit code: 0 nothing is wrong, or there are warnings alone; 1 a check failed; 2 wrong usage, "
    "or\n"
    "a setting that a start refuses.\n";

// ---- looking ----

static void check_privacy(const struct gw_config *config, struct gw_check_report *report) {
    static const char todo[] = "chmod o-r it";
    static const char text[] = "%s holds a secret and can be read by everybody on this machine";
    if (config->config_file != NULL && gw_config_source_shows_secret(&config->file))
        gw_check_add(report, GW_CHECK_WARNING, "secret", todo, text, config->config_file);
    if (config->database_url_file != NULL && config->database_url_line.is_public)
        gw_check_add(report, GW_CHECK_WARNING, "secret", todo, text, config->database_url_file);
    if (config->database_events_url_file != NULL && config->database_events_url_line.is_public)
        gw_check_add(report, GW_CHECK_WARNING, "secret", todo, text,
                     config->database_events_url_file);
}

static void check_variables(struct gw_check_report *report) {
    struct gw_unknown_variable variable = {.next = 0};
    while (gw_unknown_variable_next(&variable))
        gw_check_add(report, GW_CHECK_WARNING, "variable", "see skillreg-gateway --help",
                     "%.*s is of no setting and counts for nothing%s%s%s",
                     GW_STR_ARG(variable.name), variable.meant == NULL ? "" : ", did you mean ",
                     variable.meant == NULL ? "" : variable.meant,
                     variable.meant == NULL ? "" : "?");
}

static void look(const struct gw_config *config, struct gw_check_report *report) {
    gw_check_add(report, GW_CHECK_OK, "settings", NULL, "are understood");
    check_variables(report);
    gw_check_certificates(config, report);
    check_privacy(config, report);
    gw_check_database(config, report);
    gw_check_registry(config, report);
    gw_check_issuers(config, report);
    gw_check_registry_credentials(config, report);
    gw_check_leak_secret(config, report);
    gw_check_ports(config, report);
}

// ---- saying ----

static enum gw_status write_text(const struct gw_config *config,
                                 const struct gw_check_report *report, struct gw_buf *out) {
    enum gw_status status = gw_check_table_write(config, out);
    if (status == GW_OK)
        status = gw_buf_append_str(out, GW_STR("\n"));
    return status == GW_OK ? gw_check_report_write(report, out) : status;
}

static enum gw_status write_json(const struct gw_config *config,
                                 const struct gw_check_report *report, struct gw_buf *out) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_put_string(&json, "version", GW_STR(GATEWAY_VERSION));
    gw_json_put_boolean(&json, "ok", !gw_check_has_failed(report));
    gw_json_key(&json, "settings");
    gw_check_table_write_json(config, &json);
    gw_json_key(&json, "checks");
    gw_check_report_write_json(report, &json);
    gw_json_close_object(&json);
    enum gw_status status = gw_json_writer_finish(&json);
    return status == GW_OK ? gw_buf_append_str(out, GW_STR("\n")) : status;
}

static int say(const struct gw_config *config, const struct gw_check_report *report,
               bool wants_json) {
    struct gw_buf out;
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_status status =
        wants_json ? write_json(config, report, &out) : write_text(config, report, &out);
    size_t length = gw_buf_length(&out);
    bool is_shown = status == GW_OK && fwrite(gw_buf_bytes(&out).at, 1, length, stdout) == length &&
                    fflush(stdout) == 0;
    gw_buf_deinit(&out);
    if (!is_shown && errno == EPIPE)
        gw_standard_streams_end_unread();
    if (!is_shown)
        gw_complain("standard output cannot be written");
    return is_shown && !gw_check_has_failed(report) ? 0 : 1;
}

// ---- the line ----

// Takes --json out of `argv`; returns how many are left.
static int take_json(int argc, char **argv, bool *wants_json) {
    int left = 0;
    *wants_json = false;
    for (int i = 0; i < argc; i++) {
        bool is_json = i > 0 && strcmp(argv[i], "--json") == 0;
        *wants_json |= is_json;
        if (!is_json)
            argv[left++] = argv[i];
    }
    return left;
}

int gw_check_run(int argc, char **argv) {
    static struct gw_config config;
    static struct gw_check_report report;
    bool wants_json;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(usage, stdout) >= 0 && fflush(stdout) == 0 ? 0 : 1;
    (void)signal(SIGPIPE, SIG_IGN);
    gw_log_set_level(GW_LOG_ERROR); // the checks say what they find
    argc = take_json(argc, argv, &wants_json);
    switch (gw_config_read(argc, argv, &config)) {
    case GW_CONFIG_RUN:
        break;
    case GW_CONFIG_EXIT_OK:
        return 0;
    case GW_CONFIG_EXIT_USAGE:
    default:
        return 2;
    }
    look(&config, &report);
    return say(&config, &report, wants_json);
}
