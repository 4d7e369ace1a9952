"""The networks that are built in, by name.

Source: metadata/config.yaml and genesis of the repositories eth-clients/mainnet, eth-clients/sepolia and
eth-clients/hoodi, and mainnet/config.yaml and genesis.ssz of gnosischain/configs; what Hoodi's copy did not yet hold
(from Fulu on) from that of ChainSafe/lodestar, packages/config. Sizes: presets mainnet of consensus-specs and gnosis of
gnosischain/specs. A fork that is scheduled there and not yet in `Fork` is `unknown`.

`checkpoint_age_s` keeps within the weak subjectivity period of consensus-specs, specs/electra/weak-subjectivity.md: 256
epochs, and a twentieth of stake over churn. With a churn quotient of 2^16 and tens of millions of ether that is above
15 days. On Sepolia little is staked, and only the 256 epochs, 27 hours, are counted on. Gnosis's quotient of 2^12 makes
461 epochs of 80 seconds, ten hours.
"""

from __future__ import annotations

from collections.abc import Mapping

from .forks import BlobParameters, Chain, Fork

MAINNET = Chain(
    genesis_validators_root=bytes.fromhex("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
    genesis_version=bytes.fromhex("00000000"),
    forks=(
        (Fork.ALTAIR, 74240, bytes.fromhex("01000000")),
        (Fork.BELLATRIX, 144896, bytes.fromhex("02000000")),
        (Fork.CAPELLA, 194048, bytes.fromhex("03000000")),
        (Fork.DENEB, 269568, bytes.fromhex("04000000")),
        (Fork.ELECTRA, 364032, bytes.fromhex("05000000")),
        (Fork.FULU, 411392, bytes.fromhex("06000000")),
    ),
    blob_schedule=(BlobParameters(412672, 15), BlobParameters(419072, 21)),
)

SEPOLIA = Chain(
    name="sepolia",
    chain_id=11155111,
    genesis_validators_root=bytes.fromhex("d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
    genesis_time=1655733600,
    genesis_version=bytes.fromhex("90000069"),
    forks=(
        (Fork.ALTAIR, 50, bytes.fromhex("90000070")),
        (Fork.BELLATRIX, 100, bytes.fromhex("90000071")),
        (Fork.CAPELLA, 56832, bytes.fromhex("90000072")),
        (Fork.DENEB, 132608, bytes.fromhex("90000073")),
        (Fork.ELECTRA, 222464, bytes.fromhex("90000074")),
        (Fork.FULU, 272640, bytes.fromhex("90000075")),
    ),
    blob_schedule=(BlobParameters(274176, 15), BlobParameters(275712, 21)),
    unknown=("GLOAS", 353024),
    checkpoint_age_s=27 * 3600,
)

HOODI = Chain(
    name="hoodi",
    chain_id=560048,
    genesis_validators_root=bytes.fromhex("212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f"),
    genesis_time=1742213400,
    genesis_version=bytes.fromhex("10000910"),
    forks=(
        (Fork.ALTAIR, 0, bytes.fromhex("20000910")),
        (Fork.BELLATRIX, 0, bytes.fromhex("30000910")),
        (Fork.CAPELLA, 0, bytes.fromhex("40000910")),
        (Fork.DENEB, 0, bytes.fromhex("50000910")),
        (Fork.ELECTRA, 2048, bytes.fromhex("60000910")),
        (Fork.FULU, 50688, bytes.fromhex("70000910")),
    ),
    blob_schedule=(BlobParameters(52480, 15), BlobParameters(54016, 21)),
    unknown=("GLOAS", 132352),
)

GNOSIS = Chain(
    name="gnosis",
    chain_id=100,
    genesis_validators_root=bytes.fromhex("f5dcb5564e829aab27264b9becd5dfaa017085611224cb3036f573368dbb9d47"),
    genesis_time=1638993340,
    genesis_version=bytes.fromhex("00000064"),
    forks=(
        (Fork.ALTAIR, 512, bytes.fromhex("01000064")),
        (Fork.BELLATRIX, 385536, bytes.fromhex("02000064")),
        (Fork.CAPELLA, 648704, bytes.fromhex("03000064")),
        (Fork.DENEB, 889856, bytes.fromhex("04000064")),
        (Fork.ELECTRA, 1337856, bytes.fromhex("05000064")),
        (Fork.FULU, 1714688, bytes.fromhex("06000064")),
    ),
    slots_per_epoch=16,
    epochs_per_period=512,
    seconds_per_slot=5,
    electra_max_blobs=2,
    checkpoint_age_s=10 * 3600,
)

BUILT_IN: Mapping[str, Chain] = {chain.name: chain for chain in (MAINNET, SEPOLIA, HOODI, GNOSIS)}
