"""`python -m holotype_reference FILE...`: read every item of every file and check it."""

import sys
from pathlib import Path

from . import Archive, Refused, read_content


def main(paths: list[str]) -> int:
    refused = 0
    for path in paths:
        try:
            archive = Archive(Path(path).read_bytes())
            for item in archive.items:
                archive.metadata(item)
                content = read_content(archive, item)
                print(f"{path}: {item[0]}: {len(content)} bytes, SHA-256 {item[3].hex()}")
        except Refused as error:
            refused += 1
            print(f"{path}: {error.kind}: {error}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
