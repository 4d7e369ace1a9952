"""The circuit language over another prime: small enough to try every value of every wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from circuits.gadgets import bits
from zkstate.constraint import builder, rows, statement, wire
from zkstate.kernels import FR_MODULUS


@contextmanager
def field_of(p: int) -> Iterator[None]:
    """What is compiled inside is compiled for arithmetic mod p, with the same rules about what may wrap."""
    if p == FR_MODULUS:
        yield
        return
    largest, digits = p // 2, p.bit_length()
    names = {
        wire: {"FR_MODULUS": p, "LARGEST": largest},
        statement: {"FR_MODULUS": p, "LARGEST": largest},
        rows: {"FR_MODULUS": p},
        builder: {"FR_MODULUS": p, "WIDEST": digits - 1},
        bits: {"FR_MODULUS": p, "FIELD_BITS": digits},
    }
    with ExitStack() as stack:
        for module, values in names.items():
            stack.enter_context(patch.multiple(module, **values))
        yield
