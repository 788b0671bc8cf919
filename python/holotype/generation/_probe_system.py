"""The system and its CPU, from `platform` and `/proc`."""

from __future__ import annotations

import functools
import os
import platform
import re

#: Features that change what arithmetic libraries use, in the format's order.
FEATURES = ("sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


def read_text(path: str) -> str:
    """A small file's text; nothing if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""


def distribution() -> str | None:
    """Such as `debian 12`, `macOS 15.1` or `10.0.22631`."""
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    if platform.system() == "Windows":
        return platform.version()
    text = read_text("/etc/os-release")
    found = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return " ".join(found[key] for key in ("ID", "VERSION_ID") if found.get(key)) or None


@functools.cache
def _cpuinfo() -> str:
    return read_text("/proc/cpuinfo")


def cpu_model() -> str | None:
    """The CPU's name, as far as the system tells."""
    match = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return match[1].strip() if match else platform.processor() or None


def cpu_features() -> list[str]:
    """Those of `FEATURES` the CPU has, as the kernel names them."""
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    flags = set(match[1].split()) if match else set()
    return [name for name in FEATURES if name in flags]


def ram_bytes() -> int | None:
    """Memory of the machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
