// SPDX-License-Identifier: MIT
#include "cli/revoke_batch.h"

#include "cli/answer.h"
#include "cli/org_path.h"
#include "token/limits.h"

#define BODY_BYTES_MAX (64 * 1024)

// ---- the request ----

static enum gw_status write_ids(const struct cli_revoke_batch *batch, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_key(&writer, "ids");
    gw_json_open_array(&writer);
    for (size_t i = 0; i < batch->count; i++)
        gw_json_write_string(&writer, batch->targets[i].id);
    gw_json_close_array(&writer);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static enum cli_exit make_path(struct cli_session *session, const struct cli_revoke_batch *batch,
                               const char **path, struct cli_reason *why) {
    const char *const parameters[] = {
        batch->wait ? "wait=10" : NULL,
        batch->may_end_last ? "last=true" : NULL,
        batch->with_rules ? "rules=true" : NULL,
    };
    enum cli_exit exit = cli_org_path_make(session, "tokens", "revoke", path, why);
    return exit == CLI_DONE ? cli_path_add_parameters(session, path, parameters, 3, why) : exit;
}

static enum cli_exit call(struct cli_session *session, const struct cli_revoke_batch *batch,
                          struct gw_json *root, struct cli_reason *why) {
    struct gw_buf body;
    struct cli_api_request request = {.method = "POST"};
    enum cli_exit exit = make_path(session, batch, &request.path, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum gw_status status = write_ids(batch, &body);
    request.body = gw_buf_bytes(&body);
    exit = status == GW_OK ? cli_session_call(session, &request, NULL, root, why)
                           : cli_fail_status(why, status);
    gw_buf_deinit(&body);
    return exit;
}

// ---- the answer ----

static void set_all(const struct cli_revoke_batch *batch, enum cli_revoke_state state) {
    for (size_t i = 0; i < batch->count; i++)
        batch->targets[i].state = state;
}

static struct cli_revoke_target *find(const struct cli_revoke_batch *batch, struct gw_str id) {
    for (size_t i = 0; i < batch->count; i++) {
        if (gw_str_equal(batch->targets[i].id, id))
            return &batch->targets[i];
    }
    return NULL;
}

static enum cli_exit read_one(struct cli_session *session, const struct cli_revoke_batch *batch,
                              struct gw_json token, struct cli_reason *why) {
    struct gw_str id = cli_answer_text(token, "id", &session->answer);
    struct gw_str name = cli_answer_text(token, "name", &session->answer);
    struct cli_revoke_target *target = id.at != NULL ? find(batch, id) : NULL;
    if (target == NULL || name.at == NULL)
        return cli_session_fail_strange(session, why);
    target->name = cli_answer_keep(name, &session->memory);
    target->json = cli_answer_keep(gw_json_raw(token), &session->memory);
    target->state = CLI_REVOKE_DONE;
    return target->name.at != NULL && target->json.at != NULL ? CLI_DONE
                                                              : cli_fail_status(why, GW_NO_MEMORY);
}

// Until it is read, an answer of another form leaves unknown what became of them.
static enum cli_exit read_revoked(struct cli_session *session, const struct cli_revoke_batch *batch,
                                  struct gw_json root, struct cli_reason *why) {
    struct gw_json array;
    enum cli_exit exit = CLI_DONE;
    set_all(batch, CLI_REVOKE_UNKNOWN);
    if (!gw_json_member(root, GW_STR("revoked"), &array) || gw_json_type(array) != GW_JSON_ARRAY)
        return cli_session_fail_strange(session, why);
    for (int i = 0; i < gw_json_count(array) && exit == CLI_DONE; i++)
        exit = read_one(session, batch, gw_json_element(array, i), why);
    for (size_t i = 0; i < batch->count && exit == CLI_DONE; i++) {
        if (batch->targets[i].state != CLI_REVOKE_DONE)
            batch->targets[i].state = CLI_REVOKE_MISSING;
    }
    return exit;
}

enum cli_exit cli_revoke_batch_send(struct cli_session *session,
                                    const struct cli_revoke_batch *batch, struct gw_json *root,
                                    struct cli_reason *why) {
    gw_assert(batch->count > 0 && batch->count <= GW_BULK_REVOKE_MAX);
    enum cli_exit exit = call(session, batch, root, why);
    if (exit == CLI_DONE)
        return read_revoked(session, batch, *root, why);
    if (cli_session_is_outcome_unknown(session, exit, why))
        set_all(batch, CLI_REVOKE_UNKNOWN);
    return exit;
}
