#!/usr/bin/env python3
"""Read every good vector as recorded and refuse every bad one with its kind: `check_vectors.py docs/vectors`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from holotype_reference import Archive, Refused, check_signatures, chunking, read_content

KINDS = {
    0: "image", 1: "file", 2: "animation", 3: "audio", 4: "tensor", 5: "generation", 6: "directory", 7: "symlink",
}  # fmt: skip


def cut(line: str) -> bool:
    """True if content is cut as a line of `chunks.tsv` says."""
    *numbers, lengths = line.split("\t")
    seed, size, least, average_log2, most = map(int, numbers)
    content = bytearray()
    for _ in range(size):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        content.append(seed >> 56)
    at = 0
    for length in filter(None, lengths.split(",")):
        if chunking.first_chunk(content[at : at + most], least, average_log2, most) != int(length):
            return False
        at += int(length)
    return True

#: Of encrypted vectors; others do not look at it.
PASSWORD = b"vector"


def beside(path: Path, hints: list[str]) -> bytes | None:
    """Section 15.1: a parent in the folder of its child."""
    return next(((path.parent / hint).read_bytes() for hint in hints if (path.parent / hint).is_file()), None)


def read(path: Path) -> list[str]:
    """A line for each item, in the order of adding, as in `expected.tsv`; earlier revisions first, as `NAME@1`."""
    archive = Archive(path.read_bytes(), PASSWORD, lambda hints: beside(path, hints))
    earlier = [line for number, old in enumerate(archive.earlier, 1) for line in lines_of(old, f"{path.stem}@{number}")]
    return earlier + lines_of(archive, path.stem)


def lines_of(archive: Archive, name: str) -> list[str]:
    """A line for each item of one revision."""
    archive.check_chunks()
    archive.check_links()
    lines = []
    for item in sorted(archive.items, key=lambda i: i[2]):
        archive.metadata(item)
        content = read_content(archive, item)
        kind = KINDS[item[1]]
        lines.append(f"{name}\t{item[0]}\t{kind}\t{len(content)}\t{item[3].hex()}")
    return lines


def signers(path: Path) -> list[str]:
    """A line for each signer of a signature file, as in `signers.tsv`; the archive lies in `good/`."""
    name = path.name.removesuffix(".sig").split("~")[-1]
    archive = Archive(path.parents[1].joinpath("good", name).read_bytes())
    return [f"{path.name}\t{key.hex()}" for key in check_signatures(path.read_bytes(), archive.seal)]


def main(root: Path) -> int:
    expected = root.joinpath("expected.tsv").read_text(encoding="utf-8").splitlines()
    passed = failed = 0
    for path in sorted(root.glob("good/*.holo")):
        try:
            good = read(path) == [line for line in expected if line.split("\t")[0].split("@")[0] == path.stem]
        except Refused as error:
            print(f"{path}: refused: {error}")
            good = False
        passed, failed = passed + good, failed + (not good)
    expected = root.joinpath("signers.tsv").read_text(encoding="utf-8").splitlines()
    for path in sorted(root.glob("good/*.sig")):
        try:
            good = signers(path) == [line for line in expected if line.split("\t")[0] == path.name]
        except Refused as error:
            print(f"{path}: refused: {error}")
            good = False
        passed, failed = passed + good, failed + (not good)
    for path in sorted([*root.glob("bad/*.holo"), *root.glob("bad/*.sig")]):
        try:
            signers(path) if path.suffix == ".sig" else read(path)
            print(f"{path}: accepted")
            failed += 1
        except Refused as error:
            good = path.stem.startswith(error.kind)
            if not good:
                print(f"{path}: refused as {error.kind}: {error}")
            passed, failed = passed + good, failed + (not good)
    for line in root.joinpath("chunks.tsv").read_text(encoding="utf-8").splitlines():
        good = cut(line)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
