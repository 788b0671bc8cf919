"""Animations of other formats in and out, beside Pillow and ffmpeg."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageSequence

import holotype
from samples import same


def pictures(n: int = 8, mode: str = "RGBA") -> list[Image.Image]:
    """A disc that moves over a ground with holes."""
    out = []
    for i in range(n):
        picture = Image.new("RGBA", (50, 32), (0, 0, 0, 0))
        draw = ImageDraw.Draw(picture)
        draw.rectangle((6, 4, 40, 26), fill=(40, 90, 160, 255))
        draw.ellipse((4 * i, 8, 4 * i + 12, 20), fill=(250, 20 * i, 60, 255))
        out.append(picture if mode == "RGBA" else picture.convert(mode))
    return out


def shown(data: bytes) -> list[Any]:
    """What Pillow shows of each frame: colours where there are any."""
    frames = []
    for frame in ImageSequence.Iterator(Image.open(io.BytesIO(data))):
        array = np.asarray(frame.convert("RGBA")).copy()
        array[array[..., 3] == 0] = 0
        frames.append(array)
    return frames


def as_rgba(frame: Any) -> Any:
    full = np.full((*frame.shape[:2], 4), 255, np.uint8)
    full[..., : frame.shape[2]] = frame
    full[full[..., 3] == 0] = 0
    return full


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("GIF", {"disposal": 0}),
        ("GIF", {"disposal": 2}),
        ("GIF", {"disposal": 3}),
        ("GIF", {"optimize": True}),
        ("PNG", {}),
        ("PNG", {"disposal": 1, "blend": 1}),
        ("PNG", {"default_image": True}),
        ("WEBP", {"lossless": True, "exact": True}),
        ("WEBP", {"lossless": True, "minimize_size": True}),
    ],
)
@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_what_others_show(tmp_path: Path, kind: str, options: dict[str, Any], mode: str) -> None:
    if mode == "RGB" and options.get("disposal") in (1, 3):
        pytest.skip("cleared places are transparent; Pillow shows black in pictures without alpha")
    first, *rest = pictures(mode=mode)
    path = tmp_path / f"made.{kind.lower()}"
    first.save(path, kind, save_all=True, append_images=rest, duration=[40, 120] * 4, loop=2, **options)
    expected = shown(path.read_bytes())
    if options.get("default_image"):
        expected = expected[1:]
    data = holotype.import_animation(path, None)
    assert data is not None
    with holotype.open_animation(data) as animation:
        frames = list(animation)
        assert len(frames) == len(expected)
        for i, (found, wanted) in enumerate(zip(frames, expected, strict=True)):
            assert same(as_rgba(found), wanted), f"frame {i}"
        total = sum(animation.seconds)
        assert animation.loop_count == (3 if kind == "GIF" else 2)
    assert total == pytest.approx(0.64 - (0.12 if options.get("default_image") else 0))


@pytest.mark.parametrize("extension", ["apng", "gif", "webp"])
@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_what_is_written_is_shown_alike(tmp_path: Path, extension: str, mode: str) -> None:
    frames = [np.asarray(picture) for picture in pictures(mode=mode)]
    data = holotype.write_animation(None, frames, delays=[50, 200] * 4, loop_count=4)
    assert data is not None
    path = tmp_path / f"out.{extension}"
    assert holotype.export_animation(data, path) == 8
    with Image.open(path) as image:
        assert image.n_frames == 8  # type: ignore[attr-defined]
    for found, frame in zip(shown(path.read_bytes()), frames, strict=True):
        assert same(found, as_rgba(frame))
    back = holotype.import_animation(path, None)
    assert back is not None
    with holotype.open_animation(back) as animation:
        assert all(same(a, b) for a, b in zip(animation, frames, strict=True))
        assert animation.loop_count == 4
        assert [round(s * 1000) for s in animation.seconds] == [50, 200] * 4
    assert holotype.export_animation(data, tmp_path / f"part.{extension}", frames=slice(2, 5)) == 3


def test_timing_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    first, *rest = pictures(mode="RGB")
    first.save(path, save_all=True, append_images=rest, duration=70)
    fast = holotype.import_animation(path, None, fps=50, loop_count=7)
    assert fast is not None
    assert (holotype.get_delays(fast), holotype.get_loop_count(fast)) == ([20] * 8, 7)
    both = holotype.import_animation([path, path], None, delay=30)
    assert both is not None
    assert holotype.get_delays(both) == [30] * 16
    with pytest.raises(holotype.ArgumentError):
        holotype.import_animation(path, None, fps=10, delay=10)


def test_what_is_not_exact_is_refused(tmp_path: Path) -> None:
    first, *rest = pictures(mode="RGB")
    lossy = tmp_path / "lossy.webp"
    first.save(lossy, save_all=True, append_images=rest, duration=40, quality=60)
    with pytest.raises(holotype.UnsupportedError, match="lossy"):
        holotype.import_animation(lossy, tmp_path / "a.holo")
    assert not (tmp_path / "a.holo").exists()
    data = holotype.import_animation(lossy, None, pixels=True)
    assert data is not None
    assert holotype.frame_count(data) == 8
    sound = holotype.write_animation(None, [np.asarray(p) for p in rest], audio=(b"x", "WAVE"))
    assert sound is not None
    with pytest.raises(holotype.LossError, match="sound"):
        holotype.export_animation(sound, tmp_path / "a.apng")
    assert not (tmp_path / "a.apng").exists()
    assert holotype.export_animation(sound, tmp_path / "a.apng", lossy_metadata=True) == 7
    with pytest.raises(holotype.ArgumentError):
        holotype.export_animation(sound, tmp_path / "a.bmp")
    assert holotype.export_animation(sound, tmp_path / "b.apng", previews=True) == 7


def decoded(file: Path, kind: str) -> bytes:
    """What ffmpeg gives."""
    ask = ["ffmpeg", "-v", "error", "-i", str(file), "-f", kind, "-"]
    return subprocess.run(ask, check=True, capture_output=True).stdout


@pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="no ffmpeg")
def test_videos(tmp_path: Path) -> None:
    frames = [np.asarray(picture) for picture in pictures(12, "RGB")]
    wave = tmp_path / "tone.wav"
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, str(wave)], check=True)
    data = holotype.write_animation(None, frames, fps=24, audio=wave)
    assert data is not None
    path = tmp_path / "a.mkv"
    assert holotype.export_animation(data, path) == 12
    back = holotype.import_animation(path, None)
    assert back is not None
    with holotype.open_animation(back) as animation:
        assert all(same(a, b) for a, b in zip(animation, frames, strict=True))
        assert animation.n_audio_tracks == 1
        sound, kind = animation.audio(0)
        assert kind == "MATROSKA"
        assert sound is not None
        assert sum(animation.seconds) == pytest.approx(0.5)
    packets = tmp_path / "sound.mka"
    packets.write_bytes(sound)
    assert decoded(wave, "s16le") == decoded(packets, "s16le")
    y4m = tmp_path / "a.y4m"
    make = ["ffmpeg", "-v", "error", "-i", str(path), "-pix_fmt", "yuv444p", str(y4m)]
    subprocess.run(make, check=True)
    planes = holotype.import_animation(y4m, None)
    assert planes is not None
    with holotype.open_animation(planes, order=None) as animation:
        assert len(animation) == 12
        assert holotype.export_animation(planes, tmp_path / "b.y4m") == 12
    assert decoded(y4m, "rawvideo") == decoded(tmp_path / "b.y4m", "rawvideo")


def test_subsampled_planes_are_kept_as_they_are(tmp_path: Path) -> None:
    source, again, path = tmp_path / "a.y4m", tmp_path / "b.y4m", tmp_path / "a.holo"
    random = np.random.default_rng(3)
    planes = [random.integers(0, 1024, shape).astype("<u2") for shape in [(9, 13), (5, 7), (5, 7)] * 4]
    frames = [b"".join(plane.tobytes() for plane in planes[i : i + 3]) for i in range(0, 12, 3)]
    head = b"YUV4MPEG2 W13 H9 F25:1 Ip A1:1 C420p10\n"
    source.write_bytes(head + b"".join(b"FRAME\n" + frame for frame in frames))
    holotype.import_animation(source, path)
    assert holotype.export_animation(path, again) == 4
    assert again.read_bytes() == source.read_bytes()
    with holotype.open_animation(path) as animation:
        assert np.array_equal(animation[2], planes[6])
        chroma = animation.chroma
        assert chroma is not None
        assert (chroma.chroma, len(chroma)) == (None, 4)
        assert np.array_equal(chroma[2], np.stack(planes[7:9], axis=-1))
    with pytest.raises(holotype.LossError, match="subsampled colour"):
        holotype.export_animation(path, tmp_path / "a.apng")
