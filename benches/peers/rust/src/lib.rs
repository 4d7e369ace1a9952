//! The loop that every peer in Rust shares: one JSON request a line, one JSON answer a line (../protocol.md).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

#[derive(Deserialize)]
pub struct Request {
    pub op: String,
    #[serde(default)]
    pub size: usize,
    #[serde(default)]
    pub repeat: usize,
    #[serde(default)]
    pub files: HashMap<String, String>,
}

#[derive(Serialize, Default)]
struct Reply {
    wall_s: f64,
    cpu_s: f64,
    digest: String,
    peak_mib: f64,
    proof_bytes: usize,
    error: String,
    version: String,
}

pub trait Peer {
    /// Prepares the inputs, times the call with `timer`, gives the digest of the answer.
    fn run(&mut self, request: &Request, timer: &mut Timer) -> String;
}

/// Runs a call `repeat` times and keeps what one of them cost, and the size of a proof where there is one.
pub struct Timer {
    pub proof_bytes: usize,
    repeat: usize,
    wall_s: f64,
    cpu_s: f64,
}

impl Timer {
    pub fn repeat(&self) -> usize {
        self.repeat
    }

    /// `call` gets the number of the repetition.
    pub fn time(&mut self, mut call: impl FnMut(usize)) {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        for i in 0..self.repeat {
            call(i);
        }
        let n = self.repeat as f64;
        self.wall_s = start.elapsed().as_secs_f64() / n;
        self.cpu_s = (cpu_seconds() - cpu) / n;
    }
}

fn usage() -> libc::rusage {
    let mut use_: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut use_) }, 0);
    use_
}

fn cpu_seconds() -> f64 {
    let use_ = usage();
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(use_.ru_utime) + seconds(use_.ru_stime)
}

pub fn hashed(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The version that Cargo.lock pins for a package.
fn locked(package: &str) -> String {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let start = format!("name = \"{package}\"\nversion = \"");
    let rest = lock.split(&start).nth(1).unwrap_or("?\"");
    format!("{package} {}", rest.split('"').next().unwrap_or("?"))
}

pub fn serve<P: Peer>(mut peer: P, packages: &[&str]) {
    std::panic::set_hook(Box::new(|_| {}));
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line.unwrap()).unwrap();
        let mut reply = Reply::default();
        if request.op == "hello" {
            reply.version = packages.iter().map(|name| locked(name)).collect::<Vec<_>>().join(", ");
        } else {
            let mut timer = Timer { proof_bytes: 0, repeat: request.repeat.max(1), wall_s: 0.0, cpu_s: 0.0 };
            match catch_unwind(AssertUnwindSafe(|| peer.run(&request, &mut timer))) {
                Ok(digest) => {
                    (reply.wall_s, reply.cpu_s) = (timer.wall_s, timer.cpu_s);
                    (reply.digest, reply.proof_bytes) = (digest, timer.proof_bytes);
                    reply.peak_mib = usage().ru_maxrss as f64 / 1024.0;
                }
                Err(cause) => {
                    let text = cause.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| cause.downcast_ref::<&str>().map(|s| s.to_string()));
                    reply.error = text.unwrap_or_else(|| "panicked".into());
                }
            }
        }
        println!("{}", serde_json::to_string(&reply).unwrap());
        std::io::stdout().flush().unwrap();
    }
}
