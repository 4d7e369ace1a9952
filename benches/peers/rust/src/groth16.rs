//! arkworks' Groth16 over the rows of our .r1cs, under a key of its own.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ff::PrimeField;
use ark_groth16::{prepare_verifying_key, Groth16, Proof, ProvingKey};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, ConstraintSystemRef, LinearCombination, Matrix, OptimizationGoal,
    SynthesisError, SynthesisMode, Variable, R1CS_PREDICATE_LABEL,
};
use ark_std::{rand::rngs::OsRng, UniformRand};
use std::path::Path;
use zkstate_peers::{Request, Timer};

type Row = [Vec<(usize, Fr)>; 3];

pub struct Instance {
    public: usize,
    rows: Vec<Row>,
    wires: Vec<Fr>,
    solved: Option<(Vec<Matrix<Fr>>, usize, usize, Vec<Fr>)>,
    key: Option<ProvingKey<Bn254>>,
    proof: Option<Proof<Bn254>>,
}

/// Reads a file of sections, little-endian, from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        head
    }

    fn integer(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().rev().fold(0, |n, &byte| n << 8 | byte as usize)
    }

    fn scalar(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(self.take(32))
    }
}

fn section<'a>(file: &'a [u8], wanted: usize) -> Reader<'a> {
    let mut reader = Reader(&file[8..]);
    for _ in 0..reader.integer(4) {
        let (kind, length) = (reader.integer(4), reader.integer(8));
        let body = reader.take(length);
        if kind == wanted {
            return Reader(body);
        }
    }
    panic!("section {wanted} is missing")
}

impl ConstraintSynthesizer<Fr> for &Instance {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let mut variables = vec![Variable::One];
        for (i, &value) in self.wires.iter().enumerate().skip(1) {
            variables.push(match i <= self.public {
                true => cs.new_input_variable(|| Ok(value))?,
                false => cs.new_witness_variable(|| Ok(value))?,
            });
        }
        let combination = |terms: &Vec<(usize, Fr)>| {
            let terms: Vec<_> = terms.iter().map(|&(wire, value)| (value, variables[wire])).collect();
            LinearCombination::from_sum_coeff_vars(&terms)
        };
        for [a, b, c] in &self.rows {
            cs.enforce_r1cs_constraint(|| combination(a), || combination(b), || combination(c))?;
        }
        Ok(())
    }
}

impl Instance {
    pub fn read(r1cs: &str, wtns: &str) -> Self {
        let (r1cs, wtns) = (super::contents(r1cs), super::contents(wtns));
        let mut head = section(&r1cs, 1);
        head.take(4 + 32);
        let (wires, public) = (head.integer(4), head.integer(4) + head.integer(4));
        head.take(4 + 8);
        let n_rows = head.integer(4);
        let mut body = section(&r1cs, 2);
        let mut combination = || {
            let n = body.integer(4);
            (0..n).map(|_| (body.integer(4), body.scalar())).collect()
        };
        let rows = (0..n_rows).map(|_| [combination(), combination(), combination()]).collect();
        let mut body = section(&wtns, 2);
        let wires = (0..wires).map(|_| body.scalar()).collect();
        Instance { public, rows, wires, solved: None, key: None, proof: None }
    }

    /// Matrices, inputs with the constant, rows and full assignment, made once: a prover from a file has them too.
    fn solve(&self) -> (Vec<Matrix<Fr>>, usize, usize, Vec<Fr>) {
        let cs = ConstraintSystem::new_ref();
        cs.set_optimization_goal(OptimizationGoal::Constraints);
        cs.set_mode(SynthesisMode::Prove { construct_matrices: true, generate_lc_assignments: false });
        self.generate_constraints(cs.clone()).unwrap();
        cs.finalize();
        let matrices = cs.to_matrices().unwrap().remove(R1CS_PREDICATE_LABEL).unwrap();
        let mut values = cs.instance_assignment().unwrap();
        values.extend(cs.witness_assignment().unwrap());
        (matrices, cs.num_instance_variables(), cs.num_constraints(), values)
    }

    fn make_key(&self) -> ProvingKey<Bn254> {
        Groth16::<Bn254>::generate_random_parameters_with_reduction(self, &mut OsRng).unwrap()
    }

    fn make_proof(&self) -> Proof<Bn254> {
        let (matrices, inputs, rows, values) = self.solved.as_ref().unwrap();
        let (r, s) = (Fr::rand(&mut OsRng), Fr::rand(&mut OsRng));
        let key = self.key.as_ref().unwrap();
        Groth16::<Bn254>::create_proof_with_reduction_and_matrices(key, r, s, matrices, *inputs, *rows, values).unwrap()
    }

    pub fn run(&mut self, op: &str, ask: &Request, timer: &mut Timer) -> String {
        if op == "groth16_setup" {
            let mut key = None;
            timer.time(|_| key = Some(self.make_key()));
            self.key = key;
            return "accepted".into();
        }
        if self.solved.is_none() {
            self.solved = Some(self.solve());
        }
        if self.key.is_none() {
            self.key = Some(self.make_key());
        }
        let prepared = prepare_verifying_key(&self.key.as_ref().unwrap().vk);
        let inputs = self.wires[1..=self.public].to_vec();
        let verdict = |proof: &Proof<Bn254>| {
            let accepted = Groth16::<Bn254>::verify_proof(&prepared, proof, &inputs).unwrap();
            if accepted { "accepted" } else { "rejected" }.to_string()
        };
        if op == "groth16_prove" {
            let mut proof = None;
            timer.time(|_| proof = Some(self.make_proof()));
            self.proof = proof;
            if let Some(folder) = ask.files.get("out") {
                self.write(Path::new(folder));
            }
            return verdict(self.proof.as_ref().unwrap());
        }
        let proof = self.proof.clone().unwrap_or_else(|| self.make_proof());
        let each = if op == "groth16_verify_batch" { ask.size } else { 1 }; // one by one: there is no batch
        let mut found = String::new();
        timer.time(|_| (0..each).for_each(|_| found = verdict(&proof)));
        found
    }

    /// verification_key.json and proof.json as snarkjs lays them out.
    fn write(&self, folder: &Path) {
        let (vk, proof) = (&self.key.as_ref().unwrap().vk, self.proof.as_ref().unwrap());
        let g1 = |p: &G1Affine| serde_json::json!([p.x.to_string(), p.y.to_string(), "1"]);
        let g2 = |p: &G2Affine| {
            let pair = |x: &ark_bn254::Fq2| [x.c0.to_string(), x.c1.to_string()];
            serde_json::json!([pair(&p.x), pair(&p.y), ["1", "0"]])
        };
        let ic: Vec<_> = vk.gamma_abc_g1.iter().map(g1).collect();
        let key = serde_json::json!({
            "protocol": "groth16", "curve": "bn128", "nPublic": self.public, "vk_alpha_1": g1(&vk.alpha_g1),
            "vk_beta_2": g2(&vk.beta_g2), "vk_gamma_2": g2(&vk.gamma_g2), "vk_delta_2": g2(&vk.delta_g2), "IC": ic,
        });
        let proof = serde_json::json!({
            "protocol": "groth16", "curve": "bn128", "pi_a": g1(&proof.a), "pi_b": g2(&proof.b), "pi_c": g1(&proof.c),
        });
        std::fs::write(folder.join("verification_key.json"), key.to_string()).unwrap();
        std::fs::write(folder.join("proof.json"), proof.to_string()).unwrap();
    }
}
