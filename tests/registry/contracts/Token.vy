#pragma version 0.4.3
#pragma evm-version cancun
"""
@notice A token for tests: each mode is a way in which tokens in use differ from ERC-20.
"""

AS_WRITTEN: constant(uint256) = 0
SILENT: constant(uint256) = 1  # returns nothing
FEE: constant(uint256) = 2  # one per cent of what is sent does not arrive
SAYS_NO: constant(uint256) = 3  # returns false and moves nothing
REVERTS: constant(uint256) = 4
GREEDY: constant(uint256) = 5  # takes one more from the sender than was said
CALLS_BACK: constant(uint256) = 6  # calls `hook` with `call` in the midst of a transfer

balanceOf: public(HashMap[address, uint256])
decimals: public(uint8)
mode: public(uint256)
hook: address
call: Bytes[1024]


@deploy
def __init__(decimals: uint8, mode: uint256):
    self.decimals = decimals
    self.mode = mode


@external
def mint(to: address, units: uint256):
    self.balanceOf[to] += units


@external
def set_hook(hook: address, call: Bytes[1024]):
    self.hook = hook
    self.call = call


@external
@raw_return
def transfer(to: address, units: uint256) -> Bytes[32]:
    assert self.mode != REVERTS, "token is paused"
    if self.mode == SAYS_NO:
        return abi_encode(False)
    self.balanceOf[msg.sender] -= units
    if self.mode == GREEDY:
        self.balanceOf[msg.sender] -= 1
    self.balanceOf[to] += units - units // 100 if self.mode == FEE else units
    if self.mode == CALLS_BACK:
        raw_call(self.hook, self.call)
    if self.mode == SILENT:
        return b""
    return abi_encode(True)
