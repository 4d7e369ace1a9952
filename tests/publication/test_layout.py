from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkstate.errors import EncodingError
from zkstate.publication import layout

ODD = [
    "",
    "/etc/passwd",
    "../x",
    "a/../b",
    "a/..",
    "a/./b",
    "a//b",
    "a/",
    "/a",
    ".hidden",
    "a/.b",
    "a\\b",
    "a\0b",
    "a b",
    "a\n",
    "%2e%2e/x",
    "a?b",
    "a#b",
    "é",
    "a:b",
    "x" * 201,
]


@pytest.mark.parametrize("path", ODD)
def test_a_path_that_could_leave_the_folder_is_refused(path):
    with pytest.raises(EncodingError):
        layout.checked_path(path)


@given(st.text(st.sampled_from("ab0./\\_-%~ \0"), max_size=12))
def test_an_accepted_path_stays_below_its_folder(path):
    try:
        layout.checked_path(path)
    except EncodingError:
        return
    parts = PurePosixPath("root", path).parts
    assert parts[0] == "root"
    assert "/".join(parts[1:]) == path
    assert not {"..", "."} & set(parts)


def test_the_paths_are_those_of_the_specification():
    assert layout.epoch_folder(12) == "epochs/00000012"
    assert layout.tile_path(2, 3) == "tiles/2/000003.bin"
    assert layout.record_path(0xABCDE) == "records/0abcde.bin"
    names = (layout.HEADER, layout.MANIFEST, layout.INSTRUMENTS, layout.TOTALS, layout.ORDER_BOOK)
    for path in (*names, layout.tile_path(0, 0), layout.record_path(0), layout.epoch_folder(1)):
        assert layout.checked_path(path) == path


@pytest.mark.parametrize("epoch", [0, -1, 100_000_000])
def test_an_epoch_without_a_folder_is_refused(epoch):
    with pytest.raises(EncodingError):
        layout.epoch_folder(epoch)
