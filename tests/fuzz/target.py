"""What a target is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`run` takes any bytes; it may raise ZkstateError and AssertionError, which is a finding, and nothing else."""

    seeds: tuple[bytes, ...]
    run: Callable[[bytes], None]
    fixed: int = 0  # leading bytes that are seldom worth changing
    share: float = 1.0  # of the mutations of other targets, where a run takes long
