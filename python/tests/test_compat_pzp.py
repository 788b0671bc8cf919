"""The examples of the PZP document, and what scripts that use it may do."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
import holotype.compat.pzp as pzp
from samples import same, smooth


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_write_from_arrays() -> None:
    img = smooth(48, 64)
    for options in (
        {},
        {"use_rle": True},
        {"use_palette": True},
        {"use_rle": True, "use_palette": True},
        {"use_lz4": True},
        {"use_rle": True, "use_lz4": True},
        {"configuration": pzp.USE_COMPRESSION | pzp.USE_RLE},
    ):
        pzp.write("photo.pzp", img, **options)
        assert same(pzp.read("photo.pzp"), img)


def test_opencv_images() -> None:
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite("photo.ppm", smooth(30, 40))
    img = cv2.imread("photo.ppm")
    pzp.write("photo.pzp", img, use_rle=True)
    assert same(pzp.read("photo.pzp"), img)
    assert same(holotype.read("photo.pzp"), np.ascontiguousarray(img[..., ::-1]))
    cv2.imwrite("depth.png", smooth(30, 40, 1, "uint16"))
    depth = cv2.imread("depth.png", cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    pzp.write("depth.pzp", depth)
    assert same(pzp.read("depth.pzp"), depth)


def test_flags_come_back() -> None:
    pzp.write("image.pzp", smooth(8, 8), use_rle=True, use_palette=True, use_lz4=True)
    _, flags = pzp.read("image.pzp", return_flags=True)
    assert flags & pzp.USE_PALETTE
    assert flags & pzp.USE_RLE
    assert flags & pzp.USE_LZ4
    pzp.write("image.pzp", smooth(8, 8))
    assert pzp.read("image.pzp", return_flags=True)[1] == pzp.USE_COMPRESSION
    holotype.write("other.holo", smooth(8, 8))
    assert pzp.read("other.holo", return_flags=True)[1] == pzp.USE_COMPRESSION


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((6, 5, 3), "uint8", (6, 5, 3)),
        ((6, 5, 4), "uint16", (6, 5, 4)),
        ((6, 5), "uint8", (6, 5)),
        ((6, 5, 1), "uint16", (6, 5)),
        ((6, 5, 9), "uint8", (6, 5, 9)),
        ((6, 5, 2), "uint8", (6, 5, 2)),
    ],
)
def test_shapes(shape: tuple[int, ...], dtype: str, expected: tuple[int, ...]) -> None:
    array = smooth(6, 5, 12, dtype)[..., : shape[2] if len(shape) == 3 else 1].reshape(shape)
    pzp.write("a.pzp", array)
    back = pzp.read("a.pzp")
    assert (back.shape, back.dtype.name) == (expected, dtype)
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


def test_info() -> None:
    pzp.write(Path("image.pzp"), smooth(7, 9, 3, "uint16"), use_rle=True)
    assert pzp.info("image.pzp") == {
        "width": 9,
        "height": 7,
        "bpp": 16,
        "channels": 3,
        "bpp_internal": 8,
        "ch_internal": 6,
        "configuration": 3,
    }


def test_raw_bytes() -> None:
    raw_bytes = smooth(360, 640).tobytes()
    pzp.write("out.pzp", raw_bytes, width=640, height=360, bpp=8, channels=3)
    assert pzp.read("out.pzp").tobytes() == raw_bytes
    deep = np.arange(12, dtype=">u2").reshape(3, 4)
    pzp.write("deep.pzp", deep.tobytes(), width=4, height=3, bpp=16, channels=1)
    assert (pzp.read("deep.pzp") == deep).all()


@pytest.mark.parametrize(
    "given", [{}, {"width": 2}, {"width": 2, "height": 2, "bpp": 8, "channels": 2}, {"bpp": 12}]
)
def test_raw_bytes_that_do_not_fit_are_refused(given: dict[str, int]) -> None:
    asked: dict[str, Any] = {"width": 1, "height": 3, "bpp": 8, "channels": 1, **given} if given else {}
    if given == {"width": 2}:
        asked = given
    with pytest.raises(ValueError, match=r"raw bytes need|bytes are not|bpp is"):
        pzp.write("out.pzp", b"abc", **asked)


def test_without_numpy() -> None:
    pzp.write("color.pzp", smooth(4, 6), use_rle=True)
    pzp.write("deep.pzp", np.arange(6, dtype="u2").reshape(2, 3))
    holotype.write("rgb.holo", smooth(4, 6))
    code = """
import sys
class NoNumpy:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoNumpy())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "numpy" else find(name, package)
import holotype.compat.pzp as pzp
color = pzp.read("color.pzp")
assert sorted(color) == ["bpp", "channels", "configuration", "data", "height", "width"]
assert (color["width"], color["height"], color["channels"], color["bpp"]) == (6, 4, 3, 8)
assert color["configuration"] == 3
deep, flags = pzp.read("deep.pzp", return_flags=True)
assert deep["data"] == bytes([0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5]) and flags == 1
pzp.write("again.pzp", color["data"], width=6, height=4, bpp=8, channels=3)
pzp.write("deep2.pzp", deep["data"], width=3, height=2, bpp=16, channels=1)
rgb = pzp.read("rgb.holo")["data"]
assert rgb[0::3] == color["data"][2::3] and rgb[1::3] == color["data"][1::3]
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert same(pzp.read("again.pzp"), smooth(4, 6))
    assert pzp.read("deep2.pzp").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_threads_and_loaders() -> None:
    pzp.write("a.pzp", smooth(20, 20))
    seen: list[Any] = []

    def worker() -> None:
        pzp.thread_init()
        try:
            seen.append(pzp.read("a.pzp"))
        finally:
            pzp.thread_cleanup()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert pickle.loads(pickle.dumps(pzp.thread_init)) is pzp.thread_init


def test_constants() -> None:
    flags = (pzp.USE_COMPRESSION, pzp.USE_RLE, pzp.USE_PALETTE, pzp.USE_INTER_DELTA, pzp.USE_LZ4)
    assert flags == (1, 2, 4, 8, 16)
    assert pzp.AUDIO_WAVE.to_bytes(4, "big") == b"WAVE"
    assert pzp.AUDIO_MPEG.to_bytes(4, "big") == b"MPEG"
    assert pzp.AUDIO_OGG.to_bytes(4, "big") == b"OGGX"
    assert pzp.AUDIO_FLAC.to_bytes(4, "big") == b"FLAC"


def test_containers_as_documented() -> None:
    frames = [smooth(24, 32) + i for i in range(5)]
    delays = [100] * len(frames)
    pzp.write_container("anim.pzp", frames, delays=delays, loop_count=0, use_rle=True)
    pzp.write_container("fast.pzp", frames, delays=delays, loop_count=0, use_rle=True, use_lz4=True)
    pzp.write_container("delta.pzp", frames, delays=delays, use_rle=True, use_inter_delta=True)
    music = b"ID3" + bytes(range(256)) * 20
    pzp.write_container("sound.pzp", frames, delays=delays, audio=music, audio_format="MPEG")
    told = b'{"source":"cam0","fps":25}'
    pzp.write_container("meta.pzp", frames, delays=delays, loop_count=3, metadata=told)
    for name in ("anim.pzp", "fast.pzp", "delta.pzp", "sound.pzp", "meta.pzp"):
        assert pzp.frame_count(name) == 5
        assert pzp.get_delays(name) == delays
        assert all(same(pzp.read_frame(name, i), frame) for i, frame in enumerate(frames))
        assert all(same(a, b) for a, b in zip(pzp.read_frames(name), frames, strict=False))
    assert (pzp.get_loop_count("anim.pzp"), pzp.get_loop_count("meta.pzp")) == (0, 3)
    assert pzp.get_audio("sound.pzp") == (music, "MPEG")
    assert pzp.get_audio("anim.pzp") == (None, None)
    assert pzp.get_metadata("meta.pzp") == told
    assert pzp.get_metadata("sound.pzp") is None


def test_container_of_different_frames() -> None:
    frames = [smooth(3, 5), smooth(7, 4)[:, :, 0], smooth(2, 2).astype(np.uint16) * 256]
    pzp.write_container("mixed.pzp", frames, audio=b"OggS", audio_format="OGG", metadata="text")
    assert pzp.get_delays("mixed.pzp") == [0, 0, 0]
    assert all(same(pzp.read_frame("mixed.pzp", i), frame) for i, frame in enumerate(frames))
    assert pzp.get_audio("mixed.pzp") == (b"OggS", "OGGX")
    assert pzp.get_metadata("mixed.pzp") == b"text"
    with pytest.raises(IndexError):
        pzp.read_frame("mixed.pzp", 3)
    with pytest.raises(holotype.ArgumentError, match="audio_format"):
        pzp.write_container("bad.pzp", frames, audio=b"x", audio_format="MIDI")
    with pytest.raises(holotype.ArgumentError):
        pzp.write_container("bad.pzp", [])
    assert not Path("bad.pzp").exists()


def test_an_image_is_a_container_of_one_frame() -> None:
    pzp.write("one.pzp", smooth(4, 4))
    assert pzp.frame_count("one.pzp") == 1
    assert same(pzp.read_frame("one.pzp", 0), smooth(4, 4))


def test_errors() -> None:
    with pytest.raises(FileNotFoundError):
        pzp.read("missing.pzp")
    Path("bad.pzp").write_bytes(b"\x00\x01\x02\x03" * 100)
    with pytest.raises(holotype.FormatError):
        pzp.read("bad.pzp")
    with pytest.raises(FileNotFoundError):
        pzp.write("no/folder.pzp", smooth(2, 2))
