// SPDX-License-Identifier: MIT
#include "cli/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/.skillreg"
#define FILE_NAME "/config.json"
#define JSON_TOKENS_MAX 65536
#define ARENA_BYTES_MAX (16 * 1024 * 1024)
#define READ_BYTES 4096

static enum cli_exit fail_at(const char *what, const char *path, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
}

enum cli_exit cli_config_file_path(char path[PATH_MAX], struct cli_reason *why) {
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') {
        const struct passwd *account = getpwuid(getuid());
        home = account != NULL ? account->pw_dir : NULL;
    }
    if (home == NULL)
        return cli_fail(why, CLI_USAGE, "no home directory: set HOME");
    int length = snprintf(path, PATH_MAX, "%s" DIRECTORY FILE_NAME, home);
    if (length >= PATH_MAX)
        return cli_fail(why, CLI_USAGE, "the path of the home directory is too long");
    return CLI_DONE;
}

static enum cli_exit parse(struct cli_config_file *file, struct cli_reason *why) {
    size_t offset = 0;
    gw_arena_reset(&file->arena);
    enum gw_status status = gw_json_parse(&file->arena, gw_buf_bytes(&file->text), JSON_TOKENS_MAX,
                                          &file->root, &offset);
    if (status == GW_INVALID)
        return cli_fail(why, CLI_FAILED,
                        "%s is not valid JSON (byte %zu), repair it or move it away", file->path,
                        offset + 1);
    if (status != GW_OK)
        return cli_fail(why, CLI_FAILED, "cannot use %s: %s", file->path, gw_status_text(status));
    if (gw_json_type(file->root) != GW_JSON_OBJECT)
        return cli_fail(why, CLI_FAILED, "%s holds no JSON object, repair it or move it away",
                        file->path);
    return CLI_DONE;
}

static enum cli_exit read_all(struct cli_config_file *file, int descriptor,
                              struct cli_reason *why) {
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return fail_at("read", file->path, why);
    if (!S_ISREG(info.st_mode))
        return cli_fail(why, CLI_FAILED, "%s is not a regular file", file->path);
    for (;;) {
        char *at;
        enum gw_status status = gw_buf_reserve(&file->text, READ_BYTES, &at);
        if (status != GW_OK)
            return cli_fail(why, CLI_FAILED, "cannot read %s: %s", file->path,
                            gw_status_text(status));
        ssize_t length = read(descriptor, at, READ_BYTES);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return fail_at("read", file->path, why);
        if (length == 0)
            return CLI_DONE;
        gw_buf_commit(&file->text, (size_t)length);
    }
}

static enum cli_exit read_file(struct cli_config_file *file, struct cli_reason *why) {
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno != ENOENT)
        return fail_at("read", file->path, why);
    if (descriptor >= 0) {
        enum cli_exit exit = read_all(file, descriptor, why);
        (void)close(descriptor);
        if (exit != CLI_DONE)
            return exit;
    }
    if (gw_buf_length(&file->text) == 0) {
        enum gw_status status = gw_buf_append_str(&file->text, GW_STR("{}\n"));
        if (status != GW_OK)
            return cli_fail_status(why, status);
    }
    return CLI_DONE;
}

enum cli_exit cli_config_file_open(struct cli_config_file *file, const char *path,
                                   struct cli_reason *why) {
    *file = (struct cli_config_file){.path = ""};
    size_t length = strlen(path);
    if (length >= sizeof(file->path))
        return cli_fail(why, CLI_FAILED, "the path of the settings is too long");
    memcpy(file->path, path, length + 1);
    gw_buf_init(&file->text, CLI_CONFIG_FILE_BYTES_MAX);
    gw_arena_init(&file->arena, ARENA_BYTES_MAX);
    enum cli_exit exit = read_file(file, why);
    if (exit == CLI_DONE)
        exit = parse(file, why);
    if (exit != CLI_DONE)
        cli_config_file_close(file);
    return exit;
}

void cli_config_file_close(struct cli_config_file *file) {
    gw_buf_deinit_wiped(&file->text);
    gw_arena_deinit(&file->arena);
}

enum cli_exit cli_config_file_check(const char *path, struct cli_reason *why) {
    struct cli_config_file file;
    enum cli_exit exit = cli_config_file_open(&file, path, why);
    if (exit == CLI_DONE)
        cli_config_file_close(&file);
    return exit;
}

enum cli_exit cli_config_file_get(struct cli_config_file *file, const char *key,
                                  struct gw_str *value, struct cli_reason *why) {
    gw_assert(gw_json_type(file->root) == GW_JSON_OBJECT);
    struct gw_json member;
    struct gw_str text = gw_str(NULL, 0);
    if (gw_json_member(file->root, gw_str_from(key), &member) &&
        gw_json_type(member) != GW_JSON_NULL) {
        enum gw_status status = gw_json_string(member, &file->arena, &text);
        if (status == GW_INVALID)
            return cli_fail(why, CLI_FAILED, "\"%s\" in %s is not a string, repair it", key,
                            file->path);
        if (status != GW_OK)
            return cli_fail_status(why, status);
    }
    *value = text.length > 0 ? text : gw_str(NULL, 0);
    return CLI_DONE;
}

// The text with the bytes [from, to) replaced by `middle`.
static enum gw_status replace_range(const struct gw_buf *text, size_t from, size_t to,
                                    struct gw_str middle, struct gw_buf *out) {
    struct gw_str old = gw_buf_bytes(text);
    gw_assert(from <= to && to <= old.length);
    enum gw_status status = gw_buf_append_str(out, gw_str_slice(old, 0, from));
    if (status == GW_OK)
        status = gw_buf_append_str(out, middle);
    if (status == GW_OK)
        status = gw_buf_append_str(out, gw_str_slice(old, to, old.length));
    return status;
}

// A new member, behind the last one and with the white space that stands before the first: the file
// keeps its look.
static enum gw_status write_member(const struct cli_config_file *file, size_t *from, size_t *to,
                                   const char *key, struct gw_json_writer *writer) {
    const char *start = gw_buf_bytes(&file->text).at;
    struct gw_str object = gw_json_raw(file->root);
    int count = gw_json_count(file->root);
    struct gw_str space = GW_STR("\n  ");
    if (count > 0) {
        size_t quote = gw_str_find(object, '"');
        space = gw_str_slice(object, 1, quote);
        struct gw_str ignored;
        struct gw_json last;
        struct gw_arena none;
        gw_arena_init(&none, CLI_CONFIG_FILE_BYTES_MAX);
        enum gw_status status = gw_json_member_at(file->root, count - 1, &none, &ignored, &last);
        gw_arena_deinit(&none);
        if (status != GW_OK)
            return status;
        struct gw_str raw = gw_json_raw(last);
        *from = *to = (size_t)(raw.at - start) + raw.length;
        status = gw_buf_append_str(writer->out, GW_STR(","));
        if (status != GW_OK)
            return status;
    } else {
        *from = (size_t)(object.at - start) + 1;
        *to = (size_t)(object.at - start) + object.length - 1;
    }
    enum gw_status status = gw_buf_append_str(writer->out, space);
    if (status == GW_OK)
        status = gw_buf_printf(writer->out, "\"%s\": ", key);
    return status;
}

enum cli_exit cli_config_file_set(struct cli_config_file *file, const char *key,
                                  struct gw_str value, struct cli_reason *why) {
    gw_assert(gw_json_type(file->root) == GW_JSON_OBJECT);
    struct gw_buf middle;
    struct gw_buf text;
    gw_buf_init(&middle, CLI_CONFIG_FILE_BYTES_MAX);
    gw_buf_init(&text, CLI_CONFIG_FILE_BYTES_MAX);
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, &middle);

    size_t from = 0;
    size_t to = 0;
    struct gw_json member;
    enum gw_status status = GW_OK;
    bool was_empty = gw_json_count(file->root) == 0;
    if (gw_json_member(file->root, gw_str_from(key), &member)) {
        struct gw_str raw = gw_json_raw(member);
        from = (size_t)(raw.at - gw_buf_bytes(&file->text).at);
        to = from + raw.length;
    } else {
        status = write_member(file, &from, &to, key, &writer);
    }
    if (status == GW_OK) {
        gw_json_write_string(&writer, value);
        status = gw_json_writer_finish(&writer);
    }
    if (status == GW_OK && was_empty)
        status = gw_buf_append_str(&middle, GW_STR("\n"));
    if (status == GW_OK)
        status = replace_range(&file->text, from, to, gw_buf_bytes(&middle), &text);
    gw_buf_deinit_wiped(&middle);
    if (status != GW_OK) {
        gw_buf_deinit_wiped(&text);
        return cli_fail_status(why, status);
    }
    gw_buf_deinit_wiped(&file->text);
    file->text = text;
    return parse(file, why);
}

static enum cli_exit make_directory(const char *path, struct cli_reason *why) {
    char directory[PATH_MAX];
    memcpy(directory, path, strlen(path) + 1);
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory)
        return CLI_DONE;
    *slash = '\0';
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return fail_at("make the directory", directory, why);
    return CLI_DONE;
}

static bool write_all(int descriptor, struct gw_str text) {
    while (text.length > 0) {
        ssize_t written = write(descriptor, text.at, text.length);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            text = gw_str_slice(text, (size_t)written, text.length);
    }
    return fsync(descriptor) == 0;
}

// The rename itself survives a power cut then. Some file systems cannot do it: not an error.
static void flush_directory(const char *path) {
    char directory[PATH_MAX];
    memcpy(directory, path, strlen(path) + 1);
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        return;
    slash[slash == directory] = '\0';
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    (void)fsync(descriptor);
    (void)close(descriptor);
}

static enum cli_exit replace(const char *path, struct gw_str text, struct cli_reason *why) {
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return cli_fail(why, CLI_FAILED, "the path of the settings is too long");
    int descriptor = mkostemp(temporary, O_CLOEXEC); // mode 0600
    if (descriptor < 0)
        return fail_at("write beside", path, why);
    bool written = write_all(descriptor, text);
    int error = errno;
    (void)close(descriptor);
    errno = error;
    if (!written || rename(temporary, path) != 0) {
        enum cli_exit exit = fail_at("write", path, why);
        (void)unlink(temporary);
        return exit;
    }
    flush_directory(path);
    return CLI_DONE;
}

enum cli_exit cli_config_file_save(struct cli_config_file *file, struct cli_reason *why) {
    gw_assert(file->path[0] != '\0' && gw_buf_length(&file->text) > 0);
    enum cli_exit exit = make_directory(file->path, why);
    if (exit != CLI_DONE)
        return exit;
    char resolved[PATH_MAX];
    const char *target = file->path;
    if (realpath(file->path, resolved) != NULL)
        target = resolved;
    else if (errno != ENOENT)
        return fail_at("write", file->path, why);
    return replace(target, gw_buf_bytes(&file->text), why);
}
