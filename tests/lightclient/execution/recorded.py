"""Recorded answers of execution nodes, read in place."""

import json
import tarfile
from functools import cache

import rlp as pyrlp

from tests.shared import shared_path


@cache
def archive(relative):
    """The files of an archive of vectors, by path."""
    with tarfile.open(shared_path(relative)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}


def exchanges(recording):
    """The (request, result) pairs of a recorded conversation with geth."""
    lines = [line for line in recording.decode().splitlines() if line[:2] in ("<<", ">>")]
    for request, answer in zip(lines[::2], lines[1::2], strict=True):
        assert request.startswith(">>")
        assert answer.startswith("<<")
        yield json.loads(request[2:]), json.loads(answer[2:]).get("result")


def chain_blocks(data):
    """The headers, as they stand, of the blocks of an exported chain."""
    at = 0
    while at < len(data):
        _, _, length, start = pyrlp.codec.consume_length_prefix(data, at)
        yield pyrlp.encode(pyrlp.decode(data[at : start + length], strict=True)[0])
        at = start + length


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))
