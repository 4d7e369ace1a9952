from dataclasses import astuple, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.publication.journaled import heads_in, journaled, publish_histories
from tests.publication.venue import OPERATOR, TIME
from tests.state import oracle
from zkstate.errors import DisagreementError, EncodingError, LedgerError, LengthError
from zkstate.publication import audit
from zkstate.publication.epoch import write_epoch
from zkstate.publication.journals import JOURNALS, JournalKey
from zkstate.publication.records import NoRecordError, RecordKey, Sealer, agree, parse_bucket
from zkstate.state.journal_heads import Heads, continued

COUNTS = [[2, 0, 1, 3], [1, 2, 0, 0]]


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    return folder, *publish_histories(folder, COUNTS)


def test_an_entry_is_sealed_under_a_tag_and_key_of_its_own(venue):
    _, ledgers, snapshots = venue
    header = snapshots[0].signed.header
    for account in (0, 2, 3):
        key = OPERATOR.account_key(f"trader-{account}")
        sealed, record = JournalKey.derive(key, header), RecordKey.derive(key, header)
        assert sealed.tag != record.tag
        held = record.open((snapshots[0].public / record.path).read_bytes()).account
        found = sealed.open((snapshots[0].public / sealed.path).read_bytes(), held)
        assert found == ledgers[0].journal.segment(account)
        assert "hidden" in repr(sealed)
    idle = JournalKey.derive(OPERATOR.account_key("trader-1"), header)
    with pytest.raises(NoRecordError, match="none for this key"):
        idle.open((snapshots[0].public / idle.path).read_bytes(), replace(held, new_entries=1, history_length=1))


def test_what_a_bucket_shows_is_the_number_of_busy_accounts_and_their_classes(venue):
    folder = venue[2][0].public / "journals"
    sizes = [len(parse_bucket(path.read_bytes(), 0, 0, JOURNALS)) for path in sorted(folder.iterdir())]
    assert sum(sizes) == 3
    assert sum(path.stat().st_size for path in folder.iterdir()) == 3 * (16 + 1 + 44 + 4 * 55 + 16)


def test_a_journal_that_does_not_fit_its_record_is_caught(venue):
    _, ledgers, snapshots = venue
    header = snapshots[0].signed.header
    key = OPERATOR.account_key("trader-3")
    held = RecordKey.derive(key, header)
    account = held.open((snapshots[0].public / held.path).read_bytes()).account
    private = X25519PrivateKey.generate()
    other = replace(header, record_key=private.public_key().public_bytes_raw(), record_bits=0)
    sealer, shared = Sealer(other.state_root, JOURNALS), agree(private, key.view_public)
    plain = [
        (e.kind, e.instrument, e.amount, e.value, e.fee, e.time, e.price) for e in ledgers[0].journal.segment(3).entries
    ]
    for code, text, message in (
        (*oracle.segment(0, 0, plain[:2]), "holds 2 entries, and the record speaks of 3"),
        (*oracle.segment(0, 0, [*plain[:2], (*plain[2][:6], 7)]), "the entries lead to head"),
        (*oracle.segment(5, 1, plain), "3 entries after 1"),
        (1, bytes(264), "holds 0 entries"),
        (1, b"\xff" * 264, "holds no entries"),
    ):
        data = sealer.seal(shared, code, b"", text)
        with pytest.raises(DisagreementError, match=message):
            JournalKey.derive(key, other).open(data, account)
    with pytest.raises(EncodingError, match="no entry at byte 0: entry class 9"):
        JournalKey.derive(key, other).open(data[:16] + b"\x09" + data[17:], account)
    with pytest.raises(EncodingError, match="needs 297 bytes"):
        JournalKey.derive(key, other).open(data[:-1], account)
    with pytest.raises(DisagreementError, match="was altered"):
        JournalKey.derive(key, other).open(data[:-1] + bytes([data[-1] ^ 1]), account)


def test_a_venue_without_new_entries_publishes_no_journals(tmp_path):
    made = write_epoch(replace(journaled(1, []), journal=None), OPERATOR, tmp_path / "epoch")
    assert not (made.public / "journals").exists()
    assert len(heads_in(made.folder).lengths) == 0


def test_heads_go_on_and_are_kept_for_the_next_epoch(venue):
    _, ledgers, snapshots = venue
    after = heads_in(snapshots[1].folder)
    assert after.state_root == snapshots[1].signed.header.state_root
    assert sorted(after.lengths.tolist()) == [1, 2, 3, 3]
    assert Heads.decode(after.encode()).encode() == after.encode()
    owner = ledgers[0].owner_of(0)
    place = [int.from_bytes(o.tobytes()) for o in after.owners].index(owner)
    plain = [astuple(e) for ledger in ledgers for e in ledger.journal.segment(0).entries]
    assert int.from_bytes(after.heads[place].tobytes()) == oracle.journal_head(0, 0, plain)


def test_a_ledger_may_state_its_heads_and_must_state_the_right_ones(venue):
    _, _, snapshots = venue
    before = heads_in(snapshots[0].folder)
    previous = (snapshots[0].signed.header.state_root, snapshots[0].signed.header.time)
    bare = journaled(2, COUNTS[1])
    right = continued(bare, before, previous)
    assert continued(right, before, previous).journal.new_heads().tobytes() == right.journal.new_heads().tobytes()
    assert continued(right, None, previous).journal.new_heads().tobytes() == right.journal.new_heads().tobytes()
    for field, value, message in (
        ("lengths", 9, "states a history of 9 entries, and the epoch before left it with 2"),
        ("heads", 9, "left it with 2 and another head"),
    ):
        column = getattr(right.journal, field).copy()
        column[0] = value
        with pytest.raises(LedgerError, match=message):
            continued(replace(right, journal=replace(right.journal, **{field: column})), before, previous)
    with pytest.raises(DisagreementError, match="the last header of"):
        continued(bare, before, (1, 0))
    with pytest.raises(DisagreementError, match="the last header of none"):
        continued(bare, before, None)
    with pytest.raises(LedgerError, match="belongs in an epoch before"):
        continued(bare, before, (previous[0], TIME + 10**6))
    idle = continued(replace(bare, journal=None), before, previous)
    assert idle.journal.lengths.tolist()[:4] == [2, 0, 1, 3]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: d[:-1], LengthError, "no whole file"),
        (lambda d: b"x" + d[1:], LengthError, "no whole file"),
        (lambda d: d[:48] + b"\xff" * 32 + d[80:], EncodingError, "not below the field"),
        (lambda d: d[:80] + b"\xff" * 32 + d[112:], EncodingError, "not below the field"),
        (lambda d: d[:112] + bytes(8) + d[120:], EncodingError, "a history of no entries"),
        (lambda d: d[:80] + bytes(32) + d[112:], EncodingError, "a history of no entries"),
        (lambda d: d[:48] + d[120:192] + d[48:120] + d[192:], EncodingError, "do not strictly increase"),
        (lambda d: d[:120] + d[48:], EncodingError, "do not strictly increase"),
    ],
)
def test_heads_files_that_are_refused(venue, change, error, message):
    good = heads_in(venue[2][0].folder).encode()
    with pytest.raises(error, match=message):
        Heads.decode(change(good))


def test_an_audit_finds_what_is_wrong_with_journals(venue, tmp_path):
    snapshot = venue[2][0]
    header = replace(snapshot.signed.header)
    for change, message in (("missing", "all buckets of journals, or none"), ("short", "a bucket of journals")):
        folder = tmp_path / change
        (folder / "journals").mkdir(parents=True)
        for bucket in range(1 << header.record_bits):
            data = (snapshot.public / f"journals/{bucket:06x}.bin").read_bytes()
            (folder / f"journals/{bucket:06x}.bin").write_bytes(data)
        target = folder / "journals/000000.bin"
        target.unlink() if change == "missing" else target.write_bytes(b"x")
        assert any(message in str(finding) for finding in audit._check_journals(folder, header))
    crowded = replace(header, account_count=2)
    assert any("at most one for each of 2 accounts" in str(f) for f in audit._check_journals(snapshot.public, crowded))
