// SPDX-License-Identifier: MIT
#include "gateway/process/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_writer.h"
#include "gateway/process/database_urls.h"
#include "gateway/process/heartbeat.h"
#include "gateway/process/listener.h"
#include "gateway/process/server.h"
#include "gateway/process/watchdog.h"
#include "gateway/settings/config_reread.h"
#include "gateway/settings/config_source.h"
#include "gateway/settings/org_metrics.h"
#include "gateway/settings/secret_line.h"
#include "gateway/settings/unknown_variables.h"
#include "tls/context.h"
#include "tls/tickets.h"
#include "token/id.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define SLOT_NUMBER_BYTES_MAX 16
#define STEADY_MS 10000 // a worker that ran this long has not crashed quickly
#define ABORT_MS 5000   // for a worker that stands still to end by SIGABRT, and to leave its core

struct child {
    pid_t pid; // 0: not running
    uint64_t started_ms;
    uint64_t restart_ms; // when to start it again; 0: never
    uint64_t pause_ms;
    struct gw_watchdog watchdog;
    bool is_silent;  // and that was said
    bool is_aborted; // it stood still for too long
};

// One port that the workers share.
struct reservation {
    int fd; // -1: none
    char address[GW_LISTENER_ADDRESS_BYTES];
};

struct supervisor {
    pid_t pid;
    struct gw_config config;
    struct gw_metrics *metrics;
    struct gw_org_metrics *org_metrics;
    const unsigned char *ticket_secret;
    const struct gw_handed_over *sockets;
    const struct gw_notify *notify;
    char id[GW_ID_LENGTH + 1]; // random
    struct reservation reservations[GW_PORT_COUNT];
    struct child children[GW_WORKERS_MAX];
    sigset_t signals; // that the supervisor waits for; a blocked one waits, ignored or not
    sigset_t signals_before;
    bool is_ready; // a worker has listened, and the service manager was told
    bool is_stopping;
    bool has_failed;
};

// ---- workers ----

static int run_worker(struct supervisor *supervisor, int index) {
    char slot[GW_ID_LENGTH + SLOT_NUMBER_BYTES_MAX];
    struct gw_notify silent;
    gw_notify_init_silent(&silent);
    (void)snprintf(slot, sizeof(slot), "%s.%d", supervisor->id, index);
    const struct gw_worker worker = {.all_metrics = supervisor->metrics,
                                     .org_metrics = supervisor->org_metrics,
                                     .ticket_secret = supervisor->ticket_secret,
                                     .slot = slot,
                                     .sockets = supervisor->sockets,
                                     .notify = &silent,
                                     .index = index,
                                     .count = supervisor->config.workers};
    // A worker is never an orphan: when the supervisor is killed, its workers drain and end.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor->pid)
        return 0; // the supervisor was killed meanwhile
    // Ctrl-C signals the whole process group of the supervisor, which passes it on. A worker that
    // got it twice would cut its drain.
    (void)setpgid(0, 0);
    sigprocmask(SIG_SETMASK, &supervisor->signals_before, NULL);
    for (int i = 0; i < GW_PORT_COUNT; i++) {
        if (supervisor->reservations[i].fd >= 0)
            close(supervisor->reservations[i].fd);
    }
    return gw_server_run(&supervisor->config, &worker);
}

static void plan_restart(struct child *child, uint64_t now_ms) {
    bool was_steady = now_ms - child->started_ms >= STEADY_MS;
    child->pause_ms = was_steady || child->pause_ms == 0 ? PAUSE_MIN_MS : child->pause_ms * 2;
    if (child->pause_ms > PAUSE_MAX_MS)
        child->pause_ms = PAUSE_MAX_MS;
    child->restart_ms = now_ms + child->pause_ms;
}

static void start_child(struct supervisor *supervisor, int index) {
    struct child *child = &supervisor->children[index];
    struct gw_metrics *metrics = &supervisor->metrics[index];
    gw_assert(child->pid == 0);
    if (child->restart_ms != 0)
        metrics->worker_restarts_total++;
    child->restart_ms = 0;
    child->started_ms = gw_clock_monotonic_ms();
    child->is_silent = child->is_aborted = false;
    gw_watchdog_start(&child->watchdog, metrics->heartbeats_total, child->started_ms);
    pid_t pid = fork();
    if (pid == 0)
        exit(run_worker(supervisor, index));
    if (pid < 0) {
        gw_log(GW_LOG_ERROR, "supervisor", "cannot start worker=%d reason=\"%s\"", index,
               strerror(errno));
        plan_restart(child, child->started_ms);
        return;
    }
    child->pid = pid;
    gw_log(GW_LOG_INFO, "supervisor", "worker started worker=%d pid=%d", index, (int)pid);
}

// After a signal to end. A worker that the signal killed had not set its handler yet, so it had not
// begun to serve; nor had one that hung in its start (end_if_hung).
static bool is_orderly_end(const struct child *child, int wait_status) {
    if (WIFEXITED(wait_status))
        return WEXITSTATUS(wait_status) == 0;
    return WTERMSIG(wait_status) == SIGTERM || WTERMSIG(wait_status) == SIGINT ||
           (WTERMSIG(wait_status) == SIGKILL && !child->watchdog.has_beaten);
}

// An exit code of 1 soon after the first start: the worker could not start, nor will the next one.
// One that is started again may find what is broken only now (a certificate that is being
// replaced): the others go on, and it is tried again.
static void on_child_ended(struct supervisor *supervisor, int index, int wait_status) {
    struct child *child = &supervisor->children[index];
    uint64_t now_ms = gw_clock_monotonic_ms();
    gw_assert(child->pid > 0 && child->restart_ms == 0);
    child->pid = 0;
    gw_metrics_reset_gauges(&supervisor->metrics[index]);
    if (supervisor->is_stopping && is_orderly_end(child, wait_status))
        return;
    bool is_hopeless = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1 &&
                       child->pause_ms == 0 && now_ms - child->started_ms < STEADY_MS;
    gw_log(GW_LOG_ERROR, "supervisor", "worker ended worker=%d %s=%d", index,
           WIFSIGNALED(wait_status) ? "signal" : "code",
           WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    if (supervisor->is_stopping || is_hopeless) {
        supervisor->has_failed = true;
        return;
    }
    plan_restart(child, now_ms);
}

static void reap(struct supervisor *supervisor) {
    int wait_status;
    for (pid_t pid; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
        for (int i = 0; i < supervisor->config.workers; i++) {
            if (supervisor->children[i].pid == pid)
                on_child_ended(supervisor, i, wait_status);
        }
    }
}

// ---- workers that stand still ----

// Newcomers of one that stands still wait for nothing, so /readyz of the others says so. One that
// hangs in its start, over a file that does not come, has none: the others serve them all.
static void note_silence(struct supervisor *supervisor, int index, uint64_t silent_ms) {
    struct child *child = &supervisor->children[index];
    bool is_silent = silent_ms >= GW_WATCHDOG_SILENT_MS;
    supervisor->metrics[index].workers_silent = is_silent && child->watchdog.has_beaten ? 1 : 0;
    if (is_silent && !child->is_silent)
        gw_log(GW_LOG_WARNING, "supervisor", "worker stands still worker=%d pid=%d", index,
               (int)child->pid);
    else if (!is_silent && child->is_silent)
        gw_log(GW_LOG_INFO, "supervisor", "worker goes on worker=%d pid=%d", index,
               (int)child->pid);
    child->is_silent = is_silent;
}

// SIGABRT leaves a core to look into, SIGKILL ends also a worker that was stopped. One that hangs
// in its start would hear of a signal to end only after it, and has nothing to drain.
static void end_if_hung(struct supervisor *supervisor, int index, uint64_t silent_ms) {
    struct child *child = &supervisor->children[index];
    uint64_t timeout_ms = supervisor->config.worker_timeout_ms;
    if (supervisor->is_stopping && child->is_silent && !child->watchdog.has_beaten)
        kill(child->pid, SIGKILL);
    if (timeout_ms == 0 || silent_ms < timeout_ms)
        return;
    if (silent_ms >= timeout_ms + ABORT_MS) {
        kill(child->pid, SIGKILL);
    } else if (!child->is_aborted) {
        child->is_aborted = true;
        gw_log(GW_LOG_ERROR, "supervisor",
               "worker stood still for too long and is ended worker=%d pid=%d seconds=%d", index,
               (int)child->pid, (int)(silent_ms / 1000));
        kill(child->pid, SIGABRT);
    }
}

static void look_at_children(struct supervisor *supervisor) {
    uint64_t now_ms = gw_clock_monotonic_ms();
    for (int i = 0; i < supervisor->config.workers; i++) {
        struct child *child = &supervisor->children[i];
        if (child->pid == 0)
            continue;
        int64_t beats = supervisor->metrics[i].heartbeats_total;
        uint64_t silent_ms = gw_watchdog_look(&child->watchdog, beats, now_ms);
        note_silence(supervisor, i, silent_ms);
        end_if_hung(supervisor, i, silent_ms);
    }
}

// ---- the service manager ----

static bool does_any_listen(const struct supervisor *supervisor) {
    for (int i = 0; i < supervisor->config.workers; i++) {
        if (supervisor->metrics[i].workers_listening > 0)
            return true;
    }
    return false;
}

// It watches the supervisor, and the supervisor its workers.
static void tell_manager(struct supervisor *supervisor) {
    gw_notify_beat(supervisor->notify);
    if (supervisor->is_ready || !does_any_listen(supervisor))
        return;
    supervisor->is_ready = true;
    gw_notify_ready(supervisor->notify);
}

// ---- the loop ----

static void signal_children(struct supervisor *supervisor, int number) {
    for (int i = 0; i < supervisor->config.workers; i++) {
        if (supervisor->children[i].pid > 0)
            kill(supervisor->children[i].pid, number);
    }
}

static bool has_children(const struct supervisor *supervisor) {
    for (int i = 0; i < supervisor->config.workers; i++) {
        const struct child *child = &supervisor->children[i];
        if (child->pid > 0 || (child->restart_ms != 0 && !supervisor->is_stopping))
            return true;
    }
    return false;
}

// Starts the workers whose time has come; returns how long to wait for the next, or for a look at
// those that run.
static uint64_t start_due(struct supervisor *supervisor) {
    uint64_t now_ms = gw_clock_monotonic_ms();
    uint64_t next_ms = now_ms + GW_HEARTBEAT_MS;
    for (int i = 0; i < supervisor->config.workers && !supervisor->is_stopping; i++) {
        struct child *child = &supervisor->children[i];
        if (child->restart_ms == 0)
            continue;
        if (child->restart_ms <= now_ms)
            start_child(supervisor, i);
        else if (child->restart_ms < next_ms)
            next_ms = child->restart_ms;
    }
    return next_ms - now_ms;
}

// Here for the log and for the workers that are started from now on; those that run do it, too.
static void reread_settings(struct supervisor *supervisor) {
    if (gw_config_reread(&supervisor->config, true)) {
        gw_log_set_level(supervisor->config.log_level);
        gw_log_set_form(supervisor->config.log_form);
    }
    (void)gw_database_urls_reread(&supervisor->config, true);
    signal_children(supervisor, SIGHUP);
}

static void wait_for_signal(struct supervisor *supervisor, uint64_t timeout_ms) {
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ms / 1000),
                                     .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    int number = sigtimedwait(&supervisor->signals, NULL, &timeout);
    if (number == SIGCHLD)
        reap(supervisor);
    if (number == SIGHUP)
        reread_settings(supervisor);
    if (number != SIGTERM && number != SIGINT)
        return;
    supervisor->is_stopping = true;
    gw_notify_stopping(supervisor->notify);
    signal_children(supervisor, number);
}

static int supervise(struct supervisor *supervisor) {
    for (int i = 0; i < supervisor->config.workers; i++)
        start_child(supervisor, i);
    while (has_children(supervisor)) {
        wait_for_signal(supervisor, start_due(supervisor));
        look_at_children(supervisor);
        tell_manager(supervisor);
        // A worker that cannot start takes the others with it: half a gateway would hide the
        // mistake.
        if (supervisor->has_failed && !supervisor->is_stopping) {
            supervisor->is_stopping = true;
            signal_children(supervisor, SIGTERM);
        }
    }
    return supervisor->has_failed ? 1 : 0;
}

// Takes a port and writes its address, port 0 resolved, into the workers' settings.
static bool reserve_port(struct supervisor *supervisor, enum gw_port port) {
    struct reservation *reservation = &supervisor->reservations[port];
    const char *address = gw_port_address(&supervisor->config, port);
    if (address == NULL || supervisor->sockets->fds[port] >= 0)
        return true;
    const struct gw_listener_options options = {
        .name = gw_port_name(port), .address = address, .shares_port = true};
    bool is_alone = !supervisor->config.reuse_port || port == GW_PORT_ADMIN;
    reservation->fd = gw_listener_reserve(&options, is_alone, reservation->address);
    gw_port_set_address(&supervisor->config, port, reservation->address);
    return reservation->fd >= 0;
}

static bool reserve_ports(struct supervisor *supervisor) {
    for (int i = 0; i < GW_PORT_COUNT; i++)
        supervisor->reservations[i].fd = -1;
    for (int i = 0; i < GW_PORT_COUNT; i++) {
        if (!reserve_port(supervisor, (enum gw_port)i))
            return false;
    }
    return true;
}

static void release_ports(struct supervisor *supervisor) {
    for (int i = 0; i < GW_PORT_COUNT; i++) {
        if (supervisor->reservations[i].fd >= 0)
            close(supervisor->reservations[i].fd);
    }
}

static int run_workers(const struct gw_config *config, const struct gw_worker *plan) {
    struct supervisor supervisor = {.pid = getpid(),
                                    .config = *config,
                                    .metrics = plan->all_metrics,
                                    .org_metrics = plan->org_metrics,
                                    .ticket_secret = plan->ticket_secret,
                                    .sockets = plan->sockets,
                                    .notify = plan->notify};
    gw_log_set_level(config->log_level);
    sigemptyset(&supervisor.signals);
    sigaddset(&supervisor.signals, SIGCHLD);
    sigaddset(&supervisor.signals, SIGTERM);
    sigaddset(&supervisor.signals, SIGINT);
    sigaddset(&supervisor.signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &supervisor.signals, &supervisor.signals_before);
    int code = 1;
    if (gw_id_make(supervisor.id) != GW_OK)
        gw_log(GW_LOG_ERROR, "supervisor", "no random bytes");
    else if (reserve_ports(&supervisor))
        code = supervise(&supervisor);
    release_ports(&supervisor);
    return code;
}

// Made before the fork, so that each worker can open the tickets of the others. One of a file is
// read by each of them.
static enum gw_status make_ticket_secret(unsigned char secret[TLS_TICKET_SECRET_BYTES]) {
    enum gw_status status = tls_ticket_secret_make(secret);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "supervisor",
               "cannot make a ticket secret reason=\"no random bytes\"");
    return status;
}

static void warn_of_public_files(const struct gw_config *config) {
    if (config->config_file != NULL && gw_config_source_shows_secret(&config->file))
        gw_secret_warn_of_public(config->config_file);
    if (config->database_url_file != NULL && config->database_url_line.is_public)
        gw_secret_warn_of_public(config->database_url_file);
    if (config->database_events_url_file != NULL && config->database_events_url_line.is_public)
        gw_secret_warn_of_public(config->database_events_url_file);
}

static void warn_of_unknown_variables(void) {
    struct gw_unknown_variable variable = {.next = 0};
    struct gw_log_quote name;
    while (gw_unknown_variable_next(&variable))
        gw_log(GW_LOG_WARNING, "settings", "variable of no setting, counts for nothing name=%s%s%s",
               gw_log_quoted(&name, variable.name), variable.meant == NULL ? "" : " meant=",
               variable.meant == NULL ? "" : variable.meant);
}

int gw_supervisor_run(struct gw_config *config) {
    struct gw_handed_over sockets;
    struct gw_notify notify;
    unsigned char ticket_secret[TLS_TICKET_SECRET_BYTES];
    size_t bytes = (size_t)config->workers * sizeof(struct gw_metrics);
    gw_log_set_form(config->log_form);
    gw_log_writer_start();
    warn_of_public_files(config);
    warn_of_unknown_variables();
    if (gw_handed_over_take(&sockets, config) != GW_OK ||
        make_ticket_secret(ticket_secret) != GW_OK)
        return 1;
    struct gw_metrics *metrics =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (metrics == MAP_FAILED) {
        gw_log(GW_LOG_ERROR, "supervisor", "cannot share memory reason=\"%s\"", strerror(errno));
        return 1;
    }
    struct gw_org_metrics *org_metrics = NULL;
    if (config->metrics_organisations > 0 &&
        gw_org_metrics_open(config->metrics_organisations, config->workers, &org_metrics) !=
            GW_OK) {
        gw_log(GW_LOG_ERROR, "supervisor", "cannot share memory reason=\"%s\"", strerror(errno));
        return 1;
    }
    // Process 1 is given the orphans of its container, which would stay as zombies. The supervisor
    // waits for any child.
    if (config->workers == 1)
        (void)signal(SIGCHLD, SIG_IGN);
    gw_notify_open(&notify);
    const struct gw_worker plan = {.all_metrics = metrics,
                                   .org_metrics = org_metrics,
                                   .ticket_secret = ticket_secret,
                                   .sockets = &sockets,
                                   .notify = &notify,
                                   .index = 0,
                                   .count = config->workers};
    int code = config->workers > 1 ? run_workers(config, &plan) : gw_server_run(config, &plan);
    gw_notify_close(&notify);
    gw_bytes_wipe(ticket_secret, sizeof(ticket_secret));
    gw_log_writer_stop();
    gw_log_writer_count_lost(NULL);
    munmap(metrics, bytes);
    gw_org_metrics_close(org_metrics);
    return code;
}
