"""Event lines that would be read as something else than they say."""

import pytest

from tests.state.venues import balanced_ledger, fresh
from zkstate.errors import LedgerError
from zkstate.state.venue_lines import COLUMNS, MAX_LINE, read_events

HEAD = "event,kind,time,instrument,account,amount"


def read(tmp_path, text):
    venue = fresh(balanced_ledger())
    known = {"T": venue.time + 1, "Q": venue.state.quote, "A": venue.state.names[0]}
    for name, value in known.items():
        text = text.replace(f"<{name}>", str(value))
    path = tmp_path / "events.csv"
    path.write_text(text)
    return list(read_events(path, venue))


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
    "a deposit that sells": (f"{HEAD},side\n1,deposit,<T>,<Q>,<A>,1,sell\n", "which it cannot"),
    "an isolated deposit": (f"{HEAD},isolated\n1,deposit,<T>,<Q>,<A>,1,true\n", "which it cannot"),
    "a stray column": (f"{HEAD},colour\n1,deposit,<T>,<Q>,<A>,1,red\n", "no column 'colour'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_lines_that_say_something_else_are_refused(tmp_path, what):
    assert "colour" not in COLUMNS
    text, reason = REFUSED[what]
    with pytest.raises(LedgerError, match=reason):
        read(tmp_path, text)
