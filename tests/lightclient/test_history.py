from dataclasses import astuple, replace

import pytest

from lightclient.bundle import Bundle
from lightclient.recover import recover
from tests.lightclient.venues import Altering, Chain
from tests.publication.journaled import publish_histories
from tests.publication.venue import OPERATOR, TIME
from tests.state import oracle
from zkstate.errors import DisagreementError
from zkstate.publication.audit import audit_folder
from zkstate.publication.mirrors import FolderMirror

NAME = "trader-3"
COUNTS = [[5, 0, 1, 3], [300, 2, 0, 0], [0, 1, 0, 17], [4, 0, 0, 1]]


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("histories")
    return folder, *publish_histories(folder, COUNTS)


def recovered(venue, *, since=None, mirrors=None, epoch=4, name=NAME):
    folder, _, snapshots = venue
    chain = Chain.of([s.signed for s in snapshots[:epoch]])
    mirrors = mirrors or [FolderMirror(folder / "mirror")]
    return recover(OPERATOR.account_key(name), mirrors, chain, clock=lambda: TIME + 10**5, history_since=since)


def entries_of(venue, epochs, account=3):
    return tuple(e for epoch in epochs for e in venue[1][epoch - 1].journal.segment(account).entries)


@pytest.mark.parametrize(
    ("epoch", "since", "epochs"),
    [
        (1, None, [1]),
        (2, None, []),
        (3, None, [3]),
        (4, 0, [1, 2, 3, 4]),
        (4, 2, [3, 4]),
        (4, 3, [4]),
        (2, 0, [1]),
        (4, 4, [4]),
    ],
)
def test_the_entries_come_back_and_lead_to_the_leaf(venue, epoch, since, epochs):
    found = recovered(venue, since=since, epoch=epoch)
    assert found.history_lacks is None
    history, account = found.bundle.history, found.bundle.account
    assert history.entries == entries_of(venue, epochs)
    assert account.history_length == sum(COUNTS[e][3] for e in range(epoch))
    everything = [astuple(entry) for entry in entries_of(venue, range(1, epoch + 1))]
    assert account.history_head == oracle.journal_head(0, 0, everything)
    assert Bundle.decode(found.bundle.encode()) == found.bundle


def test_a_long_history_and_none_at_all(venue):
    long = recovered(venue, since=0, name="trader-0")
    assert long.bundle.history.entries == entries_of(venue, range(1, 5), 0)
    never = recovered(venue, since=0, name="trader-20")
    assert (never.bundle.account.history_head, never.bundle.history.entries) == (0, ())


def test_the_published_folders_pass_their_audit(venue):
    for snapshot in venue[2]:
        assert audit_folder(snapshot.public, snapshot.signed) == []


def altered(venue, suffix, change, good=False):
    """A mirror that alters the files whose path starts so, and perhaps a good one that comes after it.

    It comes after because it has no header: who is quickest with that leads the queue.
    """
    folder = venue[0] / "mirror"
    behind = Altering(folder, {f"epochs/{n:08d}/header.bin": None for n in range(1, 5)}, "behind")
    paths = [p.relative_to(folder).as_posix() for p in folder.rglob("*.bin")]
    changes = dict.fromkeys((p for p in paths if p.startswith(suffix)), change)
    return [Altering(folder, changes), *([behind] if good else [])]


def with_both_damaged(bucket):
    """The bucket of epoch 3 with a bit changed in each of its two journals, whichever tag comes first."""
    return bucket[:40] + bytes([bucket[40] ^ 1]) + bucket[41:-1] + bytes([bucket[-1] ^ 1])


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize(
    ("change", "blame"),
    [
        (None, "missing"),
        (with_both_damaged, "lied"),
        (lambda data: b"", "lied"),
    ],
)
def test_a_mirror_without_the_journal_or_with_another_is_named(venue, change, blame, good):
    found = recovered(venue, mirrors=altered(venue, "epochs/00000003/journals", change, good), epoch=3)
    named = getattr(found.sources[0], blame)
    assert any("journals/" in words for words in named)
    if good:
        assert found.history_lacks is None
        assert found.bundle.history.entries == entries_of(venue, [3])
    else:
        assert "journals/" in found.history_lacks
        assert found.bundle.history is None
        assert Bundle.decode(found.bundle.encode()) == found.bundle


def test_an_older_epoch_that_is_gone_leaves_the_newer_entries(venue):
    found = recovered(venue, since=0, mirrors=altered(venue, "epochs/00000002/header", None))
    assert "epochs/00000002/header.bin" in found.history_lacks
    assert found.bundle.history.entries == entries_of(venue, [4])


def test_the_header_of_another_state_does_not_serve_for_an_older_epoch(venue):
    other = (venue[0] / "mirror/epochs/00000001/header.bin").read_bytes()
    found = recovered(venue, since=0, mirrors=altered(venue, "epochs/00000003/header", lambda data: other))
    assert "goes on from" in found.history_lacks


def test_entries_that_do_not_lead_to_the_leaf_make_no_bundle(venue):
    bundle = recovered(venue).bundle
    first = bundle.history.entries[0]
    forged = replace(bundle.history, entries=(replace(first, value=first.value + 1),))
    with pytest.raises(DisagreementError, match="the entries lead to head"):
        replace(bundle, history=forged)
    with pytest.raises(DisagreementError, match="0 entries after"):
        replace(bundle, history=replace(bundle.history, entries=()))
