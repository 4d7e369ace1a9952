"""A chain of published epochs, the trust roots over it, and mirrors that misbehave in one chosen way."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import MissingError, SourceError
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import SignedHeader
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.publish import publish_folder
from zkstate.publication.trust import Trust

HOUR = 3600


def publish_chain(folder, epochs, accounts=300):
    """Epochs 1 to `epochs`, an hour apart, in one mirror folder; their signed headers."""
    signed = []
    for number in range(epochs):
        book = replace(ledger(accounts), time=TIME + HOUR * number)
        previous = signed[-1].header if signed else None
        made = write_epoch(book, OPERATOR, folder / f"epoch-{number + 1}", previous=previous)
        publish_folder(made.public, folder / "mirror")
        signed.append(made.signed)
    return signed


@dataclass
class Chain:
    """A trust root that knows a list of header hashes, as a registry does; level c."""

    hashes: list
    asked: list = field(default_factory=list)

    @classmethod
    def of(cls, signed):
        return cls([s.header.hash for s in signed])

    def latest_epoch(self):
        return len(self.hashes), self.hashes[-1], Trust("c", "a list in a test", 5, b"\x01" * 32, None, 1_700_000_000)

    def epoch_hash(self, epoch):
        self.asked.append(epoch)
        if not 1 <= epoch <= len(self.hashes):
            raise MissingError(f"epoch {epoch} is not in the list")
        return self.hashes[epoch - 1]


class Altering:
    """A folder mirror whose files named in `changes` pass through a function; None makes them go missing."""

    def __init__(self, root: Path, changes, name="altering"):
        self.inner, self.changes, self.name = FolderMirror(root), changes, name

    @property
    def bytes_read(self):
        return self.inner.bytes_read

    def get(self, path, *, max_bytes, timeout_s):
        for ending, change in self.changes.items():
            if ending in path:
                if change is None:
                    raise MissingError(f"{self.name}: there is no {path}")
                content = change(self.inner.get(path, max_bytes=max_bytes, timeout_s=timeout_s))
                assert len(content) <= max_bytes + 1
                return content
        return self.inner.get(path, max_bytes=max_bytes, timeout_s=timeout_s)


class Late(FolderMirror):
    """An honest folder that answers the first question last, so that the other mirror leads from then on."""

    def get(self, path, *, max_bytes, timeout_s):
        if path.endswith("header.bin"):
            time.sleep(0.03)
        return super().get(path, max_bytes=max_bytes, timeout_s=timeout_s)


class Silent:
    """A mirror that fails every request."""

    name, bytes_read = "silent", 0

    def get(self, path, *, max_bytes, timeout_s):
        raise SourceError(f"silent: {path}: no answer")


def flipped(data):
    """The bytes with one bit in the middle changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def header_at(mirror, epoch):
    return SignedHeader.decode((mirror / f"epochs/{epoch:08d}/header.bin").read_bytes())
