// SPDX-License-Identifier: MIT
//! Tasks that wait: what they take of memory.

use crate::{Bench, Case, Countdown, Done};
use std::sync::Arc;
use tokio::sync::Semaphore;

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// One Arc for all that the tasks share: the least that a safe program can do with.
struct Crowd {
    semaphore: Semaphore,
    waiting: Arc<Countdown>,
    ended: Arc<Countdown>,
}

fn parked(bench: &Bench, n: usize) -> Done {
    let (waiting, all_wait) = Countdown::new(n);
    let (ended, all_ended) = Countdown::new(n);
    let crowd = Arc::new(Crowd { semaphore: Semaphore::new(0), waiting, ended });
    let before = resident_bytes();
    bench.begin();
    for _ in 0..n {
        let crowd = crowd.clone();
        bench.rt.spawn(async move {
            crowd.waiting.one();
            crowd.semaphore.acquire().await.unwrap().forget();
            crowd.ended.one();
        });
    }
    all_wait.recv().unwrap();
    bench.end();
    let bytes = (resident_bytes() - before) / n as f64;
    crowd.semaphore.add_permits(n);
    all_ended.recv().unwrap();
    Done { ops: n, own: Some((bytes, 0.0)) }
}

pub const CASES: &[Case] = &[
    Case { name: "memory/parked_1m", iterate: |bench| parked(bench, 1_000_000), current: false, once: true },
    Case { name: "memory/parked_10m", iterate: |bench| parked(bench, 10_000_000), current: false, once: true },
];
