pragma circom 2.1.0;

// The prover knows two factors, neither of them 1, of a public number.
template Product() {
    signal input a;
    signal input b;
    signal input inverseA;
    signal input inverseB;
    signal output product;

    (a - 1) * inverseA === 1;
    (b - 1) * inverseB === 1;
    product <== a * b;
}

component main = Product();
