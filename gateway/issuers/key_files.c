// SPDX-License-Identifier: MIT
#include "gateway/issuers/key_files.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum gw_status gw_key_file_take(const struct gw_file *file, struct gw_issuer_keys *keys,
                                char problem[GW_KEY_FILE_PROBLEM_BYTES]) {
    struct gw_jwk_set_report report;
    if (file->bytes == NULL) {
        (void)snprintf(problem, GW_KEY_FILE_PROBLEM_BYTES, "%s", strerror(file->failure));
        return GW_INVALID;
    }
    enum gw_status status = gw_issuer_keys_take(keys, gw_str(file->bytes, file->length), &report);
    if (status != GW_OK)
        (void)snprintf(problem, GW_KEY_FILE_PROBLEM_BYTES, "%s",
                       status == GW_INVALID ? gw_jwk_set_fault_text(report.fault)
                                            : gw_status_text(status));
    return status;
}

static void take_again(struct gw_key_files *files, int index, const struct gw_file *file) {
    char problem[GW_KEY_FILE_PROBLEM_BYTES];
    struct gw_log_quote path;
    struct gw_log_quote reason;
    bool is_same = memcmp(&files->files[index].known, &file->stamp, sizeof(file->stamp)) == 0;
    const char *name = files->settings[index]->name;
    files->files[index].known = file->stamp;
    if (is_same)
        return;
    if (gw_key_file_take(file, files->keys[index], problem) == GW_OK)
        gw_log(GW_LOG_INFO, "oidc", "keys of an issuer in use issuer=%s file=%s keys=%d", name,
               gw_log_quoted(&path, gw_str_from(file->path)),
               gw_jwk_set_count(files->keys[index]->set));
    else
        gw_log(GW_LOG_ERROR, "oidc",
               "cannot use the key file of an issuer, its old keys stay issuer=%s file=%s "
               "reason=%s",
               name, gw_log_quoted(&path, gw_str_from(file->path)),
               gw_log_quoted(&reason, gw_str_from(problem)));
}

static void on_read(struct gw_file_reader *reader, const struct gw_file *read, int count) {
    struct gw_key_files *files = gw_container_of(reader, struct gw_key_files, reader);
    for (int i = 0; read != NULL && i < count; i++)
        take_again(files, i, &read[i]);
}

// What is being read already is read once more at the next look.
void gw_key_files_reread(struct gw_key_files *files) {
    if (files->count > 0)
        (void)!gw_file_reader_start(&files->reader, files->files, files->count, true);
}

static void on_timer(uv_timer_t *timer) {
    gw_key_files_reread(gw_container_of(timer, struct gw_key_files, timer));
}

void gw_key_files_open(struct gw_key_files *files, uv_loop_t *loop) {
    *files = (struct gw_key_files){.count = 0};
    gw_file_reader_open(&files->reader, loop, on_read);
    uv_timer_init(loop, &files->timer);
    uv_timer_start(&files->timer, on_timer, GW_KEY_FILES_POLL_MS, GW_KEY_FILES_POLL_MS);
    uv_unref((uv_handle_t *)&files->timer);
}

enum gw_status gw_key_files_add(struct gw_key_files *files, const struct gw_issuer_setting *setting,
                                struct gw_issuer_keys *keys,
                                char problem[GW_KEY_FILE_PROBLEM_BYTES]) {
    gw_assert(files->count < GW_ISSUERS_MAX);
    struct gw_file file = {.path = setting->keys};
    gw_files_read(&file, 1);
    enum gw_status status = gw_key_file_take(&file, keys, problem);
    files->files[files->count] = (struct gw_file){.path = file.path, .known = file.stamp};
    files->settings[files->count] = setting;
    files->keys[files->count] = keys;
    files->count += status == GW_OK ? 1 : 0;
    gw_files_drop(&file, 1);
    return status;
}

void gw_key_files_close(struct gw_key_files *files) {
    gw_file_reader_close(&files->reader);
    uv_close((uv_handle_t *)&files->timer, NULL);
}
