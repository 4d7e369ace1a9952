"""Trie proofs: official roots with another implementation's proofs, and every way to bend a proof."""

import json

import pytest
import rlp as pyrlp
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from lightclient.execution.mpt import EMPTY_ROOT, prove
from tests.lightclient.execution.tries import grow, proof
from tests.shared import shared_path
from zkstate.errors import DisagreementError, EncodingError

# Clustered keys make extensions and branches with values; short values make embedded nodes.
keys = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=0, max_size=2).map(lambda tail: b"key" + tail),
)
tries = st.dictionaries(keys, st.binary(min_size=1, max_size=40), min_size=1, max_size=25)


def text(value):
    if value is None:
        return None
    return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()


def official(name):
    for title, case in json.loads(shared_path(f"vectors/mpt_rlp/{name}.json").read_text()).items():
        steps = case["in"].items() if isinstance(case["in"], dict) else case["in"]
        yield title, [(text(key), text(value)) for key, value in steps], text(case["root"])


@pytest.mark.parametrize(
    ("name", "secure"),
    [
        ("trietest", False),
        ("trieanyorder", False),
        ("trietest_secureTrie", True),
        ("trieanyorder_secureTrie", True),
        ("hex_encoded_securetrie_test", True),
    ],
)
def test_official_tries(name, secure):
    proved = 0
    for title, steps, root in official(name):
        hashed = [(keccak(key) if secure else key, value) for key, value in steps]
        trie = grow(hashed)
        assert trie.root_hash == root, title
        final = dict(hashed)
        for key, value in final.items():
            assert prove(root, key, proof(trie, key)) == value, (title, key)
            absent = keccak(key) if secure else key + b"\x01"
            assert prove(root, absent, proof(trie, absent)) is None, (title, absent)
            proved += 1
    assert proved >= 2


def test_official_neighbours_are_absent_or_present():
    for case in json.loads(shared_path("vectors/mpt_rlp/trietestnextprev.json").read_text()).values():
        trie = grow((key.encode(), b"x" * 40) for key in case["in"])
        for query, *_ in case["tests"]:
            expected = b"x" * 40 if query in case["in"] else None
            assert prove(trie.root_hash, query.encode(), proof(trie, query.encode())) == expected


@given(tries, keys)
def test_presence_and_absence_agree_with_another_implementation(content, other):
    trie = grow(content.items())
    for key in [*content, other]:
        assert prove(trie.root_hash, key, proof(trie, key)) == content.get(key)


@given(tries, keys, st.data())
def test_a_proof_of_one_key_says_nothing_about_another(content, other, data):
    """Whatever is proved with borrowed nodes is true, or refused."""
    trie = grow(content.items())
    key = data.draw(st.sampled_from(sorted(content)))
    try:
        value = prove(trie.root_hash, other, proof(trie, key))
    except (DisagreementError, EncodingError):
        return
    assert value == content.get(other)


@given(tries, st.data())
def test_no_bent_proof_is_accepted(content, data):
    trie = grow(content.items())
    key = data.draw(st.sampled_from(sorted(content)))
    nodes = proof(trie, key)
    at = data.draw(st.integers(0, len(nodes) - 1))
    kind = data.draw(st.sampled_from(["missing", "twice", "extra", "swapped", "flipped", "cut", "padded"]))
    bent = list(nodes)
    if kind == "missing":
        del bent[at]
    elif kind == "twice":
        bent.insert(at, bent[at])
    elif kind == "extra":
        bent.append(data.draw(st.sampled_from([b"\x80", b"\xc0", nodes[0], pyrlp.encode([b" x", b"y" * 40])])))
    elif kind == "swapped":
        bent.reverse()
    elif kind == "flipped":
        byte, bit = data.draw(st.integers(0, len(bent[at]) - 1)), data.draw(st.integers(0, 7))
        bent[at] = bent[at][:byte] + bytes([bent[at][byte] ^ 1 << bit]) + bent[at][byte + 1 :]
    elif kind == "cut":
        bent[at] = bent[at][:-1]
    else:
        bent[at] += b"\0"
    if bent == nodes:
        return
    with pytest.raises((DisagreementError, EncodingError)):
        prove(trie.root_hash, key, bent)


@given(tries, st.data())
def test_absence_is_not_proved_for_a_present_key(content, data):
    """The proofs of all other keys, cut anywhere, never prove that this key is absent."""
    trie = grow(content.items())
    key = data.draw(st.sampled_from(sorted(content)))
    other = data.draw(keys)
    nodes = proof(trie, other)
    for end in range(len(nodes) + 1):
        try:
            assert prove(trie.root_hash, key, nodes[:end]) == content[key]
        except (DisagreementError, EncodingError):
            continue


def test_the_empty_trie():
    assert pytest.importorskip("trie").constants.BLANK_NODE_HASH == EMPTY_ROOT
    assert prove(EMPTY_ROOT, b"key", []) is None
    assert prove(EMPTY_ROOT, b"key", [b"\x80"]) is None
    for nodes in ([b"\xc0"], [b"\x80", b"\x80"], [pyrlp.encode([b" k", b"v"])]):
        with pytest.raises(DisagreementError):
            prove(EMPTY_ROOT, b"key", nodes)


def test_no_nodes_prove_nothing():
    root = grow([(b"key", b"value")]).root_hash
    with pytest.raises(DisagreementError, match="ends after 0 nodes"):
        prove(root, b"key", [])


LEAF = [b"\x20" + b"k" * 8, b"v" * 40]  # an even leaf path
HASH = keccak(pyrlp.encode(LEAF))
OTHER = keccak(b"other")


def branch(*children, value=b""):
    return [*children, *[b""] * (16 - len(children)), value]


@pytest.mark.parametrize(
    ("root", "rest", "message"),
    [
        pytest.param([b"\x20kkkkkkkk"], [], "1 items", id="one item"),
        pytest.param([b"a", b"b", b"c"], [], "3 items", id="three items"),
        pytest.param([b"", b"v"], [], "path that is empty", id="no path"),
        pytest.param([[b"k"], b"v"], [], "path that is empty or a list", id="path is a list"),
        pytest.param([b"\x40kkkkkkkk", b"v"], [], "compact form", id="unknown flag"),
        pytest.param([b"\x21kkkkkkkk", b"v"], [], "compact form", id="padding nibble set"),
        pytest.param([b"\x20kkkkkkkk", b""], [], "leaf without a value", id="empty leaf"),
        pytest.param([b"\x20kkkkkkkk", [b"v"]], [], "list where a value", id="leaf holds a list"),
        pytest.param([b"\x00", HASH], [], "extension without nibbles", id="empty extension"),
        pytest.param([b"\x16", HASH], [pyrlp.encode(LEAF)], "leads to a leaf", id="extension to a leaf"),
        pytest.param([b"\x00k", b"short"], [], "reference of 5 bytes", id="short reference"),
        pytest.param([b"\x00k", b""], [], "reference of 0 bytes", id="empty reference"),
        pytest.param([b"\x00x", b"short"], [], "reference of 5 bytes", id="short reference off the path"),
        pytest.param(branch(*[b""] * 6, HASH), [], "fewer than two", id="branch with one way"),
        pytest.param(branch(*[b""] * 6, HASH, b"s"), [], "reference of 1 bytes", id="branch with a stub"),
        pytest.param(branch(*[b""] * 6, LEAF, OTHER), [], "is embedded", id="large child embedded"),
        pytest.param(branch(*[b""] * 6, HASH, OTHER, value=[b"v"]), [], "list where a value", id="value is a list"),
        pytest.param(
            branch(*[b""] * 6, keccak(pyrlp.encode([b"\x3b", b"v"])), OTHER),
            [pyrlp.encode([b"\x3b", b"v"])],
            "must stand inside",
            id="small child by hash",
        ),
        pytest.param(branch(*[b""] * 6, [b"a", b"b", b"c"], OTHER), [], "3 items", id="odd embedded node"),
    ],
)
def test_nodes_that_are_not_canonical(root, rest, message):
    encoded = pyrlp.encode(root)
    with pytest.raises(EncodingError, match=message):
        prove(keccak(encoded), b"k" * 8, [encoded, *rest])


def test_a_root_is_a_hash():
    with pytest.raises(EncodingError, match="32 bytes"):
        prove(b"", b"key", [])
