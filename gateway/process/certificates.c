// SPDX-License-Identifier: MIT
#include "gateway/process/certificates.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/settings/secret_line.h"
#include "tls/tickets.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PATH_BYTES_MAX 4096

// ---- files ----

_Static_assert(GW_CERTIFICATE_FILES_MAX <= GW_FILES_MAX, "a reader takes all of them at once");

static void add_file(struct gw_certificates *certificates, const char *path, bool is_secret) {
    gw_assert(certificates->file_count < GW_CERTIFICATE_FILES_MAX);
    certificates->is_secret[certificates->file_count] = is_secret;
    certificates->files[certificates->file_count++].path = path;
}

static void add_all_files(struct gw_certificates *certificates, const struct gw_config *config) {
    for (int i = 0; i < config->tls_certs.count; i++)
        add_file(certificates, config->tls_certs.at[i], false);
    for (int i = 0; i < config->tls_keys.count; i++)
        add_file(certificates, config->tls_keys.at[i], true);
    if (config->client_ca != NULL)
        add_file(certificates, config->client_ca, false);
    if (config->tls_ticket_secret != NULL)
        add_file(certificates, config->tls_ticket_secret, true);
}

static void warn_of_public_files(const struct gw_certificates *certificates,
                                 const struct gw_file *read) {
    for (int i = 0; i < certificates->file_count && certificates->options.may_warn; i++) {
        if (certificates->is_secret[i] && read[i].is_public)
            gw_secret_warn_of_public(read[i].path);
    }
}

// ---- what they make ----

static struct tls_context_options options_of(const struct gw_config *config,
                                             struct tls_pair_files *pairs) {
    for (int i = 0; i < config->tls_certs.count; i++)
        pairs[i] = (struct tls_pair_files){config->tls_certs.at[i], config->tls_keys.at[i]};
    return (struct tls_context_options){.certificate_file = pairs[0].certificate_file,
                                        .key_file = pairs[0].key_file,
                                        .others = pairs + 1,
                                        .other_count = config->tls_certs.count - 1,
                                        .client_ca_file = config->client_ca,
                                        .is_tls13_only = config->is_tls13_only};
}

// The last file, where there is one of it.
static enum gw_status find_ticket_secret(const struct gw_certificates *certificates,
                                         const struct tls_file *last,
                                         unsigned char secret[TLS_TICKET_SECRET_BYTES],
                                         char *error) {
    if (certificates->options.config->tls_ticket_secret != NULL)
        return tls_ticket_secret_take(last, secret, error);
    memcpy(secret, certificates->options.ticket_secret, TLS_TICKET_SECRET_BYTES);
    return GW_OK;
}

static enum gw_status create_context(const struct gw_certificates *certificates,
                                     const struct gw_file *read, struct tls_context **context,
                                     char *error) {
    struct tls_pair_files pairs[GW_CONFIG_TEXTS_MAX];
    struct tls_context_options options = options_of(certificates->options.config, pairs);
    struct tls_file contents[GW_CERTIFICATE_FILES_MAX];
    const struct tls_files files = {contents, certificates->file_count};
    unsigned char secret[TLS_TICKET_SECRET_BYTES];
    for (int i = 0; i < files.count; i++)
        contents[i] = (struct tls_file){read[i].path, read[i].bytes, read[i].length};
    enum gw_status status =
        find_ticket_secret(certificates, &contents[files.count - 1], secret, error);
    options.files = &files;
    options.ticket_secret = secret;
    if (status == GW_OK)
        status = tls_context_create_server(&options, context, error);
    gw_bytes_wipe(secret, sizeof(secret));
    return status;
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

// ---- reading ----

static void use(struct gw_certificates *certificates, const struct gw_file *read) {
    struct tls_context *fresh;
    char error[TLS_ERROR_TEXT_BYTES];
    struct gw_log_quote quote;
    if (create_context(certificates, read, &fresh, error) != GW_OK) {
        gw_log(GW_LOG_ERROR, "server",
               "cannot use the new certificate, the old one stays reason=%s",
               gw_log_quoted(&quote, gw_str_from(error)));
        return;
    }
    tls_context_release(certificates->context);
    certificates->context = fresh;
    certificates->warned_ms = 0;
    gw_log(GW_LOG_INFO, "server", "certificate reloaded");
    warn_of_public_files(certificates, read);
    look_for_end(certificates);
    certificates->on_changed(certificates);
}

static void note_stamps(struct gw_certificates *certificates, const struct gw_file *read) {
    for (int i = 0; i < certificates->file_count; i++)
        certificates->files[i].known = read[i].stamp;
}

// What is asked for while a reading is under way may be of a change that it missed.
static void start_reading(struct gw_certificates *certificates) {
    enum gw_status status =
        gw_file_reader_start(&certificates->reader, certificates->files, certificates->file_count,
                             !certificates->is_demanded);
    certificates->is_to_repeat = status == GW_BUSY;
    if (status != GW_OK && status != GW_BUSY)
        gw_log(GW_LOG_ERROR, "server", "cannot look at the files of TLS reason=\"%s\"",
               gw_status_text(status));
}

static void on_read(struct gw_file_reader *reader, const struct gw_file *read, int count) {
    struct gw_certificates *certificates = gw_container_of(reader, struct gw_certificates, reader);
    gw_assert(count == certificates->file_count);
    certificates->has_said_stuck = false;
    if (certificates->is_to_repeat) {
        start_reading(certificates);
        return;
    }
    certificates->is_demanded = false;
    if (read == NULL)
        return;
    note_stamps(certificates, read);
    use(certificates, read);
}

void gw_certificates_reload(struct gw_certificates *certificates) {
    gw_assert(certificates->is_open);
    certificates->is_demanded = true;
    start_reading(certificates);
}

static void on_settled(uv_timer_t *timer) {
    start_reading(gw_container_of(timer, struct gw_certificates, settle));
}

// Once for each reading that hangs.
static void warn_of_stuck_file(struct gw_certificates *certificates) {
    struct gw_log_quote file;
    const char *path = gw_file_reader_waits_for(&certificates->reader);
    if (path == NULL || certificates->has_said_stuck)
        return;
    certificates->has_said_stuck = true;
    gw_log(GW_LOG_WARNING, "server", "a file of TLS does not answer, the old ones stay file=%s",
           gw_log_quoted(&file, gw_str_from(path)));
}

static void on_poll(uv_timer_t *timer) {
    struct gw_certificates *certificates = gw_container_of(timer, struct gw_certificates, poll);
    warn_of_stuck_file(certificates);
    start_reading(certificates);
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

static enum gw_status read_and_wait(struct gw_certificates *certificates) {
    struct gw_file read[GW_CERTIFICATE_FILES_MAX];
    char error[TLS_ERROR_TEXT_BYTES];
    struct gw_log_quote quote;
    memcpy(read, certificates->files, sizeof(read));
    gw_files_read(read, certificates->file_count);
    note_stamps(certificates, read);
    enum gw_status status = create_context(certificates, read, &certificates->context, error);
    if (status == GW_OK)
        warn_of_public_files(certificates, read);
    else
        gw_log(GW_LOG_ERROR, "server", "cannot use the certificate reason=%s",
               gw_log_quoted(&quote, gw_str_from(error)));
    gw_files_drop(read, certificates->file_count);
    return status;
}

bool gw_certificates_are_needed(const struct gw_config *config) {
    return config->listen_https != NULL ||
           (config->tokens_page != NULL && config->tls_certs.count > 0);
}

enum gw_status gw_certificates_open(struct gw_certificates *certificates, uv_loop_t *loop,
                                    const struct gw_certificates_options *options) {
    gw_assert(!certificates->is_open && certificates->file_count == 0);
    certificates->options = *options;
    add_all_files(certificates, options->config);
    enum gw_status status = read_and_wait(certificates);
    if (status != GW_OK)
        return status;
    certificates->is_open = true;
    gw_file_reader_open(&certificates->reader, loop, on_read);
    uv_timer_init(loop, &certificates->settle);
    uv_timer_init(loop, &certificates->poll);
    uv_timer_start(&certificates->poll, on_poll, options->poll_ms, options->poll_ms);
    uv_unref((uv_handle_t *)&certificates->settle);
    uv_unref((uv_handle_t *)&certificates->poll);
    for (int i = 0; i < certificates->file_count; i++)
        watch_directory_of(certificates, certificates->files[i].path);
    look_for_end(certificates);
    return GW_OK;
}

void gw_certificates_close(struct gw_certificates *certificates) {
    if (!certificates->is_open)
        return;
    certificates->is_open = false;
    for (int i = 0; i < certificates->watch_count; i++)
        uv_close((uv_handle_t *)&certificates->watches[i], NULL);
    gw_file_reader_close(&certificates->reader);
    uv_close((uv_handle_t *)&certificates->settle, NULL);
    uv_close((uv_handle_t *)&certificates->poll, NULL);
    tls_context_release(certificates->context);
    certificates->context = NULL;
}
