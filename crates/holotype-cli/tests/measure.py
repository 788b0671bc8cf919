"""Runs a program with little address space; prints its exit code, seconds and peak memory in bytes.

usage: measure.py ADDRESS_SPACE_BYTES PROGRAM ARGUMENT...
"""

import os
import resource
import sys
import time

limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
silent = os.open(os.devnull, os.O_WRONLY)
start = time.monotonic()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1)])
_, status, usage = os.wait4(child, 0)
code = os.waitstatus_to_exitcode(status)
print(code, time.monotonic() - start, usage.ru_maxrss * 1024)
