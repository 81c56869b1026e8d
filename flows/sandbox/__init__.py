"""Runs programs that nobody has read, in a process that can compute and nothing else.

What holds, and what by: the process starts with an empty environment and no inherited files,
lowers its limits (CPU time, memory, size of output), loads the modules that it may use, and then
installs a seccomp filter which allows some thirty system calls: memory, reading and writing what is
open, its own signals, clocks, random bytes, its end. Opening a file, connecting, starting a process
or a thread, signalling or tracing another process, raising a limit are refused by the kernel,
whatever the program does, also through ctypes. The whole process group is killed when its time on
the clock is up. What it computed is compared here, so a program that forges results has to forge
the right ones.

What is not guaranteed: a hole in the kernel's few allowed calls, or what a program can learn from
timing. Without Linux on x86_64 or aarch64 nothing is run at all.
"""
