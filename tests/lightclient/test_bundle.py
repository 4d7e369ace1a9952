import json
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightclient.bundle import Bundle
from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from tests.lightclient.venues import publish_chain
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.commitment.merkle import MerklePath
from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, MissingError, ZkstateError
from zkstate.kernels import FR_MODULUS
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.trust import Trust
from zkstate.state.schema import Row
from zkstate.state.table import InstrumentTable

KEY = OPERATOR.account_key("trader-3")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    (signed,) = publish_chain(folder, 1, accounts=40)
    found = recover(KEY, [FolderMirror(folder / "mirror")], PinnedHeader(signed), clock=lambda: TIME + 5)
    return found.bundle


def test_a_bundle_is_what_a_prover_needs(bundle):
    assert bundle.owner_secret == KEY.owner_secret
    assert bundle.account.rows == ledger(40).rows_of(3)
    assert bundle.header.state_root == bundle.signed.header.state_root
    assert bundle.index == bundle.path.index == bundle.account.index
    assert bundle.instruments == ledger(40).table.instruments
    assert bundle.path.verify(bundle.header.accounts_root, bundle.leaf)
    assert bundle.recovered_at == TIME + 5


def test_the_file_is_read_back_and_private(bundle, tmp_path):
    path = tmp_path / "bundle.json"
    bundle.write(path)
    bundle.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["bundle.json"]
    assert Bundle.read(path) == bundle
    assert json.loads(path.read_text())["kind"] == "zkstate account bundle"


def test_a_file_that_others_can_read_is_refused(bundle, tmp_path):
    path = tmp_path / "bundle.json"
    bundle.write(path)
    path.chmod(0o640)
    with pytest.raises(EnvironmentFailure, match="chmod 600"):
        Bundle.read(path)
    with pytest.raises(MissingError):
        Bundle.read(tmp_path / "none")
    with pytest.raises(EnvironmentFailure, match="regular file"):
        Bundle.read(tmp_path)


def test_no_secret_is_shown(bundle):
    shown = [repr(bundle), str(bundle)]
    for field in ("owner_secret", "recovered_at"):
        with pytest.raises(ZkstateError) as caught:
            replace(bundle, **{field: -1})
        shown.append(str(caught.value))
    with pytest.raises(DisagreementError) as caught:
        replace(bundle, owner_secret=bundle.owner_secret ^ 1)
    shown.append(str(caught.value))
    for text in shown:
        assert str(bundle.owner_secret) not in text
        assert f"{bundle.owner_secret:x}" not in text


PARTS = {
    "owner_secret": lambda b: 5,
    "account": lambda b: replace(b.account, salt=b.account.salt ^ 1),
    "path": lambda b: MerklePath(b.index ^ 1, b.path.siblings),
    "table": lambda b: InstrumentTable(b.table.instruments[:-1], b.table.depth),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_something_else_is_refused(bundle, part):
    with pytest.raises(DisagreementError, match="bundle"):
        replace(bundle, **{part: PARTS[part](bundle)})


def test_a_path_or_a_row_that_is_not_committed_is_refused(bundle):
    wrong = ((1, 2, 3), *bundle.path.siblings[1:])
    with pytest.raises(DisagreementError, match="accounts root"):
        replace(bundle, path=MerklePath(bundle.index, wrong))
    with pytest.raises(DisagreementError, match="path length"):
        replace(bundle, path=MerklePath(bundle.index, (*bundle.path.siblings, (0, 0, 0))))
    with pytest.raises(DisagreementError, match="path tag"):
        replace(bundle, path=MerklePath(bundle.index, bundle.path.siblings, tag=7))
    rows = (*bundle.account.rows[:-1], Row(bundle.account.rows[-1].instrument, 1))
    with pytest.raises(DisagreementError, match="accounts root"):
        replace(bundle, account=replace(bundle.account, rows=rows))


def trusted_words(bundle):
    """The part of the file that nothing in it can prove: why the header was believed, and when."""
    text = bundle.encode().decode()
    return text.index('"trust":'), text.index('"owner_secret":')


@given(st.data())
def test_no_changed_byte_is_accepted_unless_it_is_the_trust_text(bundle, data):
    good = bundle.encode()
    start, end = trusted_words(bundle)
    at = data.draw(st.integers(0, len(good) - 1).filter(lambda i: not start <= i < end))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ZkstateError):
        Bundle.decode(bytes(bad))


@given(st.data())
def test_a_changed_trust_text_changes_nothing_that_is_proved(bundle, data):
    good = bundle.encode()
    start, end = trusted_words(bundle)
    at = data.draw(st.integers(start, end - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    try:
        read = Bundle.decode(bytes(bad))
    except ZkstateError:
        return
    assert replace(read, trust=bundle.trust, recovered_at=bundle.recovered_at) == bundle


def changed(bundle, **fields):
    return json.dumps(json.loads(bundle.encode()) | fields, separators=(",", ":")).encode()


TRUST = {"level": "c", "text": "", "block_number": None, "block_hash": None, "finality": None, "block_time": None}


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "other"},
        {"version": 2},
        {"header": "00"},
        {"header": "zz"},
        {"account": ""},
        {"size_class": 5},
        {"size_class": 4},
        {"path": []},
        {"path": ["00" * 32] * 30},
        {"path": [f"{FR_MODULUS:064x}"] * 30},
        {"owner_secret": "00" * 32},
        {"owner_secret": f"{FR_MODULUS:064x}"},
        {"instruments": {}},
        {"instruments": None},
        {"trust": TRUST | {"level": "e"}},
        {"trust": TRUST | {"block_number": 5}},
        {"trust": TRUST | {"block_time": 5}},
        {"trust": {name: value for name, value in TRUST.items() if name != "block_time"}},
        {"trust": None},
        {"recovered_at": -1},
        {"recovered_at": 1 << 64},
        {"more": 1},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_malformed_field_is_refused(bundle, fields):
    with pytest.raises(ZkstateError):
        Bundle.decode(changed(bundle, **fields))


def test_only_the_canonical_form_is_read(bundle):
    good = bundle.encode()
    document = json.loads(good)
    assert Bundle.decode(changed(bundle)) == bundle
    for bad in (
        json.dumps(document).encode(),
        good + b"\n",
        b"",
        b"[]",
        good[:-1],
        json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode(),
        good.replace(b'"version":1', b'"version":1,"version":1'),
        b"[" * 100_000,
        b'"\xff"',
    ):
        with pytest.raises(InputError):
            Bundle.decode(bad)
    with pytest.raises(EncodingError, match="limit"):
        Bundle.decode(bytes((32 << 20) + 1))


def test_a_trust_with_a_block_survives(bundle):
    trust = Trust("b", "three nodes agree", 123, b"\x05" * 32, None, 1_700_000_000)
    kept = replace(bundle, trust=trust)
    assert Bundle.decode(kept.encode()).trust == trust


@pytest.mark.parametrize(
    "fields",
    [
        ("z", "x"),
        ("c", "x", 5),
        ("c", "x", 5, b"1" * 32),
        ("c", "x", 5, b"1", None, 7),
        ("c", "x", -1, b"1" * 32, None, 7),
        ("c", "x", 5, b"1" * 32, None, -1),
        ("c", "x", None, None, None, 7),
        ("a", "x", 5, b"1" * 32, None, 7),
    ],
)
def test_a_trust_that_makes_no_sense_is_refused(fields):
    with pytest.raises(EncodingError):
        Trust(*fields)
