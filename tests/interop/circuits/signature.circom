pragma circom 2.1.0;

include "circomlib/circuits/eddsaposeidon.circom";

// The prover knows a signature of a public message under a public key: EdDSA over Baby Jubjub, with Poseidon.
template Signature() {
    signal input key[2];
    signal input message;
    signal input r8[2];
    signal input s;

    component check = EdDSAPoseidonVerifier();
    check.enabled <== 1;
    check.Ax <== key[0];
    check.Ay <== key[1];
    check.M <== message;
    check.R8x <== r8[0];
    check.R8y <== r8[1];
    check.S <== s;
}

component main {public [key, message]} = Signature();
