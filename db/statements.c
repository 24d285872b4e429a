// SPDX-License-Identifier: MIT
#include "db/statements.h"

#include "db/audit.h"
#include "db/blockers.h"
#include "db/bulk_revoke.h"
#include "db/device_login.h"
#include "db/exchange.h"
#include "db/hand_over.h"
#include "db/issuer_keys.h"
#include "db/last_used.h"
#include "db/leaks.h"
#include "db/lookup.h"
#include "db/minted_end.h"
#include "db/mints.h"
#include "db/orgs.h"
#include "db/token_change.h"
#include "db/token_list.h"
#include "db/token_revoke.h"
#include "db/tokens.h"
#include "db/trust.h"

const struct db_statement *const db_statements[] = {
    &db_lookup_statement,
    &db_token_create_statement,
    &db_token_revoke_statement,
    &db_token_rotate_statement,
    &db_token_list_newest_statement,
    &db_token_list_oldest_statement,
    &db_token_list_numbered_statement,
    &db_token_list_up_statement,
    &db_token_list_down_statement,
    &db_token_list_minted_newest_statement,
    &db_token_list_minted_oldest_statement,
    &db_token_list_minted_up_statement,
    &db_token_list_minted_down_statement,
    &db_token_show_statement,
    &db_audit_list_statement,
    &db_last_used_statement,
    &db_org_create_statement,
    &db_org_find_statement,
    &db_blockers_statement,
    &db_token_change_statement,
    &db_bulk_revoke_statement,
    &db_minted_end_statement,
    &db_trust_create_statement,
    &db_trust_list_statement,
    &db_trust_show_statement,
    &db_trust_remove_statement,
    &db_exchange_rules_statement,
    &db_mints_statement,
    &db_issuer_keys_look_statement,
    &db_issuer_keys_put_statement,
    &db_device_login_start_statement,
    &db_device_login_show_statement,
    &db_device_login_approve_statement,
    &db_device_login_look_statement,
    &db_device_login_collect_statement,
    &db_hand_over_statement,
    &db_leaks_statement,
};
const int db_statement_count = sizeof(db_statements) / sizeof(db_statements[0]);
