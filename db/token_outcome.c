// SPDX-License-Identifier: MIT
#include "db/token_outcome.h"

#include "db/result.h"

static const struct outcome {
    struct gw_str name; // as the functions of the schema say it
    enum gw_status status;
    enum db_refusal refusal;
} outcomes[] = {
    {GW_STR_INIT("made"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("revoked"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("left_live"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("no_org"), GW_NOT_FOUND, DB_REFUSAL_NONE},
    {GW_STR_INIT("not_found"), GW_NOT_FOUND, DB_REFUSAL_NONE},
    {GW_STR_INIT("replaced"), GW_CONFLICT, DB_REFUSAL_NONE},
    {GW_STR_INIT("may_repeat"), GW_CONFLICT, DB_REFUSAL_NONE},
    {GW_STR_INIT("made_before"), GW_CONFLICT, DB_REFUSAL_NONE},
    {GW_STR_INIT("not_live"), GW_DENIED, DB_REFUSAL_NOT_LIVE},
    {GW_STR_INIT("other_org"), GW_DENIED, DB_REFUSAL_OTHER_ORG},
    {GW_STR_INIT("not_admin"), GW_DENIED, DB_REFUSAL_NOT_ADMIN},
    {GW_STR_INIT("ends_too_late"), GW_DENIED, DB_REFUSAL_ENDS_TOO_LATE},
    {GW_STR_INIT("not_bound"), GW_DENIED, DB_REFUSAL_NOT_BOUND},
    {GW_STR_INIT("other_binding"), GW_DENIED, DB_REFUSAL_OTHER_BINDING},
    {GW_STR_INIT("in_progress"), GW_DENIED, DB_REFUSAL_IN_PROGRESS},
    {GW_STR_INIT("other_body"), GW_DENIED, DB_REFUSAL_OTHER_BODY},
    {GW_STR_INIT("last_admin"), GW_DENIED, DB_REFUSAL_LAST_ADMIN},
    {GW_STR_INIT("changed"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("wider_scopes"), GW_DENIED, DB_REFUSAL_WIDER_SCOPES},
    {GW_STR_INIT("later_end"), GW_DENIED, DB_REFUSAL_LATER_END},
    {GW_STR_INIT("wider_addresses"), GW_DENIED, DB_REFUSAL_WIDER_ADDRESSES},
    {GW_STR_INIT("outlives_maker"), GW_DENIED, DB_REFUSAL_OUTLIVES_MAKER},
    {GW_STR_INIT("not_self_rotating"), GW_DENIED, DB_REFUSAL_NOT_SELF_ROTATING},
    {GW_STR_INIT("rotated_too_often"), GW_DENIED, DB_REFUSAL_ROTATED_TOO_OFTEN},
    {GW_STR_INIT("lives_too_long"), GW_DENIED, DB_REFUSAL_LIVES_TOO_LONG},
    {GW_STR_INIT("approved"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("removed"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("there"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("maker_minted"), GW_DENIED, DB_REFUSAL_MAKER_MINTED},
    {GW_STR_INIT("maker_ends"), GW_DENIED, DB_REFUSAL_MAKER_ENDS},
    {GW_STR_INIT("maker_bound"), GW_DENIED, DB_REFUSAL_MAKER_BOUND},
    {GW_STR_INIT("admin_by_operator"), GW_DENIED, DB_REFUSAL_ADMIN_BY_OPERATOR},
    {GW_STR_INIT("minted"), GW_DENIED, DB_REFUSAL_MINTED},
    {GW_STR_INIT("too_many_rules"), GW_DENIED, DB_REFUSAL_TOO_MANY_RULES},
    {GW_STR_INIT("differs"), GW_DENIED, DB_REFUSAL_DIFFERS},
    {GW_STR_INIT("ended"), GW_DENIED, DB_REFUSAL_ENDED},
};

enum gw_status db_token_outcome_read(const PGresult *result, enum db_refusal *refusal) {
    struct gw_str name =
        PQntuples(result) > 0 ? db_get_bytes(result, 0, DB_TOKEN_OUTCOME_COLUMN) : GW_STR("");
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (!gw_str_equal(outcomes[i].name, name))
            continue;
        *refusal = outcomes[i].refusal;
        return outcomes[i].status;
    }
    return GW_UNAVAILABLE;
}
