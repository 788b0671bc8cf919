"""`raiiafFileHandler`, and its dictionaries made from archives."""

from __future__ import annotations

import datetime
import io
import os
from typing import TYPE_CHECKING, Any

from holotype import _holotype, generation
from holotype._errors import ArgumentError, FormatError, LimitError
from holotype._sources import as_bytes, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from PIL import Image

    from holotype._sources import Path
    from holotype.generation import Component, Generation

EXTENSIONS = (".raiiaf", ".holo")
PNG = b"\x89PNG\r\n\x1a\n"
#: Member of the record with what only this module says.
MEMBER = "raiiaf"


class raiiafFileHandler:  # noqa: N801 - the documented name
    """Writes and reads an image, its latents and how it was made, as one sealed file.

    Parameters
    ----------
    max_file_size : int, optional
        Most bytes of a file, and of all it holds together; by default 10 GiB.
    max_chunk_size : int, optional
        Most bytes of the image, or of one latent; by default 2 GiB.
    """

    def __init__(self, max_file_size: int | None = None, max_chunk_size: int | None = None) -> None:
        self.max_file_size = 10 << 30 if max_file_size is None else max_file_size
        self.max_chunk_size = 2 << 30 if max_chunk_size is None else max_chunk_size

    def file_encoder(
        self,
        filename: Path,
        latent: Mapping[str, Any] | None = None,
        chunk_records: list[dict[str, Any]] | None = None,
        model_name: str = "",
        model_version: str = "",
        prompt: str = "",
        tags: Iterable[str] = (),
        img_binary: bytes | None = None,
        should_compress: bool = True,
        convert_float16: bool = False,
        generation_settings: Mapping[str, Any] | None = None,
        hardware_info: Mapping[str, Any] | None = None,
        extra_image: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write a file; it appears whole, or not at all.

        Parameters
        ----------
        filename : path
            Ends in `.raiiaf` or `.holo`; an existing file is replaced.
        latent : mapping of names to arrays, optional
            Any rank and dtype; noise that `generation_settings["seed"]` makes is stored as that.
        chunk_records : list, optional
            Gets the file's chunk table appended.
        model_name, model_version, prompt, tags
            What made the image.
        img_binary : bytes, optional
            An image file, kept byte for byte.
        should_compress : bool
            False stores latents as they are in memory, which they are anyway where coding saves nothing.
        convert_float16 : bool
            Round latents to float16. Lossy: never done unless asked for.
        generation_settings, hardware_info : mapping, optional
            As documented; what is left out is not made up, but the hardware is looked at.
        extra_image : mapping, optional
            Further fields of the image's record.

        Returns
        -------
        dict
            `header` and `metadata` as `file_decoder` gives them.

        Raises
        ------
        ArgumentError
            A field breaks the schema, a value does not fit float16, or the name has another extension.
        LimitError
            Image, latents or all of it are larger than allowed.
        """
        path = _checked_path(filename)
        if latent is not None and not hasattr(latent, "items"):
            raise ArgumentError(f"latent is a mapping of names to arrays, not {type(latent).__name__}")
        arrays = {name: _array(name, value) for name, value in (latent or {}).items()}
        converted: dict[str, str] = {}
        if convert_float16:
            for name, array in arrays.items():
                arrays[name] = _to_float16(name, array)
                if arrays[name].dtype != array.dtype:
                    converted[name] = str(array.dtype)
        image = None if img_binary is None else as_bytes(img_binary)
        sizes = [array.nbytes for array in arrays.values()] + [len(image or b"")]
        self._check_sizes(sizes)
        extra = {"converted_from": converted, "extra_image": dict(extra_image or {})}
        extra = {key: value for key, value in extra.items() if value}
        generation.save(
            path,
            image=image,
            latents=arrays or None,
            model=model_name or None,
            version=model_version or None,
            prompt=prompt,
            tags=tags,
            settings=dict(generation_settings or {}),
            hardware="auto" if hardware_info is None else dict(hardware_info),
            created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            image_storage="file",
            codec="auto" if should_compress else "raw",
            extra={MEMBER: extra} if extra else None,
        )
        made = generation.load(path)
        archive = _holotype.Archive.open(path)
        records = _records(made, archive)
        if chunk_records is not None:
            chunk_records.extend(records)
        return {"header": _header(archive, records), "metadata": _metadata(made, archive, records)}

    def file_decoder(self, filename: Path) -> dict[str, Any]:
        """Read a whole file, every byte checked.

        Returns
        -------
        dict
            `header`; `chunks` with `latent` (arrays in the order they were given), `latents` (the same by
            name), `image` (the bytes that were given, or None) and `env`; `metadata` with
            `raiiaf_metadata`: `file_info`, `model_info`, `chunks`.

        Warns
        -----
        EnvironmentDriftWarning
            This environment is not the one the file was made in.

        Raises
        ------
        IntegrityError
            The file was changed.
        LimitError
            It is larger than allowed.
        """
        path = path_of(filename)
        with open(path, "rb") as file:
            magic = file.read(6)
            if magic[:6].lower() == b"raiiaf" or magic[:4] == b"GEN5":
                raise FormatError("a file of the raiiaf package itself: only Holotype archives are read here")
        if os.path.getsize(path) > self.max_file_size:
            raise LimitError(f"the file has {os.path.getsize(path)} bytes, the limit is {self.max_file_size}")
        made = generation.load(path)
        archive = _holotype.Archive.open(path)
        archive_items = {item["name"]: item["raw_bytes"] for item in archive.items()}
        self._check_sizes([archive_items.get(part["item"], 0) for part in made.record.get("parts", ())])
        latents = {name: tensor.read() for name, tensor in made.latents.items()}
        image = made.image
        chunks: dict[str, Any] = {
            "latent": list(latents.values()),
            "latents": latents,
            "image": None if image is None else image.read(),
            "env": _environment(made.environment),
        }
        records = _records(made, archive)
        made.check_environment(warn=False).warn(stacklevel=3)
        return {
            "header": _header(archive, records),
            "chunks": chunks,
            "metadata": _metadata(made, archive, records),
        }

    def _check_sizes(self, sizes: list[int]) -> None:
        largest = max(sizes, default=0)
        if largest > self.max_chunk_size:
            raise LimitError(f"a chunk has {largest} bytes, the limit is {self.max_chunk_size}")
        if sum(sizes) > self.max_file_size:
            raise LimitError(f"the file holds {sum(sizes)} bytes, the limit is {self.max_file_size}")

    @staticmethod
    def png_to_bytes(png_path: Path) -> bytes:
        """The bytes of an image file: a PNG as it is, what else Pillow opens as a PNG of the same mode."""
        with open(png_path, "rb") as file:
            data = file.read()
        if data.startswith(PNG):
            return data
        from PIL import Image

        out = io.BytesIO()
        with Image.open(io.BytesIO(data)) as image:
            image.save(out, "png")
        return out.getvalue()

    @staticmethod
    def bytes_to_png(img_bytes: bytes) -> Image.Image:
        """An image file's bytes as a Pillow image."""
        from PIL import Image

        return Image.open(io.BytesIO(img_bytes))


def _checked_path(filename: Path) -> str:
    path = path_of(filename)
    if not path.lower().endswith(EXTENSIONS):
        raise ArgumentError(f"the name ends in {' or '.join(EXTENSIONS)}, not {os.path.basename(path)!r}")
    return path


def _array(name: str, value: Any) -> Any:
    from holotype._arrays import as_array

    hint = "of a PyTorch tensor pass `.detach().cpu().numpy()`"
    try:
        array = as_array(value)
    except (TypeError, RuntimeError) as error:
        raise ArgumentError(f"latent `{name}` is no array of NumPy ({error}); {hint}") from error
    if array.dtype.hasobject:
        raise ArgumentError(f"latent `{name}` is no array of numbers; {hint}")
    return array


def _to_float16(name: str, array: Any) -> Any:
    import numpy as np

    if array.dtype.kind != "f":
        raise ArgumentError(f"latent `{name}` of dtype {array.dtype} is not rounded to float16")
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16)
    if np.isinf(rounded).sum() != np.isinf(array).sum():
        raise ArgumentError(f"latent `{name}` has values beyond float16; pass convert_float16=False")
    return rounded


def _records(made: Generation, archive: _holotype.Archive) -> list[dict[str, Any]]:
    """The chunk table: latents, image, environment."""
    own = made.record.get(MEMBER, {})
    rows = []
    for name, tensor in made.latents.items():
        extra: dict[str, Any] = {"shape": list(tensor.shape), "dtype": tensor.dtype, "key": name}
        if name in own.get("converted_from", {}):
            extra["converted_from"] = own["converted_from"][name]
        rows.append(("LATN", _flags(tensor.dtype), tensor.name, extra))
    image = made.image
    if image is not None:
        rows.append(("DATA", "0000", image.item, dict(own.get("extra_image", {}))))
    rows.append(("ENVC", "0000", made.item, {}))
    items = {item["name"]: item for item in archive.items()}
    records = []
    for index, (kind, flags, item, extra) in enumerate(rows):
        offset, stored = _holotype.item_place(archive, item)
        size = items[item]["raw_bytes"]
        records.append(
            {
                "index": index,
                "type": kind,
                "flags": flags,
                "offset": offset or 0,
                "compressed_size": stored,
                "uncompressed_size": size,
                "hash": items[item]["sha256"],
                "extra": extra,
                "compressed": stored < size,
            }
        )
    return records


def _flags(dtype: str) -> str:
    """`F32`, `F16`, `BF16`, `I64`, …."""
    known = {"float": "F", "bfloat": "BF", "int": "I", "uint": "U", "complex": "C"}
    letters = dtype.rstrip("0123456789")
    return known[letters] + dtype[len(letters) :] if letters in known else dtype.upper()


def _header(archive: _holotype.Archive, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "magic": b"raiiaf",
        "version_major": 1,
        "version_minor": 0,
        "flags": 0,
        "chunk_count": len(records),
        "file_size": archive.n_bytes,
        "seal": archive.seal,
    }


def _metadata(made: Generation, archive: _holotype.Archive, records: list[dict[str, Any]]) -> dict[str, Any]:
    created = made.created
    return {
        "raiiaf_metadata": {
            "file_info": {
                "magic": "raiiaf",
                "version_major": 1,
                "version_minor": 0,
                "file_size": archive.n_bytes,
                "chunk_count": len(records),
            },
            "model_info": {
                "model_name": made.model or "",
                "version": made.version or "",
                "date": None if created is None else created.replace("Z", "+00:00"),
                "prompt": made.prompt or "",
                "tags": list(made.tags),
                "generation_settings": made.settings,
                "hardware_info": made.hardware,
            },
            "chunks": records,
        }
    }


def _environment(components: tuple[Component, ...]) -> dict[str, Any]:
    return {
        "env_version": 1,
        "components": [
            {
                "component_id": component.id,
                "canonical_str": component.canonical,
                "component_sha256_digest": component.sha256,
            }
            for component in components
        ],
    }
