"""Walking the constraint section of a `.r1cs` file: only reading one combination tells where the next starts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zkstate.kernels.seam import check, ffi, lib


def r1cs_counts(section: bytes | memoryview, n: int) -> npt.NDArray[np.uint32]:
    """The number of terms of each of the n combinations that fill `section` exactly.

    Shapes: uint32 (n). Errors: LengthError names the combination that the section ends in (n if bytes are left over).
    """
    counts, bad = np.empty(n, dtype=np.uint32), ffi.new("size_t *")
    status = lib.zkn_r1cs_counts(
        ffi.from_buffer("uint32_t[]", counts), bad, ffi.from_buffer("uint8_t[]", section), len(section), n
    )
    check(status, f"combination {bad[0]} of {n}")
    return counts
