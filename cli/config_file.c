// SPDX-License-Identifier: MIT
#include "cli/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file_replace.h"

#define FURTHER "gateways"
#define KEYS_MAX 3
#define JSON_TOKENS_MAX 65536
#define ARENA_BYTES_MAX (16 * 1024 * 1024)
#define READ_BYTES 4096

// For a program to know such an error by.
static enum cli_exit fail_as_config(enum cli_exit exit, struct cli_reason *why) {
    if (exit != CLI_DONE)
        cli_reason_set_code(why, GW_STR("config"));
    return exit;
}

static enum cli_exit fail_at(const char *what, const char *path, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
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
        return cli_fail(why, CLI_FAILED,
                        "%s is not a regular file, name another one with SKILLREG_CONFIG",
                        file->path);
    file->is_shared = (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
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
        return cli_fail(why, CLI_FAILED, "the path of the settings file is too long");
    memcpy(file->path, path, length + 1);
    gw_buf_init(&file->text, CLI_CONFIG_FILE_BYTES_MAX);
    gw_arena_init(&file->arena, ARENA_BYTES_MAX);
    enum cli_exit exit = read_file(file, why);
    if (exit == CLI_DONE)
        exit = parse(file, why);
    if (exit != CLI_DONE)
        cli_config_file_close(file);
    return fail_as_config(exit, why);
}

void cli_config_file_close(struct cli_config_file *file) {
    gw_buf_deinit_wiped(&file->text);
    gw_arena_deinit(&file->arena);
}

// ---- values ----

struct keys {
    struct gw_str at[KEYS_MAX];
    int count;
};

static struct keys keys_of(struct cli_config_place place) {
    if (place.gateway.at == NULL)
        return (struct keys){{gw_str_from(place.key)}, 1};
    return (struct keys){{GW_STR(FURTHER), place.gateway, gw_str_from(place.key)}, 3};
}

static enum cli_exit fail_at_key(const struct cli_config_file *file, struct gw_str key,
                                 const char *fault, struct cli_reason *why) {
    enum cli_exit exit = cli_fail(why, CLI_FAILED, "\"%.*s\" in %s is %s, repair it",
                                  GW_STR_ARG(key), file->path, fault);
    return fail_as_config(exit, why);
}

// Goes down as far as there are objects under the keys before the last one: *object is the one that
// was reached, by so many keys.
static enum cli_exit descend(const struct cli_config_file *file, const struct keys *keys,
                             struct gw_json *object, int *depth, struct cli_reason *why) {
    struct gw_json member;
    *object = file->root;
    for (*depth = 0; *depth < keys->count - 1; (*depth)++) {
        if (!gw_json_member(*object, keys->at[*depth], &member))
            return CLI_DONE;
        if (gw_json_type(member) != GW_JSON_OBJECT)
            return fail_at_key(file, keys->at[*depth], "no object", why);
        *object = member;
    }
    return CLI_DONE;
}

enum cli_exit cli_config_file_get(struct cli_config_file *file, struct cli_config_place place,
                                  struct gw_str *value, struct cli_reason *why) {
    gw_assert(gw_json_type(file->root) == GW_JSON_OBJECT);
    struct keys keys = keys_of(place);
    struct gw_json object;
    struct gw_json member;
    struct gw_str text = gw_str(NULL, 0);
    int depth;
    enum cli_exit exit = descend(file, &keys, &object, &depth, why);
    if (exit != CLI_DONE)
        return exit;
    if (depth == keys.count - 1 && gw_json_member(object, keys.at[depth], &member) &&
        gw_json_type(member) != GW_JSON_NULL) {
        enum gw_status status = gw_json_string(member, &file->arena, &text);
        if (status == GW_INVALID)
            return fail_at_key(file, keys.at[depth], "not a string", why);
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

// Bytes of the text, and what stands there instead.
struct change {
    size_t from;
    size_t to;
    struct gw_buf middle;
};

static enum gw_status put_key(struct gw_json_writer *writer, struct gw_str key,
                              const char *divider) {
    gw_json_write_string(writer, key);
    writer->needs_comma = false;
    return writer->status == GW_OK ? gw_buf_append_str(writer->out, gw_str_from(divider))
                                   : writer->status;
}

// Where a new member of the object goes: behind the last one and with the white space that stands
// before the first, so that the file keeps its look.
static enum gw_status begin_member(const struct cli_config_file *file, struct gw_json object,
                                   struct change *change) {
    const char *start = gw_buf_bytes(&file->text).at;
    struct gw_str raw = gw_json_raw(object);
    int count = gw_json_count(object);
    if (count == 0) {
        change->from = (size_t)(raw.at - start) + 1;
        change->to = (size_t)(raw.at - start) + raw.length - 1;
        return gw_buf_append_str(&change->middle, GW_STR("\n  "));
    }
    struct gw_str ignored;
    struct gw_json last;
    struct gw_arena none;
    gw_arena_init(&none, CLI_CONFIG_FILE_BYTES_MAX);
    enum gw_status status = gw_json_member_at(object, count - 1, &none, &ignored, &last);
    gw_arena_deinit(&none);
    if (status != GW_OK)
        return status;
    struct gw_str last_raw = gw_json_raw(last);
    change->from = change->to = (size_t)(last_raw.at - start) + last_raw.length;
    status = gw_buf_append_str(&change->middle, GW_STR(","));
    struct gw_str space = gw_str_slice(raw, 1, gw_str_find(raw, '"'));
    return status == GW_OK ? gw_buf_append_str(&change->middle, space) : status;
}

// The value under the keys from `depth` on: for what is not there yet, objects around it.
static enum gw_status write_value(struct gw_buf *out, const struct keys *keys, int depth,
                                  struct gw_str value) {
    struct gw_json_writer writer;
    enum gw_status status = GW_OK;
    gw_json_writer_init(&writer, out);
    for (int i = depth + 1; i < keys->count && status == GW_OK; i++) {
        gw_json_open_object(&writer);
        status = put_key(&writer, keys->at[i], ": ");
    }
    gw_json_write_string(&writer, value);
    for (int i = depth + 1; i < keys->count; i++)
        gw_json_close_object(&writer);
    return status == GW_OK ? gw_json_writer_finish(&writer) : status;
}

static enum gw_status write_change(const struct cli_config_file *file, struct gw_json object,
                                   const struct keys *keys, int depth, struct gw_str value,
                                   struct change *change) {
    struct gw_json member;
    if (gw_json_member(object, keys->at[depth], &member)) {
        struct gw_str raw = gw_json_raw(member);
        change->from = (size_t)(raw.at - gw_buf_bytes(&file->text).at);
        change->to = change->from + raw.length;
        return write_value(&change->middle, keys, depth, value);
    }
    struct gw_json_writer writer;
    enum gw_status status = begin_member(file, object, change);
    gw_json_writer_init(&writer, &change->middle);
    if (status == GW_OK)
        status = put_key(&writer, keys->at[depth], ": ");
    if (status == GW_OK)
        status = write_value(&change->middle, keys, depth, value);
    if (status == GW_OK && gw_json_count(object) == 0)
        status = gw_buf_append_str(&change->middle, GW_STR("\n"));
    return status;
}

// Puts what the change says in place, and takes its bytes.
static enum cli_exit apply(struct cli_config_file *file, struct change *change,
                           enum gw_status status, struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, CLI_CONFIG_FILE_BYTES_MAX);
    if (status == GW_OK)
        status = replace_range(&file->text, change->from, change->to, gw_buf_bytes(&change->middle),
                               &text);
    gw_buf_deinit_wiped(&change->middle);
    if (status != GW_OK) {
        gw_buf_deinit_wiped(&text);
        return cli_fail_status(why, status);
    }
    gw_buf_deinit_wiped(&file->text);
    file->text = text;
    return parse(file, why);
}

enum cli_exit cli_config_file_set(struct cli_config_file *file, struct cli_config_place place,
                                  struct gw_str value, struct cli_reason *why) {
    gw_assert(gw_json_type(file->root) == GW_JSON_OBJECT);
    struct keys keys = keys_of(place);
    struct gw_json object;
    struct change change = {.from = 0};
    int depth;
    enum cli_exit exit = descend(file, &keys, &object, &depth, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&change.middle, CLI_CONFIG_FILE_BYTES_MAX);
    return apply(file, &change, write_change(file, object, &keys, depth, value, &change), why);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_space(struct gw_str text, size_t at) {
    while (is_space(text.at[at]))
        at++;
    return at;
}

static size_t skip_space_back(struct gw_str text, size_t at) {
    while (is_space(text.at[at - 1]))
        at--;
    return at;
}

// The member that has this value, with the comma that parts it from a neighbour. The text is valid
// JSON, so that its braces end every search; a key that is one of ours has no quote inside.
static struct change member_around(struct gw_str text, struct gw_str value) {
    size_t from = (size_t)(value.at - text.at);
    size_t to = from + value.length;
    for (int quotes = 0; quotes < 2; quotes += text.at[from] == '"')
        from--;
    size_t before = skip_space_back(text, from);
    size_t after = skip_space(text, to);
    if (text.at[before - 1] == ',')
        return (struct change){.from = before - 1, .to = to};
    if (text.at[after] == ',')
        return (struct change){.from = from, .to = skip_space(text, after + 1)};
    return (struct change){.from = before, .to = after};
}

enum cli_exit cli_config_file_unset(struct cli_config_file *file, struct cli_config_place place,
                                    struct cli_reason *why) {
    gw_assert(gw_json_type(file->root) == GW_JSON_OBJECT);
    struct keys keys = keys_of(place);
    struct gw_json object;
    struct gw_json member;
    int depth;
    enum cli_exit exit = descend(file, &keys, &object, &depth, why);
    if (exit != CLI_DONE || depth < keys.count - 1 ||
        !gw_json_member(object, keys.at[depth], &member))
        return exit;
    struct change change = member_around(gw_buf_bytes(&file->text), gw_json_raw(member));
    gw_buf_init(&change.middle, CLI_CONFIG_FILE_BYTES_MAX);
    return apply(file, &change, GW_OK, why);
}

// ---- writing ----

enum cli_exit cli_config_file_save(struct cli_config_file *file, struct cli_reason *why) {
    gw_assert(file->path[0] != '\0' && gw_buf_length(&file->text) > 0);
    enum cli_exit exit = cli_file_replace(file->path, gw_buf_bytes(&file->text), why);
    return fail_as_config(exit, why);
}

enum cli_exit cli_config_file_check(const char *path, struct cli_reason *why) {
    struct cli_config_file file;
    enum cli_exit exit = cli_config_file_open(&file, path, why);
    if (exit != CLI_DONE)
        return exit;
    cli_config_file_close(&file);
    return fail_as_config(cli_file_try(path, why), why);
}
