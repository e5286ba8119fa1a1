// SPDX-License-Identifier: MIT
//! Tokio's time_now.rs and time_timeout.rs; timers registered and dropped, and how late they wake.

use crate::{current_case, multi_case, ops, times, Bench, Case, Countdown, Done};
use std::future::{poll_fn, Future};
use std::hint::black_box;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until, timeout};

const BLOCK_ONS: usize = 1_000;
const TASKS: usize = 8;
const TIMER_OPS: usize = 1_000;
const SLEEPERS_FEW: usize = 100;
const SLEEPS: usize = 10;
const SLEEPERS: usize = 100_000;
const SECOND: Duration = Duration::from_secs(1);

fn now_in_block_on(bench: &Bench) -> Done {
    for _ in 0..BLOCK_ONS {
        bench.rt.block_on(async { black_box(Instant::now()) });
    }
    ops(BLOCK_ONS)
}

async fn timing_out() {
    for _ in 0..TIMER_OPS {
        black_box(timeout(SECOND, async {}).await).unwrap();
    }
}

async fn dropping() {
    for _ in 0..TIMER_OPS {
        drop(black_box(sleep(SECOND)));
    }
}

async fn cancelling() {
    for _ in 0..TIMER_OPS {
        let mut sleep = pin!(sleep(SECOND));
        poll_fn(|cx| {
            assert!(Pin::as_mut(&mut sleep).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }
}

fn one<F: Future<Output = ()>>(bench: &Bench, job: fn() -> F) -> Done {
    bench.rt.block_on(job());
    ops(TIMER_OPS)
}

fn eight<F: Future<Output = ()> + Send + 'static>(bench: &Bench, job: fn() -> F) -> Done {
    bench.rt.block_on(async {
        let handles: Vec<_> = (0..TASKS).map(|_| tokio::spawn(job())).collect();
        for handle in handles {
            handle.await.unwrap();
        }
    });
    ops(TASKS * TIMER_OPS)
}

/// Where each sleep puts how late it was, so that nobody is woken for it.
fn places(n: usize) -> Arc<[AtomicU64]> {
    (0..n).map(|_| AtomicU64::new(0)).collect()
}

fn note(late: &AtomicU64, deadline: Instant) {
    late.store(deadline.elapsed().as_nanos() as u64, Ordering::Relaxed);
}

fn times_of(late: &[AtomicU64]) -> Done {
    times(late.iter().map(|ns| ns.load(Ordering::Relaxed) as f64).collect())
}

fn sleepers_100(bench: &Bench) -> Done {
    let late = places(SLEEPERS_FEW * SLEEPS);
    let (countdown, done) = Countdown::new(SLEEPERS_FEW);
    bench.begin();
    for i in 0..SLEEPERS_FEW {
        let (late, countdown) = (late.clone(), countdown.clone());
        bench.rt.spawn(async move {
            let span = Duration::from_micros(1_000 + 10 * i as u64);
            for j in 0..SLEEPS {
                let deadline = Instant::now() + span;
                sleep_until(deadline.into()).await;
                note(&late[i * SLEEPS + j], deadline);
            }
            countdown.one();
        });
    }
    done.recv().unwrap();
    bench.end();
    times_of(&late)
}

fn sleepers_100k(bench: &Bench) -> Done {
    let late = places(SLEEPERS);
    let (countdown, done) = Countdown::new(SLEEPERS);
    let first = Instant::now() + Duration::from_millis(500);
    bench.begin();
    for i in 0..SLEEPERS {
        let (late, countdown) = (late.clone(), countdown.clone());
        bench.rt.spawn(async move {
            let deadline = first + Duration::from_micros(10 * i as u64);
            sleep_until(deadline.into()).await;
            note(&late[i], deadline);
            countdown.one();
        });
    }
    done.recv().unwrap();
    bench.end();
    times_of(&late)
}

pub const CASES: &[Case] = &[
    current_case("time/now_current_thread", now_in_block_on),
    current_case("time/single_thread_timeout", |bench| one(bench, timing_out)),
    multi_case("time/multi_thread_timeout-8", |bench| eight(bench, timing_out)),
    current_case("time/single_thread_sleep", |bench| one(bench, dropping)),
    multi_case("time/multi_thread_sleep-8", |bench| eight(bench, dropping)),
    current_case("time/x_single_register_cancel", |bench| one(bench, cancelling)),
    multi_case("time/x_multi_register_cancel-8", |bench| eight(bench, cancelling)),
    multi_case("time/x_sleepers_100", sleepers_100),
    Case { name: "time/x_sleepers_100k", iterate: sleepers_100k, current: false, once: true },
];
