//! Times Ligero as arkworks has it: a commitment to a multilinear polynomial and its opening at one point.
//!
//! That is less than a proof: it commits to as many values as the chain has rows and shows one value of them, without
//! rows, sumchecks or hiding. No registry has a Ligero prover of constraint systems.

use ark_bn254::Fr;
use ark_crypto_primitives::crh::{sha256::Sha256, CRHScheme, TwoToOneCRHScheme};
use ark_crypto_primitives::merkle_tree::{ByteDigestConverter, Config};
use ark_crypto_primitives::sponge::{merlin::Transcript, CryptographicSponge};
use ark_crypto_primitives::Error;
use ark_poly::{DenseMultilinearExtension, Polynomial};
use ark_poly_commit::linear_codes::{LinearCodePCS, MultilinearLigero};
use ark_poly_commit::{LabeledPolynomial, PolynomialCommitment};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::{borrow::Borrow, rand::rngs::OsRng, rand::RngCore, UniformRand};
use sha2::Digest;
use std::collections::HashMap;
use zkstate_peers::{serve, Peer, Request, Timer};

/// A column's leaf is its hash, and the leaf of the tree is that hash as it is.
struct Column;
struct Leaf;
struct Tree;

impl CRHScheme for Column {
    type Input = Vec<Fr>;
    type Output = Vec<u8>;
    type Parameters = ();

    fn setup<R: RngCore>(_: &mut R) -> Result<(), Error> {
        Ok(())
    }

    fn evaluate<T: Borrow<Vec<Fr>>>(_: &(), column: T) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![];
        column.borrow().serialize_compressed(&mut bytes)?;
        Ok(sha2::Sha256::digest(bytes).to_vec())
    }
}

impl CRHScheme for Leaf {
    type Input = Vec<u8>;
    type Output = Vec<u8>;
    type Parameters = ();

    fn setup<R: RngCore>(_: &mut R) -> Result<(), Error> {
        Ok(())
    }

    fn evaluate<T: Borrow<Vec<u8>>>(_: &(), leaf: T) -> Result<Vec<u8>, Error> {
        Ok(leaf.borrow().clone())
    }
}

impl Config for Tree {
    type Leaf = Vec<u8>;
    type LeafDigest = <Leaf as CRHScheme>::Output;
    type LeafInnerDigestConverter = ByteDigestConverter<Self::LeafDigest>;
    type InnerDigest = <Sha256 as TwoToOneCRHScheme>::Output;
    type LeafHash = Leaf;
    type TwoToOneHash = Sha256;
}

type Values = DenseMultilinearExtension<Fr>;
type Scheme = LinearCodePCS<MultilinearLigero<Fr, Tree, Values, Column>, Fr, Values, Tree, Column>;
type Key = <Scheme as PolynomialCommitment<Fr, Values>>::CommitterKey;
type Commitment = <Scheme as PolynomialCommitment<Fr, Values>>::Commitment;
type Proof = <Scheme as PolynomialCommitment<Fr, Values>>::Proof;

struct Committed {
    values: LabeledPolynomial<Fr, Values>,
    point: Vec<Fr>,
    value: Fr,
    proof: Option<(Vec<u8>, Vec<u8>)>,
}

struct Ligero {
    key: Key,
    known: HashMap<usize, Committed>,
}

fn sponge() -> Transcript {
    <Transcript as CryptographicSponge>::new(&b"a benchmark".as_slice())
}

fn bytes(value: &impl CanonicalSerialize) -> Vec<u8> {
    let mut out = vec![];
    value.serialize_compressed(&mut out).unwrap();
    out
}

impl Committed {
    fn of(n: usize) -> Self {
        let variables = n.next_power_of_two().trailing_zeros() as usize;
        let uniform = |n: usize| (0..n).map(|_| Fr::rand(&mut OsRng)).collect::<Vec<_>>();
        let values = Values::from_evaluations_vec(variables, uniform(1 << variables));
        let point = uniform(variables);
        let value = values.evaluate(&point);
        Committed { values: LabeledPolynomial::new("z".into(), values, None, None), point, value, proof: None }
    }

    fn prove(&self, key: &Key) -> (Vec<u8>, Vec<u8>) {
        let (commitments, states) = Scheme::commit(key, [&self.values], None).unwrap();
        let proof = Scheme::open(key, [&self.values], &commitments, &self.point, &mut sponge(), &states, None).unwrap();
        (bytes(commitments[0].commitment()), bytes(&proof))
    }

    fn accepted(&self, key: &Key, proof: &(Vec<u8>, Vec<u8>), value: Fr) -> bool {
        let commitment = Commitment::deserialize_compressed(&proof.0[..]).unwrap();
        let commitment = ark_poly_commit::LabeledCommitment::new("z".into(), commitment, None);
        let proof = Proof::deserialize_compressed(&proof.1[..]).unwrap();
        Scheme::check(key, [&commitment], &self.point, [value], &proof, &mut sponge(), None).unwrap_or(false)
    }
}

impl Peer for Ligero {
    fn run(&mut self, ask: &Request, timer: &mut Timer) -> String {
        let (key, one) = (&self.key, self.known.entry(ask.size).or_insert_with(|| Committed::of(ask.size)));
        match ask.op.as_str() {
            "chain_prove" => timer.time(|_| one.proof = Some(one.prove(key))),
            "chain_verify" => {
                let proof = one.proof.take().unwrap_or_else(|| one.prove(key));
                timer.time(|_| assert!(one.accepted(key, &proof, one.value)));
                one.proof = Some(proof);
            }
            other => panic!("no such operation: {other}"),
        }
        let proof = one.proof.as_ref().unwrap();
        timer.proof_bytes = proof.0.len() + proof.1.len();
        assert!(!one.accepted(key, proof, one.value + Fr::from(1u64)));
        if one.accepted(key, proof, one.value) { "accepted" } else { "rejected" }.into()
    }
}

fn main() {
    let parameters = Scheme::setup(1 << 20, Some(20), &mut OsRng).unwrap();
    let (key, _) = Scheme::trim(&parameters, 0, 0, None).unwrap();
    serve(Ligero { key, known: HashMap::new() }, &["ark-poly-commit"]);
}
