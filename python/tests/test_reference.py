"""The plain Python reader, written from the specification alone, reads what the package writes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
from samples import DTYPES, noise, smooth

REFERENCE = Path(__file__).parents[2] / "reference"


@pytest.fixture(scope="module")
def reference() -> Any:
    sys.path.insert(0, str(REFERENCE))
    yield importlib.import_module("holotype_reference")
    sys.path.remove(str(REFERENCE))


def read(reference: Any, data: bytes) -> bytes:
    archive = reference.Archive(data)
    (item,) = archive.items
    archive.metadata(item)
    samples = reference.read_image(archive, item).samples
    return bytes(samples)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_reads_every_dtype(reference: Any, dtype: str, mode: Any) -> None:
    for array in (noise((7, 5), dtype), np.zeros((6, 4, 3), dtype), noise((3, 4, 2), dtype)):
        data = holotype.dumps(array, mode=mode)
        assert read(reference, data) == array.tobytes()


def test_it_reads_structure_and_tiles(reference: Any, mode: Any) -> None:
    label = np.arange(40 * 36).reshape(40, 36) // 97 % 5
    for array in (smooth(40, 36), smooth(40, 36, 1, "uint16"), label.astype("u1"), (label * 7).astype("u4")):
        data = holotype.dumps(array, mode=mode, tile_edge=16)
        assert read(reference, data) == array.tobytes()


def test_it_refuses_damage(reference: Any) -> None:
    data = holotype.dumps(smooth(8, 8), mode="fast")
    for position in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[position] ^= 16
        with pytest.raises(reference.Refused):
            read(reference, bytes(damaged))
