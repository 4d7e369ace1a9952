"""The coordinator: hands batches to the workers of a cluster, and keeps what it has verified itself.

Every task goes to one worker by name, so that it is known who answered. One that answers with anything but the batch it
was asked for gets nothing more; what a worker had in hand when it ended is handed out again, and proved with new masks.
So no answer is believed, and a run ends with the batches of a local one, masks apart.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, disk_errors, replace_file
from zkstate.errors import EncodingError, EnvironmentFailure, LengthError
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.layout import INSTRUMENTS, PUBLIC, SCENARIOS
from zkstate.publication.progress import Progress
from zkstate.publication.regular import read_below
from zkstate.solvency.classes import class_name
from zkstate.solvency.cluster import Answer, Client, Cluster
from zkstate.solvency.files import BatchFile
from zkstate.solvency.publics import Sums
from zkstate.solvency.task import UNTRUE, Task, prove_task
from zkstate.solvency.verifiers import Verifier
from zkstate.solvency.workshop import Done, Workshop
from zkstate.state.scenarios import MAX_SCENARIOS_BYTES
from zkstate.state.table import MAX_TABLE_BYTES

TASKS = "tasks"
IN_HAND = 2  # batches that a worker has, so that none waits for the next
MOST_LOST = 5  # workers that may end with one batch in hand
_POLL_S = 0.5


@dataclass(eq=False)
class _Sent:
    """A batch in the hands of a worker."""

    index: int
    worker: str
    future: Answer
    start: float
    answered: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    """What came of a batch: done, and why its worker gets no more; neither if it was lost. One on disk was not sent."""

    index: int
    sent: _Sent | None
    done: Done | None = None
    refusal: str | None = None


class Dispatch:
    """One run. `judges` are the verifiers of each class; `refused` says which workers got no more, and why."""

    def __init__(
        self, shop: Workshop, sums: Sequence[Sums], judges: Mapping[int, Verifier], cluster: Cluster, jobs: int,
        progress: Progress,
    ) -> None:  # fmt: skip
        self.shop, self.sums, self.judges, self.cluster = shop, sums, judges, cluster
        self.jobs, self.progress = jobs, progress
        self.refused: dict[str, str] = {}
        self._table = read_below(shop.job.epoch / PUBLIC, INSTRUMENTS, MAX_TABLE_BYTES)
        self._scenarios = b""
        if shop.plan.by_portfolio:
            self._scenarios = read_below(shop.job.epoch / PUBLIC, SCENARIOS, MAX_SCENARIOS_BYTES)
        self._waiting: deque[int] = deque()
        self._sent: set[_Sent] = set()
        self._given: Counter[str] = Counter()
        self._lost: Counter[int] = Counter()
        self._events: SimpleQueue[_Sent | Future[_Judged]] = SimpleQueue()
        self._own = Lock()  # of the prover that is here

    def settled(self) -> Iterator[Done]:
        """Every batch, as each is finished.

        Errors: InputError for a worker that is not reached as the cluster may be; EnvironmentFailure if no worker is
        left or the scheduler is gone, or a batch is lost again and again; as `Workshop.settle` for what does not hold.
        """
        with (
            self.cluster.connected() as client,
            _task_folder(self.cluster.folder or self.shop.job.epoch / PRIVATE, self.shop) as folder,
            ThreadPoolExecutor(self.jobs) as pool,
        ):
            try:
                yield from self._settled(client, folder, pool)
            finally:
                for sent in self._sent:
                    sent.future.cancel()

    def _settled(self, client: Client, folder: Path, pool: ThreadPoolExecutor) -> Iterator[Done]:
        count, indices = len(self.shop.parts), iter(range(len(self.shop.parts)))
        looking, done, workers = 0, 0, set[str]()
        seen = time.monotonic()
        looked = seen - _POLL_S
        while done < count:
            if time.monotonic() >= looked + _POLL_S:
                workers = self._look(client)
                looked = time.monotonic()
                seen = self._patient(workers, looked, seen)
            room = IN_HAND * len(workers) + self.jobs - len(self._waiting) - len(self._sent)
            while looking < room and (index := next(indices, None)) is not None:
                self._watch(pool.submit(self._kept, index))
                looking += 1
            self._hand_out(client, folder, workers - self.refused.keys())
            try:
                event = self._events.get(timeout=_POLL_S)
            except Empty:
                continue
            if isinstance(event, _Sent):
                if event in self._sent:
                    event.answered = True
                    self._watch(pool.submit(self._judged, client, event))
                continue
            found = event.result()
            looking -= found.sent is None
            self._note(found, pool)
            if found.done is not None:
                done += 1
                self._task_path(folder, found.index).unlink(missing_ok=True)
                self.progress("prove batches", done, count)
                yield found.done

    def _watch(self, future: Future[_Judged]) -> None:
        future.add_done_callback(self._events.put)

    def _answered(self, sent: _Sent, _answer: Answer) -> None:
        self._events.put(sent)

    def _look(self, client: Client) -> set[str]:
        """The workers that are there and may have a batch. What those had who are gone is handed out again."""
        try:
            there = set(client.nthreads())
        except (OSError, TimeoutError) as error:
            raise self._over(f"the scheduler at {self.cluster.address} is gone") from error
        self.cluster.check(there)
        for sent in [each for each in self._sent if each.worker not in there]:
            if sent.answered:
                sent.future.cancel()  # what is judged now, unless its answer is here already, comes out as lost
            else:
                self._again(sent)
        return there - self.refused.keys()

    def _patient(self, workers: set[str], now: float, seen: float) -> float:
        """When a worker was last there or not needed. EnvironmentFailure if that is too long ago."""
        if workers or not self._waiting:
            return now
        if now - seen > self.cluster.patience:
            refused = "".join(f"; {worker} was refused: {why}" for worker, why in self.refused.items())
            raise self._over(f"the scheduler at {self.cluster.address} has no worker{refused}")
        return seen

    def _over(self, why: str) -> EnvironmentFailure:
        return EnvironmentFailure(f"{why}; what is finished is kept: run it again")

    def _task_path(self, folder: Path, index: int) -> Path:
        part = self.shop.parts[index]
        return folder / f"{class_name(part.kind)}-{part.number}.task"

    def _hand_out(self, client: Client, folder: Path, workers: set[str]) -> None:
        """Give batches that wait to the workers that have the least."""
        have = Counter(sent.worker for sent in self._sent)
        keys = self.shop.job.keys
        for _ in range(IN_HAND):
            for worker in sorted(workers, key=lambda each: (have[each], self._given[each])):
                if not self._waiting or have[worker] >= IN_HAND:
                    break
                index = self._waiting.popleft()
                have[worker] += 1
                self._given[worker] += 1
                part, path = self.shop.parts[index], self._task_path(folder, index)
                if not path.exists():
                    tables = self._table, self._scenarios if part.by_portfolio else b""
                    task = Task(*tables, self.shop.accounts(index), self.sums[index], self.shop.blinds(index))
                    replace_file(path, task.encode(), PRIVATE_FILE)
                future = client.submit(
                    prove_task, self.judges[part.kind].digest, (part.kind, part.number), str(path),
                    self.shop.job.system, None if keys is None else str(keys),
                    workers=[worker], allow_other_workers=False, pure=False, retries=0,
                )  # fmt: skip
                sent = _Sent(index, worker, future, time.perf_counter())
                self._sent.add(sent)
                future.add_done_callback(partial(self._answered, sent))

    def _kept(self, index: int) -> _Judged:
        return _Judged(index, None, self.shop.kept(index, self.sums[index], self._judge(index)))

    def _judge(self, index: int) -> Verifier:
        return self.judges[self.shop.parts[index].kind]

    def _judged(self, client: Client, sent: _Sent) -> _Judged:
        """What a worker's answer comes to, on disk if it is the batch that was asked for."""
        status = sent.future.status
        if status == "error":
            return _Judged(sent.index, sent, refusal=f"it failed: {sent.future.exception()!r:.500}")
        try:
            answers = client.gather([sent.future], errors="skip") if status == "finished" else []
        except (OSError, TimeoutError):
            answers = []
        if not answers:
            return _Judged(sent.index, sent)
        (answer,) = answers
        if not isinstance(answer, bytes):
            said = answer[:500] if isinstance(answer, str) else f"a {type(answer).__name__} for an answer"
            return _Judged(sent.index, sent, refusal=said)
        part, judge = self.shop.parts[sent.index], self._judge(sent.index)
        try:
            batch = BatchFile.decode(answer, str(part))
        except (EncodingError, LengthError) as error:
            return _Judged(sent.index, sent, refusal=str(error))
        if not self.shop.holds(sent.index, self.sums[sent.index], batch, judge):
            return _Judged(sent.index, sent, refusal=f"{part}: its proof does not hold")
        return _Judged(sent.index, sent, done=self.shop.write(sent.index, batch, sent.start))

    def _tried_here(self, sent: _Sent) -> _Judged:
        """A batch of which a worker says that its accounts break a rule: so they do, or the worker is wrong."""
        with self._own:
            done = self.shop.settle(sent.index, self.sums[sent.index])
        return _Judged(sent.index, sent, done, f"{self.shop.parts[sent.index]} breaks no rule, as it said")

    def _note(self, found: _Judged, pool: ThreadPoolExecutor) -> None:
        """Whether a batch waits again, and who gets no more."""
        sent = found.sent
        if sent is None:
            if found.done is None:
                self._waiting.append(found.index)
        elif found.done is None and found.refusal == UNTRUE:
            self._watch(pool.submit(self._tried_here, sent))
        elif found.done is None and found.refusal is None:
            self._again(sent)
        else:
            self._sent.discard(sent)
            if found.done is None:
                self._waiting.appendleft(found.index)
            if found.refusal is not None:
                self._refuse(sent.worker, found.refusal)

    def _refuse(self, worker: str, why: str) -> None:
        """Give a worker nothing more, and what it has not answered yet to others."""
        self.refused[worker] = why
        for sent in [each for each in self._sent if each.worker == worker and not each.answered]:
            self._back(sent)

    def _again(self, sent: _Sent) -> None:
        """Hand a lost batch out again. EnvironmentFailure if that happened too often."""
        self._back(sent)
        self._lost[sent.index] += 1
        if self._lost[sent.index] >= MOST_LOST:
            part = self.shop.parts[sent.index]
            raise self._over(f"{part}: {MOST_LOST} workers ended with it in hand: is their memory enough?")

    def _back(self, sent: _Sent) -> None:
        self._sent.discard(sent)
        sent.future.cancel()
        self._waiting.appendleft(sent.index)


@contextmanager
def _task_folder(above: Path, shop: Workshop) -> Iterator[Path]:
    """A folder for the tasks under way, which only this user reads; what a killed run left there is removed first."""
    folder = above.resolve() / f"{TASKS}-{shop.header.hash.hex()[:16]}"
    with disk_errors(f"{folder} cannot be used"):
        if folder.is_symlink() or folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=PRIVATE_FOLDER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
