"""`load` and `load_all`: records of an archive, their parts read when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from holotype import _holotype
from holotype._errors import HolotypeError, NotFoundError
from holotype._read import read_image
from holotype._sources import as_bytes, is_path, opened, path_of, put, secret_bytes
from holotype._tensors import Tensor
from holotype._write import image_options
from holotype.generation._drift import compare_environments
from holotype.generation._environment import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Source
    from holotype.generation._drift import EnvironmentReport

T = TypeVar("T")


class _Parts(Mapping[str, T], Generic[T]):
    """The parts of a role by name; each is checked to be the item that was meant when it is asked for."""

    def __init__(self, items: dict[str, str], open_part: Callable[[str], T]) -> None:
        self._items = items
        self._open_part = open_part

    def __getitem__(self, name: str) -> T:
        return self._open_part(self._items[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"<parts {', '.join(map(repr, self._items))}>"


class Attachment:
    """A file that belongs to a record."""

    def __init__(self, archive: _holotype.Archive, item: str) -> None:
        self._archive = archive
        #: Name of its item.
        self.item = item

    def read(self) -> bytes:
        """Its bytes, checked."""
        return self._archive.read_file(self.item)


class PartImage(Attachment):
    """A picture that belongs to a record."""

    @property
    def is_file(self) -> bool:
        """True if its file was kept untouched."""
        return dict(self._archive.names())[self.item] == "file"

    def array(self, *, threads: int | None = None) -> NDArray[Any]:
        """Its samples as `holotype.read` gives them; those of a kept file are decoded."""
        if not self.is_file:
            return read_image(self._archive, self.item, None, None, "rgb", threads)
        options = image_options("fast", threads)
        data = _holotype.import_file(self.read(), None, True, "image", True, options)["written"]["data"]
        assert data is not None
        return read_image(_holotype.Archive.from_bytes(data), "image", None, None, "rgb", threads)

    def read(self) -> bytes:
        """The bytes of its file as it was kept, or made anew in its source's format, texts and all."""
        if self.is_file:
            return super().read()
        data = self._archive.export([self.item], "", None, True, False, None, 0)
        assert data is not None
        return data

    def save(self, path: Path, *, format: str | None = None, overwrite: bool = False) -> None:
        """Write it as an image file, values exact and the texts of the program that made it included."""
        self._archive.export([self.item], format or "", path_of(path), overwrite, False, None, 0)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.array()
        return array if dtype is None else array.astype(dtype, copy=False)


class Generation:
    """A record of how an image was made.

    Attributes
    ----------
    item : str
        Name of its item.
    record : dict
        All its members, those the schema does not know too.
    """

    def __init__(self, archive: _holotype.Archive, item: str, path: str | None) -> None:
        self._archive, self._path = archive, path
        self.item = item
        self.record: dict[str, Any] = json.loads(_holotype.read_generation(archive, item))

    @property
    def prompt(self) -> str | None:
        """The prompt."""
        return self.record.get("prompt")

    @property
    def negative_prompt(self) -> str | None:
        """The negative prompt."""
        return self.record.get("negative_prompt")

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        return tuple(self.record.get("tags", ()))

    @property
    def model(self) -> str | None:
        """Name of the model; `record["model"]` has all that is known of it."""
        return self._model("name")

    @property
    def version(self) -> str | None:
        """Version of the model."""
        return self._model("version")

    @property
    def created(self) -> str | None:
        """When it was made, in UTC."""
        return self.record.get("created")

    @property
    def settings(self) -> dict[str, Any]:
        """What the model was told: `seed`, `steps`, …."""
        return dict(self.record.get("settings", {}))

    @property
    def hardware(self) -> dict[str, Any]:
        """What made it."""
        return dict(self.record.get("hardware", {}))

    @property
    def environment(self) -> tuple[Component, ...]:
        """The software it was made with."""
        components = self.record.get("environment", {}).get("components", ())
        return tuple(Component.from_json(component) for component in components)

    @property
    def redacted(self) -> tuple[str, ...]:
        """What was taken out on purpose."""
        return tuple(self.record.get("redacted", ()))

    @property
    def image(self) -> PartImage | None:
        """The first image."""
        return next(iter(self.images.values()), None)

    @property
    def images(self) -> Mapping[str, PartImage]:
        """Its images by name."""
        return self._parts("image", lambda item: PartImage(self._archive, item))

    @property
    def masks(self) -> Mapping[str, PartImage]:
        """Its masks by name."""
        return self._parts("mask", lambda item: PartImage(self._archive, item))

    @property
    def latents(self) -> Mapping[str, Tensor]:
        """Its tensors by name; `latents["initial_noise"].read()` is an array."""
        return self._parts("latent", lambda item: Tensor(self._archive, item, self._path))

    @property
    def attachments(self) -> Mapping[str, Attachment]:
        """Its other files by name."""
        return self._parts("attachment", lambda item: Attachment(self._archive, item))

    def lost_parts(self) -> dict[str, str]:
        """Items of parts that are missing or hold something else, and what is wrong with each."""
        lost = {}
        for part in self.record.get("parts", ()):
            try:
                _holotype.check_part(self._archive, self.item, part["role"], part["item"])
            except HolotypeError as error:
                lost[part["item"]] = str(error)
        return lost

    def check_environment(
        self, current: Iterable[Component] | None = None, *, warn: bool = True
    ) -> EnvironmentReport:
        """Compare the environment it was made in with this one, or with another.

        Warns with one `EnvironmentDriftWarning` that names every difference, unless `warn` is false or
        nothing differs but kernel, cores and memory.
        """
        report = compare_environments(self.environment, current)
        if warn:
            report.warn(stacklevel=3)
        return report

    def __repr__(self) -> str:
        return f"<holotype.Generation {self.item!r}>"

    def _model(self, member: str) -> str | None:
        model: dict[str, str] = self.record.get("model", {})
        return model.get(member)

    def _parts(self, role: str, open_part: Callable[[str], T]) -> Mapping[str, T]:
        def checked(item: str) -> T:
            _holotype.check_part(self._archive, self.item, role, item)
            return open_part(item)

        parts = [part for part in self.record.get("parts", ()) if part["role"] == role]
        return _Parts({part.get("name", part["item"]): part["item"] for part in parts}, checked)


def load_all(
    src: Source, *, remote: Remote | None = None, password: str | bytes | None = None
) -> list[Generation]:
    """All records of an archive, in the order they were added. Parameters are those of `load`."""
    archive, path = opened(src, remote, secret_bytes(password))
    names = [name for name, kind in archive.names() if kind == "generation"]
    return [Generation(archive, name, path) for name in names]


def load(
    src: Source,
    name: str | None = None,
    *,
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> Generation:
    """The record of an archive; its images, masks, latents and attachments are read when they are asked for.

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive. Of a path or an address only what is needed is read.
    name : str, optional
        Name of the record's item; by default the first.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.

    Raises
    ------
    IntegrityError
        The record was changed, or breaks the schema: the message names the field.
    NotFoundError
        The archive holds no such record.
    """
    archive, path = opened(src, remote, secret_bytes(password))
    names = [known for known, kind in archive.names() if kind == "generation"]
    if name is None and not names:
        raise NotFoundError("the archive holds no generation record")
    if name is not None and name not in names:
        raise NotFoundError(f"no generation record named `{name}`", name)
    return Generation(archive, names[0] if name is None else name, path)


def derive(src: Path | Buffer) -> dict[str, Any] | None:
    """The record that the texts of an image file make, whatever program wrote them; None if there are none.

    Parameters
    ----------
    src : path or bytes
        A PNG, JPEG or WebP file, or any other that `holotype.encode` reads.
    """
    source = path_of(src) if is_path(src) else as_bytes(src)
    text = _holotype.derive_generation_file(source)
    return None if text is None else json.loads(text)


def redact(
    src: Source,
    dst: Destination,
    fields: Iterable[str],
    *,
    overwrite: bool = False,
    password: str | bytes | None = None,
) -> list[str]:
    """Write an archive anew without fields of its records; they say what was taken out.

    What a field says may also stand in the texts of programs in images: unless all fields are about
    `hardware`, `environment` or `created`, those texts, EXIF, XMP and C2PA data go out of every image.
    Attachments are not looked into.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive; it is not changed.
    dst : path or binary file object
        The new archive.
    fields : iterable of str
        Dotted paths such as `prompt`, `settings.seed`, `hardware`, `environment.gpu` (its SHA-256 is left).
    password : str or bytes, optional
        Of an encrypted archive; the new one is encrypted with it too.

    Returns
    -------
    list of str
        What was taken out, as `item: path`.

    Raises
    ------
    ArgumentError
        No record has such a field.
    UnsupportedError
        Texts are in a file that is kept byte for byte, or hidden in pixels.
    """
    archive, _ = opened(src, None, secret_bytes(password))
    path = path_of(dst) if is_path(dst) else None
    data, records, images = _holotype.redact_generation(
        archive, path, overwrite, list(fields), secret_bytes(password)
    )
    if data is not None:
        put(dst, data)
    return [f"{item}: {path}" for item, paths in [*records, *images] for path in paths]


def schema() -> dict[str, Any]:
    """The JSON Schema of records."""
    schema: dict[str, Any] = json.loads(_holotype.generation_schema())
    return schema
