// SPDX-License-Identifier: MIT
// skillreg-gateway: the server, or one of the operator's commands.
#include <string.h>

#include "base/standard_streams.h"
#include "gateway/operator/operator.h"
#include "gateway/process/healthcheck.h"
#include "gateway/process/supervisor.h"
#include "gateway/settings/config.h"

static bool is_operator_command(const char *name) {
    return strcmp(name, "migrate") == 0 || strcmp(name, "grants") == 0 ||
           strcmp(name, "org") == 0 || strcmp(name, "token") == 0;
}

int main(int argc, char **argv) {
    struct gw_config config;
    if (!gw_standard_streams_keep())
        return 1;
    if (argc > 1 && is_operator_command(argv[1]))
        return gw_operator_run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "healthcheck") == 0)
        return gw_healthcheck_run(argc - 1, argv + 1);
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
