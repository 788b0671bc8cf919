#!/usr/bin/env python3
"""What an archive of many small items costs: time, memory, reads, bytes an item.

    python bench/many_items.py [--items N] [--program target/release/examples/many_items]

Each step runs in a process of its own, started with `posix_spawn` so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path


def run(program: Path, *arguments: str) -> None:
    """Prints the program's JSON lines, the last with the peak memory of its process."""
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)]
    child = os.posix_spawn(program, [str(program), *arguments], os.environ, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as lines:
        results = [json.loads(line) for line in lines]
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(arguments)} failed")
    results[-1]["peak_mib"] = round(usage.ru_maxrss / 1024, 1)
    for result in results:
        print(json.dumps(result), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--program", type=Path, default=Path("target/release/examples/many_items").resolve())
    parser.add_argument("--slow", action="store_true", help="verify too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "many.holo")
        run(options.program, "write", str(options.items), path)
        for step in ["lookup", "read", "range", "all", *(["verify"] if options.slow else [])]:
            run(options.program, "open", path, step)


if __name__ == "__main__":
    main()
