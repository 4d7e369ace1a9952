//! Times arkworks, and light-poseidon, which is built on it.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup, ScalarMul, VariableBaseMSM};
use ark_ff::{BigInteger, One, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use light_poseidon::{Poseidon, PoseidonHasher};
use std::collections::HashMap;
use zkstate_peers::{hashed, serve, Peer, Request, Timer};

#[path = "../groth16.rs"]
mod groth16;

#[derive(Default)]
struct Arkworks {
    scalars: HashMap<String, Vec<Fr>>,
    g1: HashMap<String, Vec<G1Affine>>,
    g2: HashMap<String, Vec<G2Affine>>,
    instances: HashMap<String, groth16::Instance>,
}

fn integer<F: PrimeField>(word: &[u8]) -> F {
    F::from_be_bytes_mod_order(word)
}

fn words<F: PrimeField>(values: &[F]) -> Vec<u8> {
    values.iter().flat_map(|value| value.into_bigint().to_bytes_be()).collect()
}

fn contents(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Arkworks {
    fn scalars(&mut self, path: &str, n: usize) -> Vec<Fr> {
        let read = || contents(path).chunks(32).map(integer).collect();
        self.scalars.entry(path.into()).or_insert_with(read)[..n].to_vec()
    }

    fn g1(&mut self, path: &str, n: usize) -> Vec<G1Affine> {
        let point = |p: &[u8]| G1Affine::new_unchecked(integer(&p[..32]), integer(&p[32..]));
        let read = || contents(path).chunks(64).map(point).collect();
        self.g1.entry(path.into()).or_insert_with(read)[..n].to_vec()
    }

    fn g2(&mut self, path: &str, n: usize) -> Vec<G2Affine> {
        let part = |p: &[u8]| Fq2::new(integer(&p[32..64]), integer(&p[..32]));
        let point = |p: &[u8]| G2Affine::new_unchecked(part(&p[..64]), part(&p[64..]));
        let read = || contents(path).chunks(128).map(point).collect();
        self.g2.entry(path.into()).or_insert_with(read)[..n].to_vec()
    }
}

fn digest_g1(points: &[G1Affine]) -> String {
    hashed(&words::<Fq>(&points.iter().flat_map(|p| [p.x, p.y]).collect::<Vec<_>>()))
}

fn digest_g2(p: &G2Affine) -> String {
    hashed(&words::<Fq>(&[p.x.c1, p.x.c0, p.y.c1, p.y.c0]))
}

/// (a_i G, b_i H) with sum a_i b_i = 0, or, of a single pair, one whose pairing is not one.
fn pairs(n: usize) -> (Vec<G1Affine>, Vec<G2Affine>) {
    let (mut sum, mut p, mut q) = (Fr::zero(), vec![], vec![]);
    for i in 0..n {
        let (mut a, mut b) = (Fr::from(0x5eed + i as u64), Fr::from(0xb0b + i as u64));
        if i == n - 1 && n > 1 {
            (a, b) = (-sum, Fr::one());
        } else {
            sum += a * b;
        }
        p.push((G1Affine::generator() * a).into_affine());
        q.push((G2Affine::generator() * b).into_affine());
    }
    (p, q)
}

impl Peer for Arkworks {
    fn run(&mut self, ask: &Request, timer: &mut Timer) -> String {
        let (n, file) = (ask.size, |name: &str| ask.files[name].as_str());
        match ask.op.as_str() {
            "fr_mul" => multiply(self.scalars(file("a"), n), self.scalars(file("b"), n), timer),
            "fp_mul" => {
                let lift = |values: Vec<Fr>| values.iter().map(|v| Fq::from(v.into_bigint())).collect();
                multiply::<Fq>(lift(self.scalars(file("a"), n)), lift(self.scalars(file("b"), n)), timer)
            }
            "ntt" => {
                let domain = Radix2EvaluationDomain::<Fr>::new(n).unwrap();
                let mut copies = vec![self.scalars(file("a"), n); ask.repeat.max(1)];
                timer.time(|i| domain.fft_in_place(&mut copies[i]));
                hashed(&words(&copies[0]))
            }
            "msm_g1" => {
                let (points, scalars) = (self.g1(file("points"), n), self.scalars(file("scalars"), n));
                let mut sum = G1Projective::zero();
                timer.time(|_| sum = G1Projective::msm(&points, &scalars).unwrap());
                digest_g1(&[sum.into_affine()])
            }
            "msm_g2" => {
                let (points, scalars) = (self.g2(file("points"), n), self.scalars(file("scalars"), n));
                let mut sum = G2Projective::zero();
                timer.time(|_| sum = G2Projective::msm(&points, &scalars).unwrap());
                digest_g2(&sum.into_affine())
            }
            "fixed_base_g1" => {
                let scalars = self.scalars(file("scalars"), n);
                let mut out = vec![];
                timer.time(|_| out = G1Projective::generator().batch_mul(&scalars));
                digest_g1(&out)
            }
            "pairing_check" => {
                let (p, q) = pairs(n);
                let mut one = false;
                timer.time(|_| one = Bn254::multi_pairing(&p, &q).is_zero());
                one.to_string()
            }
            "pairing_check_fixed" => {
                let (p, q) = pairs(n);
                let lines: Vec<<Bn254 as Pairing>::G2Prepared> = q.iter().map(|&q| q.into()).collect();
                let mut copies = vec![lines; ask.repeat.max(1)];
                let mut one = false;
                timer.time(|i| one = Bn254::multi_pairing(&p, std::mem::take(&mut copies[i])).is_zero());
                one.to_string()
            }
            "poseidon_t3" => {
                let inputs = self.scalars(file("a"), 2 * n);
                let mut hasher = Poseidon::<Fr>::new_circom(2).unwrap();
                let mut out = vec![Fr::zero(); n];
                timer.time(|_| {
                    for (out, pair) in out.iter_mut().zip(inputs.chunks(2)) {
                        *out = hasher.hash(pair).unwrap();
                    }
                });
                hashed(&words(&out))
            }
            op if op.starts_with("groth16_") => {
                let read = || groth16::Instance::read(file("r1cs"), file("wtns"));
                let instance = self.instances.entry(file("r1cs").into()).or_insert_with(read);
                instance.run(op, ask, timer)
            }
            op => panic!("no such operation: {op}"),
        }
    }
}

fn multiply<F: PrimeField>(a: Vec<F>, b: Vec<F>, timer: &mut Timer) -> String {
    let mut out = vec![F::zero(); a.len()];
    timer.time(|_| {
        for i in 0..out.len() {
            out[i] = a[i] * b[i];
        }
    });
    hashed(&words(&out))
}

fn main() {
    serve(Arkworks::default(), &["ark-bn254", "ark-ec", "ark-poly", "ark-groth16", "light-poseidon"]);
}
