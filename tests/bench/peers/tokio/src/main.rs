// SPDX-License-Identifier: MIT
//! The benchmark's cases on Tokio: the same work as tests/bench/cases_*.c. Those
//! with the name of one of Tokio's own benchmarks do what that does.
//!
//! Reads `CASE LEVEL MILLISECONDS` lines and answers each with
//! `NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS P99`, or `-` for a case it
//! does not have. Tokio has no levels. Its only argument is the number of
//! workers, or `current`; `list` lists the cases.

mod channel;
mod memory;
mod multi;
mod net;
mod spawn;
mod sync;
mod time;

use std::cell::Cell;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// What an iteration did, and its own figures where they are not time / ops.
pub struct Done {
    ops: usize,
    own: Option<(f64, f64)>,
}

pub fn ops(ops: usize) -> Done {
    Done { ops, own: None }
}

/// Median and 99th percentile of times.
pub fn times(mut all: Vec<f64>) -> Done {
    all.sort_by(f64::total_cmp);
    let n = all.len();
    Done { ops: n, own: Some((all[n / 2], all[n * 99 / 100])) }
}

/// The last of n calls of one() releases the one who waits.
pub struct Countdown {
    left: AtomicUsize,
    done: mpsc::SyncSender<()>,
}

impl Countdown {
    pub fn new(n: usize) -> (Arc<Self>, mpsc::Receiver<()>) {
        let (done, receiver) = mpsc::sync_channel(1);
        (Arc::new(Countdown { left: AtomicUsize::new(n), done }), receiver)
    }
    pub fn one(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.send(()).unwrap();
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Usage {
    wall: f64,
    cpu: f64,
    switches: f64,
}

impl Usage {
    fn now() -> Self {
        // SAFETY: these calls fill what they are given.
        unsafe {
            let mut usage = std::mem::zeroed::<libc::rusage>();
            assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &mut usage), 0);
            Usage {
                wall: clock(libc::CLOCK_MONOTONIC),
                cpu: clock(libc::CLOCK_PROCESS_CPUTIME_ID),
                switches: usage.ru_nvcsw as f64,
            }
        }
    }
    fn since(self, began: Usage) -> Usage {
        Usage {
            wall: self.wall - began.wall,
            cpu: self.cpu - began.cpu,
            switches: self.switches - began.switches,
        }
    }
    fn add(&mut self, more: Usage) {
        self.wall += more.wall;
        self.cpu += more.cpu;
        self.switches += more.switches;
    }
}

fn clock(id: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills what it is given.
    assert_eq!(unsafe { libc::clock_gettime(id, &mut time) }, 0);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The runtimes, and the watch for iterations that have preparations.
pub struct Bench {
    /// With I/O and timers.
    pub rt: Runtime,
    /// Without, as most of Tokio's own benchmarks have it: it then parks more cheaply.
    pub bare: Runtime,
    pub workers: usize,
    began: Cell<Usage>,
    timed: Cell<Option<Usage>>,
}

impl Bench {
    fn new(workers: Option<usize>) -> Self {
        let builder = || match workers {
            Some(n) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(n);
                builder
            }
            None => Builder::new_current_thread(),
        };
        Bench {
            rt: builder().enable_all().build().unwrap(),
            bare: builder().build().unwrap(),
            workers: workers.unwrap_or(1),
            began: Cell::default(),
            timed: Cell::new(None),
        }
    }
    pub fn begin(&self) {
        self.began.set(Usage::now());
    }
    pub fn end(&self) {
        self.timed.set(Some(Usage::now().since(self.began.get())));
    }
}

pub struct Case {
    pub name: &'static str,
    pub iterate: fn(&Bench) -> Done,
    /// For a current-thread runtime, else for one with workers.
    pub current: bool,
    /// A sample is one iteration, without one to warm up.
    pub once: bool,
}

pub const fn multi_case(name: &'static str, iterate: fn(&Bench) -> Done) -> Case {
    Case { name, iterate, current: false, once: false }
}

pub const fn current_case(name: &'static str, iterate: fn(&Bench) -> Done) -> Case {
    Case { name, iterate, current: true, once: false }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [multi::CASES, spawn::CASES, channel::CASES, sync::CASES, time::CASES, net::CASES, memory::CASES]
        .into_iter()
        .flatten()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn sample(bench: &Bench, case: &Case, span: Duration) -> String {
    if !case.once {
        (case.iterate)(bench); // warm
    }
    let (mut own, mut tail) = (Vec::new(), Vec::new());
    let mut count = 0;
    let mut sum = Usage::default();
    let start = Instant::now();
    loop {
        bench.timed.set(None);
        let began = Usage::now();
        let done = (case.iterate)(bench);
        sum.add(bench.timed.get().unwrap_or_else(|| Usage::now().since(began)));
        count += done.ops;
        if let Some((ns, p99)) = done.own {
            own.push(ns);
            tail.push(p99);
        }
        if case.once || start.elapsed() >= span {
            break;
        }
    }
    let n = count as f64;
    let (ns, p99) = match own.is_empty() {
        true => (sum.wall / n, 0.0),
        false => (median(&mut own), median(&mut tail)),
    };
    format!("{:.1} {:.1} {:.2} {} {:.1}", ns, sum.cpu / n, sum.switches * 1e3 / n, count, p99)
}

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "list" {
        for case in cases() {
            println!("{} {}", if case.current { "current" } else { "workers" }, case.name);
        }
        return;
    }
    let workers = (argument != "current").then(|| argument.parse().expect("WORKERS, current or list"));
    let bench = Bench::new(workers);
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or("");
        let span = Duration::from_millis(words.nth(1).and_then(|w| w.parse().ok()).unwrap_or(100));
        let case = cases().find(|case| case.name == name && case.current == workers.is_none());
        let answer = case.map_or("-".into(), |case| sample(&bench, case, span));
        writeln!(out, "{answer}").unwrap();
        out.flush().unwrap();
    }
}
