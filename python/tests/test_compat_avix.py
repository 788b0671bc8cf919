"""The examples of the AVIX document, and what scripts that use it may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import holotype
import holotype.compat.avix as avix
from samples import smooth


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(smooth(600, 700)).save("patient_scan_001.png", dpi=(72, 72))


def test_the_examples(mode: Any) -> None:
    success = avix.encode("patient_scan_001.png", "patient_scan_001.avix", mode=mode)
    assert success is True
    img = avix.decode("patient_scan_001.avix")
    assert img.tobytes() == smooth(600, 700).tobytes()
    thumbnail = avix.extract_thumbnail("patient_scan_001.avix")
    thumbnail.save("preview.jpg")
    with Image.open("preview.jpg") as preview:
        assert max(preview.size) == 128
    assert avix.decode_to_file("patient_scan_001.avix", "restored.png") is True
    with Image.open("restored.png") as restored:
        assert restored.tobytes() == img.tobytes()
        assert restored.info["dpi"] == pytest.approx((72, 72), abs=0.01)


def test_bit_rot_is_an_exception() -> None:
    avix.encode("patient_scan_001.png", "a.avix")
    data = bytearray(Path("a.avix").read_bytes())
    data[len(data) // 3] ^= 4
    Path("a.avix").write_bytes(data)
    with pytest.raises(holotype.IntegrityError):
        avix.decode("a.avix")
    with pytest.raises(holotype.IntegrityError):
        avix.decode_to_file("a.avix", "a.png")
    assert not Path("a.png").exists()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "P", "I;16", "I", "F"])
def test_pillow_images(mode: str) -> None:
    if mode in ("I;16", "I", "F"):
        dtype = {"I;16": "u2", "I": "i4", "F": "f4"}[mode]
        source = Image.fromarray(np.arange(600, dtype=dtype).reshape(20, 30))
    else:
        source = Image.open("patient_scan_001.png").resize((30, 20)).convert(mode)
    assert avix.encode(source, "a.avix") is True
    back = avix.decode("a.avix")
    assert (back.mode, back.tobytes()) == (mode, source.tobytes())
    avix.extract_thumbnail("a.avix").save("thumb.jpg")


def test_missing_files() -> None:
    assert avix.encode("none.png", "a.avix") is False
    assert not Path("a.avix").exists()
    assert avix.decode_to_file("none.avix", "a.png") is False
    with pytest.raises(FileNotFoundError):
        avix.decode("none.avix")


def test_files_that_are_no_images() -> None:
    Path("notes.txt").write_text("not an image")
    Path("empty.png").write_bytes(b"")
    for name in ("notes.txt", "empty.png"):
        with pytest.raises(holotype.HolotypeError):
            avix.encode(name, "a.avix")
    assert not Path("a.avix").exists()
    with pytest.raises(holotype.HolotypeError):
        avix.decode("notes.txt")


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="mode"):
        avix.encode("patient_scan_001.png", "a.avix", mode="ARCHIVAL")  # type: ignore[arg-type]


def test_flags() -> None:
    assert isinstance(avix.NUMBA_AVAILABLE, bool)
    assert avix.GPU_AVAILABLE is False
