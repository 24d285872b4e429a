// SPDX-License-Identifier: MIT
#include "gateway/settings/url_file.h"

#include "gateway/settings/complaint.h"

bool gw_url_file_take(const struct gw_url_file *file, struct gw_secret_line *line,
                      const char **url) {
    const char *problem;
    if (file->path == NULL)
        return true;
    if (*url != NULL) {
        gw_complain("both %s and %s are given: take one away", file->url_names, file->file_names);
        return false;
    }
    if (gw_secret_line_read(file->path, line, &problem) != GW_OK) {
        gw_complain("cannot use %s: %s: %s", file->file_names, file->path, problem);
        return false;
    }
    *url = line->text;
    return true;
}
