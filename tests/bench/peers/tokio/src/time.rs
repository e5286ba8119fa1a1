// SPDX-License-Identifier: MIT
//! Tokio's time_now.rs and time_timeout.rs; timers registered and dropped, and how late they wake.

use crate::{current_case, multi_case, ops, times, Bench, Case, Done};
use std::future::{poll_fn, Future};
use std::hint::black_box;
use std::pin::{pin, Pin};
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until, timeout};

const BLOCK_ONS: usize = 1_000;
const TASKS: usize = 8;
const TIMER_OPS: usize = 1_000;
const SLEEPERS_FEW: u64 = 100;
const SLEEPS: usize = 10;
const SLEEPERS: u64 = 100_000;
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

fn sleepers_100(bench: &Bench) -> Done {
    let (tx, rx) = mpsc::channel();
    for i in 0..SLEEPERS_FEW {
        let tx = tx.clone();
        bench.rt.spawn(async move {
            let span = Duration::from_micros(1_000 + 10 * i);
            for _ in 0..SLEEPS {
                let deadline = Instant::now() + span;
                sleep_until(deadline.into()).await;
                tx.send(deadline.elapsed().as_nanos() as f64).unwrap();
            }
        });
    }
    drop(tx);
    times(rx.iter().collect())
}

fn sleepers_100k(bench: &Bench) -> Done {
    let (tx, rx) = mpsc::channel();
    let first = Instant::now() + Duration::from_millis(500);
    for i in 0..SLEEPERS {
        let tx = tx.clone();
        bench.rt.spawn(async move {
            let deadline = first + Duration::from_micros(10 * i);
            sleep_until(deadline.into()).await;
            tx.send(deadline.elapsed().as_nanos() as f64).unwrap();
        });
    }
    drop(tx);
    times(rx.iter().collect())
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
