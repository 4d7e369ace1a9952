"""Shares against the official vectors of SLIP-39, and through every way they are lost, mixed or damaged."""

import itertools
import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared import shared_path
from zkstate.backup.shares import Group, join, recover_secret, split
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, ZkstateError
from zkstate.state.identity import AccountKey

KEY = AccountKey(bytes(range(32)))


def named(mnemonics):
    return {f"share {i}": words for i, words in enumerate(mnemonics)}


def test_official_vectors():
    cases = json.loads(shared_path("data/slip39/vectors.json").read_text())
    assert len(cases) >= 30
    for description, mnemonics, secret, _ in cases:
        if secret:
            assert recover_secret(named(mnemonics), b"TREZOR").hex() == secret, description
        else:
            with pytest.raises(ZkstateError):
                recover_secret(named(mnemonics), b"TREZOR")


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 5), (5, 5)])
def test_every_choice_of_enough_shares_gives_the_key_and_every_smaller_none(shape):
    group = Group(*shape)
    (members,) = split(KEY, [group], 1)
    for size in range(1, group.members + 1):
        for chosen in itertools.combinations(members, size):
            if size >= group.needed:
                assert join(named(chosen)).seed == KEY.seed
            else:
                with pytest.raises(LengthError, match=f"group 1 has {size} of the {group.needed} shares"):
                    join(named(chosen))


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_groups_that_are_enough(data):
    groups = data.draw(
        st.lists(st.sampled_from([Group(1, 1), Group(2, 2), Group(2, 3), Group(3, 5)]), min_size=1, max_size=4)
    )
    needed = data.draw(st.integers(1, len(groups)))
    made = split(KEY, groups, needed, b"over the hills")
    complete = data.draw(st.sets(st.sampled_from(range(len(groups)))))
    given_shares = []
    for i, group in enumerate(groups):
        least, most = (group.needed, group.members) if i in complete else (0, group.needed - 1)
        given_shares += data.draw(st.permutations(made[i]))[: data.draw(st.integers(least, most))]
    given_shares = data.draw(st.permutations(given_shares))
    if len(complete) >= needed:
        assert join(named(given_shares), b"over the hills").seed == KEY.seed
    else:
        with pytest.raises(LengthError, match="share"):
            join(named(given_shares), b"over the hills")


def test_another_passphrase_is_another_key_and_no_error():
    (members,) = split(KEY, [Group(2, 3)], 1, b"right")
    assert join(named(members), b"right").seed == KEY.seed
    assert join(named(members), b"wrong").seed not in (KEY.seed, join(named(members), b"").seed)


def test_guardians_are_replaced_and_sets_never_mix():
    (before,), (after,) = split(KEY, [Group(2, 3)], 1), split(KEY, [Group(2, 4)], 1)
    assert join(named(after[2:])).seed == join(named(before[1:])).seed == KEY.seed
    with pytest.raises(DisagreementError, match="share 0 and share 1 are of different splittings"):
        join(named([before[0], after[1]]))


def test_every_damaged_word_is_noticed_and_no_word_is_told():
    """The checksum finds any three wrong words for certain (SLIP-39)."""
    (members,) = split(KEY, [Group(2, 2)], 1)
    words, other = members[0].split(), members[1]
    rng = random.Random(1)
    for i, word in enumerate(words):
        wrong = rng.choice([one for one in ("academic", "acid", "zero") if one != word])
        damaged = " ".join([*words[:i], wrong, *words[i + 1 :]])
        with pytest.raises(EncodingError) as caught:
            join({"anna.txt": damaged, "bert.txt": other})
        assert "anna.txt" in str(caught.value)
        assert not set(words) - {"is", "not", "a", "or"} & set(str(caught.value).split())


@pytest.mark.parametrize("place", range(5))
def test_a_forged_share_among_more_than_enough_does_no_harm(place):
    """Its checksum is right and its value is not: the others outvote it."""
    shamir = pytest.importorskip("shamir_mnemonic")
    (members,) = split(KEY, [Group(3, 5)], 1)
    share = shamir.Share.from_mnemonic(members[place])
    forged = replace(share, value=bytes(byte ^ 5 for byte in share.value)).mnemonic()
    given_shares = named([*members[:place], forged, *members[place + 1 :]])
    assert join(given_shares).seed == KEY.seed
    three = [forged, *(members[:place] + members[place + 1 :])[:2]]
    with pytest.raises(DisagreementError, match="contradict"):
        join(named(three))


@pytest.mark.parametrize("text", ["", "academic", "academic " * 33, "not words of any list", "x" * 5000, "é" * 10])
def test_what_is_no_mnemonic(text):
    with pytest.raises(EncodingError, match="anna"):
        join({"anna": text})


def test_shares_of_something_that_is_no_account_key():
    shamir = pytest.importorskip("shamir_mnemonic")
    ((words,),) = shamir.generate_mnemonics(1, [(1, 1)], bytes(16))
    with pytest.raises(LengthError, match="16 bytes"):
        join({"a": words})


def test_a_share_that_asks_for_endless_work():
    shamir = pytest.importorskip("shamir_mnemonic")
    share = shamir.Share(7, True, 15, 0, 1, 1, 0, 1, bytes(32))
    with pytest.raises(InputError, match=r"2\^15"):
        join({"a": share.mnemonic()})


@pytest.mark.parametrize(("needed", "members"), [(0, 1), (2, 1), (1, 2), (3, 17), (-1, 2)])
def test_groups_that_cannot_be(needed, members):
    with pytest.raises(InputError):
        Group(needed, members)


@pytest.mark.parametrize(("needed", "count"), [(0, 1), (2, 1), (1, 0), (1, 17)])
def test_numbers_of_groups_that_cannot_be(needed, count):
    with pytest.raises(InputError, match="groups"):
        split(KEY, [Group(1, 1)] * count, needed)


def test_a_passphrase_that_the_standard_does_not_know():
    with pytest.raises(InputError, match="ASCII"):
        split(KEY, [Group(1, 1)], 1, "Füße".encode())
