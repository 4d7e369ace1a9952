"""The seam to the C core: bytes and integers in, vectors that Python owns out, one typed error per status.

The only package that touches `ffi` and `lib`; one module per family of kernels.
"""

from zkstate.kernels.keccak import KECCAK_BYTES, keccak256
from zkstate.kernels.r1cs_file import r1cs_counts
from zkstate.kernels.scalars import FR_BYTES, FR_MODULUS, FrVec
from zkstate.kernels.seam import thread_count

__all__ = ["FR_BYTES", "FR_MODULUS", "KECCAK_BYTES", "FrVec", "keccak256", "r1cs_counts", "thread_count"]
