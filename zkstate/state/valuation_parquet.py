"""The process in which Arrow reads a Parquet file that somebody else made: bytes in, JSON out (`valuation_files`)."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from zkstate.state.ledger_parquet import pyarrow
from zkstate.state.valuation_files import parquet_lines

MEMORY = 256 << 20


def main() -> None:
    """Read standard input within MEMORY beside what the program itself takes, and answer on standard output."""
    pyarrow()
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer = parquet_lines(sys.stdin.buffer.read())
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
