// SPDX-License-Identifier: MIT
#include "gateway/settings/secret_line.h"

#include <string.h>

#include "base/log.h"
#include "base/loop/files.h"
#include "base/str.h"

static enum gw_status refuse(const char **problem, const char *sentence) {
    *problem = sentence;
    return GW_INVALID;
}

static struct gw_str first_line(struct gw_str bytes) {
    struct gw_str line = gw_str_slice(bytes, 0, gw_str_find(bytes, '\n'));
    bool is_of_dos = line.length > 0 && line.at[line.length - 1] == '\r';
    return gw_str_slice(line, 0, line.length - (is_of_dos ? 1 : 0));
}

enum gw_status gw_secret_line_take(struct gw_str bytes, struct gw_secret_line *line,
                                   const char **problem) {
    struct gw_str first = first_line(bytes);
    if (first.length == 0)
        return refuse(problem, "its first line is empty");
    if (first.length > GW_SECRET_LINE_BYTES_MAX)
        return refuse(problem, "its first line is longer than 4096 bytes");
    if (memchr(first.at, '\0', first.length) != NULL)
        return refuse(problem, "it is not text");
    memcpy(line->text, first.at, first.length);
    line->text[first.length] = '\0';
    return GW_OK;
}

enum gw_status gw_secret_line_read(const char *path, struct gw_secret_line *line,
                                   const char **problem) {
    struct gw_file file = {.path = path};
    gw_files_read(&file, 1);
    line->is_public = file.is_public;
    enum gw_status status =
        file.bytes == NULL ? refuse(problem, strerror(file.failure))
                           : gw_secret_line_take(gw_str(file.bytes, file.length), line, problem);
    gw_files_drop(&file, 1);
    return status;
}

void gw_secret_warn_of_public(const char *path) {
    struct gw_log_quote file;
    gw_log(GW_LOG_WARNING, "server",
           "a key or secret can be read by everybody on this machine (chmod o-r) file=%s",
           gw_log_quoted(&file, gw_str_from(path)));
}
