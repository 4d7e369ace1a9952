"""The JSON of snarkjs: decimal strings, G1 = [x, y, "1"], G2 = [[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]].

Reading is strict, because two readers that disagree about one file are an attack: integers are decimal strings
without sign, leading zero or exponent and below their modulus; third coordinates are exactly one, so the point at
infinity cannot be written; no object names a member twice; arities are exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, TypeAlias

from zkstate import nesting
from zkstate.algebra.bn254 import G1, G2
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FR_MODULUS

SIZE_LIMIT = 1 << 24
CURVE, PROTOCOL, MIRAGE = "bn128", "groth16", "mirage"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool | None"


def parse(content: bytes | str, name: str) -> Json:
    """One JSON text without floats, non-finite numbers or repeated members. Errors: EncodingError, LengthError."""
    if len(content) > SIZE_LIMIT:
        raise LengthError(f"{name}: {len(content)} bytes of JSON, at most {SIZE_LIMIT} are read")

    def refuse(_text: str) -> NoReturn:
        # Not shown: a key file given for a JSON file may begin as such a number does.
        raise EncodingError(f"{name}: a number in it is not an integer")

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key, value in pairs:
            if key in found:
                raise EncodingError(f"{name}: member {key[:80]!r} appears twice")
            found[key] = value
        return found

    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        nesting.check(text.encode("utf-8"), name)
        parsed: Json = json.loads(text, object_pairs_hook=members, parse_float=refuse, parse_constant=refuse)
    except ValueError as error:
        raise EncodingError(f"{name}: not JSON: {error}") from error
    return parsed


def render(value: Json) -> str:
    """JSON laid out as snarkjs lays it out."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def compact(content: bytes | str, name: str) -> bytes:
    """One JSON text without white space, its members in their order. Errors as `parse`."""
    return json.dumps(parse(content, name), separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def member(value: Json, key: str, name: str) -> Json:
    """Member `key` of the JSON object `value`."""
    if not isinstance(value, Mapping):
        raise EncodingError(f"{name}: {_show(value)} is not an object")
    if key not in value:
        raise EncodingError(f"{name}: member {key!r} is missing")
    return value[key]


def expect(value: Json, key: str, expected: str, name: str) -> None:
    """Refuse an object whose member `key` is not exactly `expected`."""
    found = member(value, key, name)
    if found != expected:
        raise EncodingError(f"{name}: {key} is {_show(found)}, expected {expected!r}")


def array(value: Json, length: int | None, where: str) -> Sequence[Json]:
    """A JSON array of `length` items (any number if None)."""
    if not isinstance(value, list):
        raise EncodingError(f"{where}: {_show(value)} is not an array")
    if length is not None and len(value) != length:
        raise LengthError(f"{where}: {len(value)} items, expected {length}")
    return value


def decimal(value: Json, modulus: int, where: str) -> int:
    """The integer below `modulus` written as a decimal string."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise EncodingError(f"{where}: {_show(value)} is not a decimal string")
    number = int(value)
    if number >= modulus:
        raise EncodingError(f"{where}: {number} is not below the modulus {modulus}")
    return number


def g1(value: Json, where: str) -> G1:
    """A point of G1 that is not infinity. Errors: EncodingError, LengthError."""
    x, y, z = array(value, 3, where)
    if z != "1":
        raise EncodingError(f"{where}: third coordinate is {_show(z)}, expected '1' (infinity is refused)")
    affine = decimal(x, FP_MODULUS, f"{where}: x"), decimal(y, FP_MODULUS, f"{where}: y")
    try:
        return G1.from_affine(*affine)
    except EncodingError as error:
        raise EncodingError(f"{where}: {error}") from error


def g2(value: Json, where: str) -> G2:
    """A point of the order-r subgroup of G2 that is not infinity. Errors: EncodingError, LengthError."""
    x, y, z = array(value, 3, where)
    if z != ["1", "0"]:
        raise EncodingError(f"{where}: third coordinate is {_show(z)}, expected ['1', '0'] (infinity is refused)")
    affine = _fp2(x, f"{where}: x"), _fp2(y, f"{where}: y")
    try:
        return G2.from_affine(*affine)
    except EncodingError as error:
        raise EncodingError(f"{where}: {error}") from error


def _fp2(value: Json, where: str) -> tuple[int, int]:
    real, imaginary = array(value, 2, where)
    return decimal(real, FP_MODULUS, f"{where}.c0"), decimal(imaginary, FP_MODULUS, f"{where}.c1")


def public_inputs(content: bytes | str, name: str = "public inputs") -> tuple[int, ...]:
    """The scalars of a `public.json`, each below r. Errors: EncodingError, LengthError."""
    values = array(parse(content, name), None, name)
    return tuple(decimal(value, FR_MODULUS, f"{name}: [{i}]") for i, value in enumerate(values))


def public_from_json(content: bytes | str, n_public: int, name: str = "public inputs") -> tuple[int, ...]:
    """As `public_inputs`, exactly n_public of them."""
    values = public_inputs(content, name)
    if len(values) != n_public:
        raise LengthError(f"{name}: {len(values)} values, expected {n_public}")
    return values


def public_to_json(values: Iterable[int]) -> str:
    """The `public.json` of some scalars, laid out as snarkjs does."""
    return render([str(value) for value in values])


def _show(value: Json) -> str:
    """A value short enough for a message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
