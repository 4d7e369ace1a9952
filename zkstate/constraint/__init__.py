"""The circuit language: statements become rank-1 constraint systems and programs that solve them.

Knows no circuit in particular and no proof system. `statement` declares inputs, `wire` and `builder` write
rows, `circuit` is the compiled result, `r1cs` is what a proof system reads.
"""
