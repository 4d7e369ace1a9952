"""Networks: what a reader must know of a chain before anybody is asked, those built in and others' from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, InputError
from zkstate.publication.regular import read_below

from .consensus.chains import BUILT_IN, MAINNET
from .consensus.forks import FAR_FUTURE, BlobParameters, Chain, Fork

MAX_NETWORK_BYTES = 1 << 20
MAX_COMMITTEE = 1 << 13


def read_network(path: str | Path | None) -> Chain:
    """Mainnet for None, the network of a name, or that of a file: JSON of the constants of consensus-specs by name, as
    strings, with `genesis_validators_root` and `genesis_time` beside them, as GET /eth/v1/config/spec and
    /eth/v1/beacon/genesis give them under `data`. Names that are not needed are passed over.

    Whoever writes the file decides what is believed: it says whose signatures count under which versions.
    Errors: those of read_below; EncodingError naming the constant.
    """
    if path is None:
        return MAINNET
    if isinstance(path, str):
        return BUILT_IN[path]
    data = read_below(path.parent, path.name, MAX_NETWORK_BYTES)
    nesting.check(data, str(path))
    try:
        config = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EncodingError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, Mapping):
        raise EncodingError(f"{path} is no object")
    try:
        return chain_of(config)
    except InputError as error:
        raise EncodingError(f"{path}: {error}") from error


def chain_of(config: Mapping[str, object]) -> Chain:
    """The chain of such constants. EncodingError names the first that is missing or out of range."""
    forks: list[tuple[Fork, int, bytes]] = []
    for fork in Fork:
        epoch = _whole(config, f"{fork.name}_FORK_EPOCH", FAR_FUTURE, default=FAR_FUTURE)
        if epoch == FAR_FUTURE:
            continue
        if forks and epoch < forks[-1][1]:
            raise EncodingError(f"{fork.name}_FORK_EPOCH {epoch} lies before that of {forks[-1][0].name}")
        forks.append((fork, epoch, _bytes(config, f"{fork.name}_FORK_VERSION", 4)))
    if [fork for fork, _, _ in forks] != list(Fork)[: len(forks)] or not forks:
        raise EncodingError("the forks from ALTAIR on have a gap, or there are none")
    later = [
        (name.removesuffix("_FORK_EPOCH"), _whole(config, name, FAR_FUTURE))
        for name in config
        if name.endswith("_FORK_EPOCH") and name.removesuffix("_FORK_EPOCH") not in Fork.__members__
    ]
    unknown = min(later, key=lambda one: one[1], default=("", FAR_FUTURE))
    return Chain(
        unknown=None if unknown[1] == FAR_FUTURE else (unknown[0][:40], unknown[1]),
        name=str(config.get("CONFIG_NAME", "a network from a file"))[:40],
        chain_id=_whole(config, "DEPOSIT_CHAIN_ID", 1 << 63),
        genesis_validators_root=_bytes(config, "genesis_validators_root", 32),
        genesis_time=_whole(config, "genesis_time", 1 << 40),
        genesis_version=_bytes(config, "GENESIS_FORK_VERSION", 4),
        forks=tuple(forks),
        committee_size=_whole(config, "SYNC_COMMITTEE_SIZE", MAX_COMMITTEE, minimum=1),
        slots_per_epoch=_whole(config, "SLOTS_PER_EPOCH", 1 << 16, minimum=1),
        epochs_per_period=_whole(config, "EPOCHS_PER_SYNC_COMMITTEE_PERIOD", 1 << 16, minimum=1),
        seconds_per_slot=_whole(config, "SECONDS_PER_SLOT", 1 << 16, minimum=1),
        blob_schedule=_blobs(config.get("BLOB_SCHEDULE")),
        electra_max_blobs=_whole(config, "MAX_BLOBS_PER_BLOCK_ELECTRA", 1 << 16, default=9),
    )


def _whole(
    config: Mapping[str, object], name: str, maximum: int, *, minimum: int = 0, default: int | None = None
) -> int:
    value = config.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise EncodingError(f"{name} is {value!r:.40}, and a decimal integer in a string is due")
    if not minimum <= int(value) <= maximum:
        raise EncodingError(f"{name} is {value}, outside {minimum} to {maximum}")
    return int(value)


def _bytes(config: Mapping[str, object], name: str, length: int) -> bytes:
    value = config.get(name)
    try:
        found = bytes.fromhex(value[2:]) if isinstance(value, str) and value[:2] == "0x" else b""
    except ValueError:
        found = b""
    if len(found) != length:
        raise EncodingError(f"{name} is {value!r:.80}, and 0x with {2 * length} hexadecimal digits is due")
    return found


def _blobs(value: object) -> tuple[BlobParameters, ...]:
    """EIP-7892; a network before Fulu has none."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 1 << 10 or not all(isinstance(row, Mapping) for row in value):
        raise EncodingError("BLOB_SCHEDULE is no list of objects")
    return tuple(
        BlobParameters(_whole(row, "EPOCH", FAR_FUTURE), _whole(row, "MAX_BLOBS_PER_BLOCK", 1 << 16)) for row in value
    )
