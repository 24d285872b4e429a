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
#include "gateway/process/listener.h"
#include "gateway/process/server.h"
#include "tls/context.h"
#include "tls/tickets.h"
#include "token/id.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define SLOT_NUMBER_BYTES_MAX 16
#define STEADY_MS 10000 // a worker that ran this long has not crashed quickly

struct child {
    pid_t pid; // 0: not running
    uint64_t started_ms;
    uint64_t restart_ms; // when to start it again; 0: never
    uint64_t pause_ms;
};

// One port that the workers share.
struct reservation {
    const char **setting; // in the copy of the settings that the workers read
    const char *name;
    int fd;
    char address[GW_LISTENER_ADDRESS_BYTES];
};

struct supervisor {
    pid_t pid;
    struct gw_config config;
    struct gw_metrics *metrics;
    const unsigned char *ticket_secret;
    char id[GW_ID_LENGTH + 1]; // random
    struct reservation reservations[3];
    struct child children[GW_WORKERS_MAX];
    sigset_t signals; // that the supervisor waits for
    sigset_t signals_before;
    bool is_stopping;
    bool has_failed;
};

// ---- workers ----

static int run_worker(struct supervisor *supervisor, int index) {
    char slot[GW_ID_LENGTH + SLOT_NUMBER_BYTES_MAX];
    (void)snprintf(slot, sizeof(slot), "%s.%d", supervisor->id, index);
    const struct gw_worker worker = {.all_metrics = supervisor->metrics,
                                     .ticket_secret = supervisor->ticket_secret,
                                     .slot = slot,
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
    for (size_t i = 0; i < 3; i++) {
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
    gw_assert(child->pid == 0);
    child->restart_ms = 0;
    child->started_ms = gw_clock_monotonic_ms();
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
// begun to serve.
static bool is_orderly_end(int wait_status) {
    return WIFEXITED(wait_status)
               ? WEXITSTATUS(wait_status) == 0
               : WTERMSIG(wait_status) == SIGTERM || WTERMSIG(wait_status) == SIGINT;
}

// An exit code of 1 soon after the start: the worker could not start, nor will the next one.
static void on_child_ended(struct supervisor *supervisor, int index, int wait_status) {
    struct child *child = &supervisor->children[index];
    uint64_t now_ms = gw_clock_monotonic_ms();
    gw_assert(child->pid > 0 && child->restart_ms == 0);
    child->pid = 0;
    if (supervisor->is_stopping && is_orderly_end(wait_status))
        return;
    bool is_hopeless = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1 &&
                       now_ms - child->started_ms < STEADY_MS;
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

// ---- the loop ----

// Starts the workers whose time has come; returns how long to wait for the next.
static uint64_t start_due(struct supervisor *supervisor) {
    uint64_t now_ms = gw_clock_monotonic_ms();
    uint64_t next_ms = now_ms + PAUSE_MAX_MS;
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

static void wait_for_signal(struct supervisor *supervisor, uint64_t timeout_ms) {
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ms / 1000),
                                     .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    int number = sigtimedwait(&supervisor->signals, NULL, &timeout);
    if (number == SIGCHLD)
        reap(supervisor);
    if (number == SIGHUP)
        signal_children(supervisor, number);
    if (number != SIGTERM && number != SIGINT)
        return;
    supervisor->is_stopping = true;
    signal_children(supervisor, number);
}

static int supervise(struct supervisor *supervisor) {
    for (int i = 0; i < supervisor->config.workers; i++)
        start_child(supervisor, i);
    while (has_children(supervisor)) {
        wait_for_signal(supervisor, start_due(supervisor));
        // A worker that cannot start takes the others with it: half a gateway would hide the
        // mistake.
        if (supervisor->has_failed && !supervisor->is_stopping) {
            supervisor->is_stopping = true;
            signal_children(supervisor, SIGTERM);
        }
    }
    return supervisor->has_failed ? 1 : 0;
}

// Takes the ports and writes their addresses, port 0 resolved, into the workers' settings.
static bool reserve_ports(struct supervisor *supervisor) {
    struct reservation wanted[3] = {{&supervisor->config.listen_https, "https", -1, ""},
                                    {&supervisor->config.listen_http, "http", -1, ""},
                                    {&supervisor->config.listen_admin, "admin", -1, ""}};
    memcpy(supervisor->reservations, wanted, sizeof(wanted));
    for (size_t i = 0; i < 3; i++) {
        struct reservation *reservation = &supervisor->reservations[i];
        if (*reservation->setting == NULL)
            continue;
        const struct gw_listener_options options = {
            .name = reservation->name, .address = *reservation->setting, .shares_port = true};
        reservation->fd = gw_listener_reserve(&options, reservation->address);
        if (reservation->fd < 0)
            return false;
        *reservation->setting = reservation->address;
    }
    return true;
}

static void release_ports(struct supervisor *supervisor) {
    for (size_t i = 0; i < 3; i++) {
        if (supervisor->reservations[i].fd >= 0)
            close(supervisor->reservations[i].fd);
    }
}

static int run_workers(const struct gw_config *config, struct gw_metrics *metrics,
                       const unsigned char *ticket_secret) {
    struct supervisor supervisor = {
        .pid = getpid(), .config = *config, .metrics = metrics, .ticket_secret = ticket_secret};
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

// Made before the fork, so that each worker can open the tickets of the others.
static enum gw_status make_ticket_secret(const char *file,
                                         unsigned char secret[TLS_TICKET_SECRET_BYTES]) {
    char error[TLS_ERROR_TEXT_BYTES] = "no random bytes";
    enum gw_status status =
        file != NULL ? tls_ticket_secret_read(file, secret, error) : tls_ticket_secret_make(secret);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "supervisor", "cannot use the ticket secret reason=\"%s\"", error);
    return status;
}

int gw_supervisor_run(const struct gw_config *config) {
    unsigned char ticket_secret[TLS_TICKET_SECRET_BYTES];
    size_t bytes = (size_t)config->workers * sizeof(struct gw_metrics);
    if (make_ticket_secret(config->tls_ticket_secret, ticket_secret) != GW_OK)
        return 1;
    struct gw_metrics *metrics =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (metrics == MAP_FAILED) {
        gw_log(GW_LOG_ERROR, "supervisor", "cannot share memory reason=\"%s\"", strerror(errno));
        return 1;
    }
    const struct gw_worker only = {
        .all_metrics = metrics, .ticket_secret = ticket_secret, .index = 0, .count = 1};
    int code = config->workers > 1 ? run_workers(config, metrics, ticket_secret)
                                   : gw_server_run(config, &only);
    gw_bytes_wipe(ticket_secret, sizeof(ticket_secret));
    munmap(metrics, bytes);
    return code;
}
