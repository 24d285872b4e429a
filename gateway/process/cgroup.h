// SPDX-License-Identifier: MIT
#pragma once
// The memory that the control group of this process may use (cgroup v1 and v2), as a container or a
// unit of systemd sets it. Reads small files of the kernel: for the start alone.

#include <stdint.h>

// Where the kernel shows them.
#define GW_CGROUP_OF_PROCESS "/proc/self/cgroup"
#define GW_CGROUP_ROOT "/sys/fs/cgroup"

// The smallest limit of the group and of those around it, in bytes (of v2 memory.high counts as
// well: beyond it the kernel slows the process down). 0: none, or none that can be read.
uint64_t gw_cgroup_memory_max(const char *of_process, const char *root);
