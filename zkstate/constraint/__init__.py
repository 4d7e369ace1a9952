"""The circuit language: statements become rank-1 constraint systems and programs that solve them.

Knows no circuit in particular and no proof system. `statement` declares inputs, `wire` and `builder` write
rows, `circuit` is the compiled result, `r1cs` is what a proof system reads.
"""

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
    "Builder",
    "Circuit",
    "R1cs",
    "Relation",
    "SparseMatrix",
    "Statement",
    "Violation",
    "Wire",
    "Witness",
    "cache_folder",
    "compile_statement",
    "public",
    "secret",
    "sint",
    "uint",
]
