"""Attestations: whatever is changed in one, or expected otherwise, the verdict is no, and says why."""

import json
from dataclasses import replace
from functools import cache

import pytest

from circuits.attestation import FILES, Attestation, Expectation, examine
from circuits.claims import BalanceClaim, MarginClaim, PositionClaim
from circuits.context import Context
from circuits.opening import Opening
from circuits.proving import attest
from tests.publication.venue import OPERATOR, ledger
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, WitnessError, ZkstateError
from zkstate.proof.keys import SetupStatus
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import SignedHeader
from zkstate.state.tree import build

NOW = 1_800_000_000
CONTEXT = Context(1, bytes(20), b"\1" * 20, b"\2" * 32, NOW + 60)


@cache
def committed(folder):
    """(signed header, ledger, accounts tree) of a small published epoch whose salts the test knows."""
    book = ledger()
    entropy = iter([bytes([7]) * 32, bytes([9]) * 32])
    write_epoch(book, OPERATOR, folder / "epoch", entropy=lambda n: next(entropy)[:n])
    return SignedHeader.decode((folder / "epoch" / "public" / "header.bin").read_bytes()), book


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """The opening of a small account with balances and positions, through real publication and recovery."""
    from lightclient.recover import recover
    from lightclient.trust import PinnedHeader
    from zkstate.publication.mirrors import FolderMirror
    from zkstate.publication.publish import publish_folder

    folder = tmp_path_factory.mktemp("attested")
    book = ledger()
    snapshot = write_epoch(book, OPERATOR, folder / "epoch")
    publish_folder(folder / "epoch" / "public", folder / "mirror")
    assert snapshot and build
    for name in book.names:
        key = OPERATOR.account_key(name)
        recovery = recover(key, [FolderMirror(folder / "mirror")], PinnedHeader((folder / "epoch" / "public" / "header.bin").read_bytes()))
        bundle = recovery.bundle
        if bundle.account.size_class == 4:
            return bundle
    raise AssertionError("no account of class 4")
