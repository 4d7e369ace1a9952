"""Command-line arguments: hand-written usage, and values that are checked before any work starts."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from lightclient.consensus.chains import BUILT_IN
from zkstate.errors import InputError
from zkstate.registry.chain import parse_address

__all__ = [
    "Namespace",
    "Parser",
    "address",
    "decimal",
    "directory",
    "existing",
    "hex_bytes",
    "is_given",
    "k_of_n",
    "named_file",
    "network",
    "parts_per_million",
    "positional",
    "require_options",
    "seconds",
    "unix_time",
    "whole",
]

_SECRET = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_DURATION_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Parser(argparse.ArgumentParser):
    """An argument parser whose help is the text it was given and whose complaints are InputErrors."""

    def __init__(self, usage: str) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self._text = usage.strip("\n") + "\n"
        self.add_argument("-h", "--help", action="store_true")
        self.add_argument("--json", action="store_true")

    def format_help(self) -> str:
        return self._text

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].lower()}{message[1:]} (see --help)")


def existing(text: str) -> Path:
    """A file or folder that is there."""
    path = Path(text)
    if not path.exists():
        if _SECRET.fullmatch(text):
            raise argparse.ArgumentTypeError("64 hexadecimal digits name no file; secrets are read from files only")
        raise argparse.ArgumentTypeError(f"{text} does not exist")
    return path


def network(text: str) -> str | Path:
    """The name of a network that is built in, or a file that is there."""
    if text in BUILT_IN:
        return text
    try:
        return existing(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"none of {', '.join(BUILT_IN)}, and {error}") from None


def directory(text: str) -> Path:
    """A folder that is there."""
    path = existing(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def address(text: str) -> bytes:
    """An Ethereum address."""
    try:
        return parse_address(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positional(what: str, convert: Callable[[str], Path], text: str) -> Path:
    """What stands by its place alone, and means another thing to each action of a verb. InputError, naming `what`."""
    try:
        return convert(text)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"{what}: {error} (see --help)") from None


def named_file(text: str) -> tuple[str, Path]:
    """NAME=FILE."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, Path(path)


def k_of_n(text: str) -> tuple[int, int]:
    """KofN, such as 3of5."""
    match = re.fullmatch(r"([0-9]{1,3})of([0-9]{1,3})", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not K of N, such as 3of5")
    return int(match[1]), int(match[2])


def is_given(value: object) -> bool:
    """Whether an option was given: 0 is a value, while None and False stand for its absence."""
    return value is not None and value is not False


def require_options(
    args: Namespace, verb: str, known: Sequence[str], needed: Sequence[str], optional: Sequence[str] = ()
) -> None:
    """Refuse options of another action of a verb rather than ignore them, and say which are missing. InputError."""
    for name in known:
        given, option = getattr(args, name) is not None, name.replace("_", "-")
        if given and name not in (*needed, *optional):
            raise InputError(f"{verb} {args.action} does not take --{option}")
        if not given and name in needed:
            raise InputError(f"{verb} {args.action}: give --{option}")


def hex_bytes(size: int) -> Callable[[str], bytes]:
    """Exactly `size` bytes in hexadecimal, with or without 0x."""

    def convert(text: str) -> bytes:
        digits = text.removeprefix("0x")
        if not re.fullmatch(r"[0-9a-fA-F]*", digits) or len(digits) != 2 * size:
            raise argparse.ArgumentTypeError(f"{text!r} is not {2 * size} hexadecimal digits")
        return bytes.fromhex(digits)

    return convert


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """A decimal integer in [minimum, maximum]."""

    def convert(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII) or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return convert


def decimal(text: str) -> Decimal:
    """An exact decimal number, as written."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or len(text) > 64 or abs(value.adjusted()) > 40:
        raise argparse.ArgumentTypeError(f"{text!r} is not a decimal number")
    return value


def parts_per_million(text: str) -> int:
    """A ratio such as 1.25, in parts per million; it has at most six decimals."""
    scaled = decimal(text) * 1_000_000
    if scaled != scaled.to_integral_value() or not 0 <= scaled < 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a ratio from 0 to 4294 with at most six decimals")
    return int(scaled)


def seconds(text: str) -> int:
    """A duration: 90, 90s, 15m, 6h or 2d."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90s, 15m, 6h or 2d")
    return int(match[1]) * _DURATION_UNITS[match[2]]


def unix_time(text: str) -> int:
    """Seconds since 1970-01-01 UTC, written so or as an ISO 8601 time with its zone."""
    if re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither seconds since 1970 nor a time such as 2026-01-31T12:00:00Z"
        )
    return int(moment.astimezone(UTC).timestamp())
