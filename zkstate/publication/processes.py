"""Work spread over processes that are started bare, and gone with the one that started them, however that ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

from zkstate.errors import EnvironmentFailure

T = TypeVar("T")


def spread(
    jobs: int,
    start: Callable[..., None],
    arguments: tuple[Any, ...],
    call: Callable[..., T],
    tasks: Iterable[tuple[Any, ...]],
    kept: str,
) -> Iterator[T]:
    """call(*task) of every task, each as it is finished, in `jobs` processes that call start(*arguments) first.

    At most 2 · jobs tasks are drawn and not yet given back. EnvironmentFailure if a process was killed: `kept` says
    what that left.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(start, arguments))
    waiting: set[Future[T]] = set()
    try:
        for task in tasks:
            waiting.add(pool.submit(call, *task))
            if len(waiting) >= 2 * jobs:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in finished)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in finished)
    except BrokenProcessPool as error:
        raise EnvironmentFailure(f"a process of the run was killed; {kept}: run it again") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    start(*arguments)


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
