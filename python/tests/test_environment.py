"""The environment: what is captured, how it is written, what differs."""

from __future__ import annotations

import hashlib
import sys
import types
import warnings
from typing import TYPE_CHECKING

import pytest

from holotype import generation
from holotype.generation import Component, _probe_gpu, _probe_packages

if TYPE_CHECKING:
    from pathlib import Path


def environment(**changes: str | None) -> list[Component]:
    strings: dict[str, str | None] = {
        "os": "name=os;system=Linux",
        "kernel": "name=kernel;release=6.1",
        "gpu": "name=gpu;model=NVIDIA A100;driver=535.129.01",
        "torch": "name=torch;version=2.5.1",
        "cuda": "name=cuda;version=12.4",
        **changes,
    }
    return [Component.parse(text) for text in strings.values() if text is not None]


def test_canonical_strings() -> None:
    component = Component.of("cpu", model="a;b%c\n光", features=None, n=5)
    assert component.canonical == "name=cpu;model=a%3Bb%25c%0A光;n=5"
    assert component.values == {"name": "cpu", "model": "a;b%c\n光", "n": "5"}
    assert component.sha256 == hashlib.sha256(component.canonical.encode()).hexdigest()
    assert Component.parse(component.canonical) == component
    assert Component.from_json(component.to_json()) == component
    redacted = Component("gpu", None, "0" * 64)
    assert Component.from_json(redacted.to_json()) == redacted


def test_what_is_captured() -> None:
    found = {component.id: component for component in generation.capture_environment()}
    assert found["python"].values["version"] == sys.version.split()[0]
    assert int(found["cores"].values["logical"]) > 0
    assert "release" in found["kernel"].values
    assert "release" not in found["os"].values
    assert list(generation.capture_environment()) == list(found.values())


def test_one_warning_names_every_difference() -> None:
    current = environment(
        gpu="name=gpu;model=NVIDIA GeForce RTX 4090;driver=550.40.07",
        kernel="name=kernel;release=6.2",
        cuda=None,
        numpy="name=numpy;version=2.4.6",
    )
    with pytest.warns(generation.EnvironmentDriftWarning) as caught:
        report = generation.compare_environments(environment(), current, warn=True)
    assert len(caught) == 1
    assert str(caught[0].message).splitlines() == [
        "Environment component 'kernel' differs:",
        "File: name=kernel;release=6.1",
        "Current: name=kernel;release=6.2",
        "Environment component 'gpu' differs:",
        "File: name=gpu;model=NVIDIA A100;driver=535.129.01",
        "Current: name=gpu;model=NVIDIA GeForce RTX 4090;driver=550.40.07",
        "Environment component 'cuda' is missing in the current system:",
        "File: name=cuda;version=12.4",
        "Environment component 'numpy' is missing in the file:",
        "Current: name=numpy;version=2.4.6",
    ]
    assert caught[0].filename == __file__
    assert [(found.id, found.status, found.severity) for found in report.components] == [
        ("os", "same", "low"),
        ("kernel", "differs", "info"),
        ("gpu", "differs", "high"),
        ("torch", "same", "high"),
        ("cuda", "missing", "high"),
        ("numpy", "new", "medium"),
    ]
    assert not report
    assert report.severity == "high"


def test_what_means_nothing_raises_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = generation.compare_environments(environment(), environment(), warn=True)
        kernel = environment(kernel="name=kernel;release=6.2")
        report = generation.compare_environments(environment(), kernel, warn=True)
    assert same
    assert same.severity is None
    assert report
    assert report.severity == "info"


def test_redacted_components_are_still_compared() -> None:
    full = environment()
    hidden = [Component(component.id, None, component.sha256) for component in full]
    assert generation.compare_environments(hidden, full)
    other = generation.compare_environments(hidden, environment(torch="name=torch;version=2.6"))
    assert [found.id for found in other.differences] == ["torch"]
    assert "(redacted)" in str(other)


def test_several_gpus_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "NVIDIA H200, 570.1, 143771\nTesla, T4, 470.2, 15109\n\n, 1, 2\nNVIDIA T4, 470.2, [N/A]\n"
    found = _probe_gpu.parse(table)
    assert found == (
        _probe_gpu.Gpu("NVIDIA H200", "570.1", 143771),
        _probe_gpu.Gpu("NVIDIA T4", "470.2", None),
    )
    monkeypatch.setattr(_probe_gpu, "gpus", lambda: found)
    ids = {component.id: component for component in generation.capture_environment()}
    assert ids["gpu"].canonical == "name=gpu;model=NVIDIA H200;driver=570.1;memory_mib=143771"
    assert ids["gpu.1"].canonical == "name=gpu.1;model=NVIDIA T4;driver=470.2"
    assert ids["gpu.1"].severity == "high"
    first = generation.capture_hardware()["gpu"][0]
    # Where PyTorch is installed it tells this one too.
    first.pop("cuda_version", None)
    assert first == {"name": "NVIDIA H200", "memory_gb": 140.4, "driver": "570.1"}


def test_commits_of_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"
    root = tmp_path / "ComfyUI"
    (root / "comfy").mkdir(parents=True)
    (root / "comfy" / "sd.py").touch()
    (root / ".git").mkdir()
    monkeypatch.chdir(root / "comfy")
    assert dict(_probe_packages.checkouts()).get("comfyui") is None
    (root / ".git" / "HEAD").write_text("ref: refs/heads/master\n")
    (root / ".git" / "packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/master\n")
    assert dict(_probe_packages.checkouts())["comfyui"] == commit
    (root / ".git" / "HEAD").write_text(commit[::-1] + "\n")
    assert dict(_probe_packages.checkouts())["comfyui"] == commit[::-1]


def test_switches_of_a_loaded_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch = types.ModuleType("torch")
    torch.are_deterministic_algorithms_enabled = lambda: True  # type: ignore[attr-defined]
    cudnn = types.SimpleNamespace(benchmark=False)
    torch.backends = types.SimpleNamespace(cudnn=cudnn)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    found = {component.id: component for component in generation.capture_environment()}
    values = found["determinism"].values
    assert values["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert values["torch.deterministic_algorithms"] == "true"
    assert values["torch.cudnn.benchmark"] == "false"
