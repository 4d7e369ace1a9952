"""A measurement in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import multiprocessing


def child(target, *arguments):
    """Run it to its end in a fresh process. SystemExit if that fails."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the measuring process ended with {process.exitcode}")
