"""What a watch keeps on disk: one folder with a lock, bounded in size, whole after a kill at any time.

lock               held by the one watch that writes here
state.json         where it stands, with a digest of it, against damage; replaced in one step
events.jsonl       what happened, newest last; with events.1.jsonl to .3, in turn
account.json       the newest account bundle; accounts/ the last of them, by epoch and header hash
headers/           the last headers that were believed
equivocations/     pairs of signed headers that convict the venue; `zkstate verify ONE OTHER` tells anyone. `told` in
                   one says that it was told; broken-* are headers that do not go on from the one before
prepared/          proofs made ahead of time
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from zkstate.atomic import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    disk_errors,
    make_folder,
    new_folder,
    remove_leftovers,
    replace_file,
    write_new,
)
from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.regular import read_below

from ..bundle import Bundle
from .events import Alarm, Event, Recent

MAX_STATE_BYTES = 1 << 20
MAX_LOG_BYTES = 4 << 20
LOGS = 4
KEPT_HEADERS = 1024
KEPT_PROOFS = 2
MAX_EQUIVOCATIONS = 256
MAX_PENDING = 64
MAX_UNLOGGED = 256
MAX_CONFLICTS = 64

TOLD = "told"

_PAIR = re.compile(r"[0-9]{8,}-[0-9a-f]{16}-[0-9a-f]{16}", re.ASCII)
_FOLDERS = ("", "accounts", "headers", "equivocations", "prepared")

_Count = Annotated[int, msgspec.Meta(ge=0)]


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a watch stands. `venue` and `owner` are those it was begun for; `owner` is empty without a key."""

    version: Literal[1] = 1
    venue: str = ""
    owner: str = ""
    newest: _Count = 0
    newest_hash: str = ""
    newest_time: _Count = 0
    held: _Count = 0
    held_hash: str = ""
    held_time: _Count = 0
    sampled_at: _Count = 0
    sampled_hash: str = ""
    prepared_hash: str = ""
    stored_hash: str = ""
    looked_at: _Count = 0
    pinned_hash: str = ""
    trust_asked: str = ""
    trust_level: str = ""
    alarms: Annotated[tuple[Alarm, ...], msgspec.Meta(max_length=1024)] = ()
    recent: Annotated[tuple[Recent, ...], msgspec.Meta(max_length=1024)] = ()
    unlogged: Annotated[tuple[Event, ...], msgspec.Meta(max_length=MAX_UNLOGGED)] = ()
    pending: Annotated[tuple[Event, ...], msgspec.Meta(max_length=MAX_PENDING)] = ()
    happened: dict[str, _Count] = {}


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state on disk. `sha256` is of the bytes of `state`, so that a changed digit is damage and not news."""

    sha256: str
    state: msgspec.Raw


class WatchFolder:
    """The folder, locked while it is open. Errors: EnvironmentFailure if another watch has it, or the disk refuses."""

    def __init__(self, root: Path, kept_bundles: int, max_log_bytes: int = MAX_LOG_BYTES) -> None:
        self.root, self._kept, self._max_log = root, kept_bundles, max_log_bytes
        self._state = State()
        self._saved = b""
        self._unwritten: dict[int, SignedHeader] = {}

    @contextlib.contextmanager
    def opened(self) -> Iterator[WatchFolder]:
        """Make the folder, lock it and read the state."""
        with disk_errors(f"{self.root} cannot be used"):
            make_folder(self.root, PRIVATE_FOLDER)
            for name in _FOLDERS:
                (self.root / name).mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
            fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise EnvironmentFailure(f"another watch writes to {self.root}: use another folder") from error
            self._load()
            with disk_errors(f"{self.root} cannot be used"):
                for name in _FOLDERS:
                    remove_leftovers(self.root / name, ".")
                self._end_last_line()
            yield self
        finally:
            os.close(fd)

    @property
    def state(self) -> State:
        return self._state

    def save(self, state: State) -> None:
        """Keep a state; the disk is written to only if it is another one."""
        self._state = state
        encoded = msgspec.json.encode(state)
        data = msgspec.json.encode(_Kept(hashlib.sha256(encoded).hexdigest(), msgspec.Raw(encoded)))
        if data != self._saved:
            replace_file(self.root / "state.json", data, PRIVATE_FILE)
            self._saved = data

    def log(self, events: list[Event]) -> None:
        """Append to the log, and begin another file when it is full; the oldest goes."""
        if not events:
            return
        path = self.root / "events.jsonl"
        with disk_errors(f"{path} was not written"):
            if path.exists() and path.stat().st_size + sum(len(one.encode()) for one in events) > self._max_log:
                for i in range(LOGS - 1, 0, -1):
                    older = self._log(i - 1)
                    if older.exists():
                        older.replace(self._log(i))
            self._end_last_line()
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
            with os.fdopen(fd, "ab", buffering=0) as file:
                rest = memoryview(b"".join(event.encode() for event in events))
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(fd)

    def keep_bundle(self, bundle: Bundle) -> Path:
        """Keep an account bundle under its epoch and hash, and as the newest; the oldest beyond the limit go."""
        path = self.root / "accounts" / f"{_name(bundle.signed)}.json"
        bundle.write(path)
        bundle.write(self.root / "account.json")
        self._prune("accounts", self._kept, spare=path.name)
        return path

    def bundle(self, epoch: int, header_hash: str) -> Path | None:
        """The kept bundle of a header, or None."""
        path = self.root / "accounts" / f"{epoch:08d}-{header_hash[:16]}.json"
        return path if path.exists() else None

    def keep_header(self, signed: SignedHeader) -> None:
        """Keep a header that is believed; one that the disk refuses is remembered, and written with the next."""
        if len(self._unwritten) >= KEPT_HEADERS:
            del self._unwritten[min(self._unwritten)]
        self._unwritten[signed.header.epoch] = signed
        for epoch in list(self._unwritten):
            replace_file(self.root / "headers" / _header_name(epoch), self._unwritten[epoch].encode())
            del self._unwritten[epoch]
        self._prune("headers", KEPT_HEADERS, spare=_header_name(signed.header.epoch))

    def header(self, epoch: int) -> SignedHeader | None:
        """The header that was believed for an epoch; None if none is kept, or it is damaged."""
        if epoch in self._unwritten:
            return self._unwritten[epoch]
        try:
            return SignedHeader.decode(read_below(self.root / "headers", _header_name(epoch), SIGNED_BYTES))
        except (MissingError, SourceError, InputError, DisagreementError):
            return None

    def keep_equivocation(self, one: SignedHeader, other: SignedHeader) -> bool:
        """Keep two headers that contradict each other, once. False if there are too many.

        What is kept stays among `untold` until `mark_told`, so that a kill in between loses no word of it.
        """
        first, second = sorted((one, other), key=lambda signed: signed.header.hash)
        names = f"{first.header.epoch:08d}-{first.header.hash.hex()[:16]}-{second.header.hash.hex()[:16]}"
        return self._keep_pair(names, first, second)

    def keep_broken(self, last: SignedHeader, signed: SignedHeader) -> bool:
        """Keep a signed header that does not go on from the one before. False if there are too many pairs."""
        names = f"broken-{last.header.epoch:08d}-{last.header.hash.hex()[:16]}-{signed.header.hash.hex()[:16]}"
        return self._keep_pair(names, last, signed)

    def _keep_pair(self, name: str, one: SignedHeader, other: SignedHeader) -> bool:
        folder = self.root / "equivocations" / name
        if folder.exists():
            return True
        with disk_errors(f"{folder.parent} cannot be read"):
            if sum(1 for _ in folder.parent.iterdir()) >= MAX_EQUIVOCATIONS:
                return False
        with new_folder(folder) as unfinished:
            write_new(unfinished / "one.bin", one.encode())
            write_new(unfinished / "other.bin", other.encode())
        return True

    def untold(self) -> list[str]:
        """The names of the pairs for one epoch that nobody was told of, by epoch. EnvironmentFailure as usual."""
        folder = self.root / "equivocations"
        with disk_errors(f"{folder} cannot be read"):
            found = [path.name for path in folder.iterdir() if _PAIR.fullmatch(path.name)]
            return sorted(name for name in found if not (folder / name / TOLD).exists())

    def mark_told(self, name: str) -> None:
        """A pair of `untold` is in log and state."""
        replace_file(self.root / "equivocations" / name / TOLD, b"")

    def place_of_proof(self, number: int, statement: str, epoch: int, header_hash: str) -> Path:
        """Where a proof made ahead of time goes."""
        return self.root / "prepared" / f"{number}-{statement}-{epoch:08d}-{header_hash[:16]}"

    def prune_proofs(self, number: int) -> None:
        """Keep the last few proofs of one kind."""
        found = sorted(
            (path for path in (self.root / "prepared").glob(f"{number}-*")), key=lambda path: path.stat().st_mtime_ns
        )
        for path in found[:-KEPT_PROOFS]:
            shutil.rmtree(path, ignore_errors=True)

    def prune_conflicts(self, beside: Path) -> None:
        """Keep the first contradictions that a light client wrote beside its state: one liar could sign many."""
        found = sorted(beside.parent.glob(f"{beside.name}.conflict-*"), key=lambda path: path.stat().st_mtime_ns)
        for path in found[MAX_CONFLICTS:]:
            path.unlink(missing_ok=True)

    def _prune(self, name: str, kept: int, spare: str) -> None:
        with disk_errors(f"{self.root / name} cannot be tidied"):
            found = sorted(path.name for path in (self.root / name).iterdir() if not path.name.startswith("."))
            for old in [entry for entry in found if entry != spare][: max(0, len(found) - kept)]:
                (self.root / name / old).unlink(missing_ok=True)

    def _log(self, i: int) -> Path:
        return self.root / (f"events.{i}.jsonl" if i else "events.jsonl")

    def _end_last_line(self) -> None:
        """Cut off what a killed writer, or a disk that was full, left of a line."""
        path = self.root / "events.jsonl"
        if not path.exists():
            return
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW), "r+b") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            if file.read() not in (b"\n", b""):
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)

    def _load(self) -> None:
        path = self.root / "state.json"
        try:
            data = read_below(self.root, "state.json", MAX_STATE_BYTES)
        except MissingError:
            return
        try:
            kept = msgspec.json.decode(data, type=_Kept)
            self._state = msgspec.json.decode(kept.state, type=State)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EncodingError(f"{path} is damaged: {error}; move it away to begin anew") from error
        found = hashlib.sha256(kept.state).hexdigest()
        if found != kept.sha256:
            raise EncodingError(
                f"{path} is damaged: sha256 {found}, and it states {kept.sha256:.80}; move it away to begin anew"
            )
        self._saved = data


def _header_name(epoch: int) -> str:
    return f"{epoch:08d}.bin"


def _name(signed: SignedHeader) -> str:
    return f"{signed.header.epoch:08d}-{signed.header.hash.hex()[:16]}"
