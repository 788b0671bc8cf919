#!/usr/bin/env python3
"""Packed trees beside other archivers: size, processor time, peak memory, random reads, in one run.

    python bench/packing.py TREE... [--holo target/release/holo] [--profiles generic,ml]

TREE is any folder: two versions of a package unpacked side by side show deduplication. Beside `holo` run
whichever of `tar | zstd -3`, `zstd -3 --long=27`, `mksquashfs` (zstd) are installed. Times are user and
system seconds of the program and its children on one thread. Unpack to a file system in memory, as by
`--folder /dev/shm`, for figures without the disk.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path


def run(command: list[str], **options: object) -> tuple[float, float, int]:
    """User and system seconds and peak memory of a program that must succeed."""
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime, usage.ru_stime, usage.ru_maxrss // 1024


def row(name: str, n_raw: int, archive: Path, pack: tuple, unpack: tuple | None) -> None:
    """One line of the table."""
    user, system, memory = pack
    line = f"{name:24} {archive.stat().st_size:>12} {archive.stat().st_size / n_raw:6.3f}"
    line += f" {user:7.2f} {system:6.2f} {n_raw / 1e6 / (user + system):7.0f} {memory:5}"
    if unpack is not None:
        user, system, memory = unpack
        line += f" {user:7.2f} {system:6.2f} {n_raw / 1e6 / max(user + system, 1e-9):7.0f} {memory:5}"
    print(line, flush=True)


def holo(program: Path, profile: str, trees: list[str], folder: Path, n_raw: int) -> Path:
    """Packs and unpacks with a profile."""
    archive, out = folder / f"{profile}.holo", folder / "out"
    one = ["--threads", "1"]
    pack = run([str(program), "pack", *trees, "-o", str(archive), "--profile", profile, *one])
    unpack = run([str(program), "unpack", str(archive), "-o", str(out), *one])
    shutil.rmtree(out)
    row(f"holo {profile}", n_raw, archive, pack, unpack)
    return archive


def others(trees: list[str], folder: Path, n_raw: int) -> None:
    """Archivers that are installed."""
    out = folder / "out"
    tar = folder / "all.tar"
    tarring = run(["tar", "cf", str(tar), *trees])
    for level in (["-3"], ["-3", "--long=27"]) if shutil.which("zstd") else ():
        archive = folder / "all.tar.zst"
        packing = run(["zstd", "-q", "-f", "-T1", *level, str(tar), "-o", str(archive)])
        out.mkdir()
        unzstd = subprocess.Popen(["zstd", "-dcq", "--long=27", str(archive)], stdout=subprocess.PIPE)
        untar = run(["tar", "xf", "-", "-C", str(out)], stdin=unzstd.stdout)
        _, _, usage = os.wait4(unzstd.pid, 0)
        both = (untar[0] + usage.ru_utime, untar[1] + usage.ru_stime, max(untar[2], usage.ru_maxrss // 1024))
        shutil.rmtree(out)
        total = tuple(a + b for a, b in zip(tarring[:2], packing[:2], strict=True))
        row(f"tar, zstd {' '.join(level)}", n_raw, archive, (*total, packing[2]), both)
    for block in ("128K", "1M") if shutil.which("mksquashfs") else ():
        archive = folder / "all.squashfs"
        archive.unlink(missing_ok=True)
        settings = [
            "-comp",
            "zstd",
            "-Xcompression-level",
            "3",
            "-b",
            block,
            "-processors",
            "1",
            "-no-progress",
        ]
        packing = run(["mksquashfs", *trees, str(archive), *settings], stdout=subprocess.DEVNULL)
        unpacking = None
        if shutil.which("unsquashfs"):
            command = ["unsquashfs", "-p", "1", "-n", "-d", str(out), str(archive)]
            unpacking = run(command, stdout=subprocess.DEVNULL)
            shutil.rmtree(out)
        row(f"squashfs zstd 3 {block}", n_raw, archive, packing, unpacking)


def reads(archive: Path) -> None:
    """Medians of random reads through the Python package, if it is installed."""
    try:
        import holotype
    except ImportError:
        return
    for cache in (0, "512M"):
        with holotype.open(archive, cache_size=cache) as reader:
            size = reader.size
            for n_bytes in (4 << 10, 64 << 10, 1 << 20):
                places = random.Random(n_bytes)
                seconds = []
                for _ in range(300):
                    start = places.randrange(max(size - n_bytes, 1))
                    before = time.perf_counter()
                    reader.read(n_bytes, offset=start)
                    seconds.append(time.perf_counter() - before)
                median = sorted(seconds)[len(seconds) // 2] * 1e6
                print(f"read {n_bytes >> 10:5} KiB, cache {cache}: median {median:.0f} us", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--holo", type=Path, default=Path("target/release/holo").resolve())
    parser.add_argument("--profiles", default="generic,ml,eda,embedded")
    parser.add_argument("--folder", type=Path, help="where archives are made [default: a temporary folder]")
    options = parser.parse_args()
    files = [
        path for tree in options.trees for path in tree.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    n_raw = sum(path.stat().st_size for path in files)
    print(f"{len(files)} files, {n_raw} bytes; seconds of user and system, MB a second of both, peak MiB")
    print(f"{'':24} {'bytes':>12} {'ratio':>6} {'pack u':>7} {'s':>6} {'MB/s':>7} {'MiB':>5}", end="")
    print(f" {'unpk u':>7} {'s':>6} {'MB/s':>7} {'MiB':>5}")
    trees = [str(tree) for tree in options.trees]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        made = [holo(options.holo, name, trees, Path(folder), n_raw) for name in options.profiles.split(",")]
        others(trees, Path(folder), n_raw)
        reads(made[0])


if __name__ == "__main__":
    main()
