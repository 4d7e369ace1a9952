"""Reserves against another implementation's tries and wallets, recorded chains, and every way not to have them."""

import csv
import json
from fractions import Fraction

import pytest
from eth_abi import encode as abi_encode
from eth_account import Account
from eth_utils import keccak

from lightclient.execution.header import BlockHeader, encode_block
from tests.lightclient.execution.recorded import archive
from tests.reserves.chain import ADDRESSES, KEYS, Chain, controlled, reserves, sign, token
from tests.shared import shared_path
from tests.solvency.venue import commit, ledger
from zkstate.errors import EncodingError, LengthError
from zkstate.registry.signatures import signer
from zkstate.reserves.compare import claimed_elsewhere, compare, one_block_each
from zkstate.reserves.control import Control
from zkstate.reserves.document import Reserves
from zkstate.reserves.tokens import Coin, Tokens
from zkstate.reserves.verify import verify_reserves
from zkstate.state.ledger import Totals
from zkstate.state.schema import ASSET, Instrument, ladder
from zkstate.state.table import InstrumentTable

# The third of the accounts that anvil's documentation publishes; the recorded devnet has it.
ANVIL_KEY = "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
USD, OTHER = token("USD", 0xA, decimals=6), token("OTHER", 0xB, slot=0, layout="vyper")


@pytest.fixture(scope="module")
def header(tmp_path_factory):
    return commit(tmp_path_factory.mktemp("venue") / "epoch", ledger(small=4, large=0)).header


def changed(value, **fields):
    """A struct with other fields, as JSON would give it."""
    return type(value)(**{name: getattr(value, name) for name in value.__struct_fields__} | fields)


def chain(header, **more):
    balances = dict(zip(ADDRESSES, (10**18, 5, 10**20, 3), strict=True))
    usd = dict(zip(ADDRESSES[:2], (25 * 10**6, 1), strict=True))
    other = {ADDRESSES[2]: 77 * 10**8}
    return Chain(balances, [(USD, usd), (OTHER, other)], time=header.time + 60, **more)


def test_coins_and_tokens_in_either_layout_add_up(header):
    found = reserves(header, chain(header), controlled(header), [USD, OTHER])
    proved = verify_reserves(Reserves.decode(found.encode()), header, {1: found.tokens})
    assert proved.reasons == proved.unpinned == ()
    assert proved.totals() == {
        "COIN": Fraction(101 * 10**18 + 8, 10**18),
        "USD": Fraction(25_000_001, 10**6),
        "OTHER": Fraction(77),
    }
    words = verify_reserves(found, header, {}).unpinned
    assert len(words) == 3
    for part, each in zip(("coin of chain 1 is COIN, of 18", "is USD, of 6", "is OTHER, of 8"), words, strict=True):
        assert part in each


def reasons(found, header, **more):
    proved = verify_reserves(found, header, {}, **more)
    return " | ".join(proved.reasons), proved.totals()


def test_statements_that_do_not_show_control(header):
    world, good = chain(header), controlled(header)
    for first, words in (
        (changed(good[0], signature="00" * 65), "not canonical"),
        (sign(good[0], KEYS[1]), "is signed by 0x"),
        (changed(good[0], expiry=good[0].expiry + 1), "is signed by 0x"),
        (changed(good[0], scheme="eip712"), "is signed by 0x"),
        (sign(changed(good[0], venue="11" * 32), KEYS[0]), "is of venue 1111"),
        (sign(changed(good[0], epoch=2), KEYS[0]), "is for epoch 2"),
        (sign(changed(good[0], header_hash="22" * 32), KEYS[0]), "header 2222"),
        (sign(changed(good[0], chain_id=5), KEYS[0]), "is for chain 5, not 1"),
        (sign(changed(good[0], expiry=header.time + 59), KEYS[0]), "expired at"),
        (changed(good[0], signature=""), "0 bytes, not 65"),
    ):
        said, totals = reasons(reserves(header, world, [first, *good[1:]], [USD]), header)
        assert words in said
        assert said.count(" | ") == 0
        assert totals["COIN"] == Fraction(10**20 + 8, 10**18)
        assert totals["USD"] == Fraction(1, 10**6)
    low = int(good[0].signature[64:128], 16)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = good[0].signature[:64] + f"{order - low:064x}" + ("1b" if good[0].signature[128:] == "1c" else "1c")
    assert "not canonical" in reasons(reserves(header, world, [changed(good[0], signature=high)]), header)[0]


def test_an_address_counts_once(header):
    world, good = chain(header), controlled(header)
    said, totals = reasons(reserves(header, world, [*good, good[0]]), header)
    assert said == f"{ADDRESSES[0]}: claimed twice on chain 1"
    assert totals["COIN"] == Fraction(101 * 10**18 + 8, 10**18)


def test_a_chain_has_one_block_and_a_block_one_chain(header):
    """What moved between two blocks, or is said to be on two chains, would count twice."""
    worlds = [Chain({ADDRESSES[i]: 10**18}, time=header.time + 100 * i) for i in range(2)]
    first, moved = (
        verify_reserves(reserves(header, world, controlled(header, keys=[key])), header, {})
        for world, key in zip(worlds, KEYS, strict=False)
    )
    named_again = controlled(header, chain_id=2, keys=KEYS[:1])
    again = verify_reserves(reserves(header, worlds[0], named_again, chain_id=2), header, {})
    for second, words in ((moved, "two files are of chain 1"), (again, "chains 1 and 2 have one state root")):
        assert (second.reasons, second.totals()) == ((), {"COIN": 1})
        counted, (reason,) = one_block_each([first, second])
        assert words in reason
        assert [each.totals() for each in counted] == [{"COIN": 1}, {}]


def test_a_list_of_tokens_lets_no_other_chain_count(header):
    found = reserves(header, chain(header), controlled(header, chain_id=999), [USD], chain_id=999)
    proved = verify_reserves(found, header, {1: Tokens(1, Coin("COIN", 18), (USD,))})
    assert (proved.reasons, proved.held) == (("chain 999 is in no list of tokens given",), ())


def test_an_address_of_another_venue(header):
    world, good = chain(header), controlled(header)
    theirs = [sign(changed(good[1], venue="33" * 32, epoch=9), KEYS[1]), changed(good[0], venue="33" * 32)]
    other = reserves(header, world, theirs)
    proved = [verify_reserves(reserves(header, world, good), header, {})]
    own = reserves(header, world, [sign(changed(good[1], epoch=9), KEYS[1])])
    assert claimed_elsewhere(proved, own, header) == []
    assert claimed_elsewhere(proved, other, header) == [f"{ADDRESSES[1]} of chain 1: venue {'33' * 32} claims it too"]


def test_reserves_of_another_epoch_or_time(header):
    world, good = chain(header), controlled(header)
    found = reserves(header, world, good)
    said, totals = reasons(changed(found, header_hash="44" * 32), header)
    assert "are for header 4444" in said
    assert totals == {}
    said, totals = reasons(found, header, max_gap_s=59)
    assert "60 s from the epoch's" in said
    assert totals == {}


def test_contracts_delegations_and_absent_accounts(header):
    to = bytes(range(20))
    codes = {ADDRESSES[0]: b"a safe", ADDRESSES[1]: bytes.fromhex("ef0100") + to}
    world = Chain(dict.fromkeys(ADDRESSES[:3], 10**18), codes=codes, time=header.time)
    found = reserves(header, world, controlled(header))
    said, totals = reasons(found, header)
    assert f"{ADDRESSES[0]}: a contract" in said
    assert f"{ADDRESSES[1]}: a contract" in said
    assert f"{ADDRESSES[3]}: proved absent" in said
    assert totals["COIN"] == 1
    named = [dict(answer) for answer in found.accounts]
    named[1]["delegatedTo"] = f"0x{to.hex()}"
    named[0]["delegatedTo"] = f"0x{to.hex()}"
    said, totals = reasons(changed(found, accounts=tuple(named)), header)
    assert f"{ADDRESSES[0]}: a contract" in said
    assert totals["COIN"] == 2


def test_tokens_that_are_not_what_they_are_said_to_be(header):
    world, good = chain(header), controlled(header)
    for wrong in (changed(USD, slot=4), changed(USD, layout="vyper")):
        said, totals = reasons(reserves(header, world, good, [wrong]), header)
        assert "proved absent for every address" in said
        assert "USD" not in totals
    nothing = token("USD", 0xC)
    assert "there is no contract" in reasons(reserves(header, world, good, [nothing]), header)[0]
    key = changed(USD, address=ADDRESSES[0])
    assert "there is no contract" in reasons(reserves(header, world, good, [key]), header)[0]
    listed = Tokens(1, Coin("COIN", 18), (changed(USD, decimals=8),))
    proved = verify_reserves(reserves(header, world, good, [USD, OTHER], native=Coin("COIN", 8)), header, {1: listed})
    assert len(proved.reasons) == 3
    assert all("not in the list of tokens" in reason for reason in proved.reasons)
    assert proved.totals() == {}
    swapped = reserves(header, world, good, [USD, OTHER])
    said, totals = reasons(changed(swapped, holdings=swapped.holdings[::-1]), header)
    assert said.count("was asked for") == 2
    assert set(totals) == {"COIN"}


def test_a_word_with_flags_beside_the_balance_is_no_amount(header):
    """As USDC stores that an address is blocked: bit 255 of the word that holds its balance."""
    blocked = {ADDRESSES[0]: 1 << 255 | 3 * 10**6, ADDRESSES[1]: 1 << 128, ADDRESSES[2]: (1 << 128) - 1}
    world = Chain(dict.fromkeys(ADDRESSES, 1), [(USD, blocked)], time=header.time)
    found = reserves(header, world, controlled(header), [USD])
    proved = verify_reserves(found, header, {1: found.tokens})
    assert len(proved.reasons) == 2
    for address, words in zip(ADDRESSES, proved.reasons, strict=False):
        assert words.startswith(f"{address}: USD, {USD.address}: the word stored is {blocked[address]:#x}")
    assert proved.totals()["USD"] == Fraction((1 << 128) - 1, 10**6)


def test_answers_that_prove_something_else(header):
    world, good = chain(header), controlled(header)
    found = reserves(header, world, good, [USD])
    more = dict(found.accounts[0]) | {"balance": hex(2 * 10**18)}
    said, totals = reasons(changed(found, accounts=(more, *found.accounts[1:])), header)
    assert "balance is stated as" in said
    assert totals["COIN"] == Fraction(10**20 + 8, 10**18)
    other = Chain(dict.fromkeys(ADDRESSES, 10**30), time=header.time)
    said, totals = reasons(changed(found, accounts=reserves(header, other, good).accounts), header)
    assert said.count("has hash") == 4
    assert totals == {}
    holding = json.loads(json.dumps(found.holdings[0]))
    holding["storageProof"][0]["value"] = hex(26 * 10**6)
    assert "proves 0x17d7840" in reasons(changed(found, holdings=(holding,)), header)[0]


def test_files_that_are_none(header):
    content = reserves(header, chain(header), controlled(header), [USD]).encode()
    members = json.loads(content)
    assert Reserves.decode(content).encode() == content
    for bad in (b"", b"[]", content[:-1], b'{"kind":' + b"[" * 100, json.dumps(members | {"more": 1}).encode()):
        with pytest.raises(EncodingError, match="reserves"):
            Reserves.decode(bad)
    for fields in ({"accounts": []}, {"holdings": []}):
        with pytest.raises(EncodingError, match="accounts for 4 addresses"):
            Reserves.decode(json.dumps(members | fields).encode())
    for name in ("header_hash", "block"):
        with pytest.raises(EncodingError, match="reserves"):
            Reserves.decode(json.dumps(members | {name: members[name] + "\n"}).encode())
    with pytest.raises(LengthError, match="the limit is"):
        Reserves.decode(bytes((64 << 20) + 1))
    with pytest.raises(EncodingError, match="listed twice"):
        Tokens(1, None, (USD, USD))
    with pytest.raises(EncodingError):
        verify_reserves(Reserves.decode(json.dumps(members | {"block": "c0"}).encode()), header, {})


def test_assets_beside_liabilities(header):
    table = ledger(small=4, large=0).table
    coin, usd = table.by_symbol("COIN"), table.by_symbol("USD")
    credits_ = [0] * len(table)
    debits = list(credits_)
    credits_[coin.id - 1], debits[coin.id - 1], credits_[usd.id - 1] = 3 * 10**8, 10**8, 1
    credits_[2], debits[2] = 10**10, 10**10  # a market is not an asset
    lines = {x.symbol: x for x in compare(table, Totals(tuple(credits_), tuple(debits)), {"COIN": Fraction(2)})}
    assert set(lines) == {"COIN", "USD"}
    assert (lines["COIN"].covered, lines["COIN"].covered_net) == (False, True)
    assert (lines["USD"].covered, lines["USD"].covered_net) == (False, False)
    assert lines["COIN"].price == Fraction(coin.price, 10**coin.price_decimals)


def asset(number, symbol, price, decimals=8, underlying=0, flags=ASSET):
    return Instrument(number, symbol, flags, decimals, price, price, 0, ladder([(0, 10**6, 0)]), underlying=underlying)


@pytest.mark.parametrize(
    ("part", "covered"),
    [
        (asset(2, "CHEAP:loan", 10**7, underlying=1), True),
        (asset(2, "DEAR", 10**13, underlying=1), False),
        (asset(2, "CHEAP:loan", 10**13, underlying=1), False),
        (asset(2, "CHEAP:loan", 10**7, decimals=6, underlying=1), False),
        (asset(2, "CHEAPER", 10**7, underlying=1), False),
        (asset(2, "OTHER:loan", 10**7, underlying=1), False),
        (asset(2, ":loan", 10**7), False),
        (asset(2, "OTHER:loan", 10**7, underlying=3), False),
    ],
    ids=["a part", "another asset", "dearer", "of other units", "alike in name", "of another", "of none", "of a part"],
)
def test_what_is_dear_is_no_part_of_what_is_cheap(part, covered):
    """A thousand of an asset that a venue calls a part of another are not covered by a thousand of that one."""
    table = InstrumentTable.of([asset(1, "CHEAP", 10**7), part, asset(3, "OTHER", 10**7, underlying=1)])
    found = compare(table, Totals((0, 1000 * 10**part.decimals, 0), (0, 0, 0)), {"CHEAP": Fraction(1000)})
    assert all(line.covered for line in found) == covered
    assert {line.symbol for line in found if line.owed} == {"CHEAP" if covered else part.symbol}


def test_a_file_of_brackets_is_not_parsed(header):
    """A list takes a hundred bytes for two in the file."""
    members = json.loads(reserves(header, chain(header), controlled(header), [USD, OTHER]).encode())
    members["accounts"][0]["more"] = [[]] * (1 << 20)
    with pytest.raises(EncodingError, match="values or more"):
        Reserves.decode(json.dumps(members, separators=(",", ":")).encode())


def test_signatures_that_another_project_published():
    """The statements of Summa's example, by the accounts they name and no others."""
    with shared_path("data/summa/signatures.csv").open() as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    assert lines
    for line in lines:
        signature = bytes.fromhex(line["signature"][2:])
        message = keccak(abi_encode(["string"], [line["message"]]))
        assert signer(message, signature).hex() == line["address"][2:].lower()
        assert signer(message[::-1], signature).hex() != line["address"][2:].lower()


def test_a_recorded_devnet_with_a_key_that_is_public(header):
    """A block of a real chain, its own eth_getProof answers, and a wallet's signature by a published key."""
    recording = archive("vectors/devnet_lodestar_anvil/recording.tar.xz")
    found = json.loads(recording[max(name for name in recording if name.startswith("el/"))])
    key = Account.from_key(ANVIL_KEY)
    address = key.address.lower()
    answer = next(each for each in found["proofs"] if each["address"] == address)
    block = encode_block(found["block"])
    for scheme in ("eip191", "eip712"):
        control = sign(Control.request(header, scheme, 31337, address, 1 << 40), key)
        file = Reserves(
            "zkstate reserves", 1, header.hash.hex(), Tokens(31337, Coin("COIN", 18), ()), block.hex(), (control,),
            (answer,), (),
        )  # fmt: skip
        proved = verify_reserves(Reserves.decode(file.encode()), header, {}, max_gap_s=1 << 40)
        assert proved.reasons == ()
        assert proved.totals() == {"COIN": Fraction(int(answer["balance"], 16), 10**18)}
        assert proved.block == BlockHeader.from_json(found["block"])


def test_a_mainnet_contract_does_not_count(header):
    """The deposit contract holds more than anyone, and no key signs for it: by its own proof it is a contract."""
    files = archive("vectors/eth_getproof/helios_rpc/helios_rpc.tar.xz")
    block, proofs = (json.loads(files[f"rpc/{name}.json"]) for name in ("block", "proof"))
    answer = proofs | {"storageProof": []}
    control = Control.request(header, "eip191", 1, answer["address"].lower(), 1 << 40)
    file = Reserves(
        "zkstate reserves", 1, header.hash.hex(), Tokens(1, Coin("COIN", 18), ()), encode_block(block).hex(),
        (changed(control, signature="01" * 64 + "1b"),), (answer,), (),
    )  # fmt: skip
    proved = verify_reserves(file, header, {}, max_gap_s=1 << 40)
    (reason,) = proved.reasons
    assert reason.startswith(f"{control.address}: a contract")
    assert proved.totals() == {}
