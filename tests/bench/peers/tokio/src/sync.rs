// SPDX-License-Identifier: MIT
//! Tokio's sync_notify.rs and sync_semaphore.rs; and the mutex, for which it has none.

use crate::{current_case, multi_case, ops, Bench, Case, Countdown, Done};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::{spawn, yield_now};

const COUNTS: usize = 500;
const COUNT_ROUNDS: usize = 20;
const PERMITS: usize = 6;
const BLOCK_ONS: usize = 1_000;
const LOCKERS: usize = 8;
const LOCKS: usize = 1_000;
const LOCK_YIELDS: usize = 200;

fn notify(bench: &Bench, tasks: usize, call: fn(&Notify)) -> Done {
    let notify = Arc::new(Notify::new());
    let count = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let (countdown, ended) = Countdown::new(tasks);
    for _ in 0..tasks {
        let (notify, count, stop, countdown) = (notify.clone(), count.clone(), stop.clone(), countdown.clone());
        bench.bare.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                notify.notified().await;
                count.fetch_add(1, Ordering::Relaxed);
            }
            countdown.one();
        });
    }
    bench.begin();
    for _ in 0..COUNT_ROUNDS {
        count.store(0, Ordering::Relaxed);
        loop {
            call(&notify);
            if count.load(Ordering::Relaxed) >= COUNTS {
                break;
            }
        }
    }
    bench.end();
    stop.store(true, Ordering::Relaxed);
    while ended.try_recv().is_err() {
        notify.notify_waiters();
        notify.notify_one();
    }
    ops(COUNT_ROUNDS * COUNTS)
}

async fn acquire(semaphore: Arc<Semaphore>) {
    drop(semaphore.acquire().await.unwrap());
}

fn in_turn(bench: &Bench, permits: usize) -> Done {
    let semaphore = Semaphore::new(permits);
    bench.begin();
    for _ in 0..BLOCK_ONS {
        bench.bare.block_on(async {
            for _ in 0..PERMITS {
                drop(semaphore.acquire().await.unwrap());
            }
        });
    }
    bench.end();
    ops(BLOCK_ONS * PERMITS)
}

fn by_tasks(bench: &Bench, permits: usize) -> Done {
    let semaphore = Arc::new(Semaphore::new(permits));
    bench.begin();
    for _ in 0..BLOCK_ONS {
        bench.bare.block_on(async {
            tokio::try_join!(
                spawn(acquire(semaphore.clone())),
                spawn(acquire(semaphore.clone())),
                spawn(acquire(semaphore.clone())),
                spawn(acquire(semaphore.clone())),
                spawn(acquire(semaphore.clone())),
                spawn(acquire(semaphore.clone()))
            )
            .unwrap();
        });
    }
    bench.end();
    ops(BLOCK_ONS * PERMITS)
}

fn side_by_side(bench: &Bench, permits: usize) -> Done {
    let semaphore = Arc::new(Semaphore::new(permits));
    bench.begin();
    for _ in 0..BLOCK_ONS {
        bench.bare.block_on(async {
            tokio::join!(
                acquire(semaphore.clone()),
                acquire(semaphore.clone()),
                acquire(semaphore.clone()),
                acquire(semaphore.clone()),
                acquire(semaphore.clone()),
                acquire(semaphore.clone())
            );
        });
    }
    bench.end();
    ops(BLOCK_ONS * PERMITS)
}

fn lock(bench: &Bench, tasks: usize, n: usize, hold: bool) -> Done {
    let mutex = Arc::new(Mutex::new(0));
    let (countdown, ended) = Countdown::new(tasks);
    bench.begin();
    for _ in 0..tasks {
        let (mutex, countdown) = (mutex.clone(), countdown.clone());
        bench.bare.spawn(async move {
            for _ in 0..n {
                let mut count = mutex.lock().await;
                *count += 1;
                if hold {
                    yield_now().await;
                }
            }
            countdown.one();
        });
    }
    ended.recv().unwrap();
    bench.end();
    assert_eq!(*mutex.blocking_lock(), tasks * n);
    ops(tasks * n)
}

pub const CASES: &[Case] = &[
    multi_case("sync_notify/notify_one_10", |bench| notify(bench, 10, Notify::notify_one)),
    multi_case("sync_notify/notify_one_50", |bench| notify(bench, 50, Notify::notify_one)),
    multi_case("sync_notify/notify_one_100", |bench| notify(bench, 100, Notify::notify_one)),
    multi_case("sync_notify/notify_one_200", |bench| notify(bench, 200, Notify::notify_one)),
    multi_case("sync_notify/notify_one_500", |bench| notify(bench, 500, Notify::notify_one)),
    multi_case("sync_notify/notify_waiters_10", |bench| notify(bench, 10, Notify::notify_waiters)),
    multi_case("sync_notify/notify_waiters_50", |bench| notify(bench, 50, Notify::notify_waiters)),
    multi_case("sync_notify/notify_waiters_100", |bench| notify(bench, 100, Notify::notify_waiters)),
    multi_case("sync_notify/notify_waiters_200", |bench| notify(bench, 200, Notify::notify_waiters)),
    multi_case("sync_notify/notify_waiters_500", |bench| notify(bench, 500, Notify::notify_waiters)),
    multi_case("sync_semaphore/uncontended_multi", |bench| in_turn(bench, 10)),
    multi_case("sync_semaphore/uncontended_concurrent_multi", |bench| by_tasks(bench, 10)),
    current_case("sync_semaphore/uncontended_concurrent_single", |bench| side_by_side(bench, 10)),
    multi_case("sync_semaphore/contention_concurrent_multi", |bench| by_tasks(bench, 5)),
    current_case("sync_semaphore/contention_concurrent_single", |bench| side_by_side(bench, 5)),
    multi_case("sync_mutex/x_uncontended", |bench| lock(bench, 1, LOCKERS * LOCKS, false)),
    multi_case("sync_mutex/x_contended8", |bench| lock(bench, LOCKERS, LOCKS, false)),
    multi_case("sync_mutex/x_contended8_hold_yield", |bench| lock(bench, LOCKERS, LOCK_YIELDS, true)),
];
