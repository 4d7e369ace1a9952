"""The loop that every engine in Python shares: one JSON request a line, one JSON answer a line (protocol.md)."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
Answer = str | tuple[str, int]  # the digest, and the bytes of the proof where there is one
# Prepares, untimed; gives the call to time, which gets the number of the repetition, and the digest of its answer.
Operation = Callable[[Request], tuple[Callable[[int], object], Callable[[], Answer]]]


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def contents(ask: Request, name: str, bytes_each: int, count: int | None = None) -> bytes:
    """The first `count` (the request's size) items of an input file."""
    with Path(ask["files"][name]).open("rb") as file:
        return file.read(bytes_each * (ask["size"] if count is None else count))


def integers(ask: Request, name: str, count: int | None = None) -> list[int]:
    data = contents(ask, name, 32, count)
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def _answer(operations: dict[str, Operation], ask: Request) -> dict[str, object]:
    call, digest = operations[ask["op"]](ask)
    start, cpu = time.perf_counter(), time.process_time()
    for i in range(ask["repeat"]):
        call(i)
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer = digest()
    found = answer if isinstance(answer, tuple) else (answer, 0)
    return {
        "wall_s": wall_s / ask["repeat"], "cpu_s": cpu_s / ask["repeat"], "peak_mib": peak,
        "digest": found[0], "proof_bytes": found[1],
    }  # fmt: skip


def serve(version: str, operations: dict[str, Operation]) -> None:
    """Answer until the input ends. An exception of an operation is its answer."""
    out, sys.stdout = sys.stdout, sys.stderr  # a library that prints does not break the protocol
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            found = {"version": version} if ask["op"] == "hello" else _answer(operations, ask)
        except Exception as error:  # noqa: BLE001  # whatever it is, the harness reports it by name
            found = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(found) + "\n")
        out.flush()
