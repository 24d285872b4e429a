// SPDX-License-Identifier: MIT
#pragma once
// The certificates that the gateway shows, and those that sign its clients' certificates: read at
// start, again on demand, and by itself when one of their files changes. The directories of the
// files are watched. Some file systems report nothing, and a directory can be replaced as a whole,
// so the files are also looked at every poll interval. A change is read once its directory has had
// GW_CERTIFICATE_SETTLE_MS to become complete (a certificate and its key are two files).
//
// An unusable file changes nothing and is logged, once for each change. Open connections keep their
// certificates. cert_not_after_seconds and (a day apart) the log say when a certificate is about to
// end.

#include <uv.h>

#include "base/status.h"
#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"
#include "tls/context.h"

#define GW_CERTIFICATE_POLL_MS 60000
#define GW_CERTIFICATE_SETTLE_MS 250
#define GW_CERTIFICATE_WARNING_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

#define GW_CERTIFICATE_FILES_MAX (2 * GW_CONFIG_TEXTS_MAX + 1)

// What a file was at the last look; all zeros: missing.
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
    bool may_warn; // of certificates that end soon: true in one of several processes
};

struct gw_certificates {
    struct tls_context *context; // for new connections; NULL before gw_certificates_open
    void (*on_changed)(struct gw_certificates *certificates); // `context` was replaced
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

// Logs the problem when it fails; then no close is needed. Does not keep the loop alive.
enum gw_status gw_certificates_open(struct gw_certificates *certificates, uv_loop_t *loop,
                                    const struct gw_certificates_options *options) GW_MUST_USE;
// Reads all files, changed or not.
void gw_certificates_reload(struct gw_certificates *certificates);
// Harmless when not open. Connections keep the context.
void gw_certificates_close(struct gw_certificates *certificates);
