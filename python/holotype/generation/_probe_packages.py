"""Versions of packages from their metadata, commits of checkouts, switches: nothing is imported for them."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from holotype.generation._probe_system import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Packages after torch, CUDA and cuDNN, in the format's order.
PACKAGES = (
    "numpy",
    "diffusers",
    "transformers",
    "xformers",
    "accelerate",
    "safetensors",
    "tokenizers",
    "triton",
)
#: Environment variables that make a run repeatable, or not, in the format's order.
VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "NVIDIA_TF32_OVERRIDE",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "XLA_FLAGS",
)
#: What a checkout of each program has at its root.
CHECKOUTS = (
    ("comfyui", os.path.join("comfy", "sd.py")),
    ("a1111", os.path.join("modules", "sd_samplers.py")),
)
#: Folders above the running script that are looked at.
_N_PARENTS = 6


def version_of(package: str) -> str | None:
    """A package's version, from its metadata."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> Iterator[tuple[str, str]]:
    """Ids and versions of what is installed."""
    torch = version_of("torch")
    built = _torch_build() if torch else {}
    cudnn = next((v for n in (13, 12, 11) if (v := version_of(f"nvidia-cudnn-cu{n}"))), None)
    found = [
        ("torch", built.get("__version__", torch)),
        ("cuda", built.get("cuda")),
        ("cudnn", cudnn),
        *((name, version_of(name)) for name in PACKAGES),
    ]
    for id, version in found:
        if version:
            yield id, version


def _torch_build() -> dict[str, str]:
    """What torch's own `version.py` says, read as text."""
    try:
        path = metadata.distribution("torch").locate_file("torch/version.py")
    except metadata.PackageNotFoundError:
        return {}
    pattern = r"^(__version__|cuda)\s*(?::[^=]*)?=\s*['\"]([^'\"]*)['\"]"
    return dict(re.findall(pattern, read_text(str(path)), re.MULTILINE))


def checkouts() -> Iterator[tuple[str, str]]:
    """Ids and commits of the programs this process runs from a checkout of."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    starts = [os.getcwd(), *([os.path.dirname(os.path.abspath(script))] if script else [])]
    for id, mark in CHECKOUTS:
        for folder in _with_parents(starts):
            commit = commit_of(folder) if os.path.isfile(os.path.join(folder, mark)) else None
            if commit:
                yield id, commit
                break


def _with_parents(starts: list[str]) -> Iterator[str]:
    for start in starts:
        folder = start
        for _ in range(_N_PARENTS):
            yield folder
            folder = os.path.dirname(folder)


def commit_of(folder: str) -> str | None:
    """The commit a checkout is at, from its `.git` as text."""
    git = os.path.join(folder, ".git")
    pointer = re.match(r"gitdir: (.+)", read_text(git)) if os.path.isfile(git) else None
    if pointer:
        git = os.path.join(folder, pointer[1].strip())
    head = read_text(os.path.join(git, "HEAD")).strip()
    if not head.startswith("ref: "):
        return head if _is_commit(head) else None
    name = head.removeprefix("ref: ")
    common = read_text(os.path.join(git, "commondir")).strip()
    for base in (git, os.path.join(git, common) if common else git):
        commit = read_text(os.path.join(base, *name.split("/"))).strip()
        if _is_commit(commit):
            return commit
        packed = re.search(
            rf"^([0-9a-f]{{40,64}}) {re.escape(name)}$",
            read_text(os.path.join(base, "packed-refs")),
            re.MULTILINE,
        )
        if packed:
            return packed[1]
    return None


def _is_commit(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def determinism() -> dict[str, str]:
    """Switches that are set: environment variables, and those of torch if it is loaded."""
    found = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    torch = sys.modules.get("torch")
    if torch is None:
        return found
    asked = (
        ("torch.deterministic_algorithms", "are_deterministic_algorithms_enabled"),
        ("torch.cudnn.deterministic", "backends.cudnn.deterministic"),
        ("torch.cudnn.benchmark", "backends.cudnn.benchmark"),
        ("torch.cudnn.allow_tf32", "backends.cudnn.allow_tf32"),
        ("torch.matmul.allow_tf32", "backends.cuda.matmul.allow_tf32"),
    )
    for key, path in asked:
        value: object = torch
        for name in path.split("."):
            value = getattr(value, name, None)
        value = value() if callable(value) else value
        if isinstance(value, bool):
            found[key] = str(value).lower()
    return found
