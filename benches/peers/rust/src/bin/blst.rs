//! Times blst over BLS12-381.

use blst::*;
use zkstate_peers::{hashed, serve, Peer, Request, Timer};

struct Blst;

/// Of signatures whose keys are proven.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// Scalars as blst takes them, little-endian.
fn scalars(path: &str, n: usize) -> Vec<u8> {
    let data = std::fs::read(path).unwrap();
    data[..32 * n].chunks(32).flat_map(|word| word.iter().rev().copied().collect::<Vec<u8>>()).collect()
}

fn multiple(scalar: &[u8]) -> blst_p1 {
    let mut point = blst_p1::default();
    unsafe { blst_p1_mult(&mut point, blst_p1_generator(), scalar.as_ptr(), 256) };
    point
}

impl Peer for Blst {
    fn run(&mut self, ask: &Request, timer: &mut Timer) -> String {
        match ask.op.as_str() {
            "bls12_381_msm_g1" => {
                let factors = scalars(&ask.files["scalars"], ask.size);
                let points: Vec<blst_p1> = factors.chunks(32).map(multiple).collect();
                let points = p1_affines::from(&points);
                let mut sum = blst_p1::default();
                timer.time(|_| sum = points.mult(&factors, 255));
                let mut bytes = [0u8; 48];
                unsafe { blst_p1_compress(bytes.as_mut_ptr(), &sum) };
                hashed(&bytes)
            }
            "bls12_381_pairing_check" => {
                let (mut p, mut q, mut h) = (blst_p1_affine::default(), blst_p2_affine::default(), blst_p2::default());
                let word = |value: u32| [&value.to_le_bytes()[..], &[0; 28]].concat();
                unsafe {
                    blst_p1_to_affine(&mut p, &multiple(&word(0x5eed)));
                    blst_p2_mult(&mut h, blst_p2_generator(), word(0xb0b).as_ptr(), 256);
                    blst_p2_to_affine(&mut q, &h);
                }
                let mut one = false;
                timer.time(|_| one = blst_fp12::miller_loop(&q, &p).final_exp() == blst_fp12::default());
                one.to_string()
            }
            "bls12_381_hash_to_g2" => {
                let message = [0x5a; 32];
                let (mut point, mut affine, none) = (blst_p2::default(), blst_p2_affine::default(), std::ptr::null());
                timer.time(|_| unsafe {
                    blst_hash_to_g2(&mut point, message.as_ptr(), 32, DOMAIN.as_ptr(), DOMAIN.len(), none, 0);
                    blst_p2_to_affine(&mut affine, &point);
                });
                let mut bytes = [0u8; 96];
                unsafe { blst_p2_affine_compress(bytes.as_mut_ptr(), &affine) };
                hashed(&bytes)
            }
            "bls12_381_fast_aggregate_verify" => {
                let (message, domain) = ([0x5a; 32], DOMAIN);
                let data = std::fs::read(&ask.files["scalars"]).unwrap();
                let secrets: Vec<min_pk::SecretKey> =
                    data[..32 * ask.size].chunks(32).map(|word| min_pk::SecretKey::from_bytes(word).unwrap()).collect();
                let keys: Vec<min_pk::PublicKey> = secrets.iter().map(|secret| secret.sk_to_pk()).collect();
                let keys: Vec<&min_pk::PublicKey> = keys.iter().collect();
                let signed: Vec<min_pk::Signature> =
                    secrets.iter().map(|secret| secret.sign(&message, domain, &[])).collect();
                let signed: Vec<&min_pk::Signature> = signed.iter().collect();
                let signature = min_pk::AggregateSignature::aggregate(&signed, false).unwrap().to_signature();
                let mut found = BLST_ERROR::BLST_VERIFY_FAIL;
                timer.time(|_| found = signature.fast_aggregate_verify(false, &message, domain, &keys));
                (found == BLST_ERROR::BLST_SUCCESS).to_string()
            }
            op => panic!("no such operation: {op}"),
        }
    }
}

fn main() {
    serve(Blst, &["blst"]);
}
