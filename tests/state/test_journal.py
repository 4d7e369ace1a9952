from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state import oracle
from tests.state.journals import columns_of, entries
from zkstate.errors import DisagreementError, EncodingError, InputError, LedgerError, LengthError
from zkstate.state import journal
from zkstate.state.journal import DEPOSIT, FUNDING, WITHDRAWAL, Entry, Segment
from zkstate.state.journal_columns import check_times

HEADS = st.integers(1, 2**253)
FILL = Entry(journal.FILL, 4095, -(2**63), -(2**127), 2**95 - 1, 2**64 - 1, 2**64 - 1)


def plain(segment):
    return [astuple(entry) for entry in segment.entries]


@given(entries(most=6), HEADS, st.integers(1, 2**60))
@settings(max_examples=40)
def test_head_and_plaintext_are_those_of_the_specification(made, head, length):
    for segment in (Segment(0, 0, made), Segment(head, length, made)):
        assert segment.heads()[-1] == oracle.journal_head(segment.head, segment.length, plain(segment))
        code, data = oracle.segment(segment.head, segment.length, plain(segment))
        assert journal.entry_class(len(made)) == code
        assert journal.encode_segment(segment) == data
        assert journal.decode_segment(data, code) == segment


def test_the_widest_values_have_room():
    low = replace(FILL, amount=2**63 - 1, value=2**127 - 1, fee=-(2**95), time=0, price=0)
    for entry in (FILL, low):
        segment = Segment(5, 2**64 - 2, (entry,))
        assert segment.heads()[-1] == oracle.journal_head(5, 2**64 - 2, plain(segment))
        assert journal.decode_entries(journal.encode_entries([entry])) == (entry,)


@given(st.lists(entries(most=20), min_size=1, max_size=9), st.data())
@settings(max_examples=25)
def test_columns_agree_with_single_entries(accounts, data):
    before = [(0, 0) if data.draw(st.booleans()) else (data.draw(HEADS), 2**62 + i) for i in range(len(accounts))]
    columns = columns_of(accounts, before)
    heads = [int.from_bytes(head.tobytes()) for head in columns.new_heads()]
    places = np.array(data.draw(st.permutations(range(len(accounts)))))
    sent = {}
    for code, part, texts in columns.plaintexts(places):
        for place, text in zip(part.tolist(), texts, strict=True):
            sent[int(places[place])] = journal.decode_segment(text.tobytes(), code)
    for i, (made, (head, length)) in enumerate(zip(accounts, before, strict=True)):
        segment = columns.segment(i)
        assert segment == Segment(head, length, made)
        assert heads[i] == segment.heads()[-1]
        assert sent.get(i, Segment(head, length, ())) == segment
        assert int(columns.new_lengths[i]) == length + len(made)


def test_one_long_journal_among_short_ones():
    deposit = Entry(DEPOSIT, 1, 1, 0, 0, 7, 0)
    columns = columns_of([(deposit,), (deposit,) * 257, ()], [(0, 0)] * 3)
    last = oracle.journal_head(0, 0, [astuple(deposit)] * 257)
    assert int.from_bytes(columns.new_heads()[1].tobytes()) == last
    assert sorted(code for code, _, _ in columns.plaintexts(np.arange(3))) == [1, 5]


@given(entries(most=5), st.data())
def test_every_changed_byte_of_a_plaintext_is_refused_or_another_segment(made, data):
    segment = Segment(9, 3, made)
    code, good = oracle.segment(9, 3, plain(segment))
    changed = bytearray(good)
    changed[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = journal.decode_segment(bytes(changed), code)
    except InputError:
        return
    assert found != segment
    assert journal.encode_segment(found) == bytes(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": 0}, "entry kind is 0"),
        ({"kind": 7}, "entry kind is 7"),
        ({"instrument": 0}, "entry instrument is 0"),
        ({"instrument": 4096}, "entry instrument is 4096"),
        ({"amount": 2**63}, "entry amount is"),
        ({"value": -(2**127) - 1}, "entry value is"),
        ({"fee": 2**95}, "entry fee is"),
        ({"time": 2**64}, "entry time is"),
        ({"price": -1}, "entry price is -1"),
        ({"amount": 0}, "a fill of amount 0"),
        ({"kind": FUNDING}, "funding alone has amount 0"),
        ({"kind": DEPOSIT}, "deposits add"),
        ({"kind": WITHDRAWAL, "amount": 1}, "withdrawals take away"),
    ],
)
def test_entries_that_are_refused(change, message):
    with pytest.raises(EncodingError, match=message):
        replace(FILL, **change)


def test_segments_that_are_refused():
    early = replace(FILL, time=3)
    for head, length, made, message in (
        (oracle.hashes.R, 1, (), "journal head"),
        (1, 2**64 - 1, (early,), "journal length"),
        (0, 1, (), "a journal of 1 entries"),
        (1, 0, (), "a journal of 0 entries"),
        (0, 0, (FILL, early), "an entry of time 3 follows"),
    ):
        with pytest.raises(EncodingError, match=message):
            Segment(head, length, made)
    code, data = oracle.segment(0, 0, [astuple(early)])
    for bad, kind, message in (
        (data[:-1], LengthError, "has 263 bytes; class 1 has 264"),
        (data[:-1] + b"\1", EncodingError, "other bytes than zero"),
        (data[:43] + b"\5" + data[44:], EncodingError, "class 1 claims 5 entries"),
    ):
        with pytest.raises(kind, match=message):
            journal.decode_segment(bad, code)
    with pytest.raises(EncodingError, match="class 9"):
        journal.plaintext_bytes(9)
    with pytest.raises(LengthError, match="65537 entries"):
        journal.entry_class(65537)
    with pytest.raises(LengthError, match="56 bytes"):
        journal.decode_entries(bytes(56))


def test_segments_join_and_part_at_the_heads_of_other_epochs():
    made = tuple(replace(FILL, time=t) for t in range(5))
    whole = Segment(0, 0, made)
    heads = whole.heads()
    late = whole.since(heads[2], 2)
    assert late == Segment(heads[2], 2, made[2:])
    assert late.after(Segment(0, 0, made[:2])) == whole
    assert whole.since(heads[5], 5).entries == ()
    whole.check_end(heads[5], 5)
    for call, message in (
        (lambda: whole.since(heads[1], 2), "after 2 entries the journal has head"),
        (lambda: late.since(heads[1], 1), "not those after 1"),
        (lambda: whole.since(heads[5], 6), "not those after 6"),
        (lambda: whole.check_end(heads[4], 5), "the entries lead to head"),
        (lambda: whole.check_end(heads[5], 6), "5 entries after 0, and the account has 6"),
        (lambda: late.after(Segment(0, 0, made[:1])), "1 entries after 0"),
    ):
        with pytest.raises(DisagreementError, match=message):
            call()


def test_times_lie_in_the_epoch_and_never_fall():
    def check(*times, after=10, until=20):
        rows = [(replace(FILL, time=11),), tuple(replace(FILL, time=t) for t in times)]
        check_times(columns_of(rows, [(0, 0)] * 2, sort=False), ["a", "b"], after, until)

    check(11, 11, 20)
    check(1, 2, after=None)
    for times, message in (
        ((12, 11), "of time 11, before the entry above"),
        ((21,), "after the state's, 20"),
        ((10,), "of time 10 belongs in an epoch before"),
    ):
        with pytest.raises(LedgerError, match=f"account 'b': an entry .*{message}"):
            check(*times)
