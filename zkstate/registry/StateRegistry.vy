#pragma version 0.4.3
#pragma evm-version cancun
#pragma optimize gas
"""
@title StateRegistry
@license Apache-2.0
@notice The chain of epochs of one venue: for each epoch the SHA-256 of its header, and nothing that can be edited later.
@dev A header is the 480 bytes of docs/spec.md, section 5. Its hash and fields are taken from the bytes themselves.

     Storage is read by light clients through eth_getProof, so the order of the state variables is fixed:
     slot 0 latest_epoch, slot 1 latest_state_root, slot 2 latest_time, slot 3 header_hash, where the entry of an
     epoch lies at keccak256(3 as 32 bytes, epoch as 32 bytes), slot 4 halted, slot 5 rollback_ready_at,
     slot 6 rollback_epoch, slot 7 publisher, slot 8 governance, slot 9 pending_governance, slot 10 blobs, where the
     entry of a header lies at keccak256(10 as 32 bytes, header hash).

     The operator's Ed25519 signature is not checked here, as the EVM has no precompile for it: readers check it.
"""

HEADER_BYTES: constant(uint256) = 480
HEADER_MAGIC: constant(Bytes[8]) = x"7a6b737461746501"
# A venue's clock may run ahead of the block that carries its header by this many seconds.
FUTURE_TOLERANCE: constant(uint256) = 900
# Bounds the gas of one rollback; a deeper one takes several.
MAX_ROLLBACK: constant(uint256) = 512
# More than a transaction can carry today (EIP-7594: six).
MAX_BLOBS: constant(uint256) = 16

event EpochPublished:
    epoch: indexed(uint256)
    header_hash: indexed(bytes32)
    state_root: indexed(bytes32)
    header: Bytes[HEADER_BYTES]
    mirrors: String[512]

event EpochBlobs:
    header_hash: indexed(bytes32)
    blobs: indexed(bytes32)
    versioned_hashes: DynArray[bytes32, MAX_BLOBS]

event Halted: pass

event Unhalted: pass

event RollbackProposed:
    epoch: indexed(uint256)
    ready_at: uint256

event RollbackCancelled:
    epoch: indexed(uint256)

event RolledBack:
    epoch: indexed(uint256)
    from_epoch: indexed(uint256)

event PublisherChanged:
    publisher: indexed(address)

event GovernanceProposed:
    governance: indexed(address)

event GovernanceChanged:
    governance: indexed(address)


latest_epoch: public(uint256)
latest_state_root: public(bytes32)
latest_time: public(uint256)
header_hash: public(HashMap[uint256, bytes32])
halted: public(bool)
rollback_ready_at: public(uint256)
rollback_epoch: public(uint256)
publisher: public(address)
governance: public(address)
pending_governance: public(address)
blobs: public(HashMap[bytes32, bytes32])

VENUE: public(immutable(bytes32))
STALENESS_LIMIT: public(immutable(uint256))
ROLLBACK_DELAY: public(immutable(uint256))
DEPLOYED_AT: public(immutable(uint256))


@deploy
def __init__(
    venue: bytes32, publisher: address, governance: address, staleness_limit: uint256, rollback_delay: uint256
):
    """
    @param venue Field `venue` of every header that may be published here.
    @param staleness_limit Seconds after the time of the latest epoch when the venue counts as silent.
    @param rollback_delay Seconds between the proposal of a rollback and the first moment it can take effect.
    """
    assert venue != empty(bytes32), "venue is zero"
    assert publisher != empty(address), "publisher is zero"
    assert governance != empty(address), "governance is zero"
    assert staleness_limit > 0, "staleness limit is zero"
    assert rollback_delay > 0, "rollback delay is zero"
    VENUE = venue
    STALENESS_LIMIT = staleness_limit
    ROLLBACK_DELAY = rollback_delay
    DEPLOYED_AT = block.timestamp
    self.publisher = publisher
    self.governance = governance
    log PublisherChanged(publisher=publisher)
    log GovernanceChanged(governance=governance)


@external
def publish(header: Bytes[HEADER_BYTES], mirrors: String[512] = ""):
    """
    @notice Append the next epoch. The first may have any number from 1; each later one is the next number.
    @param mirrors Where the files of the epoch were put: a hint, which nothing on chain depends on.
    @dev The blobs of the transaction, if it has any, hold the files: what they are is kept under the header's hash.
    """
    assert msg.sender == self.publisher, "sender is not the publisher"
    assert not self.halted, "registry is halted"
    assert self.rollback_ready_at == 0, "a rollback is pending"
    self._require_header(header)
    epoch: uint256 = self._epoch_of(header)
    time: uint256 = self._time_of(header)
    state_root: bytes32 = self._state_root_of(header)
    previous_state_root: bytes32 = extract32(header, 120)

    latest: uint256 = self.latest_epoch
    if latest == 0:
        assert epoch > 0, "epoch is zero"
    else:
        assert epoch == latest + 1, "epoch does not follow the latest"
    assert previous_state_root == self.latest_state_root, "previous state root is not the latest"
    assert time > self.latest_time, "time does not increase"
    assert time <= block.timestamp + FUTURE_TOLERANCE, "time is in the future"
    # A zero root would read as "no epoch yet" to the next header.
    assert state_root != empty(bytes32), "state root is zero"

    digest: bytes32 = sha256(header)
    self.header_hash[epoch] = digest
    self.latest_epoch = epoch
    self.latest_state_root = state_root
    self.latest_time = time
    log EpochPublished(epoch=epoch, header_hash=digest, state_root=state_root, header=header, mirrors=mirrors)
    if blobhash(0) != empty(bytes32):
        self._record_blobs(digest)


@external
@view
def is_stale() -> bool:
    """
    @notice Whether the state on record is older than the limit, by the time the header itself claims.
    """
    since: uint256 = self.latest_time
    if since == 0:
        since = DEPLOYED_AT
    return block.timestamp > since and block.timestamp - since > STALENESS_LIMIT


@external
def halt():
    self._require_governance()
    assert not self.halted, "registry is already halted"
    self.halted = True
    log Halted()


@external
def unhalt():
    self._require_governance()
    assert self.halted, "registry is not halted"
    self.halted = False
    log Unhalted()


@external
def propose_rollback(epoch: uint256):
    """
    @notice Announce that `epoch` is to become the latest again. Nothing can be published until that is done or cancelled.
    """
    self._require_governance()
    assert self.rollback_ready_at == 0, "a rollback is pending"
    latest: uint256 = self.latest_epoch
    assert epoch < latest, "rollback epoch is not before the latest"
    assert latest - epoch <= MAX_ROLLBACK, "rollback is too deep"
    assert self.header_hash[epoch] != empty(bytes32), "rollback epoch was not published"
    self.rollback_epoch = epoch
    self.rollback_ready_at = block.timestamp + ROLLBACK_DELAY
    log RollbackProposed(epoch=epoch, ready_at=self.rollback_ready_at)


@external
def cancel_rollback():
    self._require_governance()
    assert self.rollback_ready_at != 0, "no rollback is pending"
    log RollbackCancelled(epoch=self.rollback_epoch)
    self.rollback_epoch = 0
    self.rollback_ready_at = 0


@external
def execute_rollback(header: Bytes[HEADER_BYTES]):
    """
    @notice Make the proposed epoch the latest and forget the hashes of those after it.
    @param header The header of the proposed epoch, which its event carries; it gives back its root and time.
    """
    self._require_governance()
    ready_at: uint256 = self.rollback_ready_at
    assert ready_at != 0, "no rollback is pending"
    assert block.timestamp >= ready_at, "rollback delay has not passed"
    epoch: uint256 = self.rollback_epoch
    assert sha256(header) == self.header_hash[epoch], "header is not that of the rollback epoch"

    latest: uint256 = self.latest_epoch
    for removed: uint256 in range(epoch + 1, latest + 1, bound=MAX_ROLLBACK):
        self.header_hash[removed] = empty(bytes32)
    self.latest_epoch = epoch
    self.latest_state_root = self._state_root_of(header)
    self.latest_time = self._time_of(header)
    self.rollback_epoch = 0
    self.rollback_ready_at = 0
    log RolledBack(epoch=epoch, from_epoch=latest)


@external
def set_publisher(publisher: address):
    self._require_governance()
    assert publisher != empty(address), "publisher is zero"
    self.publisher = publisher
    log PublisherChanged(publisher=publisher)


@external
def propose_governance(governance: address):
    """
    @notice Name the next governance, which takes over when it accepts; the zero address withdraws the offer.
    """
    self._require_governance()
    self.pending_governance = governance
    log GovernanceProposed(governance=governance)


@external
def accept_governance():
    assert msg.sender == self.pending_governance, "sender is not the pending governance"
    self.governance = msg.sender
    self.pending_governance = empty(address)
    log GovernanceChanged(governance=msg.sender)


@internal
def _record_blobs(digest: bytes32):
    hashes: DynArray[bytes32, MAX_BLOBS] = []
    for i: uint256 in range(MAX_BLOBS):
        hash: bytes32 = blobhash(i)
        if hash == empty(bytes32):
            break
        hashes.append(hash)
    # Their number and the hashes, 32 bytes each.
    blobs: bytes32 = sha256(abi_encode(hashes, ensure_tuple=False))
    self.blobs[digest] = blobs
    log EpochBlobs(header_hash=digest, blobs=blobs, versioned_hashes=hashes)


@internal
@view
def _require_governance():
    assert msg.sender == self.governance, "sender is not the governance"


@internal
@view
def _require_header(header: Bytes[HEADER_BYTES]):
    assert len(header) == HEADER_BYTES, "header is not 480 bytes"
    assert slice(header, 0, 8) == HEADER_MAGIC, "header magic or version differs"
    assert extract32(header, 72) == VENUE, "header is of another venue"


@internal
@pure
def _epoch_of(header: Bytes[HEADER_BYTES]) -> uint256:
    return convert(extract32(header, 104), uint256) >> 192


@internal
@pure
def _time_of(header: Bytes[HEADER_BYTES]) -> uint256:
    return convert(extract32(header, 112), uint256) >> 192


@internal
@pure
def _state_root_of(header: Bytes[HEADER_BYTES]) -> bytes32:
    return extract32(header, 152)
