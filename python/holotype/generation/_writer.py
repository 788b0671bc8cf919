"""`GenerationWriter` and `save`: records and their parts into an archive."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._sources import as_bytes, is_path, path_of, put, secret_bytes
from holotype._tensors import tensor_options, whole_number
from holotype._write import image_options, is_pillow, thread_limit
from holotype.generation._environment import capture_environment, capture_hardware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from numpy.typing import ArrayLike
    from PIL import Image
    from typing_extensions import Buffer, Self

    from holotype._sources import Destination, Path, Readable
    from holotype._tensors import Noise, TensorCodec
    from holotype._write import Mode
    from holotype.generation._environment import Component

    Picture: TypeAlias = "Path | Buffer | Readable | ArrayLike | Image.Image"
    Pictures: TypeAlias = "Picture | Mapping[str, Picture]"

ImageStorage: TypeAlias = Literal["pixels", "file"]

#: Members within members that are looked into for what a record cannot hold.
_MAX_DEPTH = 64
#: What drew a seed's noise where nothing else is said: the generator of `torch.manual_seed`.
_USUAL_GENERATOR = "torch.cpu"


class GenerationWriter:
    """Writes an archive of generation records with their parts, one after the other; a context manager.

    Parameters
    ----------
    dst : path or binary file object
        Where the archive goes. A file appears whole when the writer is closed, or not at all.
    mode : {"standard", "fast", "archival"}
        How images are coded.
    threads : int, optional
        At most so many; by default what the machine offers. They do not change the bytes.
    overwrite : bool
        False raises `FileExistsError` if `dst` exists.
    password : str or bytes, optional
        Encrypt the archive, so that only who has it can read anything of it.
    """

    def __init__(
        self,
        dst: Destination,
        *,
        mode: Mode = "standard",
        threads: int | None = None,
        overwrite: bool = True,
        password: str | bytes | None = None,
    ) -> None:
        self._dst = dst
        self._threads = thread_limit(threads)
        self._images = image_options(mode, threads)
        path = path_of(dst) if is_path(dst) else None
        secret = secret_bytes(password)
        self._inner = _holotype.Writer(path, overwrite, "generic", None, None, self._threads, secret)
        #: The seal of the finished archive, in hexadecimal.
        self.seal = ""

    def add(
        self,
        name: str = "generation",
        *,
        image: Pictures | None = None,
        masks: Pictures | None = None,
        latents: object | Mapping[str, object] | None = None,
        attachments: Mapping[str, Path | Buffer] | None = None,
        model: str | Mapping[str, Any] | None = None,
        version: str | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        tags: Iterable[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        hardware: Literal["auto"] | Mapping[str, Any] | None = "auto",
        environment: Literal["auto"] | Iterable[Component] | None = "auto",
        created: str | None = "now",
        noise: Literal["auto"] | Mapping[str, Noise] | None = "auto",
        codec: TensorCodec = "auto",
        image_storage: ImageStorage = "pixels",
        read_texts: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a record and its parts; the parameters are those of `save`, `name` the record's item."""
        settings = None if settings is None else _mapping("settings", settings)
        fields: dict[str, Any] = {"version": 1}
        put_member(fields, "created", _now() if created == "now" else created)
        if isinstance(model, Mapping):
            fields["model"] = dict(model)
        elif model is not None:
            fields["model"] = {"name": model}
        if version is not None:
            fields.setdefault("model", {})["version"] = version
        put_member(fields, "prompt", prompt)
        put_member(fields, "negative_prompt", negative_prompt)
        put_member(fields, "tags", None if tags is None else _texts(tags))
        put_member(fields, "settings", settings)
        if hardware is not None:
            fields["hardware"] = capture_hardware() if hardware == "auto" else _mapping("hardware", hardware)
        if environment is not None:
            found = capture_environment() if environment == "auto" else environment
            components = [component.to_json() for component in _components(found)]
            fields["environment"] = {"version": 1, "components": components}
        fields.update(_mapping("extra", extra or {}))
        wanted = [
            *_named(name, "image", "images", image),
            *_named(name, "mask", "masks", masks),
            *_named(name, "latent", "latents", latents),
            *_named(name, "attachment", "attachments", attachments),
        ]
        _check_recipes(noise, [own for _, role, own, _ in wanted if role == "latent"])
        if read_texts:
            fields = _with_texts(fields, wanted)
        # Everything is checked before a part is written; the hashes come later.
        parts = [_part(item, role, own, "0" * 64) for item, role, own, _ in wanted]
        check = {**fields, "parts": parts} if parts else fields
        _holotype.check_generation(_to_json(check))
        for part, (item, role, own, value) in zip(parts, wanted, strict=True):
            if role == "latent":
                part["sha256"] = self._add_latent(item, own, value, settings or {}, noise, codec)
            elif role == "attachment":
                data = _file_bytes(value)
                part["sha256"] = _holotype.add_attachment(self._inner, item, data)
            else:
                part["sha256"] = self._add_image(item, value, image_storage)
        _holotype.add_generation(self._inner, name, _to_json(check))

    def _add_image(self, item: str, value: Any, storage: ImageStorage) -> str:
        if storage not in ("pixels", "file"):
            raise ArgumentError(f"image_storage is 'pixels' or 'file', not {storage!r}")
        if is_pillow(value):
            from holotype import _modes

            descriptor, metadata, samples = _modes.from_pillow(value)
            return _holotype.add_image(self._inner, item, descriptor, metadata, samples, self._images)
        if hasattr(value, "__array_interface__") or isinstance(value, (list, tuple)):
            from holotype import _arrays

            array = _arrays.as_array(value)
            described = _arrays.describe(array, order="rgb", colour=None, alpha=None)
            data = _arrays.samples(array)
            return _holotype.add_image(self._inner, item, described, [], data, self._images)
        source = path_of(value) if is_path(value) else as_bytes(value)
        return _holotype.add_image_file(self._inner, item, source, storage == "file", self._images)[0]

    def _add_latent(
        self,
        item: str,
        own: str,
        value: object,
        settings: Mapping[str, Any],
        noise: Literal["auto"] | Mapping[str, Noise] | None,
        codec: TensorCodec,
    ) -> str:
        from holotype import _elements

        elements = _elements.take(value)
        recipe = _recipe(own, settings, noise)
        options = tensor_options(codec, None, None, self._threads, recipe)
        return _holotype.add_tensor(self._inner, item, elements.fields, elements.data, options)

    def close(self) -> None:
        """Seal the archive and put it where it belongs."""
        data, _, self.seal = self._inner.finish()
        if data is not None:
            put(self._dst, data)

    def discard(self) -> None:
        """Give up: nothing appears."""
        self._inner.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def save(
    dst: Destination,
    *,
    image: Pictures | None = None,
    masks: Pictures | None = None,
    latents: object | Mapping[str, object] | None = None,
    attachments: Mapping[str, Path | Buffer] | None = None,
    model: str | Mapping[str, Any] | None = None,
    version: str | None = None,
    prompt: str | None = None,
    negative_prompt: str | None = None,
    tags: Iterable[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    hardware: Literal["auto"] | Mapping[str, Any] | None = "auto",
    environment: Literal["auto"] | Iterable[Component] | None = "auto",
    created: str | None = "now",
    noise: Literal["auto"] | Mapping[str, Noise] | None = "auto",
    codec: TensorCodec = "auto",
    image_storage: ImageStorage = "pixels",
    read_texts: bool = True,
    extra: Mapping[str, Any] | None = None,
    name: str = "generation",
    mode: Mode = "standard",
    threads: int | None = None,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> None:
    """Seal a generation record with its images, masks, latents and attachments in an archive.

    Parameters
    ----------
    dst : path or binary file object
        Where the archive goes. A file appears whole or not at all.
    image, masks : path, bytes, file object, array, Pillow image, or a mapping of names to them, optional
        Pictures of any format `holotype.encode` reads, or arrays as `holotype.write` takes. Their texts
        (`parameters`, `workflow`, …), ICC, EXIF and XMP are kept byte for byte.
    latents : array, tensor, or a mapping of names to them, optional
        Anything `TensorWriter.add_tensor` takes: any rank and dtype, every bit kept.
    attachments : mapping of names to paths or bytes, optional
        Other files, such as a workflow or a LoRA.
    model : str or mapping, optional
        Its name, or `name`, `version`, `hash`, `sha256`.
    version : str, optional
        Version of the model.
    prompt, negative_prompt : str, optional
        As they were given to the model.
    tags : iterable of str, optional
        Any tags.
    settings : mapping, optional
        `seed`, `steps`, `sampler`, `scheduler`, `cfg_scale`, `guidance`, `eta`, `width`, `height`,
        `clip_skip`, `denoise`, `batch_size`, `batch_index`, `generator`, `precision`, `deterministic`, and
        anything else that JSON holds.
    hardware : "auto", mapping or None
        What made it; "auto" looks, and leaves out the machine's name.
    environment : "auto", components or None
        The software; "auto" is `capture_environment()`.
    created : str or None
        A time in UTC such as `2026-11-21T13:00:00Z`; "now" by default. With None, and hardware and
        environment given, the same call gives the same bytes.
    noise : "auto", mapping of latents to recipes, or None
        How latents were drawn (`TensorWriter.add_tensor`). "auto" tries `settings["seed"]` with
        `settings["generator"]`, or else `torch.cpu`. A recipe that does not make the very bits is not used.
    codec : str
        How other latents are coded.
    image_storage : {"pixels", "file"}
        Images from files as pixels with all their metadata, smaller than PNG; or the file byte for byte.
        Lossy and animated files are kept as files in any case.
    read_texts : bool
        Read what A1111, Forge, ComfyUI, InvokeAI, SwarmUI, Fooocus or NovelAI wrote into the first image, if
        that is a file, into the record; fields that are given go first.
    extra : mapping, optional
        Further members of the record.
    name : str
        Name of the record's item; its parts are named from it on.
    mode, threads, overwrite, password
        As for `GenerationWriter`.

    Raises
    ------
    ArgumentError
        A field breaks the schema (the message names it), or nothing was given that says anything.
    UnsupportedError
        A picture or tensor cannot be kept exactly.
    """
    with GenerationWriter(dst, mode=mode, threads=threads, overwrite=overwrite, password=password) as writer:
        writer.add(
            name,
            image=image,
            masks=masks,
            latents=latents,
            attachments=attachments,
            model=model,
            version=version,
            prompt=prompt,
            negative_prompt=negative_prompt,
            tags=tags,
            settings=settings,
            hardware=hardware,
            environment=environment,
            created=created,
            noise=noise,
            codec=codec,
            image_storage=image_storage,
            read_texts=read_texts,
            extra=extra,
        )


def put_member(fields: dict[str, Any], member: str, value: Any) -> None:
    """Sets a member unless there is nothing to say."""
    if value is not None:
        fields[member] = value


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")


def _texts(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise ArgumentError("tags are several texts, not one")
    return list(texts)


def _named(name: str, role: str, folder: str, value: Any) -> list[tuple[str, str, str, Any]]:
    """Item, role, own name and value of each part."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(f"{name}/{folder}/{own}", role, str(own), part) for own, part in value.items()]
    return [(f"{name}/{role}", role, role, value)]


def _with_texts(fields: dict[str, Any], wanted: list[tuple[str, str, str, Any]]) -> dict[str, Any]:
    """The fields over those that the first image's own texts make."""
    first = next(((item, value) for item, role, _, value in wanted if role == "image"), None)
    if first is None or not is_file(first[1]):
        return fields
    source = path_of(first[1]) if is_path(first[1]) else as_bytes(first[1])
    text = _holotype.derive_generation_file(source)
    if text is None:
        return fields
    read: dict[str, Any] = json.loads(text)
    read["source"]["item"] = first[0]
    for member in ("model", "settings"):
        if member in read and fields.get(member) is not None:
            fields[member] = {**read[member], **fields[member]}
    return {**read, **fields}


def is_file(value: object) -> bool:
    """True for a path or bytes of an image file."""
    return is_path(value) or isinstance(value, (bytes, bytearray, memoryview))


def _part(item: str, role: str, own: str, sha256: str) -> dict[str, Any]:
    return {"item": item, "role": role, "name": own, "sha256": sha256}


def _recipe(
    own: str, settings: Mapping[str, Any], noise: Literal["auto"] | Mapping[str, Noise] | None
) -> Noise | None:
    if noise is None:
        return None
    if noise != "auto":
        return noise.get(own)
    seed = whole_number(settings.get("seed"))
    if seed is None or not 0 <= seed < 1 << 64:
        return None
    generator = str(settings.get("generator", _USUAL_GENERATOR))
    return {"generator": generator, "seed": seed} if generator in _holotype.noise_generators() else None


def _check_recipes(noise: object, latents: list[str]) -> None:
    """Refuses recipes of latents that are not there, which would be passed over."""
    if noise is None or noise == "auto":
        return
    if not isinstance(noise, Mapping):
        raise ArgumentError(f"noise is 'auto', None or a mapping of latents to recipes, not {noise!r}")
    for own in noise:
        if own not in latents:
            raise ArgumentError(f"noise is of a latent {own!r}, and there are {latents}")


def _mapping(field: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ArgumentError(f"generation record: `{field}` is a mapping, not {value!r}")
    return dict(value)


def _components(value: Any) -> list[Component]:
    from holotype.generation._environment import Component

    components = [] if isinstance(value, (str, Mapping)) else list(value)
    if (not components and value) or not all(isinstance(one, Component) for one in components):
        raise ArgumentError(f"generation record: `environment` is 'auto', None or components, not {value!r}")
    return components


def _file_bytes(value: Any) -> bytes:
    if not is_path(value):
        return as_bytes(value)
    with open(os.fspath(value), "rb") as file:
        return file.read()


def _to_json(record: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, default=_plain)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        where = ", ".join(f"`{path}`" for path in _unfit(record, ""))
        raise ArgumentError(f"generation record: {where or 'it'}: {error}") from None
    return text


def _unfit(value: Any, path: str) -> Iterator[str]:
    """Where a record holds what JSON does not."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain).encode()
        return
    except (TypeError, ValueError, RecursionError):
        pass
    inner: Iterable[tuple[object, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    is_deep = path.count(".") + path.count("[") > _MAX_DEPTH
    found = [] if is_deep else [p for key, part in inner for p in _unfit(part, _joined(path, key))]
    yield from found or [path]


def _joined(path: str, key: object) -> str:
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)


def _plain(value: Any) -> Any:
    """NumPy scalars as the numbers they are."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON holds no {type(value).__name__}")
