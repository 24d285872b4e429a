# SPDX-License-Identifier: MIT
"""This machine: its cores, free ports, and what a process has cost it so far."""
import os
import pathlib
import platform
import resource
import socket
import subprocess

_TICKS = os.sysconf("SC_CLK_TCK")


class Trouble(Exception):
    """Something a user can do something about; shown as one line."""


def check_cores(*wanted):
    there = os.sched_getaffinity(0)
    missing = sorted(set(wanted) - there)
    if missing:
        raise Trouble(f"core {missing[0]} is not there: the server needs one core of its own and the load another")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def find_program(name):
    """PATH, then where Debian keeps servers, which is not in every user's PATH."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/local/sbin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise Trouble(f"{name} is not installed")


def _numbers_after_name(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return text.rpartition(")")[2].split()


def _children(pid):
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (thread / "children").read_text().split())


def _family(pid):
    """The process and all that descend from it."""
    yield pid
    for child in _children(pid):
        yield from _family(child)


def shared_out_bytes(pid):
    """Proportional set size of a process and its children: a page that several map counts in parts."""
    total = 0
    for one in _family(pid):
        rollup = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total * 1024


def raise_descriptor_limit():
    """As high as the system lets us; what is started later inherits it. The number."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _own_seconds(pid):
    """From the scheduler's own clock where the kernel has one, else in clock ticks (10 ms)."""
    try:
        threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except FileNotFoundError:
        fields = _numbers_after_name(pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds(pid):
    """Processor time of a process, of its children, and of the children that it has already buried."""
    total = 0.0
    pending = [pid]
    while pending:
        one = pending.pop()
        try:
            fields = _numbers_after_name(one)
            total += _own_seconds(one) + (int(fields[13]) + int(fields[14])) / _TICKS
            pending += _children(one)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between two reads; its parent has its time
    return total


def core_busy_seconds(core):
    """Time that one core was not idle: everybody's, and what the machine's host took away."""
    for line in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / _TICKS
    return 0.0


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr else "?"


def describe():
    """What a reader of the numbers wants to know about the machine."""
    models = [line.partition(":")[2].strip() for line in
              pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
    return {"processor": models[0] if models else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "memory_gib": round(memory_bytes() / 2**30, 1)}


def versions():
    return {"haproxy": _first_line(find_program("haproxy"), "-v"), "nginx": _first_line(find_program("nginx"), "-v"),
            "node": _first_line(find_program("node"), "--version"),
            "postgresql": _first_line(find_program("psql"), "--version")}
