// SPDX-License-Identifier: MIT
#include "gateway/process/certificates.h"

#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PATH_BYTES_MAX 4096

// ---- files ----

static void add_files(struct gw_certificates *certificates, const struct gw_config_texts *files) {
    for (int i = 0; i < files->count; i++)
        certificates->files[certificates->file_count++] = files->at[i];
}

static struct gw_file_stamp look_at(const char *file) {
    struct stat found;
    if (stat(file, &found) != 0)
        return (struct gw_file_stamp){0};
    return (struct gw_file_stamp){.device = found.st_dev,
                                  .inode = found.st_ino,
                                  .bytes = (uint64_t)found.st_size,
                                  .changed_s = found.st_mtim.tv_sec,
                                  .changed_ns = found.st_mtim.tv_nsec};
}

static bool is_same(const struct gw_file_stamp *a, const struct gw_file_stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

// Since the last look. To be called before the files are read, so that the next look sees a change
// in between.
static bool have_changed(struct gw_certificates *certificates) {
    bool has_changed = false;
    for (int i = 0; i < certificates->file_count; i++) {
        struct gw_file_stamp stamp = look_at(certificates->files[i]);
        has_changed = has_changed || !is_same(&stamp, &certificates->stamps[i]);
        certificates->stamps[i] = stamp;
    }
    return has_changed;
}

// ---- reading ----

static enum gw_status create_context(const struct gw_certificates *certificates,
                                     struct tls_context **context, char *error) {
    const struct gw_config *config = certificates->options.config;
    struct tls_pair_files pairs[GW_CONFIG_TEXTS_MAX];
    for (int i = 0; i < config->tls_certs.count; i++)
        pairs[i] = (struct tls_pair_files){config->tls_certs.at[i], config->tls_keys.at[i]};
    const struct tls_context_options options = {.certificate_file = pairs[0].certificate_file,
                                                .key_file = pairs[0].key_file,
                                                .others = pairs + 1,
                                                .other_count = config->tls_certs.count - 1,
                                                .client_ca_file = config->client_ca,
                                                .is_tls13_only = config->is_tls13_only,
                                                .ticket_secret =
                                                    certificates->options.ticket_secret};
    return tls_context_create_server(&options, context, error);
}

static void warn_of_end(struct gw_certificates *certificates, const struct tls_pair *pair,
                        int64_t left_ms) {
    char not_after[GW_CLOCK_ISO_LENGTH];
    struct gw_log_quote file;
    gw_clock_format_iso(tls_pair_not_after_ms(pair), not_after);
    gw_log(GW_LOG_WARNING, "server", "certificate %s file=%s not_after=%.*s",
           left_ms <= 0 ? "has expired" : "expires soon",
           gw_log_quoted(&file, gw_str_from(pair->files.certificate_file)), GW_CLOCK_ISO_LENGTH,
           not_after);
    certificates->warned_ms = gw_clock_wall_ms();
}

// Warns at once, then once a day.
static void look_for_end(struct gw_certificates *certificates) {
    const struct tls_pair *pair = tls_context_first_to_end(certificates->context);
    int64_t now_ms = gw_clock_wall_ms();
    int64_t left_ms = tls_pair_not_after_ms(pair) - now_ms;
    certificates->options.metrics->cert_not_after_seconds = tls_pair_not_after_ms(pair) / 1000;
    if (certificates->options.may_warn && left_ms < GW_CERTIFICATE_WARNING_MS &&
        now_ms - certificates->warned_ms >= DAY_MS)
        warn_of_end(certificates, pair, left_ms);
}

void gw_certificates_reload(struct gw_certificates *certificates) {
    struct tls_context *fresh;
    char error[TLS_ERROR_TEXT_BYTES];
    gw_assert(certificates->is_open);
    (void)have_changed(certificates);
    if (create_context(certificates, &fresh, error) != GW_OK) {
        gw_log(GW_LOG_ERROR, "server",
               "cannot use the new certificate, the old one stays reason=\"%s\"", error);
        return;
    }
    tls_context_release(certificates->context);
    certificates->context = fresh;
    certificates->warned_ms = 0;
    gw_log(GW_LOG_INFO, "server", "certificate reloaded");
    look_for_end(certificates);
    certificates->on_changed(certificates);
}

static void on_settled(uv_timer_t *timer) {
    struct gw_certificates *certificates = gw_container_of(timer, struct gw_certificates, settle);
    if (have_changed(certificates))
        gw_certificates_reload(certificates);
}

static void on_poll(uv_timer_t *timer) {
    struct gw_certificates *certificates = gw_container_of(timer, struct gw_certificates, poll);
    if (have_changed(certificates))
        gw_certificates_reload(certificates);
    look_for_end(certificates);
}

// ---- watching ----

// The first of several changes that belong together starts the time to settle; a change after it
// starts another one.
static void on_directory_changed(uv_fs_event_t *watch, const char *name, int events, int failure) {
    (void)name;
    (void)events;
    struct gw_certificates *certificates = watch->data;
    if (failure == 0 && !uv_is_active((uv_handle_t *)&certificates->settle))
        uv_timer_start(&certificates->settle, on_settled, GW_CERTIFICATE_SETTLE_MS, 0);
}

static bool is_watched(const struct gw_certificates *certificates, const char *directory) {
    for (int i = 0; i < certificates->watch_count; i++) {
        char path[PATH_BYTES_MAX];
        size_t length = sizeof(path);
        if (uv_fs_event_getpath((uv_fs_event_t *)&certificates->watches[i], path, &length) == 0 &&
            length == strlen(directory) && memcmp(path, directory, length) == 0)
            return true;
    }
    return false;
}

// Without a watch the poll remains.
static void watch_directory_of(struct gw_certificates *certificates, const char *file) {
    char directory[PATH_BYTES_MAX] = ".";
    const char *slash = strrchr(file, '/');
    size_t length = slash == NULL ? 1 : slash == file ? 1 : (size_t)(slash - file);
    if (length >= sizeof(directory))
        return;
    if (slash != NULL)
        memcpy(directory, file, length);
    directory[length] = '\0';
    if (is_watched(certificates, directory))
        return;
    gw_assert(certificates->watch_count < GW_CERTIFICATE_FILES_MAX);
    uv_fs_event_t *watch = &certificates->watches[certificates->watch_count++];
    uv_fs_event_init(certificates->settle.loop, watch);
    watch->data = certificates;
    (void)uv_fs_event_start(watch, on_directory_changed, directory, 0);
    uv_unref((uv_handle_t *)watch);
}

enum gw_status gw_certificates_open(struct gw_certificates *certificates, uv_loop_t *loop,
                                    const struct gw_certificates_options *options) {
    char error[TLS_ERROR_TEXT_BYTES];
    gw_assert(!certificates->is_open && certificates->file_count == 0);
    certificates->options = *options;
    add_files(certificates, &options->config->tls_certs);
    add_files(certificates, &options->config->tls_keys);
    if (options->config->client_ca != NULL)
        certificates->files[certificates->file_count++] = options->config->client_ca;
    (void)have_changed(certificates);
    enum gw_status status = create_context(certificates, &certificates->context, error);
    if (status != GW_OK) {
        gw_log(GW_LOG_ERROR, "server", "cannot use the certificate reason=\"%s\"", error);
        return status;
    }
    certificates->is_open = true;
    uv_timer_init(loop, &certificates->settle);
    uv_timer_init(loop, &certificates->poll);
    uv_timer_start(&certificates->poll, on_poll, options->poll_ms, options->poll_ms);
    uv_unref((uv_handle_t *)&certificates->settle);
    uv_unref((uv_handle_t *)&certificates->poll);
    for (int i = 0; i < certificates->file_count; i++)
        watch_directory_of(certificates, certificates->files[i]);
    look_for_end(certificates);
    return GW_OK;
}

void gw_certificates_close(struct gw_certificates *certificates) {
    if (!certificates->is_open)
        return;
    certificates->is_open = false;
    for (int i = 0; i < certificates->watch_count; i++)
        uv_close((uv_handle_t *)&certificates->watches[i], NULL);
    uv_close((uv_handle_t *)&certificates->settle, NULL);
    uv_close((uv_handle_t *)&certificates->poll, NULL);
    tls_context_release(certificates->context);
    certificates->context = NULL;
}
