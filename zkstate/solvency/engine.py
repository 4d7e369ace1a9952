"""The engine: every batch of an epoch on disk, on so many processes, going on where a killed run stopped.

A run keeps its seed under private/, and each batch appears whole under solvency/ once it has been verified. Whatever
is killed, the next run keeps the batches that hold and proves the others; `solvency.json` comes last.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from zkstate.atomic import PRIVATE_FILE, PUBLIC_FOLDER, disk_errors, make_folder, replace_file
from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.layout import PUBLIC, TOTALS
from zkstate.publication.processes import spread
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_totals
from zkstate.solvency.cluster import Cluster
from zkstate.solvency.dispatch import Dispatch
from zkstate.solvency.files import BOUNDS, CLAIM, CLASSES, KEYED, KEYS, Claim, batch_path, key_path
from zkstate.solvency.plan import draw_bounds, encode_bounds
from zkstate.solvency.publics import Sums, published_leaves
from zkstate.solvency.verifiers import Committing, Keyed, Verifier
from zkstate.solvency.workshop import BOUNDS_FILE, Done, Job, Workshop
from zkstate.state.identity import kept_secret

SEED_FILE = "solvency.key"
SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: the claim, how many batches it kept and proved, the bytes of all, and seconds.

    `by_portfolio` counts the accounts that the portfolio rule judged.
    `refused` are workers of a cluster that were given no more, and why.
    """

    folder: Path
    claim: Claim
    accounts: int
    by_portfolio: int
    kept: int
    proved: int
    size: int
    seconds: dict[str, float]
    refused: dict[str, str] = field(default_factory=dict)


def prove_epoch(
    epoch: Path, system: str, rows: int, jobs: int, *, keys: Path | None = None, cluster: Cluster | None = None,
    progress: Progress = silent,
) -> Outcome:  # fmt: skip
    """Prove the solvency of the epoch in a folder that `snapshot` wrote, with batches of about `rows` rows.

    On so many processes of this machine, or on the workers of a cluster, whose proofs as many threads verify here.
    Errors: InputError for an epoch without its private part; WitnessError names the batch and the rule that the
    accounts break; DisagreementError if the totals are not theirs; EnvironmentFailure for a full disk, a second run or
    a cluster that is gone.
    """
    private = epoch / PRIVATE
    if not private.is_dir():
        raise InputError(f"{epoch} has no {PRIVATE} folder: solvency is proved where the epoch was committed to")
    with _only_run(private):
        seed = kept_secret(private / SEED_FILE, "solvency seed", partial(os.urandom, SEED_BYTES))
        shop = Workshop(Job(epoch.resolve(), system, rows, None if keys is None else keys.resolve(), seed))
        start = time.perf_counter()
        _require_published(shop)
        _write_lists(shop, progress)
        sums = _sums(shop, progress)
        _check_totals(shop, sums[-1])
        judges = _write_keys(shop, progress)
        prepared = time.perf_counter()
        refused: dict[str, str] = {}
        if cluster is None:
            done = list(_settled(shop, sums, jobs, progress))
        else:
            dispatch = Dispatch(shop, sums, judges, cluster, jobs, progress)
            done, refused = list(dispatch.settled()), dispatch.refused
        _remove_strays(shop)
        found = sums[-1].unhealthy, sums[-1].shortfall, sums[-1].net_profit
        claim = Claim.of(shop.header, system, shop.plan.sizes, *found)
        replace_file(shop.folder / CLAIM, claim.encode())
    kept = sum(each.kept for each in done)
    seconds = {"prepare": prepared - start, "prove": time.perf_counter() - prepared}
    size = sum(each.size for each in done) + sum((shop.folder / name).stat().st_size for name in (CLASSES, BOUNDS))
    counts = len(shop.holdings), shop.plan.by_portfolio
    return Outcome(shop.folder, claim, *counts, kept, len(done) - kept, size, seconds, refused)


@contextmanager
def _only_run(private: Path) -> Iterator[None]:
    """Hold the epoch for this run. EnvironmentFailure if another one has it."""
    with disk_errors(f"{private} cannot be locked"):
        fd = os.open(private, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFailure(f"{private} is in use: another run is proving this epoch") from None
        yield
    finally:
        os.close(fd)


def _require_published(shop: Workshop) -> None:
    """Refuse holdings that are not what was published, before hours of proofs that nobody would take."""
    own = np.asarray(shop.holdings.parts.leaves)
    other = np.flatnonzero((own != published_leaves(shop.job.epoch / PUBLIC, shop.header)).any(axis=1))
    if len(other):
        raise DisagreementError(f"leaf {other[0]} of the holdings is not the published one: nothing can prove them")


def _write_lists(shop: Workshop, progress: Progress) -> None:
    """The class and the bound of every leaf: published, and mapped by every process."""
    parts = shop.holdings.parts
    progress("draw bounds", 0, len(parts.ids))
    bounds = draw_bounds(np.asarray(parts.ids), shop.job.seed)
    with disk_errors(f"{shop.folder} was not written"):
        for kind in shop.plan.sizes:
            make_folder((shop.folder / batch_path(kind, 0)).parent, PUBLIC_FOLDER)
        _withdraw(shop, {BOUNDS: encode_bounds(bounds), CLASSES: parts.classes.tobytes()})
        path = shop.job.epoch / PRIVATE / BOUNDS_FILE
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(fd, "wb") as file:
            np.save(file, bounds, allow_pickle=False)
    replace_file(shop.folder / CLASSES, parts.classes.tobytes())
    replace_file(shop.folder / BOUNDS, encode_bounds(bounds))


def _withdraw(shop: Workshop, lists: dict[str, bytes]) -> None:
    """Take back a claim about batches that this run may replace: cut otherwise, of other classes or another seed."""
    path = shop.folder / CLAIM
    try:
        claim = Claim.decode(path.read_bytes())
        stands = (claim.system, claim.sizes) == (shop.job.system, shop.plan.sizes)
        if stands and all((shop.folder / name).read_bytes() == content for name, content in lists.items()):
            return
    except (FileNotFoundError, EncodingError):
        pass
    path.unlink(missing_ok=True)


def _sums(shop: Workshop, progress: Progress) -> list[Sums]:
    """The sums before each batch, and behind them those of the epoch."""
    found = [Sums()]
    for index in range(len(shop.parts)):
        progress("add up accounts", index, len(shop.parts))
        found.append(found[-1] + shop.accounts(index).added)
    return found


def _check_totals(shop: Workshop, found: Sums) -> None:
    totals = check_totals(read_below(shop.job.epoch / PUBLIC, TOTALS, MAX_TOTALS_BYTES), shop.header)
    if shop.published.held(totals) != found.held:
        raise DisagreementError(f"{TOTALS} are not the sums of the accounts: nothing can prove them")


def _write_keys(shop: Workshop, progress: Progress) -> dict[int, Verifier]:
    """The verification keys, if there are any; on the way every circuit and key is made once, for all processes.

    Returns what judges the batches of each class. A claim about batches of another key is taken back before it.
    """
    judges: dict[int, Verifier] = {}
    for done, kind in enumerate(shop.plan.sizes):
        progress("circuits and keys", done, len(shop.plan.sizes))
        judges[kind] = judge = shop.prover(kind).judge
        if isinstance(judge, Keyed | Committing):
            make_folder(shop.folder / KEYS, PUBLIC_FOLDER)
            path, content = shop.folder / key_path(kind), judge.key.to_json().encode()
            if not path.is_file() or path.read_bytes() != content:
                (shop.folder / CLAIM).unlink(missing_ok=True)
            replace_file(path, content)
    return judges


def _settled(shop: Workshop, sums: Sequence[Sums], jobs: int, progress: Progress) -> Iterator[Done]:
    """Every batch, as each is finished."""
    count = len(shop.parts)
    if jobs == 1:
        for index in range(count):
            progress("prove batches", index, count)
            yield shop.settle(index, sums[index])
        return
    tasks = zip(range(count), sums, strict=False)  # behind the last batch there are sums, and nothing to prove
    for done, each in enumerate(spread(jobs, _start, (shop.job,), _settle, tasks, "what is finished is kept"), start=1):
        yield each
        progress("prove batches", done, count)


_SHOP: list[Workshop] = []  # of a process of the pool


def _start(job: Job) -> None:
    _SHOP.append(Workshop(job))


def _settle(index: int, before: Sums) -> Done:
    return _SHOP[0].settle(index, before)


def _remove_strays(shop: Workshop) -> None:
    """Batches and keys that another way to prove the epoch left behind."""
    wanted = {shop.folder / batch_path(part.kind, part.number) for part in shop.parts}
    for path in (shop.folder / "batches").glob("*/*.bin"):
        if path not in wanted:
            path.unlink()
    keys = {shop.folder / key_path(kind) for kind in shop.plan.sizes} if shop.job.system in KEYED else set()
    for path in (shop.folder / KEYS).glob("*.json"):
        if path not in keys:
            path.unlink()
