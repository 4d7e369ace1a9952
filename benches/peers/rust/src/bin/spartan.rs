//! Times Spartan's proof without a preprocessing phase (NIZK): the fastest of its provers; its verifier reads the rows.
//!
//! Its field is the scalars of ristretto255, so it proves the same chain of fifth powers over that field: as many rows,
//! as many entries, and the first value public.

use curve25519_dalek::scalar::Scalar;
use libspartan::{InputsAssignment, Instance, NIZKGens, VarsAssignment, NIZK};
use merlin::Transcript;
use std::collections::HashMap;
use zkstate_peers::{serve, Peer, Request, Timer};

struct Chain {
    rows: Instance,
    secret: VarsAssignment,
    public: InputsAssignment,
    generators: NIZKGens,
    proof: Option<Vec<u8>>,
}

#[derive(Default)]
struct Spartan {
    chains: HashMap<usize, Chain>,
}

fn transcript() -> Transcript {
    Transcript::new(b"a benchmark")
}

impl Chain {
    /// u = x x, v = u u, y = v x + 7 over and over in n rows. Spartan's vector is secrets, 1, public.
    fn of(n: usize) -> Self {
        let (start, seven) = (Scalar::from(0x5eedu64), Scalar::from(7u64));
        let secrets = n.next_power_of_two();
        let column = |wire: usize| if wire == 0 { secrets + 1 } else { wire - 1 };
        let one = Scalar::ONE.to_bytes();
        let (mut a, mut b, mut c) = (vec![], vec![], vec![]);
        let mut wires = vec![start];
        for i in 0..n {
            let x = i / 3 * 3;
            let (left, right) = [(x, x), (x + 1, x + 1), (x + 2, x)][i % 3];
            a.push((i, column(left), one));
            b.push((i, column(right), one));
            c.push((i, column(i + 1), one));
            let mut product = wires[left] * wires[right];
            if i % 3 == 2 {
                c.push((i, secrets, (-seven).to_bytes()));
                product += seven;
            }
            wires.push(product);
        }
        let rows = Instance::new(n, secrets, 1, &a, &b, &c).unwrap();
        let mut secret: Vec<_> = wires[1..].iter().map(Scalar::to_bytes).collect();
        secret.resize(secrets, Scalar::ZERO.to_bytes());
        let secret = VarsAssignment::new(&secret).unwrap();
        let public = InputsAssignment::new(&[start.to_bytes()]).unwrap();
        assert!(rows.is_sat(&secret, &public).unwrap());
        let other = InputsAssignment::new(&[(start + seven).to_bytes()]).unwrap();
        assert!(!rows.is_sat(&secret, &other).unwrap());
        Chain { rows, secret, public, generators: NIZKGens::new(n, secrets, 1), proof: None }
    }

    fn prove(&self) -> Vec<u8> {
        let (secret, generators) = (self.secret.clone(), &self.generators);
        let proof = NIZK::prove(&self.rows, secret, &self.public, generators, &mut transcript());
        bincode::serialize(&proof).unwrap()
    }

    fn verdict(&self, proof: &[u8]) -> String {
        let proof: NIZK = bincode::deserialize(proof).unwrap();
        let accepted = proof.verify(&self.rows, &self.public, &mut transcript(), &self.generators).is_ok();
        if accepted { "accepted" } else { "rejected" }.into()
    }
}

impl Peer for Spartan {
    fn run(&mut self, ask: &Request, timer: &mut Timer) -> String {
        let chain = self.chains.entry(ask.size).or_insert_with(|| Chain::of(ask.size));
        match ask.op.as_str() {
            "chain_prove" => timer.time(|_| chain.proof = Some(chain.prove())),
            "chain_verify" => {
                let proof = chain.proof.take().unwrap_or_else(|| chain.prove());
                timer.time(|_| assert_eq!(chain.verdict(&proof), "accepted"));
                chain.proof = Some(proof);
            }
            other => panic!("no such operation: {other}"),
        }
        let proof = chain.proof.as_ref().unwrap();
        timer.proof_bytes = proof.len();
        chain.verdict(proof)
    }
}

fn main() {
    serve(Spartan::default(), &["spartan", "curve25519-dalek"]);
}
