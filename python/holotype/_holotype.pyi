from collections.abc import Callable, Iterator, Sequence
from typing import Final, final

from numpy import uint8
from numpy.typing import NDArray

from holotype._fields import (
    AnimationAppendOptions,
    AnimationImportOptions,
    AnimationOptions,
    Descriptor,
    FrameFields,
    ImageFields,
    Imported,
    ItemFields,
    MetadataFields,
    Options,
    ParentFields,
    PreviewFields,
    ReportFields,
    SeekableFile,
    SummaryFields,
    TensorFields,
    TensorOptionsFields,
    UnpackFields,
    Written,
)
from holotype._remote import Remote

__all__ = [
    "Animation",
    "Archive",
    "FileMap",
    "Writer",
    "__version__",
    "add_attachment",
    "add_generation",
    "add_image",
    "add_image_file",
    "add_tensor",
    "append_frames",
    "check_generation",
    "check_part",
    "check_raw_frame",
    "derive_generation",
    "derive_generation_file",
    "encode_image",
    "export_animation",
    "generation_schema",
    "import_animation",
    "import_file",
    "is_address",
    "item_place",
    "keygen",
    "noise_generators",
    "raw_frame",
    "read_audio",
    "read_generation",
    "read_many_into",
    "read_tensor_into",
    "recognise_audio",
    "redact_generation",
    "rekey",
    "sign",
    "tensor_fields",
    "tensor_max_error",
    "tensor_noise",
    "tensor_parent",
    "tensor_region_bytes",
    "tensors_of_file",
    "write_animation",
]

__version__: Final[str]

@final
class Archive:
    @staticmethod
    def open(
        path: str,
        password: bytes | None = None,
        cache_bytes: int | None = None,
        parents: Sequence[str] = ...,
        revision: int | None = None,
    ) -> Archive: ...
    @staticmethod
    def open_remote(
        address: str,
        remote: Remote,
        password: bytes | None,
        cache_bytes: int | None = None,
        read_ahead: bool = True,
        parents: Sequence[str] = ...,
        revision: int | None = None,
    ) -> Archive: ...
    @staticmethod
    def from_bytes(
        data: bytes,
        password: bytes | None = None,
        cache_bytes: int | None = None,
        parents: Sequence[str] = ...,
        revision: int | None = None,
    ) -> Archive: ...
    @staticmethod
    def from_file_object(
        file: SeekableFile,
        start: int,
        end: int,
        password: bytes | None,
        parents: Sequence[str] = ...,
        revision: int | None = None,
    ) -> Archive: ...
    @property
    def n_bytes(self) -> int: ...
    @property
    def is_encrypted(self) -> bool: ...
    @property
    def format_version(self) -> int: ...
    @property
    def revision(self) -> int: ...
    def revisions(self) -> list[tuple[int, int, str]]: ...
    @property
    def seal(self) -> str: ...
    def items(self) -> list[ItemFields]: ...
    def names(self) -> list[tuple[str, str]]: ...
    def tree_names(self) -> list[str]: ...
    def file_map(self, name: str) -> FileMap: ...
    def stream_map(self) -> FileMap: ...
    def read_at(self, map: FileMap, offset: int, n_bytes: int) -> bytes: ...
    def archive_metadata(self) -> list[MetadataFields]: ...
    def summary(self) -> SummaryFields: ...
    def parents(self) -> list[tuple[str, int, list[str]]]: ...
    def flatten(self, path: str, overwrite: bool, password: bytes | None) -> None: ...
    @property
    def n_items(self) -> int: ...
    def kind(self, name: str) -> str: ...
    def holds_file(self, name: str) -> bool: ...
    def unpack(self, directory: str, options: UnpackFields) -> tuple[int, int]: ...
    def image(self, name: str) -> ImageFields: ...
    def metadata(self, name: str) -> list[MetadataFields]: ...
    def region_bytes(self, name: str, region: tuple[int, int, int, int] | None) -> int: ...
    def read_into(
        self, name: str, region: tuple[int, int, int, int] | None, out: NDArray[uint8], threads: int
    ) -> None: ...
    def read_bytes(self, name: str, region: tuple[int, int, int, int] | None, threads: int) -> bytes: ...
    def read_file(self, name: str) -> bytes: ...
    def preview(self, name: str) -> PreviewFields | None: ...
    def check_signatures(self, public_keys: list[str], data: bytes | None) -> list[str]: ...
    def verify(self, threads: int, content: bool) -> ReportFields: ...
    def export(
        self,
        names: list[str],
        format: str,
        path: str | None,
        overwrite: bool,
        lossy_metadata: bool,
        region: tuple[int, int, int, int] | None,
        threads: int,
    ) -> bytes | None: ...

@final
class FileMap:
    @property
    def n_bytes(self) -> int: ...

@final
class Writer:
    def __new__(
        cls,
        path: str | None,
        overwrite: bool,
        profile: str,
        compression: str | None,
        block_bytes: int | None,
        threads: int,
        password: bytes | None,
        deduplicate: bool = True,
        remote: Remote | None = None,
        parents: list[tuple[str, bytes | None]] = ...,
        split_checkpoints: bool = True,
        images: str | None = None,
        append: bool = False,
        chunks: tuple[int, int, int] | None = None,
    ) -> Writer: ...
    def has_item(self, name: str) -> bool: ...
    def remove_item(self, name: str) -> None: ...
    def remove_all_items(self) -> None: ...
    def pack_tree(self, paths: list[str], exclude: list[str]) -> tuple[int, int, int, int]: ...
    def pack_file(self, name: str, path: str, metadata: list[MetadataFields]) -> int: ...
    def pack_bytes(self, name: str, data: bytes, metadata: list[MetadataFields]) -> int: ...
    def pack_file_object(self, name: str, file: object, metadata: list[MetadataFields]) -> int: ...
    def add_tensor(
        self,
        name: str,
        descriptor: TensorFields,
        elements: bytes | NDArray[uint8],
        options: TensorOptionsFields,
        parent: ParentFields | None = None,
    ) -> int: ...
    def merge_overlay(
        self, name: str, child: str, base: tuple[str, bytes | None], overlay: str, is_thin: bool
    ) -> int: ...
    def set_metadata(self, metadata: list[MetadataFields]) -> None: ...
    def written_bytes(self) -> int | None: ...
    def finish(self, put: Callable[[bytes], None] | None = None) -> tuple[bytes | None, int, str]: ...
    def discard(self) -> None: ...

def encode_image(
    path: str | None,
    overwrite: bool,
    name: str,
    descriptor: Descriptor,
    metadata: list[MetadataFields],
    samples: bytes | NDArray[uint8],
    options: Options,
) -> Written: ...
def import_file(
    source: str | bytes,
    path: str | None,
    overwrite: bool,
    name: str,
    decode_lossy: bool,
    options: Options,
) -> Imported: ...
def tensor_fields(archive: Archive, name: str) -> tuple[TensorFields, int, int, list[MetadataFields]]: ...
def tensor_noise(archive: Archive, name: str) -> tuple[str, int, int, int] | None: ...
def tensor_max_error(archive: Archive, name: str) -> float | None: ...
def tensor_parent(archive: Archive, name: str) -> tuple[str, str | None] | None: ...
def tensor_region_bytes(archive: Archive, name: str, fields: list[tuple[int, int]]) -> int: ...
def tensors_of_file(archive: Archive, name: str) -> list[str] | None: ...
def read_tensor_into(
    archive: Archive, name: str, fields: list[tuple[int, int]], out: NDArray[uint8], threads: int
) -> None: ...
def raw_frame(archive: Archive, name: str) -> tuple[int, int] | None: ...
def check_raw_frame(archive: Archive, name: str, frame: bytes | NDArray[uint8]) -> None: ...
def add_image(
    writer: Writer,
    name: str,
    descriptor: Descriptor,
    metadata: list[MetadataFields],
    samples: bytes | NDArray[uint8],
    options: Options,
) -> str: ...
def add_image_file(
    writer: Writer, name: str, source: str | bytes, keep_file: bool, options: Options
) -> tuple[str, bool]: ...
def add_attachment(writer: Writer, name: str, data: bytes) -> str: ...
def add_tensor(
    writer: Writer,
    name: str,
    descriptor: TensorFields,
    elements: bytes | NDArray[uint8],
    options: TensorOptionsFields,
) -> str: ...
def check_generation(text: str) -> str: ...
def add_generation(writer: Writer, name: str, text: str) -> None: ...
def read_generation(archive: Archive, name: str) -> str: ...
def check_part(archive: Archive, name: str, role: str, item: str) -> None: ...
def derive_generation_file(source: str | bytes) -> str | None: ...
def derive_generation(archive: Archive, name: str) -> str | None: ...
def redact_generation(
    archive: Archive, path: str | None, overwrite: bool, fields: list[str], password: bytes | None
) -> tuple[bytes | None, list[tuple[str, list[str]]], list[tuple[str, list[str]]]]: ...
def generation_schema() -> str: ...
def item_place(archive: Archive, name: str) -> tuple[int | None, int]: ...
def noise_generators() -> list[str]: ...
def is_address(text: str) -> bool: ...
def keygen(name: str) -> str: ...
def rekey(path: str, password: bytes, new_password: bytes) -> None: ...
def sign(path: str, key: str, overwrite: bool, threads: int, password: bytes | None) -> str: ...

@final
class Animation:
    def __new__(cls, archive: Archive, name: str | None) -> Animation: ...
    def describe(
        self,
    ) -> tuple[str, int, int, tuple[int, int], int, list[str], str | None]: ...
    def chroma(self) -> str | None: ...
    def delays(self) -> list[int]: ...
    def frame(self, frame: int) -> tuple[Descriptor, int, int | None, int]: ...
    def metadata(self) -> list[MetadataFields]: ...
    def frame_metadata(self, frame: int) -> list[MetadataFields]: ...
    def frame_bytes(self, frame: int) -> int: ...
    def read_into(self, frame: int, out: NDArray[uint8], threads: int) -> None: ...
    def read_frames_into(self, frames: list[int], out: NDArray[uint8], threads: int) -> None: ...

def write_animation(
    path: str | None,
    overwrite: bool,
    name: str,
    frames: Iterator[FrameFields],
    options: AnimationOptions,
) -> Written: ...
def append_frames(
    path: str, name: str, frames: Iterator[FrameFields], options: AnimationAppendOptions
) -> int: ...
def import_animation(
    path: str | None, overwrite: bool, name: str, paths: list[str], options: AnimationImportOptions
) -> Written: ...
def export_animation(
    animation: Animation,
    path: str,
    frames: tuple[int, int],
    lossy_metadata: bool,
    previews: bool,
    overwrite: bool,
) -> int: ...
def read_audio(archive: Archive, name: str) -> tuple[str, bytes]: ...
def recognise_audio(start: bytes) -> str | None: ...
def read_many_into(
    asked: Sequence[tuple[Archive | str | bytes, str | None]],
    expected: Descriptor,
    at: tuple[int, int, int, int] | None,
    out: NDArray[uint8],
    threads: int,
    remote: Remote,
    password: bytes | None,
) -> list[Exception | None]: ...
