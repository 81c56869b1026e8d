"""The system calls that a program may make, as a seccomp filter."""

import platform
import struct
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class _Machine(NamedTuple):
    """How a kind of processor names itself and its system calls."""

    architecture: int
    calls: Mapping[str, int]


_MACHINES: Final[Mapping[str, _Machine]] = MappingProxyType({
    "x86_64": _Machine(0xC000003E, {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10,
        "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
        "sched_yield": 24, "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60,
        "gettimeofday": 96, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202,
        "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "exit_group": 231,
        "getrandom": 318,
    }),
    "aarch64": _Machine(0xC00000B7, {
        "close": 57, "lseek": 62, "read": 63, "write": 64, "fstat": 80, "exit": 93,
        "exit_group": 94, "futex": 98, "clock_gettime": 113, "clock_getres": 114,
        "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "gettimeofday": 169, "getpid": 172,
        "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226,
        "madvise": 233, "getrandom": 278,
    }),
})  # fmt: skip

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in `struct seccomp_data`
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000 | 1, 0x7FFF0000  # refused with EPERM


def make_filter() -> bytes | None:
    """Return the filter for this machine, null where there is none.

    Returns:
        Instructions of the kernel's packet filter: another architecture's call ends the process, a
        call that is not listed is refused, all arguments of a listed one are allowed.

    Source:
        seccomp(2). No wheel carries libseccomp, and a list of equal tests needs no compiler.
    """
    machine = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None:
        return None
    numbers = sorted(machine.calls.values())
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_JUMP_IF_EQUAL, len(numbers) - at, 0, call) for at, call in enumerate(numbers)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)
