// SPDX-License-Identifier: MIT
#include "cli/confirmation.h"

#include "cli/answer.h"

static int64_t count_of(struct gw_json root, struct gw_str name) {
    struct gw_json member;
    int64_t count;
    return gw_json_member(root, name, &member) && gw_json_integer(member, &count) == GW_OK ? count
                                                                                           : 0;
}

// An older gateway sends neither the number of silent ones nor the time.
enum cli_exit cli_confirmation_check(struct cli_session *session, struct gw_json root,
                                     const struct cli_confirmation *words, struct cli_reason *why) {
    struct gw_json member;
    if (!gw_json_member(root, GW_STR("pending"), &member))
        return CLI_DONE;
    int64_t pending = count_of(root, GW_STR("pending"));
    int64_t silent = count_of(root, GW_STR("silent"));
    if (pending + silent == 0)
        return cli_fail(why, CLI_UNCONFIRMED,
                        "%s, but it is not known whether every gateway has heard of "
                        "it: one that cannot ask the database %s for a while (--stale-read of the "
                        "gateway, 10 minutes by default)",
                        words->done, words->may_do);
    struct gw_str until = cli_answer_text(root, "until", &session->answer);
    return cli_fail(why, CLI_UNCONFIRMED,
                    "%s, but not confirmed everywhere: %lld %s not heard of it "
                    "yet, %lld %s fell silent; there %s%s%.*s%s",
                    words->done, (long long)pending, pending == 1 ? "gateway has" : "gateways have",
                    (long long)silent, silent == 1 ? "gateway" : "gateways", words->may_there,
                    until.at != NULL ? ", until " : "", GW_STR_ARG(until),
                    until.at != NULL ? " at the latest" : "");
}
