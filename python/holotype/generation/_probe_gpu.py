"""NVIDIA GPUs, as `nvidia-smi` or the driver's files under `/proc` tell."""

from __future__ import annotations

import csv
import functools
import glob
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from holotype.generation._probe_system import read_text

_TIMEOUT_SECONDS = 10
_QUERY = "--query-gpu=name,driver_version,memory.total"


@dataclass(frozen=True)
class Gpu:
    """One GPU."""

    model: str
    driver: str | None
    memory_mib: int | None

    def fields(self, cuda: str | None) -> dict[str, Any]:
        """As a record's `hardware.gpu` holds it."""
        fields: dict[str, Any] = {"name": self.model}
        if self.memory_mib is not None:
            fields["memory_gb"] = round(self.memory_mib / 1024, 1)
        if self.driver is not None:
            fields["driver"] = self.driver
        if cuda is not None:
            fields["cuda_version"] = cuda
        return fields


@functools.cache
def gpus() -> tuple[Gpu, ...]:
    """All GPUs, in the driver's order; looked for once a process."""
    return _from_program() or _from_proc()


def _from_program() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        out = subprocess.run(
            [program, _QUERY, "--format=csv,noheader,nounits"],
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse(out)


def parse(table: str) -> tuple[Gpu, ...]:
    """The rows of `nvidia-smi`: name, driver, memory in MiB."""
    rows = (row for row in csv.reader(table.splitlines(), skipinitialspace=True) if len(row) == 3)
    return tuple(
        Gpu(name.strip(), driver.strip() or None, int(memory) if memory.strip().isdigit() else None)
        for name, driver, memory in rows
        if name.strip()
    )


def _from_proc() -> tuple[Gpu, ...]:
    version = re.search(r"Kernel Module[^0-9]*?(\d+\.[\d.]+)", read_text("/proc/driver/nvidia/version"))
    driver = version[1] if version else None
    found = []
    for path in sorted(glob.glob("/proc/driver/nvidia/gpus/*/information")):
        model = re.search(r"^Model:\s*(.+)$", read_text(path), re.MULTILINE)
        if model:
            found.append(Gpu(model[1].strip(), driver, None))
    return tuple(found)
