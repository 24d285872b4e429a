// SPDX-License-Identifier: MIT
#include "db/grants.h"

#include <string.h>

#include "db/grants_sql.h"
#include "db/rights_sql.h"

#define ROLE_LENGTH_MAX 63
#define ROLE_MARK "{role}"
#define RIGHTS_MARK "{rights}\n"

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

// Appends the text up to the next mark and what stands for it, and moves *at past it. False: no
// mark is left.
static bool fill_in(const char **at, struct gw_str role, struct gw_buf *out,
                    enum gw_status *status) {
    const char *mark = strchr(*at, '{');
    if (mark == NULL)
        return false;
    bool is_role = strncmp(mark, ROLE_MARK, strlen(ROLE_MARK)) == 0;
    gw_assert(is_role || strncmp(mark, RIGHTS_MARK, strlen(RIGHTS_MARK)) == 0);
    *status = gw_buf_append_str(out, gw_str(*at, (size_t)(mark - *at)));
    if (*status == GW_OK)
        *status = gw_buf_append_str(out, is_role ? role : gw_str_from(db_rights_sql));
    *at = mark + strlen(is_role ? ROLE_MARK : RIGHTS_MARK);
    return *status == GW_OK;
}

enum gw_status db_grants_write(struct gw_str role, struct gw_buf *out) {
    gw_assert(db_grants_is_role(role));
    enum gw_status status = GW_OK;
    const char *at = db_grants_sql;
    while (fill_in(&at, role, out, &status))
        continue;
    return status == GW_OK ? gw_buf_append_str(out, gw_str_from(at)) : status;
}
