from typing import Final, final

from numpy import uint8
from numpy.typing import NDArray

from holotype._fields import (
    Descriptor,
    ImageFields,
    Imported,
    ItemFields,
    MetadataFields,
    Options,
    PreviewFields,
    ReportFields,
    SeekableFile,
    TensorFields,
    TensorOptionsFields,
    Written,
)

__all__ = [
    "Archive",
    "TensorWriter",
    "__version__",
    "encode_image",
    "import_file",
    "map_tensor",
    "read_tensor_into",
    "tensor_fields",
    "tensor_noise",
    "tensor_region_bytes",
]

__version__: Final[str]

@final
class Archive:
    @staticmethod
    def open(path: str) -> Archive: ...
    @staticmethod
    def from_bytes(data: bytes) -> Archive: ...
    @staticmethod
    def from_file_object(file: SeekableFile, start: int, end: int) -> Archive: ...
    @property
    def n_bytes(self) -> int: ...
    @property
    def format_version(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def seal(self) -> str: ...
    def items(self) -> list[ItemFields]: ...
    def names(self) -> list[tuple[str, str]]: ...
    def image(self, name: str) -> ImageFields: ...
    def metadata(self, name: str) -> list[MetadataFields]: ...
    def region_bytes(self, name: str, region: tuple[int, int, int, int] | None) -> int: ...
    def read_into(
        self, name: str, region: tuple[int, int, int, int] | None, out: NDArray[uint8], threads: int
    ) -> None: ...
    def read_bytes(self, name: str, region: tuple[int, int, int, int] | None, threads: int) -> bytes: ...
    def read_file(self, name: str) -> bytes: ...
    def preview(self, name: str) -> PreviewFields | None: ...
    def verify(self, threads: int) -> ReportFields: ...
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

@final
class TensorWriter:
    def __new__(cls, path: str | None, overwrite: bool) -> TensorWriter: ...
    def add(
        self,
        name: str,
        descriptor: TensorFields,
        elements: bytes | NDArray[uint8],
        options: TensorOptionsFields,
    ) -> None: ...
    def finish(self) -> Written: ...
    def abandon(self) -> None: ...

def tensor_fields(archive: Archive, name: str) -> tuple[TensorFields, int, int, list[MetadataFields]]: ...
def tensor_noise(archive: Archive, name: str) -> tuple[str, int, int] | None: ...
def tensor_region_bytes(archive: Archive, name: str, fields: list[tuple[int, int]]) -> int: ...
def read_tensor_into(
    archive: Archive, name: str, fields: list[tuple[int, int]], out: NDArray[uint8], threads: int
) -> None: ...
def map_tensor(archive: Archive, name: str) -> tuple[int, int] | None: ...
