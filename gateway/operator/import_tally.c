// SPDX-License-Identifier: MIT
#include "gateway/operator/import_tally.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_file(int a, int b) {
    struct stat first;
    struct stat second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino && S_ISREG(first.st_mode);
}

// Emptied only when it is known not to be the input.
static enum gw_status open_report(struct gw_import_tally *tally, const char *path, int input) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return GW_SYSTEM;
    enum gw_status status = is_same_file(descriptor, input) ? GW_CONFLICT : GW_OK;
    struct stat info;
    if (status == GW_OK &&
        (fstat(descriptor, &info) != 0 || (S_ISREG(info.st_mode) && ftruncate(descriptor, 0) != 0)))
        status = GW_SYSTEM;
    if (status == GW_OK) {
        tally->report = fdopen(descriptor, "w");
        status = tally->report != NULL ? GW_OK : GW_SYSTEM;
    }
    if (status != GW_OK)
        (void)close(descriptor);
    return status;
}

enum gw_status gw_import_tally_open(struct gw_import_tally *tally, const char *path, int input) {
    *tally = (struct gw_import_tally){.report = stderr};
    return path == NULL ? GW_OK : open_report(tally, path, input);
}

enum gw_status gw_import_tally_close(struct gw_import_tally *tally) {
    bool is_whole = ferror(tally->report) == 0;
    if (tally->report != stderr)
        is_whole = fclose(tally->report) == 0 && is_whole;
    tally->report = NULL;
    return is_whole ? GW_OK : GW_SYSTEM;
}

void gw_import_tally_refuse(struct gw_import_tally *tally, uint64_t line, const char *why) {
    tally->refused++;
    (void)fprintf(tally->report, "line %" PRIu64 ": %s\n", line, why);
}

static const char *reason_of(enum db_token_import_outcome outcome) {
    switch (outcome) {
    case DB_TOKEN_IMPORT_DIFFERS:
        return "this token is there already, with other data: it was left as it is";
    case DB_TOKEN_IMPORT_REVOKED:
        return "this token was revoked, which is for good";
    case DB_TOKEN_IMPORT_NO_ORG:
        return "there is no such organisation (make it: skillreg-gateway org create)";
    case DB_TOKEN_IMPORT_ORG_DELETED:
        return "its organisation is deleted (skillreg-gateway org restore)";
    case DB_TOKEN_IMPORT_ID_TAKEN:
        return "another token has its id";
    case DB_TOKEN_IMPORT_MADE:
    case DB_TOKEN_IMPORT_NEW:
    case DB_TOKEN_IMPORT_THERE:
    case DB_TOKEN_IMPORT_UNKNOWN:
    default:
        return "the database refused it";
    }
}

void gw_import_tally_count(struct gw_import_tally *tally, uint64_t line,
                           enum db_token_import_outcome outcome) {
    if (outcome == DB_TOKEN_IMPORT_MADE || outcome == DB_TOKEN_IMPORT_NEW)
        tally->made++;
    else if (outcome == DB_TOKEN_IMPORT_THERE)
        tally->there++;
    else
        gw_import_tally_refuse(tally, line, reason_of(outcome));
}
