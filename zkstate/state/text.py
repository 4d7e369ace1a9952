"""Plain text: what names and symbols may be made of, so that none can hide or reorder what stands beside it.

The list is of code points, not of properties: those change with the Unicode version, and two readers must agree.
"""

from __future__ import annotations

import re

# Controls, soft hyphen, Arabic and Syriac format signs, zero-width and bidirectional signs, line and paragraph
# separators, invisible operators, byte order mark, specials, surrogates, private use, tags and everything above.
_NOT_PLAIN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\uffff\U000e0000-\U0010ffff]"
)


def is_plain(text: str) -> bool:
    """Whether no code point of `text` is one that cannot be seen or that moves others (docs/spec.md, section 2)."""
    return _NOT_PLAIN.search(text) is None


def plain(text: str) -> str:
    """`text` with a question mark for each code point that `is_plain` refuses: fit for a terminal, a line and UTF-8."""
    return _NOT_PLAIN.sub("?", text)
