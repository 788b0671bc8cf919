"""Animations of other formats in and out: `import_animation`, `export_animation`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from holotype import _holotype
from holotype._animation import DEFAULT_NAME, _of_rate
from holotype._errors import ArgumentError
from holotype._sources import as_bytes, is_path, open_archive, path_of, paths_of, put
from holotype._write import _options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from holotype._sources import Destination, Source
    from holotype._write import Mode


def import_animation(
    src: str | PathLike[str] | Sequence[str | PathLike[str]],
    dst: Destination | None,
    *,
    fps: float | Fraction | None = None,
    delay: int | None = None,
    loop_count: int | None = None,
    pixels: bool = False,
    mode: Mode = "standard",
    key_interval: int = 24,
    poster: int = 0,
    preview: bool | None = None,
    threads: int | None = None,
    name: str = DEFAULT_NAME,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> bytes | None:
    """Seal an animation or a video of another format, or image files as frames.

    APNG, GIF and animated WebP come as what is shown, frame by frame, Y4M as its samples; MKV, MP4 and AVI
    are decoded by the `ffmpeg` program. Delays, loops and metadata come along, of videos also the packets of
    the sound.

    Parameters
    ----------
    src : path, or sequence of paths
        An animation or a video; or files of which every image is a frame.
    dst : path, binary file object or None
        Where the archive goes; None returns its bytes.
    fps, delay : float or int, optional
        Frames a second, or milliseconds of every frame, whatever the file says.
    loop_count : int, optional
        How often it is shown, whatever the file says; 0 for ever.
    pixels : bool
        Also take what decoders may disagree about: lossy WebP, half transparent pixels drawn over others,
        videos with subsampled colour. Without it these are refused.
    mode, key_interval, poster, preview, threads, name, overwrite, password
        As for `write_animation`.

    Raises
    ------
    UnsupportedError
        It cannot be had exactly, or `ffmpeg` is needed and not installed.
    """
    if fps is not None and delay is not None:
        raise ArgumentError("give fps or delay, not both")
    timing = None
    if fps is not None:
        ticks, base = _of_rate(fps)
        timing = ((base.numerator, base.denominator), ticks)
    elif delay is not None:
        timing = ((1, 1000), delay)
    paths = paths_of(src)
    written = _holotype.import_animation(
        path_of(dst) if is_path(dst) else None,
        overwrite,
        name,
        paths,
        {
            "image": _options(mode, False, None, preview, threads, password),
            "loop_count": loop_count,
            "timing": timing,
            "key_interval": key_interval,
            "poster": poster,
            "pixels": pixels,
        },
    )
    data = written["data"]
    if dst is None or data is None:
        return data
    put(dst, data)
    return None


def export_animation(
    src: Source,
    dst: str | PathLike[str],
    *,
    item: str | None = None,
    frames: slice | None = None,
    lossy_metadata: bool = False,
    previews: bool = False,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> int:
    """Write an animation as a file of the format its extension says, exactly or not at all.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive.
    dst : path
        `.apng` or `.png`, `.gif`, `.webp`, `.y4m`; by the `ffmpeg` program `.mkv` and `.avi` (FFV1), `.mp4`
        (H.264 without loss), which are read again and compared.
    item : str, optional
        Name of the animation; by default the first.
    frames : slice, optional
        Which; without a step.
    lossy_metadata : bool
        Write even where the format cannot hold all metadata, or the sound.
    previews : bool
        Pictures of the frames of at most 128 pixels a side instead; no metadata, no sound.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    LossError
        The format cannot hold the frames, their delays or the metadata; it says which.
    """
    source: Source = src if is_path(src) else as_bytes(src)
    with open_archive(source, None, password) as archive:
        animation = _holotype.Animation(archive, item)
        start, stop, step = (frames or slice(None)).indices(animation.describe()[1])
        if step != 1:
            raise ArgumentError("frames has no step")
        return _holotype.export_animation(
            animation, path_of(dst), (start, stop), lossy_metadata, previews, overwrite
        )
