"""Long arrays for kernels: in huge pages, and used again, since the system clears every page that it hands out anew.

What stood in an array stands in the next one: secrets are wiped by whoever wrote them, not here.
"""

from __future__ import annotations

import mmap
import weakref
from contextlib import suppress

_PAGE = 2 << 20  # a huge page of x86-64
_KEPT = 256 << 20  # bytes of arrays that are let go and kept


class Rooms:
    """Pages that no array holds, the last to be let go behind. Any thread may take and let go, in the middle of either:
    each step on the list is one of the interpreter's.
    """

    __slots__ = ("_free", "kept")

    def __init__(self, kept: int = _KEPT) -> None:
        self.kept, self._free = kept, list[mmap.mmap]()

    def take(self, size: int) -> tuple[mmap.mmap, bool]:
        """At least so many bytes, a quarter more at most, and whether they are fresh, which is zero. MemoryError."""
        size = -(-size // _PAGE) * _PAGE
        for pages in reversed(self._free.copy()):
            if size <= len(pages) <= size + size // 4:
                with suppress(ValueError):  # another thread took them
                    self._free.remove(pages)
                    return pages, False
        try:
            pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            raise MemoryError(f"{size} bytes for an array") from error
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
        return pages, True

    def let_go_after(self, holder: object, pages: mmap.mmap) -> None:
        """Keep the pages when `holder`, which every view of them holds, is gone."""
        weakref.finalize(holder, self._let_go, pages).atexit = False

    def _let_go(self, pages: mmap.mmap) -> None:
        self._free.append(pages)
        held = 0
        for each in reversed(self._free.copy()):
            held += len(each)
            if held > self.kept:
                with suppress(ValueError):
                    self._free.remove(each)
