"""What runs here, as canonical strings: `docs/format.md` section 18.3. Nothing heavy is imported for it."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from typing import Any

from holotype.generation import _probe_gpu, _probe_packages, _probe_system

#: Components whose change seldom matters but to the curious; they alone raise no warning.
INFO = ("kernel", "cores", "ram")
#: Severity by component; GPUs count as `gpu`.
SEVERITIES = {
    "os": "low",
    "python": "low",
    "cpu": "medium",
    "gpu": "high",
    "torch": "high",
    "cuda": "high",
    "cudnn": "high",
    "determinism": "high",
}


@dataclass(frozen=True)
class Component:
    """A part of the environment.

    Attributes
    ----------
    id : str
        Such as `torch` or `gpu.1`.
    canonical : str or None
        Its canonical string, such as `name=torch;version=2.5.1`; None if that was redacted.
    sha256 : str
        SHA-256 of that string in UTF-8, in hexadecimal.
    """

    id: str
    canonical: str | None
    sha256: str

    @classmethod
    def of(cls, id: str, /, **values: object) -> Component:
        """The component with these values, in this order; those that are None are left out."""
        pairs = [("name", id), *((k, v) for k, v in values.items() if v is not None)]
        return cls.parse(";".join(f"{key}={_escaped(str(value))}" for key, value in pairs))

    @classmethod
    def parse(cls, canonical: str) -> Component:
        """The component with this canonical string."""
        id = canonical.removeprefix("name=").split(";", 1)[0]
        return cls(id, canonical, hashlib.sha256(canonical.encode()).hexdigest())

    @classmethod
    def from_json(cls, value: Any) -> Component:
        """The component as a record holds it."""
        return cls.parse(value) if isinstance(value, str) else cls(value["id"], None, value["sha256"])

    def to_json(self) -> str | dict[str, str]:
        """What a record holds."""
        return self.canonical if self.canonical is not None else {"id": self.id, "sha256": self.sha256}

    @property
    def severity(self) -> str:
        """What a difference means for making the same image again: `high`, `medium`, `low` or `info`."""
        kind = self.id.split(".", 1)[0]
        return "info" if kind in INFO else SEVERITIES.get(kind, "medium")

    @property
    def values(self) -> dict[str, str]:
        """Its values by key."""
        pairs = (pair.partition("=") for pair in (self.canonical or "").split(";"))
        return {key: _unescaped(value) for key, equals, value in pairs if equals}


def _escaped(value: str) -> str:
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
        if char in "%;" or char < " " or "\ud800" <= char <= "\udfff"
        else char
        for char in value
    )


def _unescaped(value: str) -> str:
    from urllib.parse import unquote

    return unquote(value, errors="replace")


def capture_environment() -> tuple[Component, ...]:
    """The software and hardware this process runs on, in the order of the format's table.

    It reads package metadata, `/proc`, environment variables and what the NVIDIA driver tells (`/proc`, or
    `nvidia-smi`); no package is imported, and of `torch` only what is loaded already is asked for its
    switches.
    """
    found: list[Component] = [
        Component.of(
            "os",
            system=platform.system(),
            distribution=_probe_system.distribution(),
            machine=platform.machine(),
        ),
        Component.of("kernel", release=platform.release()),
    ]
    features = _probe_system.cpu_features()
    model = _probe_system.cpu_model()
    if model or features:
        found.append(Component.of("cpu", model=model, features=" ".join(features)))
    found.append(Component.of("cores", logical=os.cpu_count()))
    ram = _probe_system.ram_bytes()
    if ram is not None:
        found.append(Component.of("ram", gib=round(ram / 2**30)))
    for number, gpu in enumerate(_probe_gpu.gpus()):
        id = "gpu" if number == 0 else f"gpu.{number}"
        found.append(Component.of(id, model=gpu.model, driver=gpu.driver, memory_mib=gpu.memory_mib))
    found.append(
        Component.of(
            "python", version=platform.python_version(), implementation=platform.python_implementation()
        )
    )
    for id, version in _probe_packages.versions():
        found.append(Component.of(id, version=version))
    for id, commit in _probe_packages.checkouts():
        found.append(Component.of(id, commit=commit))
    switches = _probe_packages.determinism()
    if switches:
        found.append(Component.of("determinism", **switches))
    return tuple(found)


def capture_hardware() -> dict[str, Any]:
    """What a record's `hardware` is by default; the machine's name is left out.

    Returns
    -------
    dict
        `os`, `cpu`, `cpu_cores`, `ram_gb`, `gpu`, `framework`, `compute_lib`, as far as they are known.
    """
    gpus = _probe_gpu.gpus()
    versions = dict(_probe_packages.versions())
    fields: dict[str, Any] = {"os": platform.system().lower()}
    for key, value in (
        ("cpu", _probe_system.cpu_model()),
        ("cpu_cores", os.cpu_count()),
        ("ram_gb", _gigabytes(_probe_system.ram_bytes())),
        ("framework", "torch" if "torch" in versions else None),
        ("compute_lib", "cuda" if gpus and "cuda" in versions else None),
    ):
        if value:
            fields[key] = value
    if gpus:
        fields["gpu"] = [gpu.fields(versions.get("cuda")) for gpu in gpus]
    return fields


def _gigabytes(n_bytes: int | None) -> float | None:
    return None if n_bytes is None else round(n_bytes / 2**30, 1)
