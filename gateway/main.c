// SPDX-License-Identifier: MIT
// skillreg-gateway: the server, a check of its settings, or one of the operator's commands.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/standard_streams.h"
#include "gateway/check/check.h"
#include "gateway/operator/man_page.h"
#include "gateway/operator/operator.h"
#include "gateway/process/healthcheck.h"
#include "gateway/process/supervisor.h"
#include "gateway/settings/config_read.h"

#define MAN_PAGE_BYTES_MAX 262144

static bool is_operator_command(const char *name) {
    return strcmp(name, "migrate") == 0 || strcmp(name, "grants") == 0 ||
           strcmp(name, "prune") == 0 || strcmp(name, "org") == 0 || strcmp(name, "token") == 0;
}

// For the build, which has no option for it to show.
static int print_man_page(void) {
    struct gw_buf page;
    gw_buf_init(&page, MAN_PAGE_BYTES_MAX);
    bool is_whole =
        gw_operator_man_page_write(&page) == GW_OK &&
        fwrite(gw_buf_bytes(&page).at, 1, gw_buf_length(&page), stdout) == gw_buf_length(&page) &&
        fflush(stdout) == 0;
    gw_buf_deinit(&page);
    return is_whole ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct gw_config config;
    if (!gw_standard_streams_keep())
        return 1;
    if (argc > 1 && is_operator_command(argv[1]))
        return gw_operator_run(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "__man") == 0)
        return print_man_page();
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return gw_check_run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "healthcheck") == 0)
        return gw_healthcheck_run(argc - 1, argv + 1);
    // A SIGHUP would end a server that is still starting. Its certificates are yet to be read.
    (void)signal(SIGHUP, SIG_IGN);
    switch (gw_config_read(argc, argv, &config)) {
    case GW_CONFIG_RUN:
        return gw_supervisor_run(&config);
    case GW_CONFIG_EXIT_OK:
        return 0;
    case GW_CONFIG_EXIT_USAGE:
    default:
        return 2;
    }
}
