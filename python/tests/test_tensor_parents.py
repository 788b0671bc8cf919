"""Tensors against others: smaller, and read back as themselves; a parent that is missing is an error."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype

ml_dtypes = pytest.importorskip("ml_dtypes")
BASE = np.random.default_rng(3).normal(size=(100, 200)).astype("f4")
TUNED = BASE + np.random.default_rng(4).normal(size=BASE.shape).astype("f4") * np.float32(1e-5)


def make(folder: Path, dtype: Any = "f4", **options: Any) -> tuple[Path, Path]:
    base, tuned = folder / "base.holo", folder / "tuned.holo"
    holotype.write_tensors(base, {"w": BASE.astype(dtype), "same": BASE.astype(dtype)})
    tensors = {"w": TUNED.astype(dtype), "same": BASE.astype(dtype), "own": TUNED[1:].astype(dtype)}
    holotype.write_tensors(tuned, tensors, parent=base, **options)
    return base, tuned


@pytest.mark.parametrize("dtype", ["f4", "f2", ml_dtypes.bfloat16])
def test_those_of_the_same_name_are_parents(tmp_path: Path, dtype: Any) -> None:
    base, tuned = make(tmp_path, dtype)
    tensors = holotype.open_tensors(tuned)
    with holotype.open(base) as reader:
        seal = reader.seal
    assert tensors["w"].parent == {"name": "w", "seal": seal}
    assert tensors["same"].parent == {"name": "same", "seal": seal}
    assert tensors["own"].parent is None
    assert tensors["same"].stored_bytes == 0
    assert tensors["w"].stored_bytes < 0.8 * tensors["own"].stored_bytes
    assert tensors["w"].read().tobytes() == TUNED.astype(dtype).tobytes()
    assert tensors["w"][3, 5:9].tobytes() == TUNED.astype(dtype)[3, 5:9].tobytes()
    assert tensors["same"][7].tobytes() == BASE.astype(dtype)[7].tobytes()
    assert pickle.loads(pickle.dumps(tensors))["w"].read().tobytes() == TUNED.astype(dtype).tobytes()
    assert holotype.verify(tuned)
    with holotype.open(tuned) as reader:
        expected = b"".join(a.astype(dtype).tobytes() for a in (TUNED, BASE, TUNED[1:]))
        assert reader.read() == expected
    holotype.flatten(tuned, tmp_path / "flat.holo")
    base.unlink()
    flat = holotype.open_tensors(tmp_path / "flat.holo")
    assert flat["w"].parent is None
    assert flat["w"].read().tobytes() == TUNED.astype(dtype).tobytes()


def test_a_lost_parent_is_named(tmp_path: Path) -> None:
    base, tuned = make(tmp_path)
    (tmp_path / "away").mkdir()
    base.rename(tmp_path / "away" / "base.holo")
    tensors = holotype.open_tensors(tuned)
    assert tensors["own"].read().tobytes() == TUNED[1:].tobytes()
    for name in ("w", "same"):
        with pytest.raises(holotype.ParentError):
            tensors[name].read()
    with pytest.raises(holotype.IntegrityError, match="parent"):
        holotype.verify(tuned)
    found = holotype.open_tensors(tuned, parents=tmp_path / "away")
    assert found["w"].read().tobytes() == TUNED.tobytes()


def test_what_a_parent_may_be(tmp_path: Path) -> None:
    base, _ = make(tmp_path)
    with holotype.Writer(None, parent=base) as writer:
        writer.add_tensor("named", TUNED, parent="w")
        writer.add_tensor("w", TUNED * 3, parent=False)
        writer.add_tensor("raw", TUNED, "raw")
        writer.add_tensor("next", TUNED * 3 + 1e-6, parent=("w", TUNED * 3))
        for bad in ("missing", ("w", BASE), ("missing", TUNED), 5, ("w",)):
            with pytest.raises(holotype.ArgumentError):
                writer.add_tensor("bad", TUNED, parent=bad)  # type: ignore[arg-type]
        with pytest.raises(holotype.ArgumentError, match="type, shape"):
            writer.add_tensor("bad", TUNED.T, parent="w")
        with pytest.raises(holotype.ArgumentError, match="auto"):
            writer.add_tensor("bad", TUNED, "pco", parent="w")
    (tmp_path / "child.holo").write_bytes(writer.data)
    tensors = holotype.open_tensors(tmp_path / "child.holo", parents=base)
    parents = {name: (tensor.parent or {}).get("name") for name, tensor in tensors.items()}
    assert parents == {"named": "w", "w": None, "raw": None, "next": "w"}
    for name, array in (("named", TUNED), ("raw", TUNED), ("w", TUNED * 3), ("next", TUNED * 3 + 1e-6)):
        assert tensors[name].read().tobytes() == array.tobytes()


def test_encrypted(tmp_path: Path) -> None:
    base = tmp_path / "base.holo"
    holotype.write_tensors(base, {"w": BASE}, password="p")
    holotype.write_tensors(tmp_path / "tuned.holo", {"w": TUNED}, parent=base, password="p")
    tensor = holotype.open_tensors(tmp_path / "tuned.holo", password="p")["w"]
    assert tensor.parent is not None
    assert tensor.read().tobytes() == TUNED.tobytes()
