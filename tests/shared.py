"""Official vectors and real inputs kept beside the checkout, read in place and never copied.

A missing family is reported by name; where `CI` is set it is a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_path(relative: str) -> Path:
    """The path of `relative` (such as "vectors/bn254/geth_bn256Add.json") under the shared folder."""
    path = SHARED / relative
    if path.exists():
        return path
    family = "/".join(Path(relative).parts[:2])
    message = f"shared family {family} is missing: {relative} not found beside the checkout"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
