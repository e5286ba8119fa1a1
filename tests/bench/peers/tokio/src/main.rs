// SPDX-License-Identifier: MIT
//! The benchmark's cases on Tokio, word for word as in tests/bench/cases_*.c.
//!
//! Reads `CASE LEVEL MILLISECONDS` lines and answers each with
//! `NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS`, or `-` for a case it
//! does not have. Tokio has no levels. WORKERS is its only argument.

use std::future::Future;
use std::io::{BufRead, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc as std_mpsc, Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{mpsc, oneshot, Semaphore};

const SPAWNS: usize = 10_000;
const YIELDERS: usize = 200;
const YIELDS: usize = 1_000;
const PINGS: usize = 1_000;
const CHAIN: usize = 1_000;
const LIVE: usize = 200_000;
const SENDERS: usize = 5;
const SENDS: usize = 1_000;
const REQUESTS: usize = 1_000;
const TIMER_TASKS: usize = 8;
const TIMER_OPS: usize = 1_000;
const SLEEPERS: usize = 100;
const ECHO_BYTES: usize = 64;

/// What an iteration did, and its own idea of ns per op where that is not time / ops.
struct Done {
    ops: usize,
    ns: Option<f64>,
}

fn ops(ops: usize) -> Done {
    Done { ops, ns: None }
}

struct Countdown {
    left: AtomicUsize,
    done: std_mpsc::SyncSender<()>,
}

impl Countdown {
    fn new(n: usize) -> (Arc<Self>, std_mpsc::Receiver<()>) {
        let (done, receiver) = std_mpsc::sync_channel(1);
        (Arc::new(Countdown { left: AtomicUsize::new(n), done }), receiver)
    }
    fn one(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.send(()).unwrap();
        }
    }
}

/// 10 000 tasks spawned by a thread that is no worker.
fn spawn_outside(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(SPAWNS);
    for _ in 0..SPAWNS {
        let countdown = countdown.clone();
        rt.spawn(async move { countdown.one() });
    }
    done.recv().unwrap();
    ops(SPAWNS)
}

/// 10 000 tasks spawned by a task.
fn spawn_worker(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(SPAWNS);
    rt.spawn(async move {
        for _ in 0..SPAWNS {
            let countdown = countdown.clone();
            tokio::spawn(async move { countdown.one() });
        }
    });
    done.recv().unwrap();
    ops(SPAWNS)
}

/// A task spawns 1 000 tasks, then joins them in order.
fn spawn_join(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(1);
    rt.spawn(async move {
        let mut handles = Vec::with_capacity(1_000);
        for _ in 0..1_000 {
            handles.push(tokio::spawn(async {}));
        }
        for handle in handles {
            handle.await.unwrap();
        }
        countdown.one();
    });
    done.recv().unwrap();
    ops(1_000)
}

fn yield_many(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(YIELDERS);
    for _ in 0..YIELDERS {
        let countdown = countdown.clone();
        rt.spawn(async move {
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            countdown.one();
        });
    }
    done.recv().unwrap();
    ops(YIELDERS * YIELDS)
}

fn ping_pong(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(PINGS);
    rt.spawn(async move {
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

fn chained_spawn(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(1);
    rt.spawn(async move { chain(countdown, CHAIN) });
    done.recv().unwrap();
    ops(CHAIN)
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// 200 000 tasks wait for a semaphore: "ns" is bytes of memory for each, its future not counted.
fn task_memory(rt: &Runtime) -> Done {
    static BEFORE: OnceLock<f64> = OnceLock::new();
    let semaphore = Arc::new(Semaphore::new(0));
    let (waiting, all_wait) = Countdown::new(LIVE);
    let (ended, all_ended) = Countdown::new(LIVE);
    let before = *BEFORE.get_or_init(resident_bytes);
    let mut future_bytes = 0;
    for _ in 0..LIVE {
        let (semaphore, waiting, ended) = (semaphore.clone(), waiting.clone(), ended.clone());
        let future = async move {
            waiting.one();
            semaphore.acquire().await.unwrap().forget();
            ended.one();
        };
        future_bytes = std::mem::size_of_val(&future);
        rt.spawn(future);
    }
    all_wait.recv().unwrap();
    let bytes = (resident_bytes() - before) / LIVE as f64 - future_bytes as f64;
    semaphore.add_permits(LIVE);
    all_ended.recv().unwrap();
    Done { ops: LIVE, ns: Some(bytes) }
}

fn channel_bounded(rt: &Runtime, capacity: usize) -> Done {
    rt.block_on(async move {
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

fn channel_unbounded(rt: &Runtime) -> Done {
    rt.block_on(async move {
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

fn channel_alone(rt: &Runtime) -> Done {
    rt.block_on(async move {
        let (tx, mut rx) = mpsc::channel::<usize>(1_000_000);
        for i in 0..SENDERS * SENDS {
            tx.send(i).await.unwrap();
        }
        for _ in 0..SENDERS * SENDS {
            rx.recv().await.unwrap();
        }
    });
    ops(SENDERS * SENDS)
}

fn request_reply(rt: &Runtime) -> Done {
    rt.block_on(async move {
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

/// Eight tasks: register a timer of one second by polling it once, drop it.
fn timer_cancel(rt: &Runtime) -> Done {
    let (countdown, done) = Countdown::new(TIMER_TASKS);
    for _ in 0..TIMER_TASKS {
        let countdown = countdown.clone();
        rt.spawn(async move {
            for _ in 0..TIMER_OPS {
                let mut sleep = std::pin::pin!(tokio::time::sleep(Duration::from_secs(1)));
                std::future::poll_fn(|cx| {
                    assert!(Pin::as_mut(&mut sleep).poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
            }
            countdown.one();
        });
    }
    done.recv().unwrap();
    ops(TIMER_TASKS * TIMER_OPS)
}

/// A hundred tasks, each sleeping ten times, 1.0 to 2.0 ms; ns is the median lateness.
fn sleep_lateness(rt: &Runtime) -> Done {
    let (tx, rx) = std_mpsc::channel();
    for i in 0..SLEEPERS {
        let tx = tx.clone();
        rt.spawn(async move {
            let span = Duration::from_micros(1_000 + 10 * i as u64);
            for _ in 0..10 {
                let deadline = Instant::now() + span;
                tokio::time::sleep_until(deadline.into()).await;
                tx.send(deadline.elapsed().as_nanos() as f64).unwrap();
            }
        });
    }
    drop(tx);
    let mut late: Vec<f64> = rx.iter().collect();
    late.sort_by(f64::total_cmp);
    Done { ops: late.len(), ns: Some(late[late.len() / 2]) }
}

async fn echo_connection(mut stream: TcpStream) {
    let mut buffer = [0u8; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => stream.write_all(&buffer[..n]).await.unwrap(),
            _ => return,
        }
    }
}

/// Servers and clients live in one runtime; one operation is one round trip.
struct Echo {
    port: u16,
}

impl Echo {
    fn new(rt: &Runtime) -> Self {
        let listener = rt.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        rt.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(echo_connection(stream));
            }
        });
        Echo { port }
    }

    fn run(&self, rt: &Runtime, connections: usize, rounds: usize) -> Done {
        let port = self.port;
        let (countdown, done) = Countdown::new(connections);
        for _ in 0..connections {
            let countdown = countdown.clone();
            rt.spawn(async move {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = [7u8; ECHO_BYTES];
                for _ in 0..rounds {
                    stream.write_all(&buffer).await.unwrap();
                    stream.read_exact(&mut buffer).await.unwrap();
                }
                countdown.one();
            });
        }
        done.recv().unwrap();
        ops(connections * rounds)
    }
}

fn iterate(rt: &Runtime, echo: &Echo, case: &str) -> Option<Done> {
    Some(match case {
        "spawn_outside" => spawn_outside(rt),
        "spawn_worker" => spawn_worker(rt),
        "spawn_join" => spawn_join(rt),
        "yield" => yield_many(rt),
        "ping_pong" => ping_pong(rt),
        "chained_spawn" => chained_spawn(rt),
        "task_memory" => task_memory(rt),
        "channel_bounded" => channel_bounded(rt, 1_000_000),
        "channel_full" => channel_bounded(rt, 100),
        "channel_unbounded" => channel_unbounded(rt),
        "channel_alone" => channel_alone(rt),
        "request_reply" => request_reply(rt),
        "timer_cancel" => timer_cancel(rt),
        "sleep_lateness" => sleep_lateness(rt),
        "echo_1" => echo.run(rt, 1, 2_000),
        "echo_64" => echo.run(rt, 64, 100),
        _ => return None,
    })
}

/// CPU nanoseconds and voluntary switches of this process so far.
fn usage() -> (f64, f64) {
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    let mut cpu = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls fill what they are given.
    unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &mut usage), 0);
        assert_eq!(libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut cpu), 0);
    }
    (cpu.tv_sec as f64 * 1e9 + cpu.tv_nsec as f64, usage.ru_nvcsw as f64)
}

fn sample(rt: &Runtime, echo: &Echo, case: &str, span: Duration) -> Option<String> {
    iterate(rt, echo, case)?; // warm
    let mut own = Vec::new();
    let mut count = 0;
    let (cpu, switches) = usage();
    let start = Instant::now();
    while start.elapsed() < span {
        let done = iterate(rt, echo, case)?;
        count += done.ops;
        own.extend(done.ns);
    }
    let ns = start.elapsed().as_nanos() as f64 / count as f64;
    let (cpu_end, switches_end) = usage();
    own.sort_by(f64::total_cmp);
    Some(format!(
        "{:.1} {:.1} {:.2} {}",
        own.get(own.len() / 2).copied().unwrap_or(ns),
        (cpu_end - cpu) / count as f64,
        (switches_end - switches) * 1e3 / count as f64,
        count
    ))
}

fn main() {
    let workers = std::env::args().nth(1).and_then(|w| w.parse().ok()).unwrap_or(1);
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    let _inside: tokio::runtime::EnterGuard = Handle::enter(rt.handle());
    let echo = Echo::new(&rt);
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split_whitespace();
        let case = words.next().unwrap_or("");
        let span = words.nth(1).and_then(|w| w.parse().ok()).unwrap_or(100);
        let answer = sample(&rt, &echo, case, Duration::from_millis(span));
        writeln!(out, "{}", answer.as_deref().unwrap_or("-")).unwrap();
        out.flush().unwrap();
    }
}
