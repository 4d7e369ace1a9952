"""Event lines that would be read as something else than they say."""

import pytest

from tests.state.venues import balanced_ledger, fresh
from zkstate.errors import LedgerError
from zkstate.state.venue_events import EVENT_KINDS, SELLS
from zkstate.state.venue_lines import COLUMNS, MAX_LINE, read_events

HEAD = "event,kind,time,instrument,account,amount"


def stated(venue, text):
    """The text with a time, the quote and an account of the venue."""
    known = {"T": venue.state.time + 1, "Q": venue.state.quote, "A": venue.state.names[0]}
    for name, value in known.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def read(tmp_path, text):
    venue = fresh(balanced_ledger())
    path = tmp_path / "events.csv"
    path.write_text(stated(venue, text))
    return list(read_events(path, venue, lambda number: iter(())))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_deposit_is_read(tmp_path, end):
    (event,) = read(tmp_path, f"{HEAD}{end}1,deposit,<T>,<Q>,<A>,10{end}")
    assert event.amount > 0


REFUSED = {
    "a number cut by a comma": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,1,000\n", "more or fewer fields"),
    "a short line": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>\n", "more or fewer fields"),
    "a column twice": (f"{HEAD},amount\n1,deposit,<T>,<Q>,<A>,1,2\n", "a column twice"),
    "a last line that was cut off": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,10\n2,deposit,<T>,<Q>,<A>,1", "line 3: .*cut"),
    "a long line": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,{'9' * MAX_LINE}\n", "line 2: .*longer"),
    "a deposit that sells": (
        f"{HEAD},side\n1,deposit,<T>,<Q>,<A>,1,sell\n",
        "side is 'sell', and a line of kind deposit has none",
    ),
    "an isolated deposit": (f"{HEAD},isolated\n1,deposit,<T>,<Q>,<A>,1,true\n", "isolated is 'true', .* has none"),
    "no number": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,1\n,deposit,<T>,<Q>,<A>,250\n", "line 3: event 0, .* is event 1"),
    "a first line without a number": (f"{HEAD}\n,deposit,<T>,<Q>,<A>,250\n", "line 2: event 0, .* goes on with 1"),
    "event 0": (f"{HEAD}\n0,deposit,<T>,<Q>,<A>,99\n", "line 2: event 0"),
    "a number twice": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,1\n1,deposit,<T>,<Q>,<A>,2\n", "line 3: event 1"),
    "a number left out": (f"{HEAD}\n1,deposit,<T>,<Q>,<A>,1\n3,deposit,<T>,<Q>,<A>,2\n", "line 3: event 3"),
    "a stray column": (f"{HEAD},colour\n1,deposit,<T>,<Q>,<A>,1,red\n", "no column 'colour'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_lines_that_say_something_else_are_refused(tmp_path, what):
    assert "colour" not in COLUMNS
    text, reason = REFUSED[what]
    with pytest.raises(LedgerError, match=reason):
        read(tmp_path, text)


FIVE = [f"{n},deposit,<T>,<Q>,<A>,{n}" for n in range(1, 6)]


def again(tmp_path, *lines):
    """What is read of lines by a venue that has the first four of FIVE, in two parts."""
    venue = fresh(balanced_ledger())
    for part in (slice(2), slice(2, 4)):
        venue.put(read(tmp_path, "\n".join([HEAD, *FIVE[:4], ""]))[part])
    events = venue.recorded()
    (tmp_path / "events.csv").write_text(stated(venue, "\n".join([HEAD, *lines, ""])))
    had = lambda number: iter([events[number - 1 : 2], events[max(number - 1, 2) :]])  # noqa: E731
    return list(read_events(tmp_path / "events.csv", venue, had))


@pytest.mark.parametrize("first", range(5))
def test_lines_that_the_journal_has_are_passed_over(tmp_path, first):
    (event,) = again(tmp_path, *FIVE[first:])
    assert event == read(tmp_path, "\n".join([HEAD, *FIVE, ""]))[4]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([FIVE[0], FIVE[2], FIVE[3]], "line 3: event 3, and the line before it is event 1"),
        ([FIVE[1], FIVE[0]], "line 3: event 1, and the line before it is event 2"),
        ([FIVE[3], ",deposit,<T>,<Q>,<A>,250", FIVE[4]], "line 3: event 0"),
        ([*FIVE[:3], FIVE[3] + "1", FIVE[4]], r"line 5: event 4 is in the journal with amount \d+, and here with \d+"),
        ([FIVE[0].replace("deposit,", "withdrawal,")], "event 1 is in the journal with kind 1, and here with 2"),
        (["7,deposit,<T>,<Q>,<A>,7"], "line 2: event 7, and the journal goes on with 5"),
    ],
)
def test_lines_that_the_journal_has_otherwise_are_refused(tmp_path, lines, reason):
    with pytest.raises(LedgerError, match=reason):
        again(tmp_path, *lines)


# A line of each kind with nothing but what docs/ledger.md says that it has to state, by column.
LEAST = {
    "deposit": {"account": "<A>", "amount": "10"},
    "withdrawal": {"account": "<A>", "amount": "-10"},
    "transfer": {"account": "<A>", "amount": "-10"},
    "fill": {"account": "<A>", "order": "0", "price": "0", "amount": "1", "value": "0"},
    "funding": {"account": "<A>", "value": "0"},
    "liquidation": {"account": "<A>", "order": "0", "price": "0", "amount": "1", "value": "0"},
    "order": {"account": "<A>", "order": "1", "side": "buy", "price": "0", "amount": "1"},
    "cancel": {"account": "<A>", "order": "1"},
    "price": {"price": "0", "amount": "0", "value": "0"},
}
FILLED = {"account": "<A>", "order": "7", "side": "buy", "isolated": "true", "liquidation": "true"}
MAY = {
    "deposit": {"price", "value", "fee"}, "withdrawal": {"price", "value", "fee"}, "fill": {"fee", "isolated"},
    "transfer": {"order", "price", "value", "fee"}, "funding": {"price", "fee"}, "liquidation": {"fee", "isolated"},
    "order": {"isolated", "liquidation"}, "cancel": set(), "price": set(),
}  # fmt: skip


def line(kind, columns=COLUMNS, **cells):
    """A file with one line of a kind, what it needs and the cells given."""
    cells = {"event": "1", "kind": kind, "time": "<T>", "instrument": "<Q>"} | LEAST[kind] | cells
    return f"{','.join(columns)}\n{','.join(cells.get(name, '') for name in columns)}\n"


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_a_cell_that_its_kind_needs_is_never_blank(tmp_path, kind):
    read(tmp_path, line(kind))
    for name in ("time", "instrument", *LEAST[kind]):
        with pytest.raises(LedgerError, match=rf"events\.csv, line 2: {name} is blank, .*{kind}"):
            read(tmp_path, line(kind, **{name: ""}))
    for name in LEAST[kind]:
        with pytest.raises(LedgerError, match=rf"line 2: {name} is blank, .*{kind}"):
            read(tmp_path, line(kind, [column for column in COLUMNS if column != name]))


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_a_cell_that_its_kind_does_not_have_says_nothing(tmp_path, kind):
    for name in set(COLUMNS[4:]) - set(LEAST[kind]) - MAY[kind]:
        with pytest.raises(LedgerError, match=rf"line 2: {name} is .*{kind} has none"):
            read(tmp_path, line(kind, **{name: FILLED.get(name, "2.5")}))
    for name in MAY[kind]:
        read(tmp_path, line(kind, **{name: FILLED.get(name, "2.5")}))
    nothing = dict.fromkeys(("price", "amount", "value", "fee"), "0") | {"isolated": "false"}
    assert read(tmp_path, line(kind, **{k: v for k, v in nothing.items() if k not in LEAST[kind]})) == read(
        tmp_path, line(kind)
    )


def test_a_side_is_buy_or_sell(tmp_path):
    (buys,), (sells,) = (read(tmp_path, line("order", side=side)) for side in ("buy", "sell"))
    assert (buys.flags, sells.flags) == (0, SELLS)
    with pytest.raises(LedgerError, match="side is 'bid', neither 'sell' nor 'buy'"):
        read(tmp_path, line("order", side="bid"))
