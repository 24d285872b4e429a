// SPDX-License-Identifier: MIT
#include "cli/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cli_exit fail_at(const char *what, const char *path, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
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

static bool make_temporary_name(char temporary[PATH_MAX], const char *path) {
    return snprintf(temporary, PATH_MAX, "%s.XXXXXX", path) < PATH_MAX;
}

// False with errno set, and everything as it was.
static bool replace(const char *path, struct gw_str text, const struct stat *before) {
    char temporary[PATH_MAX];
    if (!make_temporary_name(temporary, path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int descriptor = mkostemp(temporary, O_CLOEXEC); // mode 0600
    if (descriptor < 0)
        return false;
    bool is_done = (before == NULL || geteuid() != 0 ||
                    fchown(descriptor, before->st_uid, before->st_gid) == 0) &&
                   write_all(descriptor, text);
    int error = errno;
    (void)close(descriptor);
    errno = error;
    is_done = is_done && rename(temporary, path) == 0;
    error = errno;
    if (is_done)
        flush_directory(path);
    else
        (void)unlink(temporary);
    errno = error;
    return is_done;
}

// A mount point cannot be renamed over, and a directory may be another one's.
static bool may_write_in_place(int error) {
    return error == EBUSY || error == EACCES || error == EPERM || error == EROFS;
}

static bool write_in_place(const char *path, struct gw_str text) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return false;
    bool is_done = write_all(descriptor, text) && ftruncate(descriptor, (off_t)text.length) == 0;
    int error = errno;
    (void)close(descriptor);
    errno = error;
    return is_done;
}

// The file itself, behind links; a link that leads nowhere is nothing that we make.
static enum cli_exit find_target(const char *path, char target[PATH_MAX], bool *is_there,
                                 struct cli_reason *why) {
    struct stat link;
    *is_there = realpath(path, target) != NULL;
    if (*is_there)
        return CLI_DONE;
    if (errno != ENOENT)
        return fail_at("write", path, why);
    if (lstat(path, &link) == 0)
        return cli_fail(why, CLI_FAILED, "%s is a link that leads nowhere, remove it", path);
    memcpy(target, path, strlen(path) + 1);
    return CLI_DONE;
}

enum cli_exit cli_file_replace(const char *path, struct gw_str text, struct cli_reason *why) {
    gw_assert(path[0] != '\0');
    char target[PATH_MAX];
    struct stat before;
    bool is_there;
    enum cli_exit exit = make_directory(path, why);
    if (exit == CLI_DONE)
        exit = find_target(path, target, &is_there, why);
    if (exit != CLI_DONE)
        return exit;
    bool is_known = is_there && stat(target, &before) == 0;
    if (replace(target, text, is_known ? &before : NULL))
        return CLI_DONE;
    int error = errno;
    if (is_there && may_write_in_place(error) && write_in_place(target, text))
        return CLI_DONE;
    errno = error;
    return fail_at("write", path, why);
}

enum cli_exit cli_file_try(const char *path, struct cli_reason *why) {
    char target[PATH_MAX];
    char temporary[PATH_MAX];
    bool is_there;
    enum cli_exit exit = make_directory(path, why);
    if (exit == CLI_DONE)
        exit = find_target(path, target, &is_there, why);
    if (exit != CLI_DONE)
        return exit;
    if (!make_temporary_name(temporary, target))
        return cli_fail(why, CLI_FAILED, "the path of the settings file is too long");
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor >= 0)
        (void)unlink(temporary);
    else if (is_there && may_write_in_place(errno))
        descriptor = open(target, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail_at("write", path, why);
    (void)close(descriptor);
    return CLI_DONE;
}
