"""Frames and sound added to animations that are there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
from samples import same, smooth


def moving(n: int, first: int = 0) -> list[Any]:
    """Frames of a picture that moves."""
    ground = smooth(60, 160)
    return [np.ascontiguousarray(ground[i : i + 32, 2 * i : 2 * i + 48]) for i in range(first, first + n)]


def test_frames_are_added_and_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    title = [holotype.MetadataEntry("text", "Title", b"sky")]
    holotype.write_animation(
        path, moving(5), fps=25, loop_count=3, audio=[(b"one", "A")], metadata=title, poster=2
    )
    first, sizes = path.read_bytes(), [path.stat().st_size]
    note = holotype.MetadataEntry("user", "n", b"7")
    assert holotype.append_frames(path, moving(3, 5), frame_metadata={1: [note]}) == 8
    sizes.append(path.stat().st_size)
    assert (
        holotype.append_frames(path, iter(moving(2, 8)), fps=50, audio=[(b"two", "B"), (b"three", "C")]) == 10
    )
    sizes.append(path.stat().st_size)
    assert holotype.append_frames(path, audio=(b"four", "D")) == 10
    sizes.append(path.stat().st_size)
    assert path.read_bytes().startswith(first)
    with holotype.open_animation(path) as animation:
        assert [same(animation[i], frame) for i, frame in enumerate(moving(10))] == [True] * 10
        assert animation.delays == [40] * 8 + [20] * 2
        assert (animation.loop_count, animation.poster, animation.metadata) == (3, 2, tuple(title))
        assert animation.frame_metadata(6) == (note,)
        assert animation.frame_metadata(1) == ()
        sounds = [animation.audio(i) for i in range(animation.n_audio_tracks)]
        assert sounds == [(b"one", "A"), (b"two", "B"), (b"three", "C"), (b"four", "D")]
    assert bool(holotype.verify(path))
    for size, n in zip(sizes, [5, 8, 10, 10], strict=True):
        old = path.read_bytes()[:size]
        assert holotype.frame_count(old) == n
        assert same(holotype.read_frame(old, n - 1), moving(10)[n - 1])


def test_what_cannot_be_added_leaves_the_archive_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    holotype.write_animation(path, moving(2), time_base=Fraction(1, 30), delays=1)
    before = path.read_bytes()

    def broken() -> Any:
        yield moving(1)[0]
        raise RuntimeError("the camera is off")

    with pytest.raises(RuntimeError, match="the camera is off"):
        holotype.append_frames(path, broken())
    cases: list[dict[str, Any]] = [
        {"frames": []},
        {"frames": moving(1), "fps": 25},
        {"frames": moving(1), "fps": 30, "delays": 1},
        {"frames": moving(2), "delays": [1]},
        {"frames": moving(1), "key_interval": 0},
        {"frames": moving(1), "frame_metadata": {1: []}},
    ]
    for wrong in cases:
        with pytest.raises(holotype.ArgumentError):
            holotype.append_frames(path, **wrong)
    with pytest.raises(holotype.NotFoundError):
        holotype.append_frames(path, moving(1), item="other")
    assert path.read_bytes() == before
    assert holotype.append_frames(path, moving(1), fps=15) == 3
    assert holotype.get_delays(path) == [33, 33, 67]


def test_an_encrypted_animation_stays_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    holotype.write_animation(path, moving(3), password="sesame")
    with pytest.raises(holotype.DecryptionError):
        holotype.append_frames(path, moving(1))
    assert holotype.append_frames(path, moving(2, 3), password="sesame") == 5
    with holotype.open_animation(path, password="sesame") as animation:
        assert same(animation[4], moving(5)[4])


def test_files_are_added_as_frames(tmp_path: Path) -> None:
    path, image = tmp_path / "a.holo", tmp_path / "f.png"
    holotype.write_animation(path, moving(2))
    archive = tmp_path / "f.holo"
    holotype.write(archive, moving(3)[2])
    holotype.decode_to_file(archive, image)
    assert holotype.append_frames(path, [image, moving(4)[3]]) == 4
    assert same(holotype.read_frame(path, 2), moving(3)[2])
