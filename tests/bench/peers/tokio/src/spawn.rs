// SPDX-License-Identifier: MIT
//! Tokio's rt_current_thread.rs, spawn.rs and spawn_blocking.rs, and two tasks that wake each other.

use crate::{current_case, multi_case, ops, Bench, Case, Countdown, Done};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{yield_now, JoinSet};

const SPAWNS: usize = 1_000;
const YIELDERS: usize = 200;
const YIELDS: usize = 1_000;
const PAIR_WAKES: usize = 10_000;
const BATCHES: usize = 100;
const BATCH: usize = 16;

fn spawn_many_local(bench: &Bench) -> Done {
    bench.bare.block_on(async {
        let mut handles = Vec::with_capacity(SPAWNS);
        for _ in 0..SPAWNS {
            handles.push(tokio::spawn(async {}));
        }
        for handle in handles {
            handle.await.unwrap();
        }
    });
    ops(SPAWNS)
}

fn spawn_outside(bench: &Bench) {
    let mut handles = Vec::with_capacity(SPAWNS);
    for _ in 0..SPAWNS {
        handles.push(bench.bare.spawn(async {}));
    }
    bench.bare.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
}

fn spawn_many_remote_idle(bench: &Bench) -> Done {
    spawn_outside(bench);
    ops(SPAWNS)
}

fn endless(stop: Arc<AtomicBool>) {
    tokio::spawn(async move {
        if !stop.load(Ordering::Relaxed) {
            endless(stop);
        }
    });
}

fn spawn_many_remote_busy(bench: &Bench) -> Done {
    let stop = Arc::new(AtomicBool::new(false));
    let first = stop.clone();
    bench.bare.spawn(async move { endless(first) });
    bench.begin();
    spawn_outside(bench);
    bench.end();
    stop.store(true, Ordering::Relaxed);
    bench.bare.block_on(async {
        while Arc::strong_count(&stop) > 1 {
            yield_now().await;
        }
    });
    ops(SPAWNS)
}

fn yield_many(bench: &Bench) -> Done {
    bench.bare.block_on(async {
        let mut handles = Vec::with_capacity(YIELDERS);
        for _ in 0..YIELDERS {
            handles.push(tokio::spawn(async {
                for _ in 0..YIELDS {
                    yield_now().await;
                }
            }));
        }
        for handle in handles {
            handle.await.unwrap();
        }
    });
    ops(YIELDERS * YIELDS)
}

async fn waking(mine: Arc<Notify>, other: Arc<Notify>) {
    for _ in 0..PAIR_WAKES {
        other.notify_one();
        mine.notified().await;
    }
}

fn wake_pair(bench: &Bench) -> Done {
    let (a, b) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    bench.bare.block_on(async move {
        let one = tokio::spawn(waking(a.clone(), b.clone()));
        let other = tokio::spawn(waking(b, a));
        one.await.unwrap();
        other.await.unwrap();
    });
    ops(2 * PAIR_WAKES)
}

fn spawn_yielding(bench: &Bench, n: usize) -> Done {
    bench.bare.block_on(async move {
        let mut handles = Vec::with_capacity(n);
        for _ in 0..n {
            handles.push(tokio::spawn(yield_now()));
        }
        for handle in handles {
            handle.await.unwrap();
        }
    });
    ops(n)
}

fn run_jobs(bench: &Bench, tasks: usize) -> Done {
    let (countdown, done) = Countdown::new(tasks);
    for _ in 0..tasks {
        let countdown = countdown.clone();
        bench.rt.spawn(async move {
            for _ in 0..BATCHES {
                let mut batch = JoinSet::new();
                for _ in 0..BATCH {
                    batch.spawn_blocking(|| std::hint::black_box(Cell::new(0)).set(0));
                }
                batch.join_all().await;
            }
            countdown.one();
        });
    }
    done.recv().unwrap();
    ops(tasks * BATCHES * BATCH)
}

pub const CASES: &[Case] = &[
    current_case("rt_current_thread/spawn_many_local", spawn_many_local),
    current_case("rt_current_thread/spawn_many_remote_idle", spawn_many_remote_idle),
    current_case("rt_current_thread/spawn_many_remote_busy", spawn_many_remote_busy),
    current_case("rt_current_thread/x_yield_many", yield_many),
    current_case("rt_current_thread/x_wake_pair", wake_pair),
    current_case("spawn/basic_scheduler_spawn", |bench| spawn_yielding(bench, 1)),
    current_case("spawn/basic_scheduler_spawn10", |bench| spawn_yielding(bench, 10)),
    multi_case("spawn/threaded_scheduler_spawn", |bench| spawn_yielding(bench, 1)),
    multi_case("spawn/threaded_scheduler_spawn10", |bench| spawn_yielding(bench, 10)),
    multi_case("spawn_blocking/concurrency_1", |bench| run_jobs(bench, 1)),
    multi_case("spawn_blocking/concurrency_4", |bench| run_jobs(bench, 4)),
];
