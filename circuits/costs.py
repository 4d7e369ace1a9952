"""What statements cost: `docs/circuits.md`, written by `python -m circuits.costs` from the circuits themselves.

Beside each count stands that of a straightforward circom version of the same statement, added up from what the
templates of circomlib 2.0.5 cost. It is an estimate of a plain design, not of the best that circom allows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from zkstate.atomic import replace_file
from zkstate.constraint import Circuit, compile_blocks, compile_statement
from zkstate.constraint.unrolled import Unrolled
from zkstate.proof.transparent.block_digest import block_digest
from zkstate.proof.transparent.system import System
from zkstate.state.scenarios import PLACES
from zkstate.state.schema import MAX_TIERS, SIZE_CLASSES

from . import catalogue
from .account import CommittedStatement
from .account_block import ENDS, AccountBlock, block_of
from .batch_account import account_template
from .gadgets.poseidon import MAX_INPUTS, permutation
from .liquidation import LIQUIDATION_ENTRIES
from .portfolio_block import MOST_CHANGES, chunks_of, portfolio_block_of

TARGET = Path(__file__).resolve().parent.parent / "docs" / "circuits.md"

# What a row is spent on, by the last part of its label.
SPENT = {
    "hashing": r"Poseidon of width",
    "ranges of inputs": r" is (a|an) (un)?signed|is 0 or 1|the rate and the flags",
    "comparisons": r"comparison|covers|bound|worst loss|remainder",
    "choices": r"choice|flag|committed table|scenario table|of the accounts tree|in the list|account's rows",
}
OTHER = "products and the rest"
SCENARIOS_SHOWN = 20
CHUNKS_SHOWN = 256 * chunks_of(SCENARIOS_SHOWN)[0]
ENTRIES_UNROLLED, BLOCKS_UNROLLED = 512, {4: 400, 8: 280, 16: 159, 64: 44}  # that fill a domain of 2^19


def main() -> None:
    """Compile every standard circuit and write the table."""
    replace_file(TARGET, document().encode())


def document() -> str:
    """The text of docs/circuits.md."""
    lines = [_HEAD + "| circuit | " + " | ".join([*SPENT, OTHER]) + " | in all | circom, plain | ratio |"]
    lines.append("|---|" + "---:|" * (len(SPENT) + 4))
    for statement in catalogue.standard():
        circuit = compile_statement(statement)
        rows = circuit.r1cs.n_constraints
        plain = plain_circom(statement)
        spent = spending(circuit)
        each = " | ".join(f"{spent[what]:,}" for what in [*SPENT, OTHER])
        lines.append(f"| `{catalogue.name(statement)}` | {each} | {rows:,} | {plain:,} | {plain / rows:.1f} |")
    return "\n".join(lines) + "\n" + _FOOT + _blocks() + _unrolled() + _batches()


def _blocks() -> str:
    """The blocks of one account of a transparent batch, and the digests of their circuits."""
    by_tiers = _block_lines(lambda rows, log_blocks: block_of(rows, log_blocks, 256, rounded=False))
    by_portfolio = _block_lines(
        lambda rows, log_blocks: portfolio_block_of(rows, log_blocks, 256, SCENARIOS_SHOWN, CHUNKS_SHOWN, rounded=False)
    )
    foot = _TRANSPARENT_FOOT.format(rows=permutation(17).n_rows, leaf=permutation(8).n_rows, row=45 - 1)
    return _TRANSPARENT + by_tiers + foot + _PORTFOLIO + by_portfolio + _PORTFOLIO_FOOT


def _block_lines(make: Callable[[int, int], AccountBlock]) -> str:
    titles = ("hashing", "limbs looked up", "tuples looked up", "tables provided", "products and the rest")
    heads = (*titles, "an account", "wires", "powers", "committed wires")
    lines = ["| rows | blocks | " + " | ".join(heads) + " | digest |"]
    lines.append("|---:|---:|" + "---:|" * len(heads) + "---|")
    for rows in SIZE_CLASSES:
        log_blocks = 12 if rows < SIZE_CLASSES[-1] else 9
        block = compile_blocks(make(rows, log_blocks))
        shape = System.of(block, log_blocks).parameters.shape
        provided = sum(use.provides for use in block.uses)
        read = sum(use.size > 1 and not use.provides for use in block.uses)
        hashing = sum(n for label, n in block.circuit.rows_by_label().items() if "Poseidon" in label)
        spent = [hashing, len(block.uses) - provided - read, read, provided]
        spent.append(shape.n_constraints - sum(spent))
        of_all = (shape.n_constraints, shape.n_wires, shape.powers, shape.committed)
        each = " | ".join(f"{count:,}" for count in (*spent, *of_all))
        lines.append(f"| {rows} | {1 << log_blocks:,} | {each} | `{block_digest(block).hex()}` |")
    return "\n".join(lines) + "\n"


def _unrolled() -> str:
    """The blocks of one account in a batch by Mirage."""
    heads = ("rows of its block", "looked up", "tables provided", "tuples", "known values", "an account", "accounts")
    lines = ["| rows | " + " | ".join(heads) + " |", "|---:|" + "---:|" * len(heads)]
    for rows, blocks in BLOCKS_UNROLLED.items():
        block = compile_blocks(block_of(rows, blocks.bit_length() - 1, ENTRIES_UNROLLED, rounded=False))
        circuit = Unrolled(block, blocks)
        provided = sum(use.provides for use in block.uses)
        spent = [block.circuit.r1cs.n_constraints, len(block.uses) - provided, provided, len(circuit.varying)]
        each = [*spent, len(block.known), sum(spent) + len(block.known), blocks - ENDS]
        lines.append(f"| {rows} | " + " | ".join(f"{count:,}" for count in each) + " |")
    return _UNROLLED + "\n".join(lines) + "\n"


def _batches() -> str:
    """The block of one account in a batch, and what a batch adds to its blocks."""
    lines = [_BATCH + "| rows | " + " | ".join([*SPENT, OTHER]) + " | an account |"]
    lines.append("|---:|" + "---:|" * (len(SPENT) + 2))
    for rows in SIZE_CLASSES:
        block = account_template(rows, rounded=False)
        numbers, counts = np.unique(block.row_labels, return_counts=True)
        labels = {block.labels[int(i)]: int(count) for i, count in zip(numbers, counts, strict=True)}
        spent = _spent(labels)
        lines.append(
            f"| {rows} | " + " | ".join(f"{spent[what]:,}" for what in [*SPENT, OTHER]) + f" | {block.n_rows:,} |"
        )
    return "\n".join(lines) + "\n" + _BATCH_FOOT


def spending(circuit: Circuit) -> Counter[str]:
    """The rows of a circuit by what they are spent on."""
    return _spent(circuit.rows_by_label())


def _spent(labels: Mapping[str, int]) -> Counter[str]:
    spent: Counter[str] = Counter()
    for label, rows in labels.items():
        spent[next((what for what, pattern in SPENT.items() if re.search(pattern, label)), OTHER)] += rows
    return spent


# The costs of circomlib's templates, in constraints.


def num2bits(width: int) -> int:
    """Num2Bits: one for each bit and one for the sum."""
    return width + 1


def less_than(width: int) -> int:
    """LessThan: Num2Bits of one bit more."""
    return width + 2


def hashed(elements: int) -> int:
    """Poseidon of a list: three constraints an S-box, less those of the constant word; 16 inputs at a time."""
    if elements <= MAX_INPUTS:
        return permutation(elements + 1).n_rows - 3
    return hashed(MAX_INPUTS) + hashed(elements - MAX_INPUTS + 1)


LEVEL = hashed(2) + 3  # a level of a binary path: the hash, two selects and a boolean digit
IS_EQUAL = 2
ACCOUNT = hashed(1) + hashed(7) + hashed(3) + 20 * LEVEL
ROW = 2 * num2bits(64) + num2bits(128) + 2 * less_than(12)
INSTRUMENT = hashed(7 + 5 * MAX_TIERS) + 8 * LEVEL + 3 * num2bits(64)
VALUE = MAX_TIERS * (2 * less_than(140) + 3) + less_than(64) + 12
ROUNDING = num2bits(128) + 2 * less_than(20)
ALONE = less_than(200) + ROUNDING
ORDER = 2 * num2bits(64) + less_than(65) + 4
MATCH = IS_EQUAL + 6
OTHER_ACCOUNT = hashed(7) + hashed(3) + 20 * LEVEL + num2bits(64)
ENTRY = hashed(4) + num2bits(64) + num2bits(128) + num2bits(96) + num2bits(12) + 10
SUMS = 2 * IS_EQUAL + 15
PAID = less_than(64) + less_than(128) + less_than(96) + 12
RISK = hashed(PLACES + 5) + 8 * LEVEL + PLACES * (num2bits(64) + 1) + 4 * num2bits(20) + 5
SCENARIOS = PLACES * (less_than(140) + 1) + hashed(11) + hashed(69)


def plain_circom(statement: CommittedStatement) -> int:
    """The estimate of docs/circuits.md for one statement."""
    n, kind = statement.size, catalogue.name(statement).split("-")[0]
    if kind == "history":
        return ACCOUNT + OTHER_ACCOUNT + n * (ENTRY + SUMS)
    rows = ACCOUNT + hashed(4 * n) + n * ROW
    if kind == "balance":
        return rows + n * (IS_EQUAL + 1) + 2 * less_than(65)
    if kind == "position":
        return rows + n * (IS_EQUAL + 2) + 2 * less_than(65) + 2 * less_than(129)
    rows += n * (INSTRUMENT + VALUE) + less_than(200)
    if kind == "liquidation":
        return rows + n * (ROUNDING + MATCH) + OTHER_ACCOUNT + LIQUIDATION_ENTRIES * (ENTRY + PAID)
    if kind == "exit":
        return rows + n * (ROUNDING + MATCH + less_than(12)) + hashed(10) + hashed(4) + 2 * num2bits(63)
    if kind != "margin":
        rows += n * ALONE
    if kind == "initial":
        rows += hashed(4 * n) + n * (ORDER + n * MATCH + 3 * less_than(72))
    if kind == "portfolio":
        rows += n * RISK + SCENARIOS
    return rows


_HEAD = """# What the circuits cost

Written by `python -m circuits.costs`; a test compares. Constraints (rows) of every statement in every size class,
with room for 2^20 accounts and 255 instruments, and what they are spent on.

"""

_FOOT = f"""
## Where the rows go

- A hash costs three rows an S-box: {permutation(3).n_rows} for two inputs, {permutation(17).n_rows} for sixteen.
- A row of an account costs two hashes for its instrument, one of the 15 words of the table and one of 8 children. The
  32 nodes above are read once for all rows. The account's path costs {permutation(5).n_rows + 3} rows for each of its
  10 levels of arity 4.
- Of an instrument's 13 tiers only the one that applies is unpacked: the prover names it, and two comparisons pin it.
- Every number that is unpacked or multiplied is in a proved range, a row for each bit.

`margin` of 16 rows is to stay below 40,000. What would lower it further: 108-bit entry values, so that a row is one
element (930 rows); a table of 127 instruments (870); notional values below 2^104 instead of 2^127 (370); leaving out
the S-box of each hash that sees a constant alone (140).

## The plain circom version

An estimate of the same statement put together from circomlib's templates: `Poseidon(k)` for lists, 16 at a time, and
`Poseidon(2)` for trees, a Merkle path for each row, `Num2Bits(w)` (w + 1), `LessThan(w)` (w + 2), `IsEqual`
({IS_EQUAL}). It compares every tier's bounds, where the circuits here compare those of one. n is the number of rows.

| part | constraints |
|---|---|
| owner, leaf of 7 parts, state root, binary path of 20 levels at {LEVEL} | {ACCOUNT:,} |
| rows: a list of 4n numbers; each row its ranges and order | H(4n) + {ROW} n |
| `balance`, `position`: the row found, the bounds compared | {IS_EQUAL + 1} n + {2 * less_than(65)}, and \
{IS_EQUAL + 2} n + {2 * less_than(65) + 2 * less_than(129)} |
| each instrument: {7 + 5 * MAX_TIERS} numbers hashed, a path of 8 levels, three ranges | {INSTRUMENT:,} n |
| each value: for each tier two `LessThan(140)` and three products; sign, choices | {VALUE:,} n |
| equity against the requirement | {less_than(200)} |
| all but `margin`: each row compared alone, its value divided | {ALONE} n |
| `initial`: a list of 4n numbers; ranges and cost; matched with every row; largest positions | \
H(4n) + {ORDER} n + {MATCH} n² + {3 * less_than(72)} n |
| `portfolio`: each row {PLACES + 5} numbers hashed, a path, {PLACES} changes | {RISK:,} n |
| `portfolio`: {PLACES} losses compared, epoch and scenarios hashed | {SCENARIOS:,} |
| `history`, `liquidation`: the other account, without its owner | {OTHER_ACCOUNT:,} |
| each entry hashed, its ranges, its kind; `history` has n of them, `liquidation` {LIQUIDATION_ENTRIES} | {ENTRY} |
| each entry's part in the sums, or what it took from the equity | {SUMS}, {PAID} |
| `liquidation`, `exit`: each row's value divided, the row found | {ROUNDING + MATCH} n |
| `exit`: assets before it, the epoch and the nullifier hashed, two ranges | \
{less_than(12)} n + {hashed(10) + hashed(4) + 2 * num2bits(63):,} |

H(k) is the cost of a list of k numbers: {hashed(16)} for 16, and so on.
""".replace("\\\n", "")

_TRANSPARENT = """
## Accounts of a transparent batch

A transparent batch of the solvency proof is blocks of one account each (`circuits/account_block.py`), here without
rounding, under a table of 256 entries. A lookup is a row, and so is what a block provides of the tables. A proof takes
three rows of an S-box as one power and does not commit to two of its wires (docs/spec.md, section 11):

"""

_TRANSPARENT_FOOT = """
- The leaf is hashed as it is: {rows} of its rows digest for every 16 elements, two a row, and {leaf} for its 7 parts.
- A row of an account is {row} lookups of limbs where those have 16 bits, and 18 rows: 5 limbs and 4 for amount and
  funding, 8 for the entry value, 8 for each bound of its tier, 10 for what it lacks alone and 1 for the order of rows.
  One lookup more reads its instrument and tier, which is all that the table costs it, however large that is.
- An account: 34 limbs for the two bounds of its id, 10 for the cross pot.
"""

_PORTFOLIO = f"""
## Accounts under the portfolio rule

Such an account has another block (`circuits/portfolio_block.py`), here under {SCENARIOS_SHOWN} scenarios, as many as a
generated venue has:

"""

_PORTFOLIO_FOOT = f"""
- A row: a product for each scenario, and 5 for what gives way to the portfolio's requirement and for contingencies.
  Contingency rates stand in its entry; its changes are looked up at most {MOST_CHANGES} at a time, here by \
{chunks_of(SCENARIOS_SHOWN)[0]} lookups.
- An account: for each scenario 9 limbs, which show that the worst loss is at least its loss, and a product, of which
  the last shows that the worst loss is one of them or 0.
""".replace("\\\n", "")

_UNROLLED = f"""
## Accounts of a batch by Mirage

The same blocks, all in one R1CS (`zkstate/constraint/unrolled.py`), under a table of {ENTRIES_UNROLLED} entries, as
many as fill a domain of 2^19. A lookup is a row, and so is what a block provides; a tuple takes one for each member but
the first, and each known value one:

"""

_BATCH = """
## Accounts of a batch by Groth16

A batch by Groth16, which draws no challenge behind its witness, is copies of `circuits/batch_account.py`:

"""

_WORDS, _STATED, _LISTED = (count * permutation(17).n_rows // MAX_INPUTS for count in (7, 3, 2))
_BATCH_FOOT = f"""
- A row: {64 + 64 + 128 + 3} for the ranges of what the leaf holds, 13 for that of its instrument. The 7 words it
  reads of the table are hashed ({_WORDS}) and looked up (8); 25 take rate and flags apart. Two bounds of the tier
  and the pot of an isolated position are some 390 in comparisons. 4 count the row in the totals, however many
  instruments there are.
- An account: its leaf {permutation(8).n_rows}, the two bounds of its id {2 * 249}.
- Around the blocks: {_STATED} an account for the list of leaves, {_LISTED + 2} for each entry of the table,
  {2 * permutation(8).n_rows + permutation(2).n_rows} for the sums.
"""

if __name__ == "__main__":
    main()
