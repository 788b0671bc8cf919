"""Pillow plugin: importing this module lets `Image.open` and `Image.save` handle `.holo`.

>>> import holotype.pillow
>>> from PIL import Image
>>> Image.open("scan.holo").size                          # doctest: +SKIP
>>> Image.open("scan.png").save("scan.holo", mode="archival")   # doctest: +SKIP

Opening reads the archive's description only; the samples are read, and checked, when they are needed. Several
images of an archive are frames. `save` takes `mode`, `max_effort`, `tile_edge`, `preview` and `threads` as
`holotype.encode` does, and `icc_profile`, `exif`, `xmp` and `dpi` as Pillow's own formats do.
"""

from __future__ import annotations

from typing import IO, Any

from PIL import Image, ImageFile

from holotype import _holotype, _modes
from holotype._errors import HolotypeError
from holotype._read import _image_info, _metadata
from holotype._sources import open_archive
from holotype._write import DEFAULT_NAME, _options

FORMAT = "HOLO"
MAGIC = b"\x8bHOLO\r\n\x1a"
METADATA_OPTIONS = ("icc_profile", "exif", "xmp", "dpi")


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


class HoloImageFile(ImageFile.ImageFile):
    """An image of an archive, decoded when its pixels are first needed."""

    format = FORMAT
    format_description = "Holotype archive"

    def _open(self) -> None:
        self.fp.seek(0)  # type: ignore[union-attr]
        try:
            with open_archive(self.fp) as archive:  # type: ignore[arg-type]
                self._names = [name for name, kind in archive.names() if kind == "image"]
                if not self._names:
                    raise SyntaxError("the archive holds no image")
                self._describe(archive, 0)
        except HolotypeError as error:
            raise SyntaxError(str(error)) from error

    def _describe(self, archive: _holotype.Archive, frame: int) -> None:
        name = self._names[frame]
        self._frame = frame
        self._image = _image_info(archive.image(name))
        self._layout = _modes.layout_of(self._image)
        self._size = (self._image.width, self._image.height)
        self._mode = self._layout.mode
        self._entries = _metadata(archive.metadata(name))
        self.info.clear()
        self.info.update(_modes.info_of(self._entries))
        self._samples_pending = True
        self.tile = []

    @property
    def n_frames(self) -> int:
        """Number of images in the archive."""
        return len(self._names)

    @property
    def is_animated(self) -> bool:
        """True if there is more than one image."""
        return len(self._names) > 1

    def seek(self, frame: int) -> None:
        """Goes to an image of the archive."""
        if not self._seek_check(frame):
            return
        with self._archive() as archive:
            self._describe(archive, frame)

    def tell(self) -> int:
        """Number of the current image."""
        return self._frame

    def load(self) -> Any:
        """Reads, checks and decodes the samples."""
        if self._samples_pending:
            with self._archive() as archive:
                samples = archive.read_bytes(self._names[self._frame], None, 0)
            picture = _modes.to_pillow(self._image, self._layout, samples, self._entries)
            self.im = picture.im
            self.palette = picture.palette
            self.info.update(picture.info)
            self._samples_pending = False
            if not self.is_animated and self._exclusive_fp:
                self.fp.close()  # type: ignore[union-attr]
        return super().load()

    def _archive(self) -> Any:
        self.fp.seek(0)  # type: ignore[union-attr]
        return open_archive(self.fp)  # type: ignore[arg-type]


def _save(picture: Image.Image, file: IO[bytes], _filename: str | bytes) -> None:
    asked: dict[str, Any] = getattr(picture, "encoderinfo", {})
    options = _options(
        asked.get("mode", "standard"),
        asked.get("max_effort", False),
        asked.get("tile_edge"),
        asked.get("preview"),
        asked.get("threads"),
    )
    info: dict[Any, Any] = dict(picture.info)
    info.update((key, asked[key]) for key in METADATA_OPTIONS if asked.get(key) is not None)
    descriptor, metadata, samples = _modes.from_pillow(picture, info)
    written = _holotype.encode_image(None, True, DEFAULT_NAME, descriptor, metadata, samples, options)
    assert written["data"] is not None
    file.write(written["data"])


Image.register_open(FORMAT, HoloImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".holo")
Image.register_mime(FORMAT, "image/x-holotype")
