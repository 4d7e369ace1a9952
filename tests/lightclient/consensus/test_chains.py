"""The networks that are built in, against digests and times that others published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lightclient.consensus.chains import BUILT_IN, GNOSIS, HOODI, MAINNET, SEPOLIA
from lightclient.consensus.forks import Fork
from lightclient.network import chain_of, read_network
from zkstate.errors import EncodingError

# Fork digests that nodes announce: the eth2 field of the boot nodes' records in the repositories that chains.py names,
# their READMEs, and since Fulu what clients' tests and crawlers saw.
DIGESTS = {
    MAINNET: {"ad532ceb": Fork.ELECTRA, "8c9f62fe": Fork.FULU},
    SEPOLIA: {
        "36fa5013": Fork.BELLATRIX,
        "14045b5a": Fork.ELECTRA,
        "7e0d3447": Fork.FULU,
        "fd32b622": Fork.FULU,
        "74d01459": Fork.FULU,
    },
    HOODI: {"d2f1997f": Fork.DENEB, "c6ecb76c": Fork.FULU},
    GNOSIS: {"824be431": Fork.BELLATRIX, "21a6f836": Fork.CAPELLA, "3ebfd484": Fork.DENEB, "3237dab6": Fork.FULU},
}
GENESIS = {MAINNET: "b5303f2a", SEPOLIA: "a8fee8ee", HOODI: "5df5c106", GNOSIS: "bc9a6864"}

# When the execution layer's forks of the same name begin, by its own genesis files: seconds since 1970.
TIMES = {
    MAINNET: {Fork.CAPELLA: 1681338455, Fork.DENEB: 1710338135, Fork.ELECTRA: 1746612311, Fork.FULU: 1764798551},
    SEPOLIA: {Fork.CAPELLA: 1677557088, Fork.DENEB: 1706655072, Fork.ELECTRA: 1741159776, Fork.FULU: 1760427360},
    HOODI: {Fork.ELECTRA: 1742999832, Fork.FULU: 1761677592},
    GNOSIS: {Fork.CAPELLA: 1690889660, Fork.DENEB: 1710181820, Fork.ELECTRA: 1746021820},
}
BLOB_TIMES = {SEPOLIA: (1761017184, 1761607008), HOODI: (1762365720, 1762955544), MAINNET: (1765290071, 1767747671)}
NETWORKS = pytest.mark.parametrize("chain", BUILT_IN.values(), ids=BUILT_IN)


@NETWORKS
def test_nodes_announce_these_digests(chain):
    found = {digest.hex(): fork for digest, fork in chain.digests().items()}
    assert DIGESTS[chain].items() <= found.items()
    assert chain.fork_data_root(chain.genesis_version)[:4].hex() == GENESIS[chain]


@NETWORKS
def test_forks_begin_when_those_of_the_execution_layer_do(chain):
    first = {fork: chain.time_of(epoch * chain.slots_per_epoch) for fork, epoch, _ in chain.forks}
    assert TIMES[chain].items() <= first.items()
    blobs = tuple(chain.time_of(row.epoch * chain.slots_per_epoch) for row in chain.blob_schedule)
    assert blobs == BLOB_TIMES.get(chain, ())


@NETWORKS
def test_a_network_is_read_by_its_name(chain):
    assert read_network(chain.name) is chain
    assert [fork for fork, _, _ in chain.forks] == list(Fork)
    assert chain.slots_per_period == 8192


@pytest.mark.parametrize("chain", [SEPOLIA, HOODI], ids=["sepolia", "hoodi"])
def test_a_fork_that_came_after_is_refused_by_its_name(chain):
    assert chain.unknown is not None
    slot = chain.unknown[1] * chain.slots_per_epoch
    if chain is SEPOLIA:
        assert chain.time_of(slot) == 1791294816  # Amsterdam, by the execution layer
    assert chain.fork_at(slot - 1) is Fork.FULU
    # a signature in the first slot is under the version of the slot before
    assert chain.sync_committee_domain(slot) == replace(chain, unknown=None).sync_committee_domain(slot)
    words = f"slot {slot} of {chain.name} lies in GLOAS, which begins in epoch {chain.unknown[1]}"
    with pytest.raises(EncodingError, match=words):
        chain.fork_at(slot)
    with pytest.raises(EncodingError, match=words):
        chain.sync_committee_domain(slot + 1)


def test_a_file_names_what_came_after():
    config = {f"{fork.name}_FORK_EPOCH": str(i) for i, fork in enumerate(Fork)}
    config |= {f"{fork.name}_FORK_VERSION": f"0x0{i}000000" for i, fork in enumerate(Fork)}
    config |= {
        "genesis_validators_root": "0x" + "11" * 32,
        "genesis_time": "0",
        "GENESIS_FORK_VERSION": "0xff000000",
        "DEPOSIT_CHAIN_ID": "5",
        "SYNC_COMMITTEE_SIZE": "32",
        "SLOTS_PER_EPOCH": "8",
        "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": "8",
        "SECONDS_PER_SLOT": "2",
        "HEZE_FORK_EPOCH": str(2**64 - 1),
    }
    assert chain_of(config).unknown is None
    assert chain_of(config | {"HEZE_FORK_EPOCH": "9", "GLOAS_FORK_EPOCH": "7"}).unknown == ("GLOAS", 7)
    with pytest.raises(EncodingError, match="GLOAS_FORK_EPOCH is 'soon'"):
        chain_of(config | {"GLOAS_FORK_EPOCH": "soon"})
