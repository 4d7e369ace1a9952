"""Asking every mirror for one header at the same time, with no more threads than mirrors however long they hang."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, MissingError, SourceError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, epoch_folder
from zkstate.publication.mirrors import Mirror
from zkstate.state.text import plain

SERVES, BEHIND, SILENT, WRONG = "serves", "behind", "silent", "wrong"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a mirror did when asked for the newest header: `condition` and why; `other` is a header not believed.

    Name and text are plain, whatever the mirror's name is made of and whatever it answered.
    """

    name: str
    condition: str
    text: str
    other: SignedHeader | None = None


class Prober:
    """Mirrors in the order given. One whose last probe still hangs is silent, and is not asked again until it ends."""

    def __init__(self, mirrors: Sequence[Mirror], request_s: float) -> None:
        self._mirrors, self._request_s = tuple(mirrors), request_s
        self._asking: dict[int, threading.Thread] = {}
        self.failures = [0] * len(self._mirrors)

    def ask(self, epoch: int, header_hash: bytes) -> tuple[Probe, ...]:
        """Every mirror's answer, in order. Counts failures in a row."""
        answers: queue.SimpleQueue[tuple[int, Probe]] = queue.SimpleQueue()
        found: dict[int, Probe] = {}
        asked = [i for i in range(len(self._mirrors)) if not self._hangs(i)]
        for i in asked:
            self._asking[i] = threading.Thread(target=self._ask, args=(i, epoch, header_hash, answers), daemon=True)
            self._asking[i].start()
        deadline = time.monotonic() + self._request_s + 0.5
        while len(found) < len(asked) and (left := deadline - time.monotonic()) > 0:
            try:
                i, probe = answers.get(timeout=left)
            except queue.Empty:
                break
            found[i] = probe
            del self._asking[i]  # it has answered, though its thread may take a moment to end
        for i, mirror in enumerate(self._mirrors):
            if i not in found:
                found[i] = _found(mirror, SILENT, f"{mirror.name}: no answer within {self._request_s:g} s")
            self.failures[i] = 0 if found[i].condition == SERVES else self.failures[i] + 1
        return tuple(found[i] for i in range(len(self._mirrors)))

    def in_order(self) -> list[Mirror]:
        """The mirrors that do not hang: by failures in a row, the fewest first, then as given."""
        usable = [i for i in range(len(self._mirrors)) if not self._hangs(i)]
        return [self._mirrors[i] for i in sorted(usable, key=lambda i: (self.failures[i], i))]

    def _hangs(self, i: int) -> bool:
        return i in self._asking and self._asking[i].is_alive()

    def _ask(self, i: int, epoch: int, header_hash: bytes, answers: queue.SimpleQueue[tuple[int, Probe]]) -> None:
        answers.put((i, probe(self._mirrors[i], epoch, header_hash, self._request_s)))


def probe(mirror: Mirror, epoch: int, header_hash: bytes, request_s: float) -> Probe:
    """What one mirror shows for an epoch whose header hash is believed."""
    try:
        data = mirror.get(f"{epoch_folder(epoch)}/{HEADER}", max_bytes=SIGNED_BYTES, timeout_s=request_s)
        signed = SignedHeader.decode(data)
    except MissingError as error:
        return _found(mirror, BEHIND, str(error))
    except (SourceError, EnvironmentFailure) as error:
        return _found(mirror, SILENT, str(error))
    except (InputError, DisagreementError) as error:
        return _found(mirror, WRONG, f"{mirror.name}: {error}")
    found: Header = signed.header
    if found.hash == header_hash:
        return _found(mirror, SERVES, "")
    words = f"{mirror.name}: header of epoch {found.epoch} with hash {found.hash.hex()}, not {header_hash.hex()}"
    return _found(mirror, WRONG, words, signed)


def _found(mirror: Mirror, condition: str, text: str, other: SignedHeader | None = None) -> Probe:
    return Probe(plain(mirror.name), condition, plain(text), other)
