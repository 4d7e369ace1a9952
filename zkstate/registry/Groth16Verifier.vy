#pragma version 0.4.3
#pragma evm-version cancun
#pragma optimize gas
"""
@title Groth16Verifier
@license Apache-2.0
@notice Verifies Groth16 proofs over BN254 for one key, fixed when the contract is created.
@dev The equation of Groth (2016), section 3.2,

         e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta),    L = IC_0 + sum x_i IC_i,

     is checked as e(A, B) e(-alpha, beta) e(L, -gamma) e(C, -delta) = 1. The constants carry the signs, so the words
     of a proof reach the pairing precompile (EIP-197) untouched, and it is that precompile which refuses coordinates
     not below the base modulus, points off the curve and points of G2 outside the subgroup of order r.
     A point of G2 is (x imaginary, x real), (y imaginary, y real), as in EIP-197 and in the calldata snarkjs prints.
     Anyone can re-randomise a proof: its bytes identify nothing.
"""

MAX_INPUTS: constant(uint256) = 8
R: constant(uint256) = 21888242871839275222246405745257275088548364400416034343698204186575808495617
P: constant(uint256) = 21888242871839275222246405745257275088696311157297823662689037894645226208583

EC_ADD: constant(address) = 0x0000000000000000000000000000000000000006
EC_PAIRING: constant(address) = 0x0000000000000000000000000000000000000008

N_PUBLIC: public(immutable(uint256))
KEY_DIGEST: public(immutable(bytes32))
MINUS_ALPHA_BETA: immutable(uint256[6])
MINUS_GAMMA: immutable(uint256[4])
MINUS_DELTA: immutable(uint256[4])
IC: immutable(DynArray[uint256[2], MAX_INPUTS + 1])


@deploy
def __init__(
    alpha: uint256[2],
    beta: uint256[2][2],
    gamma: uint256[2][2],
    delta: uint256[2][2],
    ic: DynArray[uint256[2], MAX_INPUTS + 1],
    key_digest: bytes32,
):
    """
    @param ic IC_0 and one point for each public input, of which there are at most eight.
    @param key_digest SHA-256 of the canonical JSON form of the key: whoever holds the file can find it here.
    """
    assert len(ic) > 0, "key has no IC point"
    self._require_g1(alpha)
    for point: uint256[2] in ic:
        self._require_g1(point)
    self._require_g2(beta)
    self._require_g2(gamma)
    self._require_g2(delta)
    # One x means equal or negated. Then C can be traded against L, and any inputs proved.
    assert gamma[0][0] != delta[0][0] or gamma[0][1] != delta[0][1], "gamma and delta are equal or negated"

    N_PUBLIC = len(ic) - 1
    KEY_DIGEST = key_digest
    MINUS_ALPHA_BETA = [alpha[0], P - alpha[1], beta[0][0], beta[0][1], beta[1][0], beta[1][1]]
    MINUS_GAMMA = self._minus(gamma)
    MINUS_DELTA = self._minus(delta)
    IC = ic


@external
@view
def verify(a: uint256[2], b: uint256[2][2], c: uint256[2], inputs: DynArray[uint256, MAX_INPUTS]) -> bool:
    """
    @notice Returns True or reverts with the reason, so that no change of state survives a false proof.
    """
    assert self._holds(a, b, c, inputs), "proof is false"
    return True


@external
@view
def is_valid(a: uint256[2], b: uint256[2][2], c: uint256[2], inputs: DynArray[uint256, MAX_INPUTS]) -> bool:
    """
    @notice Whether a well-formed proof holds. Reverts if an input or a point is malformed.
    """
    return self._holds(a, b, c, inputs)


@internal
@view
def _holds(a: uint256[2], b: uint256[2][2], c: uint256[2], inputs: DynArray[uint256, MAX_INPUTS]) -> bool:
    assert len(inputs) == N_PUBLIC, "wrong number of public inputs"
    # The precompile takes zero for the point at infinity, which no reader of proofs accepts.
    assert a[0] | a[1] != 0 and c[0] | c[1] != 0, "proof point is malformed"
    assert b[0][0] | b[0][1] | b[1][0] | b[1][1] != 0, "proof point is malformed"
    bound: uint256[2] = IC[0]
    i: uint256 = 0
    for x: uint256 in inputs:
        assert x < R, "public input is not below r"
        i = unsafe_add(i, 1)
        if x > 1:
            bound = ecadd(bound, ecmul(IC[i], x))
        elif x == 1:  # flags are common, and a multiplication costs 6000 gas
            bound = ecadd(bound, IC[i])

    # A precompile that refuses keeps all gas forwarded to it: limit the gas of calls made for strangers.
    answered: bool = False
    answer: Bytes[32] = b""
    answered, answer = raw_call(
        EC_PAIRING,
        abi_encode(a, b, MINUS_ALPHA_BETA, bound, MINUS_GAMMA, c, MINUS_DELTA),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert answered and len(answer) == 32, "proof point is malformed"
    return convert(answer, uint256) == 1


@internal
@view
def _require_g1(point: uint256[2]):
    assert point[0] != 0 or point[1] != 0, "key point of G1 is zero"
    answered: bool = raw_call(
        EC_ADD, abi_encode(point, empty(uint256[2])), is_static_call=True, revert_on_failure=False
    )
    assert answered, "key point of G1 is not on the curve"


@internal
@view
def _require_g2(point: uint256[2][2]):
    assert point[0][0] | point[0][1] | point[1][0] | point[1][1] != 0, "key point of G2 is zero"
    # The zero of G1 pairs to 1 with anything, but only a point of the group is answered.
    answered: bool = False
    answer: Bytes[32] = b""
    answered, answer = raw_call(
        EC_PAIRING,
        abi_encode(empty(uint256[2]), point),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert answered and len(answer) == 32, "key point of G2 is not in the group"


@internal
@pure
def _minus(point: uint256[2][2]) -> uint256[4]:
    return [point[0][0], point[0][1], (P - point[1][0]) % P, (P - point[1][1]) % P]
