#pragma version 0.4.3
#pragma evm-version cancun
"""
@notice A recipient of coins for tests: it calls `hook` with `call` when it is paid, or refuses.
"""

hook: address
call: Bytes[1024]
failed: public(bool)
refuses: public(bool)


@external
def prepare(hook: address, call: Bytes[1024], refuses: bool):
    self.hook = hook
    self.call = call
    self.refuses = refuses


@external
@payable
def __default__():
    assert not self.refuses, "no thanks"
    if self.hook != empty(address):
        self.failed = not raw_call(self.hook, self.call, revert_on_failure=False)
