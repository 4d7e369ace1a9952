#pragma version 0.4.3
#pragma evm-version cancun
#pragma optimize gas
"""
@title ExitVault
@license Apache-2.0
@notice Holds collateral of one venue and pays a proof of `exit` once, when the venue's registry is stale or halted.
@dev The rules are those of docs/spec.md, section 7. A proof is made for this vault, chain, registry and recipient: all
     of them are in its public input `context`. It is judged against the state root that the registry holds now, so no
     claim of an older epoch, or of one that was rolled back, is accepted.

     Once it has paid from an epoch, no epoch before it, and no other header of that number, is paid from: the
     nullifiers of two epochs differ, and whoever left at one would leave again at the other.

     Claims are served in the order in which they come. What the vault lacks stays owed to the recipient, before all
     later claims and releases. Among debts there is no order: when the vault has something again, whoever collects first
     is paid first.

     A debt stays payable when the epoch it was claimed at is rolled back later: a rollback could void honest debts
     otherwise. Governance that doubts an epoch announces the rollback before it halts the registry, while no claim is
     open; what was claimed by then is owed for good.
"""

from ethereum.ercs import IERC20

interface Registry:
    def latest_epoch() -> uint256: view
    def latest_state_root() -> bytes32: view
    def latest_time() -> uint256: view
    def header_hash(epoch: uint256) -> bytes32: view
    def is_stale() -> bool: view
    def halted() -> bool: view
    def rollback_ready_at() -> uint256: view
    def governance() -> address: view
    def STALENESS_LIMIT() -> uint256: view
    def ROLLBACK_DELAY() -> uint256: view

interface Verifier:
    def verify(a: uint256[2], b: uint256[2][2], c: uint256[2], inputs: DynArray[uint256, 8]) -> bool: view
    def N_PUBLIC() -> uint256: view
    def KEY_DIGEST() -> bytes32: view

struct Asset:
    instrument: uint256
    token: address
    multiplier: uint256
    divisor: uint256

struct Debt:
    recipient: address
    token: address
    units: uint256

struct Release:
    token: address
    to: address
    units: uint256
    ready_at: uint256

event AssetBound:
    instrument: indexed(uint256)
    token: indexed(address)
    multiplier: uint256
    divisor: uint256

event VerifierBound:
    key_digest: indexed(bytes32)
    verifier: indexed(address)

event ExitPaid:
    nullifier: indexed(uint256)
    recipient: indexed(address)
    token: indexed(address)
    instrument: uint256
    epoch: uint256
    paid: uint256
    owed: uint256

event DebtPaid:
    nullifier: indexed(uint256)
    recipient: indexed(address)
    token: indexed(address)
    paid: uint256
    owed: uint256

event ReleaseProposed:
    token: indexed(address)
    to: indexed(address)
    units: uint256
    ready_at: uint256

event ReleaseCancelled:
    token: indexed(address)
    to: indexed(address)

event Released:
    token: indexed(address)
    to: indexed(address)
    units: uint256


CONTEXT: constant(Bytes[18]) = b"zkstate context v1"
EXIT_INPUTS: constant(uint256) = 5
MAX_VERIFIERS: constant(uint256) = 16
MAX_ASSETS: constant(uint256) = 64

paid_epoch: public(uint256)
paid_header: public(bytes32)
spent: public(HashMap[uint256, bool])
debts: public(HashMap[uint256, Debt])
owed: public(HashMap[address, uint256])
release: public(Release)
assets: public(HashMap[uint256, Asset])
verifiers: public(HashMap[bytes32, address])

REGISTRY: public(immutable(address))
SUSPENSION_LIMIT: public(immutable(uint256))
RELEASE_DELAY: public(immutable(uint256))


@deploy
def __init__(
    registry: address,
    verifiers: DynArray[address, MAX_VERIFIERS],
    assets: DynArray[Asset, MAX_ASSETS],
    suspension_limit: uint256,
    release_delay: uint256,
):
    """
    @param verifiers One Groth16Verifier for the key of each circuit of `exit` that is paid on.
    @param assets What pays for an instrument: a token, or the chain's own coin at the zero address. An amount is
        multiplied by `multiplier` and divided by `divisor`, of which one is 1; the rest of a unit is not paid.
    @param suspension_limit Seconds past the staleness limit for which a pending rollback can hold payments up.
    @param release_delay Seconds between the proposal of a release and the first moment it can take effect.
    """
    assert chain.id < 2**64, "chain id is outside 64 bits"
    assert registry.is_contract, "registry is not a contract"
    assert len(verifiers) > 0, "there is no verifier"
    assert suspension_limit >= staticcall Registry(registry).ROLLBACK_DELAY(), "suspension is shorter than a rollback"
    assert release_delay > 0, "release delay is zero"
    REGISTRY = registry
    SUSPENSION_LIMIT = suspension_limit
    RELEASE_DELAY = release_delay
    for verifier: address in verifiers:
        assert staticcall Verifier(verifier).N_PUBLIC() == EXIT_INPUTS, "verifier is not of an exit"
        digest: bytes32 = staticcall Verifier(verifier).KEY_DIGEST()
        assert self.verifiers[digest] == empty(address), "key is bound twice"
        self.verifiers[digest] = verifier
        log VerifierBound(key_digest=digest, verifier=verifier)
    for asset: Asset in assets:
        assert asset.instrument != 0 and self.assets[asset.instrument].instrument == 0, "instrument is bound twice"
        assert min(asset.multiplier, asset.divisor) == 1, "neither multiplier nor divisor is 1"
        assert max(asset.multiplier, asset.divisor) <= 10**36, "multiplier or divisor is too large"
        assert asset.token == empty(address) or asset.token.is_contract, "token is not a contract"
        assert asset.token != registry, "token is the registry"
        self.assets[asset.instrument] = asset
        log AssetBound(
            instrument=asset.instrument, token=asset.token, multiplier=asset.multiplier, divisor=asset.divisor
        )


@external
@payable
def __default__():
    """
    @notice Takes the chain's own coin as collateral. Tokens are simply transferred to this address.
    """
    assert len(msg.data) == 0, "there is no such function"


@external
@nonreentrant
def claim(
    key_digest: bytes32,
    a: uint256[2],
    b: uint256[2][2],
    c: uint256[2],
    instrument: uint256,
    amount: uint256,
    nullifier: uint256,
    recipient: address,
    expiry: uint256,
) -> uint256:
    """
    @notice Pay an exit to the recipient it was proved for; anyone may send it. What is lacking stays owed.
    @param amount In units of the venue's instrument, as in the statement.
    @param expiry That of the proof's context, 0 for none.
    @return What was paid, in units of the token.
    """
    assert recipient != empty(address) and recipient != self, "recipient is nobody"
    # Of a larger one only the last eight bytes would be in the context.
    assert expiry < 2**64, "expiry is outside 64 bits"
    assert expiry == 0 or block.timestamp <= expiry, "proof has expired"
    self._require_open()
    epoch: uint256 = staticcall Registry(REGISTRY).latest_epoch()
    header: bytes32 = staticcall Registry(REGISTRY).header_hash(epoch)
    if epoch <= self.paid_epoch:
        assert epoch == self.paid_epoch and header == self.paid_header, "a later or other epoch was paid from"
    assert not self.spent[nullifier], "exit was paid before"
    asset: Asset = self.assets[instrument]
    assert asset.instrument != 0, "instrument is not held here"
    verifier: address = self.verifiers[key_digest]
    assert verifier != empty(address), "key is not of an exit"
    root: uint256 = convert(staticcall Registry(REGISTRY).latest_state_root(), uint256)
    inputs: DynArray[uint256, 8] = [root, self._context(recipient, expiry), instrument, amount, nullifier]
    assert staticcall Verifier(verifier).verify(a, b, c, inputs), "proof is false"

    units: uint256 = amount * asset.multiplier // asset.divisor
    assert units > 0, "amount is less than a unit of the token"
    self.spent[nullifier] = True
    if epoch != self.paid_epoch:
        self.paid_epoch = epoch
        self.paid_header = header
    free: uint256 = self._free(asset.token)
    paid: uint256 = min(units, free)
    rest: uint256 = units - paid
    if rest > 0:
        self.debts[nullifier] = Debt(recipient=recipient, token=asset.token, units=rest)
        self.owed[asset.token] += rest
    log ExitPaid(
        nullifier=nullifier,
        recipient=recipient,
        token=asset.token,
        instrument=instrument,
        epoch=epoch,
        paid=paid,
        owed=rest,
    )
    self._pay(asset.token, recipient, paid)
    return paid


@external
@nonreentrant
def collect(nullifier: uint256, to: address = empty(address)) -> uint256:
    """
    @notice Pay what is owed for a claim, or as much of it as the vault holds, whatever the registry says by now: also
        when the epoch of the claim was rolled back, and before debts of earlier claims that nobody has collected.
    @param to Where to; only the recipient may name another address than its own.
    """
    debt: Debt = self.debts[nullifier]
    assert debt.units > 0, "nothing is owed"
    receiver: address = debt.recipient
    if to != empty(address):
        assert msg.sender == debt.recipient, "sender is not the recipient"
        assert to != self, "recipient is nobody"
        receiver = to
    paid: uint256 = min(debt.units, self._balance(debt.token))
    assert paid > 0, "vault holds nothing"
    rest: uint256 = debt.units - paid
    self.debts[nullifier].units = rest
    self.owed[debt.token] -= paid
    log DebtPaid(nullifier=nullifier, recipient=receiver, token=debt.token, paid=paid, owed=rest)
    self._pay(debt.token, receiver, paid)
    return paid


@external
def propose_release(token: address, to: address, units: uint256):
    """
    @notice Announce that collateral is to leave to the venue, while the registry is live. A later proposal replaces it.
    """
    self._require_governance()
    assert to != empty(address) and to != self, "recipient is nobody"
    assert units > 0, "nothing is released"
    ready_at: uint256 = block.timestamp + RELEASE_DELAY
    self.release = Release(token=token, to=to, units=units, ready_at=ready_at)
    log ReleaseProposed(token=token, to=to, units=units, ready_at=ready_at)


@external
def cancel_release():
    self._require_governance()
    assert self.release.ready_at != 0, "no release is pending"
    log ReleaseCancelled(token=self.release.token, to=self.release.to)
    self.release = empty(Release)


@external
@nonreentrant
def execute_release():
    """
    @notice Carry a release out, within one delay of the moment it became ready. What is owed stays here.
    """
    self._require_governance()
    due: Release = self.release
    assert due.ready_at != 0, "no release is pending"
    assert block.timestamp >= due.ready_at, "release delay has not passed"
    assert block.timestamp - due.ready_at <= RELEASE_DELAY, "release was not carried out in time"
    assert not self._is_down(), "registry is stale or halted"
    assert staticcall Registry(REGISTRY).rollback_ready_at() == 0, "a rollback is pending"
    assert due.units <= self._free(due.token), "vault does not hold as much"
    self.release = empty(Release)
    log Released(token=due.token, to=due.to, units=due.units)
    self._pay(due.token, due.to, due.units)


@external
@view
def is_open() -> bool:
    """
    @notice Whether exits are paid now.
    """
    return staticcall Registry(REGISTRY).latest_epoch() != 0 and self._is_down() and not self._is_suspended()


@external
@view
def context(recipient: address, expiry: uint256) -> uint256:
    """
    @notice The public input `context` of a proof that this vault pays to `recipient`.
    """
    return self._context(recipient, expiry)


@internal
@view
def _require_open():
    assert staticcall Registry(REGISTRY).latest_epoch() != 0, "registry has no epoch"
    assert self._is_down(), "registry is neither stale nor halted"
    assert not self._is_suspended(), "a rollback is pending"


@internal
@view
def _is_down() -> bool:
    return staticcall Registry(REGISTRY).halted() or staticcall Registry(REGISTRY).is_stale()


@internal
@view
def _is_suspended() -> bool:
    """
    @dev A pending rollback says that the latest epoch is in doubt. The age of that epoch bounds for how long.
    """
    if staticcall Registry(REGISTRY).rollback_ready_at() == 0:
        return False
    limit: uint256 = staticcall Registry(REGISTRY).STALENESS_LIMIT() + SUSPENSION_LIMIT
    return block.timestamp <= staticcall Registry(REGISTRY).latest_time() + limit


@internal
@view
def _require_governance():
    assert msg.sender == staticcall Registry(REGISTRY).governance(), "sender is not the governance"


@internal
@view
def _context(recipient: address, expiry: uint256) -> uint256:
    said: Bytes[106] = concat(
        CONTEXT,
        slice(convert(chain.id, bytes32), 24, 8),
        convert(REGISTRY, bytes20),
        convert(recipient, bytes20),
        convert(convert(self, uint256), bytes32),
        slice(convert(expiry, bytes32), 24, 8),
    )
    return convert(sha256(said), uint256) & (2**248 - 1)


@internal
@view
def _balance(token: address) -> uint256:
    if token == empty(address):
        return self.balance
    return staticcall IERC20(token).balanceOf(self)


@internal
@view
def _free(token: address) -> uint256:
    """
    @dev What is here and owed to nobody yet.
    """
    held: uint256 = self._balance(token)
    owed: uint256 = self.owed[token]
    return held - owed if held > owed else 0


@internal
def _pay(token: address, to: address, units: uint256):
    """
    @dev Last in each function: the state that forbids paying again is written before. A token that takes a fee takes it
        from what arrives; one that takes more than `units` from the vault is refused.
    """
    if units == 0:
        return
    if token == empty(address):
        assert raw_call(to, b"", value=units, revert_on_failure=False), "recipient refused the payment"
        return
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    assert extcall IERC20(token).transfer(to, units, default_return_value=True), "token refused the transfer"
    assert staticcall IERC20(token).balanceOf(self) + units >= before, "token took more than was paid"
