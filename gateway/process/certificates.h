// SPDX-License-Identifier: MIT
#pragma once
// The files of TLS: the certificates that the gateway shows, their keys, the authorities of its
// clients' certificates, the secret of its tickets. Read at start, again on demand, and by itself
// when one of them changes. The directories of the files are watched. Some file systems report
// nothing, and a directory can be replaced as a whole, so the files are also looked at every poll
// interval. A change is read once its directory has had GW_CERTIFICATE_SETTLE_MS to become complete
// (a certificate and its key are two files).
//
// At start the process waits for its files. Afterwards it never does: they are looked at and read
// on a thread (base/loop/files.h), and a file that hangs is named in the log at the next poll.
//
// An unusable file changes nothing and is logged, once for each change. Open connections keep their
// certificates. cert_not_after_seconds and (a day apart) the log say when a certificate is about to
// end. A key or a secret that everybody on the machine may read is named in the log.

#include <uv.h>

#include "base/loop/files.h"
#include "base/status.h"
#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"
#include "tls/context.h"

#define GW_CERTIFICATE_POLL_MS 60000
#define GW_CERTIFICATE_SETTLE_MS 250
#define GW_CERTIFICATE_WARNING_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

#define GW_CERTIFICATE_FILES_MAX (2 * GW_CONFIG_TEXTS_MAX + 2)

struct gw_certificates_options {
    const struct gw_config *config;
    const unsigned char *ticket_secret; // without a file of it
    struct gw_metrics *metrics;
    uint64_t poll_ms;
    bool may_warn; // of certificates that end soon: true in one of several processes
};

struct gw_certificates {
    struct tls_context *context; // for new connections; NULL before gw_certificates_open
    void (*on_changed)(struct gw_certificates *certificates); // `context` was replaced
    struct gw_certificates_options options;
    struct gw_file files[GW_CERTIFICATE_FILES_MAX]; // as they were read last, without content
    bool is_secret[GW_CERTIFICATE_FILES_MAX];
    int file_count;
    struct gw_file_reader reader;
    uv_fs_event_t watches[GW_CERTIFICATE_FILES_MAX]; // one for each directory
    int watch_count;
    uv_timer_t settle;
    uv_timer_t poll;
    int64_t warned_ms; // wall time of the last warning; 0: none
    bool is_demanded;  // the files are to be used, changed or not
    bool is_to_repeat; // asked for while a reading was under way
    bool has_said_stuck;
    bool is_open;
};

// Whether any port speaks TLS: that of HTTPS, or the page, which is never plain where there is a
// certificate.
bool gw_certificates_are_needed(const struct gw_config *config);
// Logs the problem when it fails; then no close is needed. Does not keep the loop alive.
enum gw_status gw_certificates_open(struct gw_certificates *certificates, uv_loop_t *loop,
                                    const struct gw_certificates_options *options) GW_MUST_USE;
// Reads all files, changed or not; on_changed follows when they can be used.
void gw_certificates_reload(struct gw_certificates *certificates);
// Harmless when not open. Connections keep the context.
void gw_certificates_close(struct gw_certificates *certificates);
