pragma circom 2.1.0;

include "circomlib/circuits/comparators.circom";
include "circomlib/circuits/poseidon.circom";

// The prover knows a secret number and a salt with the public hash, and the number is below a public bound.
template Below(bits) {
    signal input secret;
    signal input salt;
    signal input bound;
    signal output hash;

    component opened = Poseidon(2);
    opened.inputs[0] <== secret;
    opened.inputs[1] <== salt;
    hash <== opened.out;

    component inRange = Num2Bits(bits);
    inRange.in <== secret;

    component isLess = LessThan(bits);
    isLess.in[0] <== secret;
    isLess.in[1] <== bound;
    isLess.out === 1;
}

component main {public [bound]} = Below(64);
