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
    Written,
)

__all__ = ["Archive", "__version__", "encode_image", "import_file", "is_address", "keygen", "rekey", "sign"]

__version__: Final[str]

@final
class Archive:
    @staticmethod
    def open(path: str, password: bytes | None) -> Archive: ...
    @staticmethod
    def open_remote(
        address: str,
        allow_restricted: bool,
        s3_region: str | None,
        endpoint_url: str | None,
        anonymous: bool,
        deadline_seconds: float,
        password: bytes | None,
    ) -> Archive: ...
    @staticmethod
    def from_bytes(data: bytes, password: bytes | None) -> Archive: ...
    @staticmethod
    def from_file_object(file: SeekableFile, start: int, end: int, password: bytes | None) -> Archive: ...
    @property
    def n_bytes(self) -> int: ...
    @property
    def is_encrypted(self) -> bool: ...
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
    def check_signatures(self, public_keys: list[str], data: bytes | None) -> list[str]: ...
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
def is_address(text: str) -> bool: ...
def keygen(name: str) -> str: ...
def rekey(path: str, password: bytes, new_password: bytes) -> None: ...
def sign(path: str, key: str, overwrite: bool, threads: int, password: bytes | None) -> str: ...
