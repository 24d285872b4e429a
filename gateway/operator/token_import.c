// SPDX-License-Identifier: MIT
#include "gateway/operator/token_import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "db/org_admin.h"
#include "gateway/bulk/batch.h"
#include "gateway/bulk/reader.h"
#include "gateway/bulk/token.h"
#include "gateway/operator/import_tally.h"
#include "gateway/operator/progress.h"
#include "gateway/operator/text.h"
#include "gateway/settings/complaint.h"

#define READ_BYTES ((size_t)64 * 1024)
#define ARENA_BYTES_MAX ((size_t)256 * 1024)
#define TRIES_MAX 5 // of a batch that another transaction holds up

// On the heap: the reader is large.
struct import {
    const struct gw_operator_options *options;
    int input;
    struct gw_bulk_reader reader;
    struct gw_bulk_sink checks; // of the first pass
    struct gw_bulk_sink takes;  // of the second
    uint64_t rows;              // seen in this pass
    bool is_stopped;            // a failure has been told of, its code is `code`
    enum gw_operator_exit code;
    struct db_session session;
    struct gw_bulk_rules rules;
    struct gw_arena arena; // of the row that is read
    struct gw_bulk_batch batch;
    struct gw_import_tally tally;
    struct gw_operator_progress progress;
    char bytes[READ_BYTES];
};

static void stop(struct import *import, enum gw_operator_exit code) {
    import->is_stopped = true;
    import->code = code;
}

// ---- a pass over the file ----

static void read_all(struct import *import) {
    enum gw_status status = GW_OK;
    while (status == GW_OK && !import->is_stopped) {
        ssize_t taken = read(import->input, import->bytes, sizeof(import->bytes));
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0) {
            gw_complain("the file cannot be read: %s", strerror(errno));
            stop(import, GW_OPERATOR_REFUSED);
            return;
        }
        if (taken == 0) {
            status = gw_bulk_reader_finish(&import->reader);
            break;
        }
        status = gw_bulk_reader_feed(&import->reader, gw_str(import->bytes, (size_t)taken));
    }
    if (status != GW_OK && !import->is_stopped) {
        gw_complain("%s", gw_bulk_reader_fault(&import->reader));
        stop(import, GW_OPERATOR_REFUSED);
    }
}

static void pass(struct import *import, struct gw_bulk_sink *sink) {
    import->rows = 0;
    if (gw_bulk_reader_init(&import->reader, import->options->format, sink) != GW_OK) {
        stop(import, gw_operator_fail(gw_status_text(GW_NO_MEMORY)));
        return;
    }
    read_all(import);
    gw_bulk_reader_deinit(&import->reader);
}

// ---- the first: a misspelt restriction is found before anything is written ----

static struct import *import_of_checks(struct gw_bulk_sink *sink) {
    return gw_container_of(sink, struct import, checks);
}

static void check_row(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields) {
    (void)fields;
    import_of_checks(sink)->rows++;
}

static void check_bad_row(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    (void)line;
    (void)why;
    import_of_checks(sink)->rows++;
}

static void check_unknown_member(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    struct import *import = import_of_checks(sink);
    if (import->is_stopped)
        return;
    gw_complain("line %" PRIu64 ": %s; nothing was imported", line, why);
    stop(import, GW_OPERATOR_REFUSED);
}

// A pipe is read once only: there such a row is refused when it comes.
static bool can_read_twice(const struct import *import) {
    struct stat info;
    return fstat(import->input, &info) == 0 && S_ISREG(info.st_mode);
}

static void check_names(struct import *import) {
    off_t start = lseek(import->input, 0, SEEK_CUR);
    pass(import, &import->checks);
    if (!import->is_stopped && (start < 0 || lseek(import->input, start, SEEK_SET) != start)) {
        gw_complain("the file cannot be read twice: %s", strerror(errno));
        stop(import, GW_OPERATOR_REFUSED);
    }
}

// ---- the second: batches ----

static enum gw_status send_once(struct import *import, struct gw_str rows, int *count) {
    return import->options->is_dry_run ? db_token_import_preview(&import->session, rows, count)
                                       : db_token_import(&import->session, rows, count);
}

// GW_BUSY did nothing, so it may be sent again.
static enum gw_status send_batch(struct import *import, int *count) {
    struct gw_str rows;
    enum gw_status status = gw_bulk_batch_finish(&import->batch, &rows);
    if (status != GW_OK)
        return status;
    int tries = 0;
    do
        status = send_once(import, rows, count);
    while (status == GW_BUSY && ++tries < TRIES_MAX);
    return status;
}

static void flush(struct import *import) {
    int count = 0;
    if (import->batch.count == 0)
        return;
    enum gw_status status = send_batch(import, &count);
    if (status != GW_OK) {
        gw_operator_progress_end(&import->progress);
        stop(import, gw_operator_fail_session(&import->session, status));
        return;
    }
    gw_operator_progress_end(&import->progress); // what is refused gets a line of its own
    for (int i = 0; i < count; i++) {
        uint64_t line;
        enum db_token_import_outcome outcome = db_token_import_at(&import->session, i, &line);
        gw_import_tally_count(&import->tally, line, outcome);
    }
    gw_bulk_batch_reset(&import->batch);
    gw_operator_progress_tell(&import->progress, import->rows);
}

static struct import *import_of_takes(struct gw_bulk_sink *sink) {
    return gw_container_of(sink, struct import, takes);
}

static void take_row(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields) {
    struct import *import = import_of_takes(sink);
    struct gw_bulk_token token;
    const char *why;
    if (import->is_stopped)
        return;
    import->rows++;
    gw_arena_reset(&import->arena);
    if (!gw_bulk_token_read(fields, &import->rules, &import->arena, &token, &why)) {
        gw_import_tally_refuse(&import->tally, fields->line, why);
        return;
    }
    enum gw_status status = gw_bulk_batch_add(&import->batch, fields->line, &token);
    if (status != GW_OK) {
        gw_complain("failed at line %" PRIu64 ": %s", fields->line, gw_status_text(status));
        stop(import, GW_OPERATOR_REFUSED);
    } else if (gw_bulk_batch_is_full(&import->batch)) {
        flush(import);
    }
}

static void take_bad_row(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    struct import *import = import_of_takes(sink);
    if (import->is_stopped)
        return;
    import->rows++;
    gw_import_tally_refuse(&import->tally, line, why);
}

static void take_all(struct import *import, uint64_t total) {
    gw_operator_progress_start(&import->progress, total);
    gw_arena_init(&import->arena, ARENA_BYTES_MAX);
    gw_bulk_batch_init(&import->batch);
    pass(import, &import->takes);
    // What stood before a fault of the file is right, and can be given again.
    if (!import->is_stopped)
        flush(import);
    gw_operator_progress_end(&import->progress);
    gw_bulk_batch_deinit(&import->batch);
    gw_arena_deinit(&import->arena);
}

// ---- the summary ----

static enum gw_status append_json(struct gw_buf *out, const struct import *import) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_put_integer(&json, "imported", (int64_t)import->tally.made);
    gw_json_put_integer(&json, "alreadyThere", (int64_t)import->tally.there);
    gw_json_put_integer(&json, "refused", (int64_t)import->tally.refused);
    gw_json_put_boolean(&json, "dryRun", import->options->is_dry_run);
    return gw_operator_end_json(&json, out);
}

static enum gw_status append_text(struct gw_buf *out, const struct import *import) {
    const struct gw_import_tally *tally = &import->tally;
    char counts[3][GW_OPERATOR_COUNT_LENGTH];
    return gw_buf_printf(out, "%s %s %s, %s already there, %s refused.\n",
                         tally->refused == 0 ? "\xE2\x9C\x93" : "\xE2\x9A\xA0",
                         gw_operator_count_text(tally->made, counts[0]),
                         import->options->is_dry_run ? "would be imported" : "imported",
                         gw_operator_count_text(tally->there, counts[1]),
                         gw_operator_count_text(tally->refused, counts[2]));
}

static uint64_t count_told(const struct gw_import_tally *tally) {
    return tally->made + tally->there + tally->refused;
}

// Also of an import that stopped: what it had made stays.
static enum gw_operator_exit sum_up(struct import *import) {
    if (import->is_stopped && count_told(&import->tally) == 0)
        return import->code;
    struct gw_buf out;
    gw_buf_init(&out, READ_BYTES);
    enum gw_status status =
        import->options->wants_json ? append_json(&out, import) : append_text(&out, import);
    bool is_shown = status == GW_OK && gw_operator_write_beyond(&out, 0);
    gw_buf_deinit(&out);
    if (import->is_stopped) {
        gw_complain("%s", import->options->is_dry_run
                              ? "it stopped there, and imported nothing: repair that, and try again"
                              : "it stopped there, and what was imported stays: give the same file "
                                "again");
        return import->code;
    }
    if (!is_shown)
        return gw_operator_fail_output();
    if (import->tally.refused == 0)
        return GW_OPERATOR_DONE;
    return import->tally.made + import->tally.there > 0 ? GW_OPERATOR_IN_PART : GW_OPERATOR_REFUSED;
}

// ---- from the start ----

static enum gw_operator_exit find_org(struct import *import) {
    struct db_org_row row;
    if (import->options->slug.at == NULL)
        return GW_OPERATOR_DONE;
    enum gw_status status = db_org_admin_find(&import->session, import->options->slug, &row);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(import->options->slug);
    return status == GW_OK ? GW_OPERATOR_DONE : gw_operator_fail_session(&import->session, status);
}

static enum gw_operator_exit import_rows(struct import *import, uint64_t total) {
    enum gw_operator_exit code = gw_operator_open_session(import->options, &import->session);
    if (code != GW_OPERATOR_DONE)
        return code;
    code = find_org(import);
    if (code == GW_OPERATOR_DONE) {
        take_all(import, total);
        code = sum_up(import);
    }
    db_session_close(&import->session);
    return code;
}

static enum gw_operator_exit import_reported(struct import *import) {
    const char *path = import->options->report;
    enum gw_status status = gw_import_tally_open(&import->tally, path, import->input);
    if (status == GW_CONFLICT)
        return gw_operator_fail("--report names the file that is imported: name another one");
    if (status != GW_OK) {
        gw_complain("the file of --report cannot be opened: %s", strerror(errno));
        return GW_OPERATOR_REFUSED;
    }
    enum gw_operator_exit code = import_rows(import, import->rows);
    if (gw_import_tally_close(&import->tally) != GW_OK)
        code = gw_operator_fail("the report of the refused rows could not be written whole");
    return code;
}

static enum gw_operator_exit run(struct import *import) {
    if (can_read_twice(import))
        check_names(import);
    return import->is_stopped ? import->code : import_reported(import);
}

static enum gw_operator_exit import_from(const struct gw_operator_options *options, int input) {
    struct import *import = calloc(1, sizeof(*import));
    if (import == NULL)
        return gw_operator_fail(gw_status_text(GW_NO_MEMORY));
    import->options = options;
    import->input = input;
    import->checks = (struct gw_bulk_sink){check_row, check_bad_row, check_unknown_member};
    import->takes = (struct gw_bulk_sink){take_row, take_bad_row, take_bad_row};
    import->rules = (struct gw_bulk_rules){.org = options->slug, .now_ms = gw_clock_wall_ms()};
    enum gw_operator_exit code = run(import);
    gw_bytes_wipe(import->bytes, sizeof(import->bytes));
    free(import);
    return code;
}

enum gw_operator_exit gw_operator_token_import_file(const struct gw_operator_options *options) {
    gw_assert(options->file != NULL);
    if (strcmp(options->file, "-") == 0)
        return import_from(options, STDIN_FILENO);
    int input = open(options->file, O_RDONLY | O_CLOEXEC);
    if (input < 0) {
        gw_complain("the file of --file cannot be opened: %s", strerror(errno));
        return GW_OPERATOR_REFUSED;
    }
    enum gw_operator_exit code = import_from(options, input);
    (void)close(input);
    return code;
}
