//! Handlers that use a tokio runtime, its timers, tasks and sockets, however the server is run.
//!
//! Not here: a ticker as a task of a runtime (`examples/tokio_loop.rs`).

#![cfg(feature = "tokio")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;
use wharf::{Backend, Error, Request, Response, Router, Server, ServerHandle, StopSwitch};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it works")
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("it works")
}

/// A site that needs a runtime for all but `/context`. `/from/{port}` asks another server.
fn site() -> Router {
    Router::new()
        .get("/context", |_: Request| Handle::try_current().map_or("none", |_| "a runtime"))
        .get("/timer", async |_: Request| {
            // What is not `Send` may live across an `await`.
            let count = Rc::new(Cell::new(0));
            for _ in 0..3 {
                sleep(Duration::from_millis(1)).await;
                count.set(count.get() + 1);
            }
            format!("slept {} times", count.get())
        })
        .get("/task", async |_: Request| {
            let (sender, receiver) = oneshot::channel();
            tokio::spawn(async move {
                sleep(Duration::from_millis(1)).await;
                let _ = sender.send("told by a task");
            });
            receiver.await.expect("it works")
        })
        .get("/from/{port}", async |request: Request| {
            let port: u16 = request.param("port").expect("it works").parse().expect("it works");
            let mut stream =
                tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it works");
            let ask = b"GET /timer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            stream.write_all(ask).await.expect("it works");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it works");
            Response::text(answer.split("\r\n\r\n").nth(1).expect("it works").to_owned())
        })
}

fn server() -> Server {
    Server::new(site()).workers(2).listen("127.0.0.1:0").expect("a free port")
}

/// The status and the body of an answer.
fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).expect("it works");
    stream.set_read_timeout(Some(PATIENCE)).expect("it works");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .expect("it works");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it works");
    let (head, body) = answer.split_once("\r\n\r\n").expect("it works");
    (head[9..12].parse().expect("it works"), body.to_owned())
}

fn ask_for_everything(addr: SocketAddr) {
    for (path, body) in [
        ("/context", "a runtime"),
        ("/timer", "slept 3 times"),
        ("/task", "told by a task"),
        (&format!("/from/{}", addr.port()), "slept 3 times"),
    ] {
        assert_eq!(get(addr, path), (200, body.to_owned()), "{path}");
    }
}

#[test]
fn workers_enter_the_runtime_that_they_are_started_in() {
    let runtime = multi_thread();
    let handle = runtime.block_on(async { server().start().unwrap() });
    ask_for_everything(handle.local_addrs()[0]);
    handle.stop();
    runtime.block_on(handle.stopped());
}

#[test]
fn workers_enter_the_runtime_that_they_are_given() {
    let runtime = multi_thread();
    let handle = server().runtime(runtime.handle().clone()).start().unwrap();
    ask_for_everything(handle.local_addrs()[0]);
}

/// Its timers and sockets move on because somebody waits in it.
#[test]
fn a_runtime_of_one_thread_serves_while_its_thread_waits_in_it() {
    current_thread().block_on(async {
        let handle = server().start().unwrap();
        let addr = handle.local_addrs()[0];
        tokio::task::spawn_blocking(move || ask_for_everything(addr)).await.unwrap();
        handle.stop();
        handle.stopped().await;
    });
}

#[test]
fn run_serves_on_a_thread_for_blocking_work() {
    let (runtime, switch) = (multi_thread(), StopSwitch::new());
    let server = server().stop_switch(&switch);
    let addr = server.local_addrs()[0];
    let run = runtime.spawn_blocking(move || server.run());
    ask_for_everything(addr);
    switch.stop();
    runtime.block_on(run).unwrap().unwrap();
}

#[test]
fn a_ticker_enters_the_runtime_in_each_tick() {
    let runtime = multi_thread();
    let mut ticker = server().runtime(runtime.handle().clone()).into_ticker().unwrap();
    let (addr, switch) = (ticker.local_addrs()[0], ticker.stop_switch());
    let client = thread::spawn(move || {
        ask_for_everything(addr);
        switch.stop();
    });
    while ticker.tick(PATIENCE).unwrap() {
        assert!(Handle::try_current().is_err(), "what the program does between is its own");
    }
    client.join().unwrap();
}

#[test]
fn without_a_runtime_there_is_none() {
    let handle = server().start().unwrap();
    let addr = handle.local_addrs()[0];
    assert_eq!(get(addr, "/context"), (200, "none".to_owned()));
    assert_eq!(get(addr, "/timer").0, 500, "a timer has nobody to count its time");
    assert_eq!(get(addr, "/context").0, 200);
}

/// Servers for the stress, one on each backend that there is here.
fn stressed(runtime: &Runtime) -> impl Iterator<Item = ServerHandle> {
    [Backend::Epoll, Backend::IoUring].into_iter().filter_map(|backend| {
        let handler = async |_: Request| {
            let (sender, receiver) = oneshot::channel();
            let other = tokio::spawn(async { tokio::task::yield_now().await });
            tokio::spawn(async move {
                other.await.expect("it works");
                let _ = sender.send("woken");
            });
            receiver.await.expect("it works")
        };
        let server = Server::new(handler).workers(2).backend(backend);
        let server =
            server.runtime(runtime.handle().clone()).listen("127.0.0.1:0").expect("a free port");
        match server.start() {
            Err(Error::Backend(error)) => {
                eprintln!("skipped: {error}");
                None
            }
            handle => Some(handle.expect("it works")),
        }
    })
}

/// Every second client leaves before its last answer has come, so that wake-ups come to connections
/// that are gone, and to others that have taken their places.
#[test]
fn no_wake_up_from_the_runtimes_threads_is_lost() {
    const CLIENTS: usize = 4;
    const ROUNDS: usize = 250;
    let runtime = multi_thread();
    for handle in stressed(&runtime) {
        let addr = handle.local_addrs()[0];
        let woken = Arc::new(AtomicUsize::new(0));
        let clients = [(); CLIENTS].map(|()| {
            let woken = Arc::clone(&woken);
            thread::spawn(move || {
                for round in 0..ROUNDS {
                    let mut stream = TcpStream::connect(addr).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let mut answer = [0; 1000];
                    for _ in 0..4 {
                        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                        let len = stream.read(&mut answer).unwrap();
                        assert!(answer[..len].ends_with(b"\r\n\r\nwoken"));
                        woken.fetch_add(1, Ordering::Relaxed);
                    }
                    if round % 2 == 0 {
                        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                    }
                }
            })
        });
        clients.into_iter().for_each(|client| client.join().unwrap());
        assert_eq!(woken.load(Ordering::Relaxed), CLIENTS * ROUNDS * 4);
        handle.stop();
        assert!(handle.wait(Some(PATIENCE)));
    }
}
