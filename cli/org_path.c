// SPDX-License-Identifier: MIT
#include "cli/org_path.h"

#include "cli/whoami_cmd.h"

#define PATH_BYTES_MAX (12 * 1024)

static enum cli_exit find_org(struct cli_session *session, struct gw_str *org,
                              struct cli_reason *why) {
    struct cli_identity identity;
    *org = gw_str_from(session->settings->org);
    if (org->length > 0)
        return CLI_DONE;
    enum cli_exit exit = CLI_DONE;
    if (session->own_org.at == NULL)
        exit = cli_whoami_cmd_ask(session, &identity, why);
    *org = session->own_org;
    return exit;
}

static enum gw_status append(struct gw_buf *text, struct gw_str org, const char *collection,
                             const char *id) {
    enum gw_status status = gw_buf_append_str(text, GW_STR("/orgs"));
    if (status == GW_OK)
        status = cli_api_url_append_segment(text, org);
    if (status == GW_OK)
        status = cli_api_url_append_segment(text, gw_str_from(collection));
    if (status == GW_OK && id != NULL)
        status = cli_api_url_append_segment(text, gw_str_from(id));
    return status;
}

enum cli_exit cli_org_path_make(struct cli_session *session, const char *collection, const char *id,
                                const char **path, struct cli_reason *why) {
    struct gw_str org;
    struct gw_buf text;
    enum cli_exit exit = find_org(session, &org, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&text, PATH_BYTES_MAX);
    enum gw_status status = append(&text, org, collection, id);
    if (status == GW_OK) {
        *path = gw_arena_copy(&session->memory, gw_buf_bytes(&text));
        status = *path != NULL ? GW_OK : GW_NO_MEMORY;
    }
    gw_buf_deinit(&text);
    if (status == GW_TOO_BIG)
        return cli_fail(why, CLI_USAGE, "that is too long for the id of a token");
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

enum cli_exit cli_path_add_parameters(struct cli_session *session, const char **path,
                                      const char *const parameters[], size_t count,
                                      struct cli_reason *why) {
    const char *lead = "?";
    for (size_t i = 0; i < count && *path != NULL; i++) {
        if (parameters[i] == NULL)
            continue;
        *path = gw_arena_printf(&session->memory, "%s%s%s", *path, lead, parameters[i]).at;
        lead = "&";
    }
    return *path != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}
