"""The table keeps every number, marks lines of older circuits, and docs/soundness.md has that of the lines kept."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soundness import __main__ as program
from tests.soundness import deletion, suite, table
from tests.soundness.gadgets import BY_NAME
from tests.soundness.line import BLOCKS, Line, made_for
from tests.soundness.statements import circuit_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "soundness.md"


def test_the_table_of_the_document_is_that_of_the_lines_kept():
    """Also after a change of a circuit: the lines that were made for another one are then marked."""
    made = table.table(table.load(table.KEPT))
    assert made in DOCUMENT.read_text("utf-8"), (
        f"run python -m tests.soundness --load {table.KEPT.relative_to(DOCUMENT.parents[1])} --write docs/soundness.md"
    )


def test_a_table_keeps_every_number(tmp_path):
    said = ("propagation no, cvc5 unknown, enumerated instead", "propagation yes, cvc5 unsat")
    lines = [
        Line(
            "nudge",
            "balance-4",
            10,
            1,
            2.0,
            "1 witness",
            ("amounts[0]",),
            "full",
            "t",
            circuit_of("balance", 4).digest[:8],
        ),
        *(Line("unique outputs", of, 1, 0, 0.5, each, (), "usual", "s") for of, each in zip("xy", said, strict=True)),
    ]
    table.save(tmp_path / "lines", lines[1:])
    table.save(tmp_path / "lines", [replace(lines[0], tried=9), lines[0]])
    assert table.load(tmp_path / "lines") == lines
    text = table.table(lines)
    assert "propagation proves 1; cvc5 proves 1 of 2 asked, 1 unknown; unknown to both and enumerated" in text
    assert f"| nudge | balance-4 | {lines[0].circuit} | 10 | 1 | 2.0 | full | t | 1 witness |" in text
    assert "12 tried, 1 wrong" in text
    assert "- nudge, balance-4: amounts[0]" in text
    document = tmp_path / "document.md"
    document.write_text(f"before\n{table.BEGIN}\nTHE LAST ONE\n{table.END}\nafter\n")
    table.write(document, lines, "words")
    written = document.read_text()
    assert "THE LAST ONE" not in written
    assert text in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")


@pytest.mark.parametrize(
    ("probe", "subject", "plan"),
    [
        ("nudge", "balance-4", "usual"),
        ("delete a row", "batch-4", "usual"),
        *(("delete a row", name, "usual") for name in BLOCKS),
        ("honest accounts", "exit", "usual"),
        ("differential", "margin", "full"),
        ("delete every row", "choice", "usual"),
        ("enumerate", "choice, p = 11", "usual"),
    ],
)
def test_a_line_of_another_circuit_is_marked(probe, subject, plan):
    line = Line(probe, subject, 1, 0, 1.0, "1 attacks, 0 by, 0 second, 0 named", (), plan, "s")
    today = made_for(line)
    assert len(today) == 8
    assert "older: " not in table.table([replace(line, circuit=today)])
    for circuit in ("", "01234567"):
        text = table.table([replace(line, circuit=circuit)])
        assert "**older: " in text
        assert "1 of 1 lines are of circuits that have changed" in text


def test_a_line_of_a_circuit_that_is_gone_is_marked():
    line = Line("enumerate", "no such gadget, p = 11", 1, 0, 1.0, "", (), "usual", "s", "01234567")
    assert made_for(line) == ""
    assert "**older: " in table.table([line])


def test_what_names_a_circuit_moves_with_it(monkeypatch):
    """Each circuit has a name of its own: of a gadget at each prime, of the block with all it looks up."""
    lines = [Line("enumerate", f"choice, p = {p}", 1, 0, 1.0) for p in BY_NAME["choice"].primes]
    lines += [Line("nudge", f"balance-{rows}", 1, 0, 1.0) for rows in (4, 8, 16, 64)]
    lines.append(Line("delete every row", "choice", 1, 0, 1.0))
    lines += [Line("delete a row", name, 1, 0, 1.0) for name in BLOCKS]
    assert len({made_for(line) for line in lines}) == len(lines)
    assert made_for(lines[2]) == circuit_of("balance", 4).digest[:8]
    for line, module in zip(lines[-2:], BLOCKS.values(), strict=True):
        before, block = made_for(line), module.system().block
        monkeypatch.setattr(module.system(), "block", replace(block, uses=block.uses[:-1]))
        assert made_for(line) != before


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setenv("ZKSTATE_CACHE", os.environ.get("ZKSTATE_CACHE", ""))  # so that the program sets none of its own
    monkeypatch.setattr("sys.argv", ["soundness", "--jobs", "1", "--seed", "any", "--only", "('choice',)", *arguments])
    status = program.main()
    return status, capsys.readouterr()


def test_a_run_that_is_resumed_counts_what_it_finds_saved(monkeypatch, capsys, tmp_path):
    """A line that is wrong stays wrong; one of another plan, seed or circuit is made again."""
    kept = tmp_path / "lines"
    status, said = run(monkeypatch, capsys, "--save", str(kept))
    assert status == 0
    assert "2 tasks" in said.err
    lines = table.load(kept)
    table.save(kept, [replace(lines[0], wrong=3)])
    status, said = run(monkeypatch, capsys, "--save", str(kept), "--resume")
    assert status == 1
    assert "0 tasks" in said.err
    assert " 3 wrong, " in said.out
    for other in ({"circuit": "01234567"}, {"seed": "other"}, {"plan": "full"}):
        table.save(kept, [replace(lines[0], wrong=3, **other)])
        status, said = run(monkeypatch, capsys, "--save", str(kept), "--resume")
        assert (status, "1 tasks" in said.err) == (0, True)


def test_rows_that_a_line_left_are_searched_again(monkeypatch, capsys, tmp_path):
    """What is attacked then is added to what was; a line of an older circuit stays as it is."""
    circuit = circuit_of("balance", 4)
    left = next(k for k in range(circuit.r1cs.n_constraints) if circuit.label(k).startswith("amounts[0] is"))
    words, notes = (
        "{} attacks, 0 by derived inputs alone, 0 second witnesses, 1 named",
        (f"unexplained: row {left}", "y"),
    )
    line = Line("delete a row", "balance-4", 3, 1, 1.0, words.format(1), notes, "usual", "s", left=(left,))
    line, older = replace(line, circuit=made_for(line)), replace(line, subject="position-4", circuit="01234567")
    table.save(tmp_path / "lines", [line, older])
    status, _ = run(monkeypatch, capsys, "--again", "--save", str(tmp_path / "lines"))
    assert status == 0
    found, same = table.load(tmp_path / "lines")
    assert same == older
    assert (found.tried, found.wrong, found.said, found.notes, found.left, found.seed) == (
        3, 0, words.format(2), ("y",), (), "s, any",
    )  # fmt: skip


def test_rows_with_a_second_witness_are_searched_again_too(monkeypatch):
    """They are counted anew; in a line from before they were listed they stay as they are."""
    said = "{} attacks, 0 by derived inputs alone, {} second witnesses, 0 named"
    line = Line("delete a row", "balance-4", 2, 0, 1.0, said.format(1, 1), ("second witness: 1 rows, 7 'x'",), seed="s")
    monkeypatch.setattr(suite, "_deleted", lambda *_: deletion.Found(1, (), (), Counter(), ()))
    found = suite.again(replace(line, left=(7,)), "s")
    assert (found.said, found.notes, found.left, found.seed) == (said.format(2, 0), (), (), "s")
    found = suite.again(replace(line, left=()), "t")
    assert (found.said, found.notes, found.seed) == (said.format(2, 1), line.notes, "s, t")


def test_files_of_lines_are_put_together(monkeypatch, capsys, tmp_path):
    one, other, both = (tmp_path / name for name in ("one", "other", "both"))
    first, second = (Line("nudge", f"balance-{rows}", 1, 0, 1.0) for rows in (4, 8))
    table.save(one, [first, replace(second, tried=5)])
    table.save(other, [second])
    status, _ = run(monkeypatch, capsys, "--load", str(one), str(other), "--save", str(both))
    assert status == 0
    assert table.load(both) == [first, second]
