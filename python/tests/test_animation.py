"""Animations, sound and batches from Python."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
from samples import same, smooth


def moving(n: int, height: int = 40, width: int = 56, dtype: Any = np.uint8) -> list[Any]:
    """Frames of a picture that moves."""
    ground = np.tile(smooth(height + n, width + 2 * n), (1, 1, 1)).astype(dtype)
    return [np.ascontiguousarray(ground[i : i + height, 2 * i : 2 * i + width]) for i in range(n)]


def dump(frames: Any, **options: Any) -> bytes:
    """An archive in memory."""
    data = holotype.write_animation(None, frames, **options)
    assert data is not None
    return data


def test_frames_come_back_and_are_described(tmp_path: Path) -> None:
    frames = moving(9)
    path = tmp_path / "anim.holo"
    made = holotype.write_animation(
        path,
        iter(frames),
        delays=[10 * i for i in range(9)],
        time_base=(1, 500),
        loop_count=2,
        audio=[b"OggS" + bytes(50), (b"anything", "MY FORMAT")],
        metadata=[holotype.MetadataEntry("text", "Title", b"moving")],
        frame_metadata={3: [holotype.MetadataEntry("user", "n", b"3")]},
        key_interval=4,
    )
    assert made is None
    assert holotype.frame_count(path) == 9
    assert holotype.get_loop_count(path) == 2
    assert holotype.get_delays(path) == [20 * i for i in range(9)]
    assert holotype.get_audio(path) == (b"OggS" + bytes(50), "OGG")
    assert holotype.get_audio(path, 1) == (b"anything", "MY FORMAT")
    assert holotype.get_audio(path, 2) == (None, None)
    assert holotype.get_metadata(path)[0].data == b"moving"
    assert same(holotype.read_frame(path, 4), frames[4])
    assert same(holotype.read_frames(path, slice(2, 7)), np.stack(frames[2:7]))
    assert bool(holotype.verify(path))
    kinds = [item.kind for item in holotype.info(path).items]
    assert kinds == ["animation", "audio", "audio"]
    with holotype.open_animation(path) as animation:
        assert len(animation) == 9
        assert animation.time_base == Fraction(1, 500)
        assert animation.delays == [10 * i for i in range(9)]
        assert animation.frame_metadata(3)[0].data == b"3"
        assert animation.frame_metadata(2) == ()
        assert all(same(a, b) for a, b in zip(animation, frames, strict=False))
        assert same(animation[-1], frames[-1])
        assert same(animation[::-2], np.stack(frames[::-2]))
        assert animation.key_of(7) in range(4, 8)
        out = np.empty_like(frames[0])
        assert animation.read(5, out=out) is out
        assert same(out, frames[5])
        wide = np.zeros((40, 112, 3), np.uint8)[:, ::2]
        animation.read(5, out=wide)
        assert same(wide, frames[5])
        with pytest.raises(IndexError):
            animation[9]


def test_frames_may_differ() -> None:
    frames = [
        smooth(4, 5),
        smooth(6, 3)[:, :, 0],
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.eye(4, dtype=bool),
    ]
    data = dump(frames)
    with holotype.open_animation(data) as animation:
        assert all(same(a, b) for a, b in zip(animation, frames, strict=False))
        assert [animation.shape(i) for i in range(4)] == [f.shape for f in frames]
        assert all(same(a, b) for a, b in zip(animation[:], frames, strict=False))


def test_image_files_and_rates(tmp_path: Path) -> None:
    from PIL import Image

    paths = []
    for i, frame in enumerate(moving(3)):
        paths.append(tmp_path / f"frame_{i:04}.png")
        Image.fromarray(frame).save(paths[-1])
    data = dump(paths, fps=Fraction(30000, 1001))
    with holotype.open_animation(data) as animation:
        assert animation.time_base == Fraction(1001, 30000)
        assert all(same(a, b) for a, b in zip(animation, moving(3), strict=False))
    assert holotype.get_delays(data) == [33, 33, 33]


def test_errors(tmp_path: Path) -> None:
    frames = moving(3)
    path = tmp_path / "anim.holo"

    def failing() -> Any:
        yield frames[0]
        raise RuntimeError("the camera is gone")

    with pytest.raises(RuntimeError, match="the camera is gone"):
        holotype.write_animation(path, failing())
    with pytest.raises(holotype.ArgumentError, match="delays"):
        holotype.write_animation(path, frames, delays=[1, 2])
    with pytest.raises(holotype.ArgumentError, match="delays"):
        holotype.write_animation(path, frames, delays=[1, 2, 3, 4])
    with pytest.raises(holotype.ArgumentError, match="at least one frame"):
        holotype.write_animation(path, [])
    with pytest.raises(holotype.ArgumentError, match="sound"):
        holotype.write_animation(path, frames, audio=b"what is this")
    assert not path.exists()
    data = dump(frames)
    broken = bytearray(data)
    broken[90] ^= 1
    with pytest.raises(holotype.IntegrityError, match="frame 1"):
        holotype.read_frame(bytes(broken), 1)
    with pytest.raises(holotype.ArgumentError, match="no animation"):
        holotype.open_animation(holotype.dumps(frames[0]), item="image")


def test_threads_share_an_animation() -> None:
    frames = moving(20)
    data = dump(frames, key_interval=5)
    seen: list[bool] = []
    with holotype.open_animation(data) as animation:

        def work(start: int) -> None:
            seen.extend(same(animation[i % 20], frames[i % 20]) for i in range(start, start + 40, 3))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 56
    assert all(seen)


def test_many_images_into_one_array(tmp_path: Path) -> None:
    images = [smooth(20, 30) + i for i in range(7)]
    stacked = np.stack(images)
    sources: list[Any] = []
    for i, image in enumerate(images):
        if i % 2:
            sources.append(holotype.dumps(image))
        else:
            holotype.write(tmp_path / f"{i}.holo", image)
            sources.append(tmp_path / f"{i}.holo")
    for threads in (1, 3):
        assert same(holotype.read_many(sources, threads=threads), stacked)
        planes = holotype.read_many(sources, layout="nchw", threads=threads)
        assert same(planes, np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))
    out = np.zeros_like(stacked)
    assert holotype.read_many(sources, out=out) is out
    assert same(out, stacked)
    planes = np.zeros((7, 3, 20, 30), np.uint8)
    assert holotype.read_many(sources, out=planes, layout="nchw") is planes
    assert (planes == stacked.transpose(0, 3, 1, 2)).all()
    part = holotype.read_many(sources, region=(4, 2, 10, 8), stride=3)
    assert same(part, np.ascontiguousarray(stacked[:, 2:10:3, 4:14:3]))
    gray = [holotype.dumps(image[:, :, 0]) for image in images]
    assert same(holotype.read_many(gray), np.ascontiguousarray(stacked[..., 0]))
    assert holotype.read_many(gray, layout="nchw").shape == (7, 1, 20, 30)


def test_what_cannot_be_read_does_not_lose_the_rest(tmp_path: Path) -> None:
    images = [smooth(20, 30) + i for i in range(5)]
    sources: list[Any] = [holotype.dumps(image) for image in images]
    broken = bytearray(sources[1])
    broken[80] ^= 4
    sources[1] = bytes(broken)
    sources[3] = holotype.dumps(smooth(4, 4))
    sources.append(tmp_path / "missing.holo")
    array, errors = holotype.read_many(sources, errors="return")
    assert [type(error) for error in errors] == [
        type(None),
        holotype.IntegrityError,
        type(None),
        holotype.ArgumentError,
        type(None),
        FileNotFoundError,
    ]
    for i in (0, 2, 4):
        assert same(np.ascontiguousarray(array[i]), images[i])
    with pytest.raises(holotype.IntegrityError):
        holotype.read_many(sources)
    with pytest.raises(holotype.ArgumentError, match="out is"):
        holotype.read_many(sources[:1], out=np.zeros((1, 2, 2, 3), np.uint8))
    assert holotype.read_many([], errors="return")[1] == []
