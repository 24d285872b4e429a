// SPDX-License-Identifier: MIT
#include "db/grants.h"

#include <string.h>

#include "db/grants_sql.h"

#define ROLE_LENGTH_MAX 63
#define MARK "{role}"

static bool is_kept(struct gw_str role) {
    return gw_str_equal(role, GW_STR("public")) || gw_str_equal(role, GW_STR("none")) ||
           (role.length >= 3 && memcmp(role.at, "pg_", 3) == 0);
}

bool db_grants_is_role(struct gw_str role) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-";
    if (role.length < 1 || role.length > ROLE_LENGTH_MAX || is_kept(role))
        return false;
    for (size_t i = 0; i < role.length; i++) {
        if (memchr(allowed, role.at[i], sizeof(allowed) - 1) == NULL)
            return false;
    }
    return true;
}

enum gw_status db_grants_write(struct gw_str role, struct gw_buf *out) {
    gw_assert(db_grants_is_role(role));
    enum gw_status status = GW_OK;
    const char *at = db_grants_sql;
    const char *mark;
    while (status == GW_OK && (mark = strstr(at, MARK)) != NULL) {
        status = gw_buf_append_str(out, gw_str(at, (size_t)(mark - at)));
        if (status == GW_OK)
            status = gw_buf_append_str(out, role);
        at = mark + strlen(MARK);
    }
    return status == GW_OK ? gw_buf_append_str(out, gw_str_from(at)) : status;
}
