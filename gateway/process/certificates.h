// SPDX-License-Identifier: MIT
#pragma once
// The certificates that the gateway shows, and those that sign the ones of its clients, kept up to
// date: read at start, again when told to, and by itself when one of their files changes. The
// directories of the files are watched; because some file systems tell nothing, and because a
// directory can be replaced as a whole, the files are also looked at every poll interval. A change
// is taken once its directory has had GW_CERTIFICATE_SETTLE_MS to become complete (a certificate
// and its key are two files).
//
// What cannot be used changes nothing and is said in the log, once for each change. Connections
// that are there keep what they have. Also tells, in cert_not_after_seconds and (a day apart) in
// the log, when a certificate is about to end.

#include <uv.h>

#include "base/status.h"
#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"
#include "tls/context.h"

#define GW_CERTIFICATE_FILES_MAX (2 * GW_CONFIG_TEXTS_MAX + 1)

// What a file was when it was last looked at; all zeros: not there.
struct gw_file_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t bytes;
    int64_t changed_s;
    int64_t changed_ns;
};

struct gw_certificates_options {
    const struct gw_config *config;
    const unsigned char *ticket_secret;
    struct gw_metrics *metrics;
    uint64_t poll_ms;
    bool may_warn; // of those that end soon: one process of several
};

struct gw_certificates {
    struct tls_context *context; // for new connections; NULL before it is open
    void (*on_changed)(struct gw_certificates *certificates); // `context` is another one
    struct gw_certificates_options options;
    const char *files[GW_CERTIFICATE_FILES_MAX];
    struct gw_file_stamp stamps[GW_CERTIFICATE_FILES_MAX];
    int file_count;
    uv_fs_event_t watches[GW_CERTIFICATE_FILES_MAX]; // one for each directory
    int watch_count;
    uv_timer_t settle;
    uv_timer_t poll;
    int64_t warned_ms; // wall time of the last warning; 0: none
    bool is_open;
};

// Logs what is wrong when it fails; then it is not open and needs no close. Does not keep the loop
// alive.
enum gw_status gw_certificates_open(struct gw_certificates *certificates, uv_loop_t *loop,
                                    const struct gw_certificates_options *options) GW_MUST_USE;
// Reads all files, changed or not.
void gw_certificates_reload(struct gw_certificates *certificates);
// Harmless when not open. Connections keep the context.
void gw_certificates_close(struct gw_certificates *certificates);
