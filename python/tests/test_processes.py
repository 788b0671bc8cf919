"""Threads, fork, spawn and forkserver; what importing costs."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import holotype
from samples import smooth


def digest(path: str) -> int:
    return int(holotype.read(path, threads=2).astype("u8").sum())


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    found = []
    for i in range(4):
        path = tmp_path / f"{i}.holo"
        holotype.write(path, smooth(150 + i, 130), tile_edge=64, threads=2)
        found.append(str(path))
    return found


def test_threads_share_nothing(paths: list[str]) -> None:
    want = [digest(p) for p in paths]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(digest, paths * 8)) == want * 8


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes(method: str, paths: list[str]) -> None:
    want = [digest(p) for p in paths]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(digest, paths * 3) == want * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_others_read(paths: list[str]) -> None:
    want = digest(paths[0])
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(digest, paths[0]) for _ in range(30)]
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if digest(paths[0]) == want else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert {future.result() for future in running} == {want}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_others_use_the_cache_of_a_reader(tmp_path: Path) -> None:
    """No lock stays held and no block awaited in a process that lacks the thread behind it."""
    content = random.Random(3).randbytes(200_000) + b"text that repeats; " * 50_000
    with holotype.Writer(tmp_path / "a.holo") as writer:
        writer.add(content, name="a")
    reader = holotype.open(tmp_path / "a.holo", cache_size="512K")
    done = threading.Event()

    def read(seed: int) -> bool:
        starts = random.Random(seed)
        while not done.is_set():
            start = starts.randrange(len(content))
            if reader.read(5000, offset=start) != content[start : start + 5000]:
                return False
        return True

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(read, seed) for seed in range(3)]
        try:
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    signal.alarm(60)
                    starts = range(0, len(content), 40_000)
                    same = all(reader.read(100, offset=at) == content[at : at + 100] for at in starts)
                    os._exit(0 if same else 1)
                assert os.waitpid(child, 0)[1] == 0
        finally:
            done.set()
        assert all(future.result() for future in running)


def test_the_lock_is_released() -> None:
    """Another Python thread runs while one decodes."""
    # Noise of few levels: it is really decoded, for far longer than a thread takes to start.
    array = np.random.default_rng(1).integers(0, 50, (1500, 1500), dtype="u1")
    data = holotype.dumps(array, mode="archival")
    steps = 0
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(holotype.loads, data, threads=1)
        while not future.done():
            steps += 1
    assert steps > 10


def in_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_is_light() -> None:
    """Only the standard library is imported, no part of it that is slow to load, and no thread starts."""
    code = (
        "import sys, threading; before = set(sys.modules); import holotype;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "slow = {'asyncio', 'multiprocessing', 'tempfile'};"
        "print(sorted(new - sys.stdlib_module_names), sorted(new & slow), threading.active_count())"
    )
    assert in_fresh_python(code) == "['holotype'] [] 1"


def test_numpy_and_pillow_are_optional(paths: list[str]) -> None:
    code = f"""
import sys
sys.modules["numpy"] = None
sys.modules["PIL"] = None
import holotype
info = holotype.info({paths[0]!r})
assert info.image.shape == (150, 130, 3)
assert holotype.verify({paths[0]!r})
try:
    holotype.read({paths[0]!r})
except ImportError as error:
    print("ImportError")
"""
    assert in_fresh_python(code) == "ImportError"
