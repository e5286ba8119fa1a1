// SPDX-License-Identifier: MIT
//! What runtime/examples/mini_redis does, on Tokio, as far as redis-benchmark asks for it: PING, GET, SET, INCR, and
//! CONFIG GET, which it sends first. A connection reads what has come, runs every whole request in it, and writes all
//! replies at once. Arguments: PORT WORKERS.

use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SHARDS: usize = 64;
const READ_BYTES: usize = 64 << 10;
const ARGUMENTS_MAX: usize = 1024;
const ARGUMENT_BYTES_MAX: usize = 512 << 20;

type Shard = Mutex<HashMap<Vec<u8>, Vec<u8>>>;

struct Store {
    shards: Vec<Shard>,
    hasher: RandomState,
}

impl Store {
    fn new() -> Self {
        Store { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: RandomState::new() }
    }
    fn shard(&self, key: &[u8]) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Vec<u8>>> {
        self.shards[self.hasher.hash_one(key) as usize % SHARDS].lock().unwrap()
    }
}

/// A number behind `kind`, up to the end of its line: the number, and where the next line begins.
fn number(bytes: &[u8], at: usize, kind: u8) -> Result<Option<(usize, usize)>, ()> {
    let Some(&first) = bytes.get(at) else { return Ok(None) };
    if first != kind {
        return Err(());
    }
    let Some(end) = bytes[at..].windows(2).position(|two| two == b"\r\n") else {
        return if bytes.len() - at > 32 { Err(()) } else { Ok(None) };
    };
    let digits = std::str::from_utf8(&bytes[at + 1..at + end]).map_err(|_| ())?;
    Ok(Some((digits.parse().map_err(|_| ())?, at + end + 2)))
}

/// The arguments of the request at the start, and how long it is. Ok(None): not all of it is there.
fn request(bytes: &[u8]) -> Result<Option<(Vec<&[u8]>, usize)>, ()> {
    let Some((count, mut at)) = number(bytes, 0, b'*')? else { return Ok(None) };
    if count > ARGUMENTS_MAX {
        return Err(());
    }
    let mut arguments = Vec::with_capacity(count);
    for _ in 0..count {
        let Some((length, start)) = number(bytes, at, b'$')? else { return Ok(None) };
        if length > ARGUMENT_BYTES_MAX {
            return Err(());
        }
        if bytes.len() < start + length + 2 {
            return Ok(None);
        }
        arguments.push(&bytes[start..start + length]);
        at = start + length + 2;
    }
    Ok(Some((arguments, at)))
}

fn bulk(out: &mut Vec<u8>, value: &[u8]) {
    write!(out, "${}\r\n", value.len()).unwrap();
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn increment(store: &Store, key: &[u8], out: &mut Vec<u8>) {
    let mut shard = store.shard(key);
    let number = match shard.get(key) {
        Some(value) => std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()),
        None => Some(0),
    };
    match number.and_then(|n| n.checked_add(1)) {
        Some(n) => {
            shard.insert(key.to_vec(), n.to_string().into_bytes());
            write!(out, ":{n}\r\n").unwrap();
        }
        None => out.extend_from_slice(b"-ERR value is not an integer or out of range\r\n"),
    }
}

fn run(store: &Store, arguments: &[&[u8]], out: &mut Vec<u8>) {
    let is = |name: &[u8], n: usize| arguments.len() == n && arguments[0].eq_ignore_ascii_case(name);
    if is(b"get", 2) {
        match store.shard(arguments[1]).get(arguments[1]) {
            Some(value) => bulk(out, value),
            None => out.extend_from_slice(b"$-1\r\n"),
        }
    } else if is(b"set", 3) {
        store.shard(arguments[1]).insert(arguments[1].to_vec(), arguments[2].to_vec());
        out.extend_from_slice(b"+OK\r\n");
    } else if is(b"incr", 2) {
        increment(store, arguments[1], out);
    } else if is(b"ping", 1) {
        out.extend_from_slice(b"+PONG\r\n");
    } else if is(b"ping", 2) {
        bulk(out, arguments[1]);
    } else if is(b"config", 3) {
        out.extend_from_slice(b"*2\r\n");
        bulk(out, arguments[2]);
        bulk(out, if arguments[2].eq_ignore_ascii_case(b"appendonly") { b"no" } else { b"" });
    } else {
        out.extend_from_slice(b"-ERR unknown command\r\n");
    }
}

async fn serve(mut stream: TcpStream, store: Arc<Store>) -> std::io::Result<()> {
    let (mut input, mut out) = (Vec::with_capacity(READ_BYTES), Vec::new());
    loop {
        input.reserve(READ_BYTES);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let mut done = 0;
        loop {
            match request(&input[done..]) {
                Ok(Some((arguments, length))) => {
                    if !arguments.is_empty() {
                        run(&store, &arguments, &mut out);
                    }
                    done += length;
                }
                Ok(None) => break,
                Err(()) => return stream.write_all(b"-ERR Protocol error\r\n").await,
            }
        }
        input.drain(..done);
        stream.write_all(&out).await?;
        out.clear();
    }
}

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().expect("PORT WORKERS")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(arguments[1]).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", arguments[0] as u16)).await.unwrap();
        let store = Arc::new(Store::new());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let store = store.clone();
            tokio::spawn(async move {
                if let Err(error) = serve(stream, store).await {
                    eprintln!("mini_redis: {error}");
                }
            });
        }
    });
}
