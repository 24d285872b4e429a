// SPDX-License-Identifier: MIT
#include "cli/config_path.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BELOW_HOME "/.skillreg/config.json"
#define FILE_BELOW_XDG "/skillreg/config.json"
#define FILE_SHOWN "~" FILE_BELOW_HOME

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

// NULL: nobody knows.
static const char *home_directory(void) {
    const char *home = variable("HOME");
    if (home != NULL)
        return home;
    const struct passwd *account = getpwuid(getuid());
    return account != NULL ? account->pw_dir : NULL;
}

static bool join(char path[PATH_MAX], const char *directory, const char *rest) {
    return snprintf(path, PATH_MAX, "%s%s", directory, rest) < PATH_MAX;
}

// A relative XDG_CONFIG_HOME is ignored, as its specification says.
static bool path_below_xdg(char path[PATH_MAX]) {
    const char *directory = variable("XDG_CONFIG_HOME");
    return directory != NULL && directory[0] == '/' && join(path, directory, FILE_BELOW_XDG);
}

enum cli_exit cli_config_path_find(char path[PATH_MAX], struct cli_reason *why) {
    char below_home[PATH_MAX];
    const char *named = variable("SKILLREG_CONFIG");
    const char *home = home_directory();
    if (named != NULL)
        return join(path, named, "") ? CLI_DONE
                                     : cli_fail(why, CLI_USAGE, "SKILLREG_CONFIG is too long");
    if (home != NULL && !join(below_home, home, FILE_BELOW_HOME))
        return cli_fail(why, CLI_USAGE, "the path of the home directory is too long");
    if (path_below_xdg(path) &&
        (access(path, F_OK) == 0 || home == NULL || access(below_home, F_OK) != 0))
        return CLI_DONE;
    if (home == NULL)
        return cli_fail(why, CLI_USAGE, "no home directory: set HOME or SKILLREG_CONFIG");
    memcpy(path, below_home, strlen(below_home) + 1);
    return CLI_DONE;
}

const char *cli_config_path_shown(const char *path) {
    char below_home[PATH_MAX];
    const char *home = home_directory();
    bool is_below_home =
        home != NULL && join(below_home, home, FILE_BELOW_HOME) && strcmp(path, below_home) == 0;
    return is_below_home ? FILE_SHOWN : path;
}
