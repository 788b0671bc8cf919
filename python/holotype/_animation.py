"""Animations: `write_animation`, `open_animation`, and one call for each thing to know of one."""

from __future__ import annotations

import itertools
import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, overload

from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._info import MetadataEntry
from holotype._sources import as_bytes, is_path, open_archive, path_of, put, secret_bytes
from holotype._write import _metadata_fields, _options, thread_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Self

    from holotype._fields import AudioFields, Descriptor, FrameFields
    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Source
    from holotype._write import Mode, Order

#: Name of an animation that is given none.
DEFAULT_NAME = "animation"


def write_animation(
    dst: Destination | None,
    frames: Iterable[Any],
    *,
    delays: int | Sequence[int] | None = None,
    fps: float | Fraction | None = None,
    time_base: Fraction | tuple[int, int] | None = None,
    loop_count: int = 0,
    mode: Mode = "standard",
    order: Order = "rgb",
    key_interval: int = 24,
    poster: int = 0,
    audio: Any = None,
    metadata: Iterable[MetadataEntry] = (),
    frame_metadata: Mapping[int, Iterable[MetadataEntry]] | None = None,
    tile_edge: int | None = None,
    preview: bool | None = None,
    threads: int | None = None,
    name: str = DEFAULT_NAME,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> bytes | None:
    """Seal frames, one after another, in an archive.

    Parameters
    ----------
    dst : path, binary file object or None
        Where the archive goes; None returns its bytes. A file appears whole or not at all.
    frames : iterable of array_like or paths
        `(height, width)` or `(height, width, channels)` of any dtype that `write` takes, or image files.
        Sizes and dtypes may differ. They are taken one by one: a few at a time are in memory.
    delays : int or sequence of int, optional
        Ticks that each frame is shown; by default 100.
    fps : float or Fraction, optional
        Frames a second, in place of delays and time base.
    time_base : Fraction or (numerator, denominator), optional
        Seconds of a tick; by default 1/1000.
    loop_count : int
        How often it is shown; 0 for ever.
    mode, order, tile_edge, preview, threads, overwrite, password
        As for `write`.
    key_interval : int
        A frame is coded alone at least every so many, 1 to 256. It bounds what reading one frame takes.
    poster : int
        The frame of which a preview is stored.
    audio : bytes, path, (data, format), or a list of these, optional
        Sound, kept byte for byte; formats are `WAVE`, `MPEG`, `OGG`, `FLAC` or any name, recognised if not
        given.
    metadata : iterable of MetadataEntry
        Of the animation as a whole.
    frame_metadata : mapping of int to iterables of MetadataEntry, optional
        Of single frames.

    Returns
    -------
    bytes or None
        The archive, if `dst` is None.

    Raises
    ------
    ArgumentError
        There are no frames, or more or fewer delays than frames.

    Examples
    --------
    >>> import holotype, numpy
    >>> frames = [numpy.full((4, 6, 3), value, numpy.uint8) for value in range(5)]
    >>> data = holotype.write_animation(None, frames, fps=25)
    >>> with holotype.open_animation(data) as animation:
    ...     len(animation), animation.delays[0], int(animation[3].max())
    (5, 40, 3)
    """
    if fps is not None:
        if delays is not None or time_base is not None:
            raise ArgumentError("fps stands in place of delays and time_base")
        delays, time_base = _of_rate(fps)
    base = Fraction(1, 1000) if time_base is None else _fraction(time_base)
    tracks = [_track(track, f"{name}/audio/{i}") for i, track in enumerate(_tracks(audio))]
    written = _holotype.write_animation(
        path_of(dst) if is_path(dst) else None,
        overwrite,
        name,
        _frames(frames, delays, order, frame_metadata or {}),
        {
            "image": _options(mode, False, tile_edge, preview, threads, password),
            "loop_count": loop_count,
            "time_base": (base.numerator, base.denominator),
            "key_interval": key_interval,
            "poster": poster,
            "metadata": [_metadata_fields(entry) for entry in metadata],
            "audio": tracks,
        },
    )
    data = written["data"]
    if dst is None or data is None:
        return data
    put(dst, data)
    return None


def append_frames(
    path: Path,
    frames: Iterable[Any] = (),
    *,
    item: str | None = None,
    delays: int | Sequence[int] | None = None,
    fps: float | Fraction | None = None,
    mode: Mode = "standard",
    order: Order = "rgb",
    key_interval: int = 24,
    audio: Any = None,
    frame_metadata: Mapping[int, Iterable[MetadataEntry]] | None = None,
    tile_edge: int | None = None,
    threads: int | None = None,
    password: str | bytes | None = None,
) -> int:
    """Add frames or sound to an animation that is there, as a new revision of its archive.

    Frames that are there are not coded again, and the revision before stays readable
    (`Reader(path, revision=...)`). Loops, time base, poster, metadata and sounds stay as they are. An append
    that is interrupted leaves the archive as it was.

    Parameters
    ----------
    path : path
        The archive, a file.
    frames : iterable of array_like or paths
        As for `write_animation`.
    item : str, optional
        Name of the animation; by default the first.
    delays : int or sequence of int, optional
        Ticks that each new frame is shown; by default as many as the last frame there is.
    fps : float or Fraction, optional
        Frames a second, in place of delays.
    mode, order, key_interval, tile_edge, threads
        As for `write_animation`.
    audio : bytes, path, (data, format), or a list of these, optional
        Further tracks of sound, beside those it has.
    frame_metadata : mapping of int to iterables of MetadataEntry, optional
        Of new frames, by their number among these.
    password : str or bytes, optional
        Of an encrypted archive, which stays so.

    Returns
    -------
    int
        Number of frames of the animation now.

    Raises
    ------
    ArgumentError
        There is nothing to add, more or fewer delays than frames, or a delay is no whole number of ticks.
    IntegrityError
        What is there is damaged.

    Examples
    --------
    >>> import holotype, numpy, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "sky.holo")
    >>> holotype.write_animation(path, [numpy.zeros((4, 6), numpy.uint8)] * 3)
    >>> holotype.append_frames(path, [numpy.ones((4, 6), numpy.uint8)])
    4
    """
    with open_archive(path, None, password) as archive:
        inner = _holotype.Animation(archive, item)
        name, _, _, ticks, _, tracks, _ = inner.describe()
        if delays is None:
            delays = inner.delays()[-1]
            if fps is not None:
                delay, base = _of_rate(fps)
                exact = delay * base / Fraction(*ticks)
                if exact.denominator != 1:
                    raise ArgumentError(f"1/{fps} s is no whole number of ticks of {Fraction(*ticks)} s")
                delays = int(exact)
        elif fps is not None:
            raise ArgumentError("fps stands in place of delays")
    numbers = (f"{name}/audio/{i}" for i in itertools.count())
    free = (track for track in numbers if track not in tracks)
    return _holotype.append_frames(
        path_of(path),
        name,
        _frames(frames, delays, order, frame_metadata or {}),
        {
            "image": _options(mode, False, tile_edge, False, threads, None),
            "key_interval": key_interval,
            "audio": [_track(track, next(free)) for track in _tracks(audio)],
            "password": secret_bytes(password),
        },
    )


def _of_rate(fps: float | Fraction) -> tuple[int, Fraction]:
    """Delay and time base of a number of frames a second: in milliseconds where these are exact."""
    rate = Fraction(fps).limit_denominator(1001)
    if rate <= 0:
        raise ArgumentError(f"fps is more than 0, not {fps}")
    milliseconds = 1000 / rate
    return (int(milliseconds), Fraction(1, 1000)) if milliseconds.denominator == 1 else (1, 1 / rate)


def _fraction(base: Fraction | tuple[int, int]) -> Fraction:
    fraction = Fraction(*base) if isinstance(base, tuple) else Fraction(base)
    if not (0 < fraction.numerator < 2**32 and fraction.denominator < 2**32):
        raise ArgumentError(f"a time base is a fraction of two numbers from 1 to 2³²−1, not {base}")
    return fraction


def _frames(
    frames: Iterable[Any],
    delays: int | Sequence[int] | None,
    order: str,
    metadata: Mapping[int, Iterable[MetadataEntry]],
) -> Iterator[FrameFields]:
    import numpy as np

    from holotype import _arrays
    from holotype._read import loads

    n_frames = 0
    for i, frame in enumerate(frames):
        if isinstance(delays, (int, np.integer)):
            delay = int(delays)
        elif delays is None:
            delay = 100
        elif i < len(delays):
            delay = operator.index(delays[i])
        else:
            raise ArgumentError(f"there are {len(delays)} delays and more frames")
        if is_path(frame):
            options = _options("fast", False, None, False, None)
            imported = _holotype.import_file(path_of(frame), None, True, "frame", True, options)
            data = imported["written"]["data"]
            assert data is not None
            array = loads(data, order=order)  # type: ignore[arg-type]
        else:
            array = _arrays.as_array(frame)
        n_frames = i + 1
        yield {
            "descriptor": _arrays.describe(array, order=order, colour=None, alpha=None),
            "samples": _arrays.samples(array),
            "delay": delay,
            "metadata": [_metadata_fields(entry) for entry in metadata.get(i, ())],
        }
    if not isinstance(delays, (int, np.integer)) and delays is not None and len(delays) != n_frames:
        raise ArgumentError(f"there are {len(delays)} delays and {n_frames} frames")
    if any(not 0 <= frame < n_frames for frame in metadata):
        raise ArgumentError("there is metadata for a frame that is not there")


def _tracks(audio: Any) -> list[Any]:
    if audio is None:
        return []
    is_pair = isinstance(audio, tuple) and len(audio) == 2 and isinstance(audio[1], str)
    return list(audio) if isinstance(audio, (list, tuple)) and not is_pair else [audio]


def _track(track: Any, name: str) -> AudioFields:
    given, kind = track if isinstance(track, tuple) else (track, None)
    if is_path(given):
        with open(path_of(given), "rb") as file:
            data = file.read()
    else:
        data = as_bytes(given)
    kind = kind or _holotype.recognise_audio(data[:16])
    if kind is None:
        raise ArgumentError("the format of the sound is not recognised: give it as (data, format)")
    return {"name": name, "format": kind, "data": data}


class Animation:
    """An animation of an archive: `len`, index, slices and iteration give frames as arrays.

    Only what a frame needs is read, and every byte of it is checked first. Made by `open_animation`; may be
    used by several threads.

    Attributes
    ----------
    name : str
        Name of the item.
    loop_count : int
        How often it is shown; 0 for ever.
    time_base : Fraction
        Seconds of a tick, the unit of delays.
    poster : int
        The frame its preview is of.
    """

    def __init__(
        self, archive: _holotype.Archive, name: str | None = None, *, order: str | None = "rgb"
    ) -> None:
        if order not in ("rgb", "bgr", None):
            raise ArgumentError(f"order is 'rgb', 'bgr' or None, not {order!r}")
        self._archive: _holotype.Archive | None = archive
        self._inner = _holotype.Animation(archive, name)
        self._order = order
        described = self._inner.describe()
        self.name, self._n_frames, self.loop_count, base, self.poster, self._audio, self._chroma = described
        self.time_base = Fraction(*base)

    def __len__(self) -> int:
        return self._n_frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the archive."""
        self._archive = None

    @property
    def delays(self) -> list[int]:
        """Ticks that each frame is shown. No frame is read."""
        return self._inner.delays()

    @property
    def seconds(self) -> list[float]:
        """Seconds that each frame is shown."""
        return [float(ticks * self.time_base) for ticks in self.delays]

    @property
    def metadata(self) -> tuple[MetadataEntry, ...]:
        """Metadata of the animation as a whole."""
        return _entries(self._inner.metadata())

    def frame_metadata(self, frame: int) -> tuple[MetadataEntry, ...]:
        """Metadata of one frame."""
        return _entries(self._inner.frame_metadata(self._index(frame)))

    def shape(self, frame: int) -> tuple[int, ...]:
        """The shape that frame has as an array. No frame is read."""
        return _shape(self._inner.frame(self._index(frame))[0])

    def key_of(self, frame: int) -> int:
        """The frame coded alone that reading this one starts with."""
        return self._inner.frame(self._index(frame))[3]

    def audio(self, track: int = 0) -> tuple[bytes, str] | tuple[None, None]:
        """Bytes and format of a track of sound; `(None, None)` if there is none of that number."""
        if self._archive is None:
            raise ValueError("the animation is closed")
        if not 0 <= track < len(self._audio):
            return None, None
        kind, data = _holotype.read_audio(self._archive, self._audio[track])
        return data, kind

    @property
    def chroma(self) -> Animation | None:
        """The animation of the subsampled channels of these frames, if they have any.

        Of Y4M video with 4:2:0, 4:2:2 or 4:1:1 planes frames are Y, `(height, width)`, and those of this
        animation Cb and Cr, `(height / 2, width / 2, 2)` and so on, as they are in the file.

        Raises
        ------
        IntegrityError
            The archive lacks them, or they do not fit.
        """
        if self._archive is None:
            raise ValueError("the animation is closed")
        name = self._chroma and self._inner.chroma()
        return Animation(self._archive, name, order=self._order) if name else None

    @property
    def n_audio_tracks(self) -> int:
        """Number of tracks of sound."""
        return len(self._audio)

    def read(self, frame: int, *, out: Any = None, threads: int | None = None) -> NDArray[Any]:
        """One frame as an array.

        Parameters
        ----------
        frame : int
            Its number; negative ones count from the end.
        out : numpy.ndarray, optional
            Decode into this; of the frame's shape and dtype.
        threads : int, optional
            At most so many; by default what the machine offers.

        Raises
        ------
        IndexError
            There is no such frame.
        IntegrityError
            A block of it, or of a frame it is coded against, was changed.
        """
        from holotype import _arrays

        if self._archive is None:
            raise ValueError("the animation is closed")
        number = self._index(frame)
        descriptor = self._inner.frame(number)[0]
        self._inner.frame_bytes(number)  # refused before memory is asked for
        result = _empty(_shape(descriptor), descriptor, out)
        flat = _arrays.flat_bytes(result)
        if flat is None:
            import numpy as np

            fresh = np.empty(result.shape, _dtype(descriptor))
            self._inner.read_into(number, fresh.reshape(-1).view(np.uint8), thread_limit(threads))
            result[...] = fresh
        else:
            self._inner.read_into(number, flat, thread_limit(threads))
        self._turn(result, descriptor)
        return result

    def read_frames(
        self, frames: slice | Sequence[int], *, out: Any = None, threads: int | None = None
    ) -> Any:
        """Several frames: one array `(n, height, width[, channels])` if they are alike, else a list.

        Groups of frames that need each other are decoded at the same time.

        Parameters
        ----------
        frames : slice or sequence of int
            Which; in any order.
        out : numpy.ndarray, optional
            Decode into this, if the frames are alike.
        """
        from holotype import _arrays

        if self._archive is None:
            raise ValueError("the animation is closed")
        if isinstance(frames, slice):
            numbers = list(range(*frames.indices(self._n_frames)))
        else:
            numbers = [self._index(frame) for frame in frames]
        descriptors = [self._inner.frame(number)[0] for number in numbers]
        if not numbers or any(other != descriptors[0] for other in descriptors):
            return [self.read(number, threads=threads) for number in numbers]
        sum(self._inner.frame_bytes(number) for number in set(numbers))
        result = _empty((len(numbers), *_shape(descriptors[0])), descriptors[0], out)
        flat = _arrays.flat_bytes(result)
        if flat is None:
            raise ArgumentError("out is C-contiguous and writable")
        self._inner.read_frames_into(numbers, flat, thread_limit(threads))
        self._turn(result, descriptors[0])
        return result

    @overload
    def __getitem__(self, key: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, key: slice) -> Any: ...
    def __getitem__(self, key: int | slice) -> Any:
        return self.read_frames(key) if isinstance(key, slice) else self.read(key)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for frame in range(self._n_frames):
            yield self.read(frame)

    def _index(self, frame: int) -> int:
        index = operator.index(frame)
        number = index + self._n_frames if index < 0 else index
        if not 0 <= number < self._n_frames:
            raise IndexError(f"frame {index} of {self._n_frames}")
        return number

    def _turn(self, array: NDArray[Any], descriptor: Descriptor) -> None:
        from holotype import _arrays

        if self._order is not None and descriptor["colour"] == "rgb" and descriptor["order"] != self._order:
            _arrays.reverse_colours(array)


def _dtype(descriptor: Descriptor) -> Any:
    import numpy as np

    from holotype._info import DTYPES

    return np.dtype(DTYPES[descriptor["sample"]])


def _shape(descriptor: Descriptor) -> tuple[int, ...]:
    size = (descriptor["height"], descriptor["width"])
    return size if descriptor["channels"] == 1 else (*size, descriptor["channels"])


def _empty(shape: tuple[int, ...], descriptor: Descriptor, out: Any) -> NDArray[Any]:
    import numpy as np

    dtype = _dtype(descriptor)
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype.newbyteorder("=") != dtype:
        raise ArgumentError(f"out is an array {dtype}{shape}")
    if not out.flags.writeable:
        raise ArgumentError("out is read-only")
    return out


def _entries(fields: Any) -> tuple[MetadataEntry, ...]:
    return tuple(MetadataEntry(entry["kind"], entry["key"], entry["data"]) for entry in fields)


def open_animation(
    src: Source,
    *,
    item: str | None = None,
    order: Order | None = "rgb",
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> Animation:
    """Open an animation to read frames of it.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive. A file object is read to its end.
    item : str, optional
        Name of the animation; by default the first.
    order : {"rgb", "bgr"} or None
        Order of the colours to return; None leaves them as stored.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive.
    """
    source: Source = src if is_path(src) else as_bytes(src)
    with open_archive(source, remote, password) as archive:
        return Animation(archive, item, order=order)


def frame_count(src: Source, *, item: str | None = None) -> int:
    """Number of frames; 1 of an archive that holds an image and no animation."""
    with open_archive(src) as archive:
        kinds = archive.names()
        known = {kind for _, kind in kinds}
        if item is None and "animation" not in known and "image" in known:
            return 1
        return _holotype.Animation(archive, item).describe()[1]


def get_loop_count(src: Source, *, item: str | None = None) -> int:
    """How often it is shown; 0 for ever."""
    with open_archive(src) as archive:
        return _holotype.Animation(archive, item).describe()[2]


def get_delays(src: Source, *, item: str | None = None) -> list[int]:
    """Milliseconds that each frame is shown, to the nearest."""
    with open_archive(src) as archive:
        animation = Animation(archive, item)
        return [round(ticks * animation.time_base * 1000) for ticks in animation.delays]


def read_frame(
    src: Source, index: int, *, item: str | None = None, order: Order | None = "rgb", out: Any = None
) -> NDArray[Any]:
    """One frame as an array; reads it and what it is coded against, at most the key interval."""
    with open_archive(src) as archive:
        return Animation(archive, item, order=order).read(index, out=out)


def read_frames(
    src: Source,
    frames: slice | Sequence[int],
    *,
    item: str | None = None,
    order: Order | None = "rgb",
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Several frames; see `Animation.read_frames`."""
    with open_archive(src) as archive:
        return Animation(archive, item, order=order).read_frames(frames, out=out, threads=threads)


def get_audio(
    src: Source, track: int = 0, *, item: str | None = None
) -> tuple[bytes, str] | tuple[None, None]:
    """Bytes and format of a track of sound; `(None, None)` if there is none of that number."""
    with open_archive(src) as archive:
        return Animation(archive, item).audio(track)


def get_metadata(src: Source, *, item: str | None = None) -> tuple[MetadataEntry, ...]:
    """Metadata of the animation as a whole."""
    with open_archive(src) as archive:
        return Animation(archive, item).metadata


__all__ = ["Animation", "append_frames", "open_animation", "write_animation"]
