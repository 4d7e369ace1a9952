"""The circuit language: statements become rank-1 constraint systems and programs that solve them.

Knows no circuit in particular and no proof system. `statement` declares inputs, `wire` and `builder` write
rows, `circuit` is the compiled result, `r1cs` is what a proof system reads. `block` says what holds of one block of
many that read each other, `block_witness` solves them all, `block_check` judges them slowly.
"""

from zkstate.constraint.block import BlockBuilder, BlockStatement, compile_blocks
from zkstate.constraint.block_check import broken_blocks
from zkstate.constraint.block_circuit import BlockCircuit
from zkstate.constraint.block_witness import BlockWitness, solve_blocks
from zkstate.constraint.builder import Builder
from zkstate.constraint.cache import cache_folder, compile_statement
from zkstate.constraint.circuit import Circuit, Witness
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.constraint.report import Violation
from zkstate.constraint.statement import BOOL, FELT, Statement, public, secret, sint, uint
from zkstate.constraint.wire import Relation, Wire

__all__ = [
    "BOOL",
    "FELT",
    "BlockBuilder",
    "BlockCircuit",
    "BlockStatement",
    "BlockWitness",
    "Builder",
    "Circuit",
    "R1cs",
    "Relation",
    "SparseMatrix",
    "Statement",
    "Violation",
    "Wire",
    "Witness",
    "broken_blocks",
    "cache_folder",
    "compile_blocks",
    "compile_statement",
    "public",
    "secret",
    "sint",
    "solve_blocks",
    "uint",
]
