"""Runs a program that can open only what it is told: `confined.py TOLD PROGRAM [ARGUMENT...]`.

The kernel's Landlock sees to that, which needs no privileges and is allowed in containers, where namespaces often are
not. TOLD is JSON: folders whose files may be run, read, or changed, and limits by the names of `resource`.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

# linux/landlock.h, linux/prctl.h; the numbers of the calls are the same on all architectures.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
GIVE_VERSION, PATH_BENEATH = 1, 1
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE = 1 << 13, 1 << 14
# What each version knows, the first one first: REFER and so on came one by one.
FILES = (0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF)
NETWORK_SINCE, NETWORK = 4, 0b11
SCOPES_SINCE, SCOPES = 6, 0b11

READ = READ_FILE | READ_DIR
CHANGE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    told = json.loads(sys.argv[1])
    program, *arguments = sys.argv[2:]
    if os.geteuid() == 0:
        sys.exit("root is not confined by this")
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    confine({EXECUTE | READ: told["runs"], READ: told["reads"], CHANGE: told["writes"]})
    with suppress(OSError):  # when memory runs out, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name, most in told["limits"].items():
        limit = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    os.execv(program, [program, *arguments])


def confine(allowed: dict[int, list[str]]) -> None:
    """From here on this process, and all that it starts, can open nothing else."""
    version = call(CREATE_RULESET, None, 0, GIVE_VERSION)
    known = FILES[min(version, len(FILES)) - 1]
    network = NETWORK if version >= NETWORK_SINCE else 0
    scopes = SCOPES if version >= SCOPES_SINCE else 0
    rules = struct.pack("=QQQ", known, network, scopes)
    size = 24 if scopes else 16 if network else 8
    ruleset = call(CREATE_RULESET, rules, size, 0)
    for access, paths in allowed.items():
        for path in paths:
            allow(ruleset, path, access & known)
    allow(ruleset, "/dev/null", (READ_FILE | WRITE_FILE | TRUNCATE) & known)
    allow(ruleset, "/dev/urandom", READ_FILE)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        sys.exit("new privileges cannot be given up")
    call(RESTRICT_SELF, ruleset, 0)


def allow(ruleset: int, path: str, access: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", access, opened), 0)
    os.close(opened)


def call(*arguments: object) -> int:
    number = libc.syscall(*arguments)
    if number < 0:
        sys.exit(f"Landlock is not available: {os.strerror(ctypes.get_errno())}")
    return int(number)


if __name__ == "__main__":
    main()
