// SPDX-License-Identifier: MIT
//! TCP echo: servers and clients live in one runtime; one operation is one round trip.

use crate::{multi_case, ops, Bench, Case, Countdown, Done};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

async fn serve(mut stream: TcpStream) {
    let mut buffer = [0u8; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => stream.write_all(&buffer[..n]).await.unwrap(),
            _ => return,
        }
    }
}

async fn accept(listener: TcpListener, connections: usize) {
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream));
    }
}

fn echo(bench: &Bench, connections: usize, rounds: usize, bytes: usize) -> Done {
    let listener = bench.rt.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let start = Arc::new(Semaphore::new(0));
    let (connected, all_connected) = Countdown::new(connections);
    let (ended, all_ended) = Countdown::new(connections);
    bench.rt.spawn(accept(listener, connections));
    for _ in 0..connections {
        let (start, connected, ended) = (start.clone(), connected.clone(), ended.clone());
        bench.rt.spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![7u8; bytes];
            connected.one();
            start.acquire().await.unwrap().forget();
            for _ in 0..rounds {
                stream.write_all(&buffer).await.unwrap();
                stream.read_exact(&mut buffer).await.unwrap();
            }
            ended.one();
        });
    }
    all_connected.recv().unwrap();
    bench.begin();
    start.add_permits(connections);
    all_ended.recv().unwrap();
    bench.end();
    ops(connections * rounds)
}

pub const CASES: &[Case] = &[
    multi_case("net/x_tcp_echo_1x64B", |bench| echo(bench, 1, 1000, 64)),
    multi_case("net/x_tcp_echo_64x64B", |bench| echo(bench, 64, 40, 64)),
    multi_case("net/x_tcp_echo_512x64B", |bench| echo(bench, 512, 10, 64)),
    multi_case("net/x_tcp_echo_1x4KiB", |bench| echo(bench, 1, 1000, 4096)),
    multi_case("net/x_tcp_echo_64x4KiB", |bench| echo(bench, 64, 40, 4096)),
    multi_case("net/x_tcp_echo_512x4KiB", |bench| echo(bench, 512, 10, 4096)),
];
