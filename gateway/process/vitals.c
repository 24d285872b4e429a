// SPDX-License-Identifier: MIT
#include "gateway/process/vitals.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/events.h"

#define NS_PER_S INT64_C(1000000000)
#define DESCRIPTORS "/proc/self/fd"

static int64_t used_ns(void) {
    struct timespec used;
    gw_assert(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

static void read_memory(struct gw_process_metrics *process) {
    char line[128];
    char *rest;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL) {
        process->virtual_bytes = strtoll(line, &rest, 10) * sysconf(_SC_PAGESIZE);
        process->resident_bytes = strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
    }
    (void)fclose(file);
}

static int64_t max_fds(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : 0;
}

// Each number below it is taken.
static int64_t lowest_free_fd(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? fd : max_fds();
}

// To count the entries of the folder takes a microsecond for each, at 20,000 connections too long.
int64_t gw_vitals_open_fds(const char *folder) {
    struct stat entry;
    bool is_known = stat(folder, &entry) == 0 && entry.st_size > 0;
    return is_known ? entry.st_size : lowest_free_fd();
}

// Before the database was heard at all, since the start.
static int64_t silent_ms(const struct gw_vitals *vitals, const struct gw_services *services) {
    uint64_t heard_ms = services->events != NULL ? db_events_heard_ms(services->events) : 0;
    return (int64_t)(uv_now(services->loop) - (heard_ms != 0 ? heard_ms : vitals->began_ms));
}

void gw_vitals_start(struct gw_vitals *vitals, const struct gw_services *services) {
    *vitals =
        (struct gw_vitals){.began_ms = uv_now(services->loop), .start_ms = gw_clock_wall_ms()};
}

void gw_vitals_publish(const struct gw_vitals *vitals, struct gw_services *services) {
    struct gw_process_metrics *process = &services->metrics->process;
    process->processor_ns = services->metrics_at_start.process.processor_ns + used_ns();
    read_memory(process);
    process->open_fds = gw_vitals_open_fds(DESCRIPTORS);
    process->max_fds = max_fds();
    process->start_ms = vitals->start_ms;
    services->metrics->database_silent_ms = silent_ms(vitals, services);
}
