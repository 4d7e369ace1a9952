//! Times Plonky2 on a chain of its own Poseidon hashes, two of its digests to one: plonky2 [zk].
//!
//! Its circuit and the values of its wires are laid out before the clock starts, as every engine's are.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::hashing::hash_n_to_hash_no_pad;
use plonky2::hash::poseidon::{PoseidonHash, PoseidonPermutation};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::{GenericConfig, PoseidonGoldilocksConfig};
use plonky2::plonk::proof::ProofWithPublicInputs;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use serving::{serve, Peer, Request, Timer};
use std::collections::HashMap;

#[allow(dead_code)] // what only other peers use
#[path = "../../rust/src/lib.rs"]
mod serving;

const D: usize = 2;
type C = PoseidonGoldilocksConfig;
type F = <C as GenericConfig<D>>::F;

struct Chain {
    circuit: CircuitData<F, C, D>,
    start: HashOutTarget,
    last: Vec<F>,
    proof: Option<Vec<u8>>,
}

struct Plonky2 {
    zero_knowledge: bool,
    chains: HashMap<usize, Chain>,
}

fn start() -> [F; 4] {
    [0x5eed, 1, 2, 3].map(F::from_canonical_u64)
}

impl Chain {
    /// h -> H(h, h), n times, from a secret digest; the last is public.
    fn of(n: usize, zero_knowledge: bool) -> Self {
        let config = match zero_knowledge {
            true => CircuitConfig::standard_recursion_zk_config(),
            false => CircuitConfig::standard_recursion_config(),
        };
        let mut builder = CircuitBuilder::<F, D>::new(config);
        let start_target = builder.add_virtual_hash();
        let (mut digest, mut values) = (start_target, start().to_vec());
        for _ in 0..n {
            digest = builder.hash_n_to_hash_no_pad::<PoseidonHash>([digest.elements, digest.elements].concat());
            let twice = [&values[..], &values[..]].concat();
            values = hash_n_to_hash_no_pad::<F, PoseidonPermutation<F>>(&twice).elements.to_vec();
        }
        builder.register_public_inputs(&digest.elements);
        Chain { circuit: builder.build::<C>(), start: start_target, last: values, proof: None }
    }

    fn witness(&self) -> PartialWitness<F> {
        let mut witness = PartialWitness::new();
        witness.set_hash_target(self.start, start().into()).unwrap();
        witness
    }

    fn verdict(&self, proof: &[u8]) -> &'static str {
        let proof = ProofWithPublicInputs::from_bytes(proof.to_vec(), &self.circuit.common).unwrap();
        let claimed = proof.public_inputs == self.last;
        if claimed && self.circuit.verify(proof).is_ok() { "accepted" } else { "rejected" }
    }

    fn prove(&mut self, timer: &mut Timer) {
        let (common, prover) = (&self.circuit.common, &self.circuit.prover_only);
        let solved: Vec<_> =
            (0..timer.repeat()).map(|_| generate_partial_witness(self.witness(), prover, common).unwrap()).collect();
        let (mut solved, mut made) = (solved.into_iter(), None);
        timer.time(|_| {
            let mut timing = TimingTree::default();
            let proof = prove_with_partition_witness(prover, common, solved.next().unwrap(), &mut timing).unwrap();
            made = Some(proof.to_bytes());
        });
        self.proof = made;
    }
}

impl Peer for Plonky2 {
    fn run(&mut self, ask: &Request, timer: &mut Timer) -> String {
        let chain = self.chains.entry(ask.size).or_insert_with(|| Chain::of(ask.size, self.zero_knowledge));
        match ask.op.as_str() {
            "hashes_prove" => chain.prove(timer),
            "hashes_verify" => {
                let proof = chain.proof.clone().unwrap_or_else(|| {
                    let made = chain.circuit.prove(chain.witness()).unwrap().to_bytes();
                    chain.proof.insert(made).clone()
                });
                timer.time(|_| assert_eq!(chain.verdict(&proof), "accepted"));
            }
            other => panic!("no such operation: {other}"),
        }
        let proof = chain.proof.as_ref().unwrap();
        timer.proof_bytes = proof.len();
        chain.verdict(proof).into()
    }
}

fn main() {
    let zero_knowledge = std::env::args().any(|word| word == "zk");
    serve(Plonky2 { zero_knowledge, chains: HashMap::new() }, &["plonky2"]);
}
