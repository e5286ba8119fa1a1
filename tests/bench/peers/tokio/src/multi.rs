// SPDX-License-Identifier: MIT
//! Tokio's rt_multi_threaded.rs and remote_spawn.rs, and what they leave out: spawning and joining by a task.

use crate::{multi_case, ops, Bench, Case, Countdown, Done};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SPAWNS: usize = 10_000;
const SPAWNS_FEW: usize = 1_000;
const REMOTE_SPAWNS: usize = 12_800;
const YIELDERS: usize = 200;
const YIELDS: usize = 1_000;
const PINGS: usize = 1_000;
const CHAIN: usize = 1_000;

fn spawn_many_local(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(SPAWNS);
    bench.rt.block_on(async {
        for _ in 0..SPAWNS {
            let countdown = countdown.clone();
            tokio::spawn(async move { countdown.one() });
        }
    });
    done.recv().unwrap();
    ops(SPAWNS)
}

fn spawn_from_worker(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(SPAWNS);
    bench.rt.spawn(async move {
        for _ in 0..SPAWNS {
            let countdown = countdown.clone();
            tokio::spawn(async move { countdown.one() });
        }
    });
    done.recv().unwrap();
    ops(SPAWNS)
}

fn join_in_order(rt: &Runtime, handles: Vec<JoinHandle<()>>) {
    rt.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
}

fn spawn_and_join(rt: &Runtime, n: usize) {
    let mut handles = Vec::with_capacity(n);
    for _ in 0..n {
        handles.push(rt.spawn(async {}));
    }
    join_in_order(rt, handles);
}

fn spawn_many_remote_idle(bench: &Bench) -> Done {
    spawn_and_join(&bench.rt, SPAWNS);
    ops(SPAWNS)
}

fn spawn_join(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(1);
    bench.rt.spawn(async move {
        let mut handles = Vec::with_capacity(SPAWNS_FEW);
        for _ in 0..SPAWNS_FEW {
            handles.push(tokio::spawn(async {}));
        }
        for handle in handles {
            handle.await.unwrap();
        }
        countdown.one();
    });
    done.recv().unwrap();
    ops(SPAWNS_FEW)
}

fn stall() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(10) {
        std::thread::yield_now();
    }
}

fn spawn_many_remote_busy1(bench: &Bench) -> Done {
    let n = 2 * bench.workers;
    let stop = Arc::new(AtomicBool::new(false));
    let (countdown, ended) = Countdown::new(n);
    for _ in 0..n {
        let (stop, countdown) = (stop.clone(), countdown.clone());
        bench.rt.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
                stall();
            }
            countdown.one();
        });
    }
    bench.begin();
    spawn_and_join(&bench.rt, SPAWNS_FEW);
    bench.end();
    stop.store(true, Ordering::Relaxed);
    ended.recv().unwrap();
    ops(SPAWNS_FEW)
}

fn stalling_chain(stop: Arc<AtomicBool>, countdown: Arc<Countdown>) {
    tokio::spawn(async move {
        if stop.load(Ordering::Relaxed) {
            countdown.one();
        } else {
            stall();
            stalling_chain(stop, countdown);
        }
    });
}

fn spawn_many_remote_busy2(bench: &Bench) -> Done {
    let stop = Arc::new(AtomicBool::new(false));
    let (countdown, ended) = Countdown::new(bench.workers);
    for _ in 0..bench.workers {
        let (stop, countdown) = (stop.clone(), countdown.clone());
        bench.rt.spawn(async move { stalling_chain(stop, countdown) });
    }
    bench.begin();
    spawn_and_join(&bench.rt, SPAWNS_FEW);
    bench.end();
    stop.store(true, Ordering::Relaxed);
    ended.recv().unwrap();
    ops(SPAWNS_FEW)
}

fn yield_many(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(YIELDERS);
    for _ in 0..YIELDERS {
        let countdown = countdown.clone();
        bench.rt.spawn(async move {
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            countdown.one();
        });
    }
    done.recv().unwrap();
    ops(YIELDERS * YIELDS)
}

fn ping_pong(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(PINGS);
    bench.rt.spawn(async move {
        for _ in 0..PINGS {
            let countdown = countdown.clone();
            tokio::spawn(async move {
                let (tx1, rx1) = oneshot::channel();
                let (tx2, rx2) = oneshot::channel();
                tokio::spawn(async move {
                    rx1.await.unwrap();
                    tx2.send(()).unwrap();
                });
                tx1.send(()).unwrap();
                rx2.await.unwrap();
                countdown.one();
            });
        }
    });
    done.recv().unwrap();
    ops(PINGS)
}

fn chain(countdown: Arc<Countdown>, n: usize) {
    if n == 0 {
        countdown.one();
    } else {
        tokio::spawn(async move { chain(countdown, n - 1) });
    }
}

fn chained_spawn(bench: &Bench) -> Done {
    let (countdown, done) = Countdown::new(1);
    bench.rt.spawn(async move { chain(countdown, CHAIN) });
    done.recv().unwrap();
    ops(CHAIN)
}

fn spawn_by_threads(bench: &Bench, threads: usize) -> Done {
    let start = Barrier::new(threads + 1);
    let rt = &bench.rt;
    let mut all = Vec::with_capacity(REMOTE_SPAWNS);
    std::thread::scope(|scope| {
        let spawning: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut handles = Vec::with_capacity(REMOTE_SPAWNS / threads);
                    start.wait();
                    for _ in 0..REMOTE_SPAWNS / threads {
                        handles.push(rt.spawn(async {}));
                    }
                    handles
                })
            })
            .collect();
        bench.begin();
        start.wait();
        for thread in spawning {
            all.append(&mut thread.join().unwrap());
        }
        join_in_order(rt, all);
        bench.end();
    });
    ops(REMOTE_SPAWNS)
}

pub const CASES: &[Case] = &[
    multi_case("rt_multi_threaded/spawn_many_local", spawn_many_local),
    multi_case("rt_multi_threaded/spawn_many_remote_idle", spawn_many_remote_idle),
    multi_case("rt_multi_threaded/spawn_many_remote_busy1", spawn_many_remote_busy1),
    multi_case("rt_multi_threaded/spawn_many_remote_busy2", spawn_many_remote_busy2),
    multi_case("rt_multi_threaded/yield_many", yield_many),
    multi_case("rt_multi_threaded/ping_pong", ping_pong),
    multi_case("rt_multi_threaded/chained_spawn", chained_spawn),
    multi_case("rt_multi_threaded/x_spawn_from_worker", spawn_from_worker),
    multi_case("rt_multi_threaded/x_spawn_join", spawn_join),
    multi_case("remote_spawn/threads_1", |bench| spawn_by_threads(bench, 1)),
    multi_case("remote_spawn/threads_2", |bench| spawn_by_threads(bench, 2)),
];
