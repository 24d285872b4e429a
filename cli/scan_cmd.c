// SPDX-License-Identifier: MIT
#include "cli/scan_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/scan_stream.h"
#include "token/mask.h"

#define STATUS_FOUND 1
#define STANDARD_INPUT "-"
#define SHOWN_BYTES_MAX (8 * PATH_MAX)
#define COMMIT_SHOWN 12
#define MEBIBYTE ((uint64_t)1024 * 1024)

struct scan {
    struct cli_scan_stream stream;
    const char *path; // of what is being read
    struct cli_progress progress;
    size_t files;
    uint64_t bytes;
    size_t found;
    size_t unread;
    bool is_reader_gone; // of standard output
    struct cli_reason *why;
};

// ---- what is told ----

// A name may be a token itself.
static void put_masked(struct cli_output *out, struct gw_str text) {
    char shown[SHOWN_BYTES_MAX];
    cli_output_put_clean(out, gw_str(shown, gw_token_mask(text, shown, sizeof(shown))));
}

static void put_history(struct cli_output *out, const struct cli_scan_stream *stream) {
    bool has_commit = stream->commit[0] != '\0';
    bool has_path = stream->path[0] != '\0';
    if (!has_commit && !has_path)
        return;
    cli_output_put(out, has_commit ? " (commit " : " (");
    put_masked(out, gw_str_slice(gw_str_from(stream->commit), 0, COMMIT_SHOWN));
    cli_output_put(out, has_commit && has_path ? ", " : "");
    put_masked(out, gw_str_from(stream->path));
    cli_output_put(out, ")");
}

static void on_found(struct cli_scan_stream *stream, struct gw_str secret) {
    struct scan *scan = gw_container_of(stream, struct scan, stream);
    struct cli_output out;
    char line[32];
    scan->found++;
    if (scan->is_reader_gone)
        return;
    (void)snprintf(line, sizeof(line), ":%zu: ", stream->line);
    cli_progress_clear(&scan->progress);
    cli_output_init(&out);
    put_masked(&out, gw_str_from(scan->path));
    cli_output_put(&out, line);
    cli_output_put_str(&out, gw_str_slice(secret, 0, GW_TOKEN_PREFIX_LENGTH));
    cli_output_put(&out, "***");
    put_history(&out, stream);
    cli_output_put(&out, "\n");
    scan->is_reader_gone = cli_output_send(&out, scan->why) != CLI_DONE;
}

static void fail_to_read(struct scan *scan, int error) {
    cli_progress_clear(&scan->progress);
    cli_warn("cannot read %s: %s", scan->path, strerror(error));
    scan->unread++;
}

static void tell(struct scan *scan) {
    cli_progress_tell(&scan->progress, "%zu files, %llu MiB, %zu tokens found", scan->files,
                      (unsigned long long)(scan->bytes / MEBIBYTE), scan->found);
}

// ---- what is read ----

static void read_all(struct scan *scan, int file) {
    bool is_history = strcmp(scan->path, STANDARD_INPUT) == 0;
    cli_scan_stream_init(&scan->stream, on_found, is_history);
    scan->files++;
    for (;;) {
        ssize_t length = read(file, cli_scan_stream_room(&scan->stream), CLI_SCAN_CHUNK_BYTES);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            fail_to_read(scan, errno);
        if (length <= 0)
            break;
        cli_scan_stream_feed(&scan->stream, (size_t)length);
        scan->bytes += (uint64_t)length;
        tell(scan);
    }
    cli_scan_stream_finish(&scan->stream);
}

// Below a directory only what is still the file that was seen there: no link, and no pipe, which
// would be waited for.
static void read_file(struct scan *scan, const char *path, bool is_below) {
    struct stat status;
    int file =
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_below ? O_NOFOLLOW | O_NONBLOCK : 0));
    if (file < 0) {
        fail_to_read(scan, errno);
        return;
    }
    if (!is_below || (fstat(file, &status) == 0 && S_ISREG(status.st_mode)))
        read_all(scan, file);
    (void)close(file);
}

static void visit(struct scan *scan, const FTSENT *entry) {
    bool is_below = entry->fts_level > FTS_ROOTLEVEL;
    scan->path = entry->fts_path;
    switch (entry->fts_info) {
    case FTS_F:
        read_file(scan, entry->fts_path, is_below);
        break;
    case FTS_DEFAULT: // a pipe, a device
        if (!is_below)
            read_file(scan, entry->fts_path, false);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        fail_to_read(scan, entry->fts_errno);
        break;
    case FTS_SLNONE:
        if (!is_below)
            fail_to_read(scan, ENOENT);
        break;
    default:
        break;
    }
}

static int by_name(const FTSENT **one, const FTSENT **other) {
    return strcmp((*one)->fts_name, (*other)->fts_name);
}

static void read_path(struct scan *scan, const char *path) {
    scan->path = path;
    if (strcmp(path, STANDARD_INPUT) == 0) {
        read_all(scan, STDIN_FILENO);
        return;
    }
    char *copy = strdup(path);
    char *paths[] = {copy, NULL};
    FTS *tree =
        copy != NULL ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
    if (tree == NULL) {
        fail_to_read(scan, errno);
    } else {
        for (const FTSENT *entry; (entry = fts_read(tree)) != NULL && !scan->is_reader_gone;)
            visit(scan, entry);
        (void)fts_close(tree);
    }
    free(copy);
}

static enum cli_exit conclude(const struct scan *scan, struct cli_reason *why) {
    if (scan->is_reader_gone)
        return CLI_FAILED;
    if (scan->found > 0)
        cli_note("%zu token%s found: end each that is live, with skillreg token revoke --self and "
                 "the token in SKILLREG_TOKEN, or by its prefix",
                 scan->found, scan->found == 1 ? " was" : "s were");
    if (scan->unread > 0)
        return cli_fail(why, CLI_USAGE, "not everything could be read, so there may be more");
    why->command_status = scan->found > 0 ? STATUS_FOUND : 0;
    return CLI_DONE;
}

enum cli_exit cli_scan_cmd(const struct cli_options *options, struct cli_reason *why) {
    struct scan *scan = calloc(1, sizeof(*scan));
    if (scan == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    scan->why = why;
    cli_progress_start(&scan->progress);
    if (options->operand_count == 0)
        read_path(scan, ".");
    for (size_t i = 0; i < options->operand_count && !scan->is_reader_gone; i++)
        read_path(scan, options->operands[i]);
    cli_progress_clear(&scan->progress);
    enum cli_exit exit = conclude(scan, why);
    free(scan);
    return exit;
}
