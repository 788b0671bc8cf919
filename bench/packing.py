#!/usr/bin/env python3
"""Packed trees beside other archivers and snapshots, in one run on one machine.

    python bench/packing.py [TREE…] [--holo target/release/holo] [--profiles generic,ml] [--markdown FILE]

Without TREE it unpacks two versions each of some packages of PyPI: public trees with much in common. Beside
`holo` run those that are installed of zstd (of a tar), squashfs, restic, borg, and Hexz 0.7.0 in the
interpreter that `--hexz` names. Archives and folders lie in `--folder`; one in memory, such as /dev/shm,
leaves the disk out.

Times are processor seconds, user and system, of a program and its children on one thread; threads are
compared by wall time, beside what two programs at once get done on one thread each: what the machine gives.
Every unpacked tree is compared with its source. Reads are at random places: cold without a cache of decoded
blocks (the system's cache of files stays warm), warm with all decoded before; of three medians the least.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "numpy==2.2.0", "numpy==2.2.1", "django==5.1.1", "django==5.1.2", "sympy==1.13.1", "sympy==1.13.2",
)  # fmt: skip
ONE_THREAD = {"GOMAXPROCS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


@dataclass
class Cost:
    """Processor and wall seconds, peak memory in MiB."""

    user: float = 0.0
    system: float = 0.0
    wall: float = 0.0
    memory: int = 0

    def __add__(self, other: Cost) -> Cost:
        memory = max(self.memory, other.memory)
        return Cost(self.user + other.user, self.system + other.system, self.wall + other.wall, memory)

    def megabytes_a_second(self, n_bytes: int) -> float:
        return n_bytes / 1e6 / max(self.user + self.system, 1e-9)


def run(command: list[str], **options: object) -> Cost:
    """What a program that must succeed costs."""
    environment = os.environ | ONE_THREAD
    before = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
    child = subprocess.Popen(command, env=environment, **quiet)  # type: ignore[call-overload]
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(usage.ru_utime, usage.ru_stime, time.perf_counter() - before, usage.ru_maxrss // 1024)


@dataclass
class Threads:
    """The work that two threads do to that of one, and two programs beside each other to one alone."""

    threads: float
    programs: float

    def __str__(self) -> str:
        return f"{self.threads:.2f} (two programs: {self.programs:.2f})"


def run_beside(commands: list[list[str]]) -> float:
    """Wall seconds until all of these, begun together, have succeeded."""
    before = time.perf_counter()
    null = subprocess.DEVNULL
    children = [subprocess.Popen(command, stdout=null, stderr=null) for command in commands]
    failed = [child.wait() for child in children]
    if any(failed):
        raise SystemExit(f"{' '.join(commands[0])} failed")
    return time.perf_counter() - before


def size_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file() and not part.is_symlink())


def fetch(folder: Path) -> list[Path]:
    """The packages' wheels, each unpacked into a folder of its own."""
    trees = []
    for package in PACKAGES:
        tree = folder / package.replace("==", "-")
        if not tree.is_dir():
            wheels = folder / "wheels" / package
            download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            platform = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
            subprocess.run([sys.executable, *download, *platform, "-d", str(wheels), package], check=True)
            with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
                wheel.extractall(tree)
        trees.append(tree)
    return trees


class Bench:
    """Rows of the table, made in one folder."""

    def __init__(self, trees: list[Path], folder: Path) -> None:
        self.trees, self.folder, self.out = [str(tree) for tree in trees], folder, folder / "out"
        self.parents = {str(tree.parent) for tree in trees}
        self.n_bytes = sum(size_of(tree) for tree in trees)
        self.rows: list[list[str]] = []
        self.sizes: dict[str, int] = {}
        self.speeds: dict[str, tuple[float, float]] = {}
        self.absent: list[str] = []

    def copy(self) -> None:
        """What making the files alone costs: nothing is packed, checked or decoded."""
        self.out.mkdir()
        cost = run(["cp", "-a", *self.trees, str(self.out)])
        shutil.rmtree(self.out)
        self.row("cp -a", Path(self.trees[0]), None, cost)

    def if_there(self, program: str, *rows: Callable[[], None]) -> None:
        """Makes the rows of a peer that is installed; of one that is not says so."""
        if not shutil.which(program):
            self.absent.append(f"{program} is not installed")
            return
        for row in rows:
            row()

    def same(self, out: Path) -> None:
        """The unpacked trees are the sources."""
        for tree in map(Path, self.trees):
            found = next(
                (path for path in (out / tree.name, out / str(tree).lstrip("/")) if path.is_dir()), None
            )
            if found is None or subprocess.run(["diff", "-rq", tree, found], capture_output=True).returncode:
                raise SystemExit(f"{out} is not what {tree} was")

    def row(self, name: str, archive: Path, pack: Cost | None, unpack: Cost | None) -> None:
        size = size_of(archive) if pack else self.n_bytes
        self.sizes[name] = size
        speeds = [0.0 if cost is None else cost.megabytes_a_second(self.n_bytes) for cost in (pack, unpack)]
        self.speeds[name] = (speeds[0], speeds[1])
        columns = [name, f"{size}", f"{self.n_bytes / size:.3f}"]
        for cost in (pack, unpack):
            if cost is None:
                columns += ["", "", ""]
            else:
                seconds = f"{cost.user:.2f} + {cost.system:.2f}"
                columns += [seconds, f"{cost.megabytes_a_second(self.n_bytes):.0f}", f"{cost.memory}"]
        self.rows.append(columns)
        print("  ".join(f"{column:>{24 if k == 0 else 13}}" for k, column in enumerate(columns)), flush=True)

    def unpacked(self, work: Callable[[Path], Cost], check: bool = True) -> Cost:
        shutil.rmtree(self.out, ignore_errors=True)
        cost = work(self.out)
        if check:
            self.same(self.out)
        shutil.rmtree(self.out)
        return cost

    def holo(self, program: str, profile: str) -> Path:
        archive = self.folder / f"{profile}.holo"
        pack = run([program, "pack", *self.trees, "-o", str(archive), "--profile", profile, "--threads", "1"])
        unpack = [program, "unpack", str(archive), "--threads", "1", "-o"]
        self.row(f"holo {profile}", archive, pack, self.unpacked(lambda out: run([*unpack, str(out)])))
        return archive

    def threads(self, program: str) -> dict[str, Threads]:
        """How much faster two threads are, and how much two programs beside each other get done."""
        ratios = {}
        archive, out = str(self.folder / "generic.holo"), self.folder / "threads"
        twin = str(self.folder / "twin.holo")
        shutil.copy(archive, twin)
        for name in ("pack", "unpack", "verify"):

            def command(k: int, name: str = name) -> list[str]:
                if name == "pack":
                    return [program, "pack", *self.trees, "-o", str(out / f"{k}.holo")]
                more = ["-o", str(out / str(k))] if name == "unpack" else []
                return [program, name, (archive, twin)[k], *more]

            best: dict[str, float] = {}
            for kind in ("one", "two threads", "two programs") * 5:
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                n_threads = "2" if kind == "two threads" else "1"
                n_programs = 2 if kind == "two programs" else 1
                wall = run_beside([[*command(k), "--threads", n_threads] for k in range(n_programs)])
                best[kind] = min(best.get(kind, 1e9), wall)
            ratios[name] = Threads(best["one"] / best["two threads"], 2 * best["one"] / best["two programs"])
            print(f"{name}: {ratios[name]}", flush=True)
        shutil.rmtree(out)
        return ratios

    def zstd(self, *options: str) -> None:
        tar, archive = self.folder / "all.tar", self.folder / "all.tar.zst"
        pack = run(["tar", "cf", str(tar), *self.trees])
        pack += run(["zstd", "-q", "-f", "-T1", *options, str(tar), "-o", str(archive)])

        def unpack(out: Path) -> Cost:
            out.mkdir()
            unzstd = subprocess.Popen(["zstd", "-dcq", "--long=27", str(archive)], stdout=subprocess.PIPE)
            untar = run(["tar", "xf", "-", "-C", str(out)], stdin=unzstd.stdout)
            _, _, usage = os.wait4(unzstd.pid, 0)
            return untar + Cost(usage.ru_utime, usage.ru_stime, 0, usage.ru_maxrss // 1024)

        self.row(f"tar, zstd {' '.join(options)}", archive, pack, self.unpacked(unpack))
        tar.unlink()

    def squashfs(self, level: int, block: str) -> None:
        archive = self.folder / "all.squashfs"
        archive.unlink(missing_ok=True)
        settings = ["-comp", "zstd", "-Xcompression-level", str(level), "-b", block, "-processors", "1"]
        pack = run(["mksquashfs", *self.trees, str(archive), *settings, "-no-progress"])
        command = ["unsquashfs", "-p", "1", "-n", "-d", str(self.out), str(archive)]
        self.row(f"squashfs zstd {level} {block}", archive, pack, self.unpacked(lambda out: run(command)))

    def restic(self) -> None:
        repository = self.folder / "restic"
        command = ["restic", "--no-cache", "-q", "-r", str(repository)]
        os.environ["RESTIC_PASSWORD"] = "bench"
        run([*command, "init"])
        pack = run([*command, "backup", *self.trees])
        self.row(
            "restic",
            repository,
            pack,
            self.unpacked(lambda out: run([*command, "restore", "latest", "--target", str(out)])),
        )
        shutil.rmtree(repository)

    def borg(self, compression: str) -> None:
        repository = self.folder / "borg"
        run(["borg", "init", "-e", "none", str(repository)])
        pack = run(["borg", "create", "--compression", compression, f"{repository}::a", *self.trees])

        def unpack(out: Path) -> Cost:
            out.mkdir()
            return run(["borg", "extract", f"{repository}::a"], cwd=out)

        self.row(f"borg {compression}", repository, pack, self.unpacked(unpack))
        shutil.rmtree(repository)

    def hexz(self, python: str, compression: str) -> Path:
        """Hexz keeps no names: it packs a tar, and unpacking is reading all of it and tar."""
        tar, archive = self.folder / "all.tar", self.folder / f"{compression}.hxz"
        pack = run(["tar", "cf", str(tar), *self.trees])
        pack += run([python, "-c", HEXZ_PACK, str(archive), compression, str(tar)])
        tar.unlink()

        def unpack(out: Path) -> Cost:
            out.mkdir()
            reading = subprocess.Popen([python, "-c", HEXZ_READ, str(archive)], stdout=subprocess.PIPE)
            untar = run(["tar", "xf", "-", "-C", str(out)], stdin=reading.stdout)
            _, _, usage = os.wait4(reading.pid, 0)
            return untar + Cost(usage.ru_utime, usage.ru_stime, 0, usage.ru_maxrss // 1024)

        self.row(f"hexz 0.7.0 {compression}", archive, pack, self.unpacked(unpack))
        return archive


HEXZ_PACK = """
import hexz, sys
with hexz.Writer(sys.argv[1], compression=sys.argv[2]) as writer:
    writer.add(sys.argv[3])
"""
HEXZ_READ = """
import hexz, sys
reader = hexz.open(sys.argv[1])
while part := reader.read(1 << 20):
    sys.stdout.buffer.write(part)
"""
READS = """
import json, random, resource, sys, threading, time
module, path = sys.argv[1:]
package = __import__(module)
def opened(cache):
    return package.open(path, cache_size=cache, prefetch=False)
times = []
for _ in range(21):
    before = time.perf_counter()
    reader = opened("512M")
    size = reader.size
    times.append(time.perf_counter() - before)
found = {"open": sorted(times)[10] * 1e6}
def measure(reader, n_bytes, n, seed):
    places = random.Random(seed)
    seconds = []
    for _ in range(n):
        start = places.randrange(max(size - n_bytes, 1))
        before = time.perf_counter()
        data = reader.read(n_bytes, offset=start)
        seconds.append(time.perf_counter() - before)
        assert len(data) == min(n_bytes, size - start)
    seconds.sort()
    return [seconds[n // 2] * 1e6, seconds[n * 99 // 100] * 1e6]
def best_of(reader, n_bytes, n):
    return min(measure(reader(), n_bytes, n, n_bytes + k) for k in range(3))
found["memory after open"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
smallest = "64K" if module == "hexz" else 0
for n_bytes in (4 << 10, 64 << 10, 1 << 20):
    found[f"cold {n_bytes >> 10} KiB"] = best_of(lambda: opened(smallest), n_bytes, 300)
found["memory cold"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
reader = opened("4G")
while reader.read(1 << 20): pass
for n_bytes in (4 << 10, 64 << 10, 1 << 20):
    found[f"warm {n_bytes >> 10} KiB"] = best_of(lambda: reader, n_bytes, 1000)
for n_threads in (1, 2):
    best = 1e9
    for _ in range(5):
        reader = opened(smallest)
        args = [(reader, 64 << 10, 4000 // n_threads, k) for k in range(n_threads)]
        work = [threading.Thread(target=measure, args=one) for one in args]
        before = time.perf_counter()
        for thread in work: thread.start()
        for thread in work: thread.join()
        best = min(best, time.perf_counter() - before)
    found[f"cold 64 KiB, {n_threads} threads, MB/s"] = 4000 * 65.536e-3 / best
print(json.dumps(found))
"""


def reads(python: str, module: str, archive: Path) -> dict[str, object] | None:
    """Random reads in a fresh interpreter; None if it lacks the package."""
    done = subprocess.run([python, "-c", READS, module, str(archive)], capture_output=True, text=True)
    if done.returncode:
        print(f"{module} was not read: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    found: dict[str, object] = json.loads(done.stdout)
    return found


def shown(value: object) -> str:
    if isinstance(value, list):
        return " / ".join(f"{part:.0f}" for part in value)
    return f"{value:.0f}"


def read_table(found: dict[str, dict[str, object]]) -> list[list[str]]:
    """What was read, a column an archive; times are median / 99th in a hundred, in microseconds."""
    keys = list(next(iter(found.values())))
    return [["", *found], *([key, *(shown(one[key]) for one in found.values())] for key in keys)]


def markdown(rows: list[list[str]]) -> str:
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


BARS_HEAD = ["bar", "wanted", "found", ""]


def is_met(met: bool) -> str:
    return "met" if met else "missed"


def bars(bench: Bench, ratios: dict[str, Threads], read: dict[str, dict[str, object]]) -> list[list[str]]:
    """What was aimed at, and whether it was met; what could not be measured here is left out."""
    lines: list[list[str]] = []

    def bar(name: str, wanted: str, found: float, met: bool) -> None:
        lines.append([name, wanted, f"{found:.2f}", is_met(met)])

    def below(name: str, found: float, most: float, of: str = "") -> None:
        bar(name, f"<= {most:.2f}{of}", found, found <= most)

    def above(name: str, found: float, least: float, of: str = "") -> None:
        bar(name, f">= {least:.0f}{of}" if least > 10 else f">= {least:.2f}{of}", found, found >= least)

    sizes, speeds = bench.sizes, bench.speeds
    generic, quick, dense = "holo generic", "squashfs zstd 3 128K", "squashfs zstd 19 1M"
    if generic in sizes and quick in sizes:
        below("generic, size to squashfs zstd 3 128K", sizes[generic] / sizes[quick], 1)
        below("generic, time to pack to the same", speeds[quick][0] / speeds[generic][0], 1)
    if "holo archival" in sizes and dense in sizes:
        below("archival, size to squashfs zstd 19 1M", sizes["holo archival"] / sizes[dense], 1)
    if generic in speeds:
        above("generic, packed MB a second", speeds[generic][0], 150)
        above("generic, unpacked MB a second", speeds[generic][1], 500)
    for n, ratio in ratios.items():
        lines.append([f"{n}, two threads to one", ">= 1.70", str(ratio), is_met(ratio.threads >= 1.7)])
    for ours, theirs in (("holo ml", "hexz lz4"), ("holo generic", "hexz zstd")):
        if ours in read and theirs in read:
            for what, most in (("cold 64 KiB", 1.5), ("warm 64 KiB", 1.2)):
                pair = [read[name][what][0] for name in (ours, theirs)]  # type: ignore[index]
                below(f"{ours}, {what} to {theirs}", pair[0] / pair[1], most)
    for name in read:
        if name.startswith("holo"):
            one, two = (float(str(read[name][f"cold 64 KiB, {n} threads, MB/s"])) for n in (1, 2))
            above(f"{name}, cold reads, two threads to one", two / one, 1.7)
    return lines


HEAD = ["", "bytes", "ratio", "pack s", "MB/s", "MiB", "unpack s", "MB/s", "MiB"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trees", nargs="*", type=Path)
    parser.add_argument("--holo", type=Path, default=Path("target/release/holo").resolve())
    parser.add_argument("--profiles", default="generic,ml,archival")
    parser.add_argument("--folder", type=Path, help="where archives are made [default: a temporary folder]")
    parser.add_argument("--cache", type=Path, default=Path("target/bench/packages"), help="for packages")
    parser.add_argument("--hexz", help="a Python that has hexz 0.7.0")
    parser.add_argument("--markdown", type=Path, help="write the tables here too")
    parser.add_argument("--quick", action="store_true", help="holo alone")
    options = parser.parse_args()
    trees = options.trees or fetch(options.cache.absolute())
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(trees, Path(folder))
        n_files = sum(path.is_file() for tree in trees for path in tree.rglob("*"))
        print(f"{n_files} files, {bench.n_bytes} bytes", flush=True)
        # First, so that names and content are in the system's cache for all that follow.
        bench.copy()
        archives = {
            f"holo {name}": (sys.executable, "holotype", bench.holo(str(options.holo), name))
            for name in options.profiles.split(",")
        }
        archives.pop("holo archival", None)
        if not options.quick:
            bench.if_there("zstd", lambda: bench.zstd("-3"), lambda: bench.zstd("-3", "--long=27"))
            bench.if_there("mksquashfs", lambda: bench.squashfs(3, "128K"), lambda: bench.squashfs(19, "1M"))
            bench.if_there("restic", bench.restic)
            bench.if_there("borg", lambda: bench.borg("zstd,3"))
            if options.hexz:
                for compression in ("lz4", "zstd"):
                    archive = bench.hexz(options.hexz, compression)
                    archives[f"hexz {compression}"] = (options.hexz, "hexz", archive)
            else:
                bench.absent.append("hexz: no interpreter that has it was named")
        ratios = bench.threads(str(options.holo))
        found = {name: reads(*where) for name, where in archives.items()}
        read = {name: one for name, one in found.items() if one is not None}
        table = read_table(read)
        for line in table:
            print("  ".join(f"{column:>28}" for column in line))
        judged = [BARS_HEAD, *bars(bench, ratios, read)]
        for line in judged:
            print("  ".join(f"{column:>20}" for column in line))
        for reason in bench.absent:
            print(reason)
        if options.markdown:
            heading = f"{n_files} files, {bench.n_bytes} bytes.\n\n"
            tables = (markdown([HEAD, *bench.rows]), markdown(table), markdown(judged))
            options.markdown.write_text(heading + "\n".join(tables))


if __name__ == "__main__":
    main()
