// SPDX-License-Identifier: MIT
//! Tokio's sync_mpsc.rs and sync_mpsc_oneshot.rs.

use crate::{current_case, multi_case, ops, Bench, Case, Done};
use std::hint::black_box;
use tokio::sync::{mpsc, oneshot};

const SENDERS: usize = 5;
const SENDS: usize = 1_000;
const REQUESTS: usize = 1_000;
const CREATE_ROUNDS: usize = 100;
const MANY: usize = 1_000_000;

type Medium = [u64; 64];
type Large = [u64; 4096];

fn create_medium(capacity: usize) -> Done {
    for _ in 0..CREATE_ROUNDS {
        black_box(mpsc::channel::<Medium>(capacity));
    }
    ops(CREATE_ROUNDS)
}

fn send_sized<T: Copy>(bench: &Bench, message: T) -> Done {
    let (tx, mut rx) = mpsc::channel::<T>(1_000);
    let _ = bench.bare.block_on(tx.send(message));
    black_box(bench.bare.block_on(rx.recv()).is_some());
    ops(1)
}

fn contention(bench: &Bench, capacity: usize) -> Done {
    bench.bare.block_on(async move {
        let (tx, mut rx) = mpsc::channel::<usize>(capacity);
        for _ in 0..SENDERS {
            let tx = tx.clone();
            tokio::spawn(async move {
                for i in 0..SENDS {
                    tx.send(i).await.unwrap();
                }
            });
        }
        for _ in 0..SENDERS * SENDS {
            rx.recv().await.unwrap();
        }
    });
    ops(SENDERS * SENDS)
}

fn contention_unbounded(bench: &Bench) -> Done {
    bench.bare.block_on(async move {
        let (tx, mut rx) = mpsc::unbounded_channel::<usize>();
        for _ in 0..SENDERS {
            let tx = tx.clone();
            tokio::spawn(async move {
                for i in 0..SENDS {
                    tx.send(i).unwrap();
                }
            });
        }
        for _ in 0..SENDERS * SENDS {
            rx.recv().await.unwrap();
        }
    });
    ops(SENDERS * SENDS)
}

fn uncontented_bounded(bench: &Bench) -> Done {
    bench.bare.block_on(async move {
        let (tx, mut rx) = mpsc::channel::<usize>(MANY);
        for i in 0..SENDERS * SENDS {
            tx.send(i).await.unwrap();
        }
        for _ in 0..SENDERS * SENDS {
            rx.recv().await.unwrap();
        }
    });
    ops(SENDERS * SENDS)
}

fn uncontented_unbounded(bench: &Bench) -> Done {
    bench.bare.block_on(async move {
        let (tx, mut rx) = mpsc::unbounded_channel::<usize>();
        for i in 0..SENDERS * SENDS {
            tx.send(i).unwrap();
        }
        for _ in 0..SENDERS * SENDS {
            rx.recv().await.unwrap();
        }
    });
    ops(SENDERS * SENDS)
}

fn request_reply(bench: &Bench) -> Done {
    bench.bare.block_on(async move {
        let (tx, mut rx) = mpsc::channel::<oneshot::Sender<()>>(10);
        tokio::spawn(async move {
            while let Some(reply) = rx.recv().await {
                reply.send(()).unwrap();
            }
        });
        for _ in 0..REQUESTS {
            let (reply, answer) = oneshot::channel();
            tx.send(reply).await.unwrap();
            answer.await.unwrap();
        }
    });
    ops(REQUESTS)
}

pub const CASES: &[Case] = &[
    multi_case("sync_mpsc/create_medium_1", |_| create_medium(1)),
    multi_case("sync_mpsc/create_medium_100", |_| create_medium(100)),
    multi_case("sync_mpsc/create_medium_100000", |_| create_medium(100_000)),
    multi_case("sync_mpsc/send_medium_1000", |bench| send_sized::<Medium>(bench, [0; 64])),
    multi_case("sync_mpsc/send_large_1000", |bench| send_sized::<Large>(bench, [0; 4096])),
    multi_case("sync_mpsc/contention_bounded", |bench| contention(bench, MANY)),
    multi_case("sync_mpsc/contention_bounded_full", |bench| contention(bench, 100)),
    multi_case("sync_mpsc/contention_unbounded", contention_unbounded),
    multi_case("sync_mpsc/uncontented_bounded", uncontented_bounded),
    multi_case("sync_mpsc/uncontented_unbounded", uncontented_unbounded),
    current_case("sync_mpsc_oneshot/request_reply_current_thread", request_reply),
    multi_case("sync_mpsc_oneshot/request_reply_multi_threaded", request_reply),
];
