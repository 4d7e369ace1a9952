pragma circom 2.1.0;

include "circomlib/circuits/smt/smtverifier.circom";

// A public key is not in the sparse Merkle tree of a public root: another leaf stands where it would.
template Absence(levels) {
    signal input root;
    signal input key;
    signal input siblings[levels];
    signal input otherKey;
    signal input otherValue;

    component check = SMTVerifier(levels);
    check.enabled <== 1;
    check.fnc <== 1;
    check.root <== root;
    check.siblings <== siblings;
    check.oldKey <== otherKey;
    check.oldValue <== otherValue;
    check.isOld0 <== 0;
    check.key <== key;
    check.value <== 0;
}

component main {public [root, key]} = Absence(10);
