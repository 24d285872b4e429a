// SPDX-License-Identifier: MIT
#pragma once
// Tokens that were made elsewhere, many at once, over a connection that may wait (db/session.h):
// skillreg.token_import and its preview. A batch is one transaction: all that its answer says is
// committed.

#include <stdint.h>

#include "base/status.h"
#include "db/session.h"

#define DB_TOKEN_IMPORT_OUTCOME_MAP(X)                                                             \
    X(MADE, "made")               /* it is a token now */                                          \
    X(NEW, "new")                 /* of a preview: it would become one */                          \
    X(THERE, "there")             /* it was one before, with the same data */                      \
    X(DIFFERS, "differs")         /* it was one before, with other data */                         \
    X(REVOKED, "revoked")         /* it was revoked, which is for good */                          \
    X(NO_ORG, "no_org")           /* there is no such organisation */                              \
    X(ORG_DELETED, "org_deleted") /* the organisation is deleted */                                \
    X(ID_TAKEN, "id_taken")       /* another token has its id */

enum db_token_import_outcome {
#define X(name, text) DB_TOKEN_IMPORT_##name,
    DB_TOKEN_IMPORT_OUTCOME_MAP(X)
#undef X
        DB_TOKEN_IMPORT_UNKNOWN // of a newer schema
};

// `rows` is an array of objects, as the type skillreg.token_import_row has them. GW_OK: *count rows
// have an outcome, which db_token_import_at reads, in the order of their lines, until the next
// call.
enum gw_status db_token_import(struct db_session *session, struct gw_str rows,
                               int *count) GW_MUST_USE;
// What db_token_import would say; changes nothing.
enum gw_status db_token_import_preview(struct db_session *session, struct gw_str rows,
                                       int *count) GW_MUST_USE;
enum db_token_import_outcome db_token_import_at(const struct db_session *session, int index,
                                                uint64_t *line);
