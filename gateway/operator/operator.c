// SPDX-License-Identifier: MIT
#include "gateway/operator/operator.h"

#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/operator/org_commands.h"
#include "gateway/operator/outcome.h"
#include "gateway/operator/prune.h"
#include "gateway/operator/schema_commands.h"
#include "gateway/operator/token_export.h"
#include "gateway/operator/token_import.h"
#include "gateway/operator/token_issue.h"
#include "gateway/operator/token_revoke.h"
#include "gateway/operator/token_view.h"

static enum gw_operator_exit run(const struct gw_operator_options *options) {
    switch (options->command) {
    case GW_OPERATOR_MIGRATE:
        return gw_operator_migrate(options);
    case GW_OPERATOR_GRANTS:
        return gw_operator_grants(options);
    case GW_OPERATOR_PRUNE:
        return gw_operator_prune(options);
    case GW_OPERATOR_ORG_CREATE:
        return gw_operator_org_create(options);
    case GW_OPERATOR_ORG_LIST:
        return gw_operator_org_list(options);
    case GW_OPERATOR_ORG_SHOW:
        return gw_operator_org_show(options);
    case GW_OPERATOR_ORG_RENAME:
        return gw_operator_org_rename(options);
    case GW_OPERATOR_ORG_DELETE:
        return gw_operator_org_delete(options);
    case GW_OPERATOR_ORG_RESTORE:
        return gw_operator_org_restore(options);
    case GW_OPERATOR_TOKEN_CREATE:
        return gw_operator_token_create(options);
    case GW_OPERATOR_TOKEN_LIST:
        return gw_operator_token_list(options);
    case GW_OPERATOR_TOKEN_SHOW:
        return gw_operator_token_show(options);
    case GW_OPERATOR_TOKEN_REVOKE:
        return gw_operator_token_revoke(options);
    case GW_OPERATOR_TOKEN_EXPORT:
        return gw_operator_token_export(options);
    case GW_OPERATOR_TOKEN_IMPORT:
    default:
        return options->file != NULL ? gw_operator_token_import_file(options)
                                     : gw_operator_token_import(options);
    }
}

int gw_operator_run(int argc, char **argv) {
    struct gw_operator_options options;
    switch (gw_operator_options_read(argc, argv, &options)) {
    case GW_OPERATOR_HELP_SHOWN:
        return GW_OPERATOR_DONE;
    case GW_OPERATOR_WRONG:
        return GW_OPERATOR_USAGE;
    case GW_OPERATOR_RUN:
        break;
    }
    (void)signal(SIGPIPE, SIG_IGN); // gw_operator_write reports it
    gw_log_set_level(GW_LOG_ERROR); // the command reports failures of the connection
    enum gw_operator_exit code = run(&options);
    if (fflush(stdout) != 0 && code == GW_OPERATOR_DONE)
        code = gw_operator_fail_output();
    return code;
}
