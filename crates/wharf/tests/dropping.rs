//! Handles and tickers that are dropped at odd moments, and ended by several at once.
//!
//! Not here: ends that were meant (`lifecycle.rs`), and what is left (`descriptors.rs`,
//! `cycles.rs`).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use wharf::{
    Backend, BlockingPool, Error, Request, Router, Server, ServerHandle, StopSwitch, Ticker,
    blocking,
};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, how often its program was told that it is over, and what lets its blocked handlers go
/// on when it is dropped.
struct Stand {
    server: Server,
    ends: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    begun: mpsc::Receiver<()>,
    release: mpsc::Sender<()>,
}

/// Counts how often it is dropped.
struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Stand {
    fn new(backend: Backend) -> Self {
        let [ends, dropped] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let ((begin, begun), (release, blocked)) = (mpsc::channel(), mpsc::channel());
        let (begins, witnesses, over) = (begin.clone(), Arc::clone(&dropped), Arc::clone(&ends));
        let waits = move |_: Request| {
            let witness = Witness(Arc::clone(&witnesses));
            let _ = begins.send(());
            async move {
                std::future::pending::<()>().await;
                drop(witness);
            }
        };
        let blocked = Mutex::new(blocked);
        let blocks = blocking(move |_: Request| {
            let _ = begin.send(());
            let _: Result<(), _> = blocked.lock().expect("no panic").recv();
            "late"
        });
        let site = Router::new().get("/", "hello").get("/waits", waits).get("/blocks", blocks);
        let server = Server::new(site)
            .backend(backend)
            .blocking_pool(BlockingPool::default().with_stop_wait(Duration::ZERO))
            .on_stop(move |_| _ = over.fetch_add(1, Ordering::SeqCst))
            .listen("127.0.0.1:0")
            .expect("a free port");
        Self { server, ends, dropped, begun, release }
    }

    /// The one of each backend that is here.
    fn all() -> impl Iterator<Item = Self> {
        [Backend::Epoll, Backend::IoUring].into_iter().filter_map(|backend| {
            let probe = Server::new("").backend(backend).listen("127.0.0.1:0").expect("a port");
            let is_here = !matches!(probe.into_ticker(), Err(Error::Backend(_)));
            is_here.then(|| Self::new(backend))
        })
    }
}

fn ask(addr: SocketAddr, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(addr).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("more than zero");
    write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    client
}

/// Waits for the end of a connection, before which no response may come that says success.
fn expect_end(mut client: TcpStream) {
    let mut response = Vec::new();
    let read = client.read_to_end(&mut response).map_err(|error| error.kind());
    assert!(matches!(read, Ok(_) | Err(ErrorKind::ConnectionReset)), "{read:?}");
    assert!(!response.starts_with(b"HTTP/1.1 200"), "{}", response.escape_ascii());
}

fn tick_until(ticker: &mut Ticker, is_so: impl Fn() -> bool) {
    while !is_so() {
        ticker.tick(Duration::from_millis(1)).expect("the loop runs");
    }
}

#[test]
fn a_handle_that_is_dropped_in_the_middle_of_a_request_drops_its_handler() {
    for Stand { server, ends, dropped, begun, .. } in Stand::all() {
        let handle = server.start().expect("it starts");
        let client = ask(handle.local_addrs()[0], "/waits");
        begun.recv_timeout(PATIENCE).expect("it begins");
        drop(handle);
        assert_eq!([ends, dropped].map(|count| count.load(Ordering::SeqCst)), [1, 1]);
        expect_end(client);
    }
}

#[test]
fn a_ticker_that_is_dropped_in_the_middle_of_a_request_drops_its_handler() {
    for Stand { server, ends, dropped, begun, .. } in Stand::all() {
        let mut ticker = server.into_ticker().expect("it starts");
        let client = ask(ticker.local_addrs()[0], "/waits");
        tick_until(&mut ticker, || begun.try_recv().is_ok());
        drop(ticker);
        assert_eq!([ends, dropped].map(|count| count.load(Ordering::SeqCst)), [1, 1]);
        expect_end(client);
    }
}

#[test]
fn what_is_dropped_in_a_drain_does_not_wait_for_its_deadline() {
    for Stand { server, ends, begun, .. } in Stand::all() {
        let handle = server.start().expect("it starts");
        let client = ask(handle.local_addrs()[0], "/waits");
        begun.recv_timeout(PATIENCE).expect("it begins");
        handle.stop_switch().drain(Duration::from_secs(3600));
        drop(handle);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        expect_end(client);
    }
    for Stand { server, ends, begun, .. } in Stand::all() {
        let mut ticker = server.into_ticker().expect("it starts");
        let client = ask(ticker.local_addrs()[0], "/waits");
        tick_until(&mut ticker, || begun.try_recv().is_ok());
        ticker.stop_switch().drain(Duration::from_secs(3600));
        assert!(ticker.tick(Duration::ZERO).expect("the loop runs"));
        drop(ticker);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        expect_end(client);
    }
}

/// Jobs can't be ended: they go on without a server, and what they return is dropped.
#[test]
fn what_is_dropped_while_a_job_runs_leaves_it_alone() {
    for Stand { server, ends, begun, release, .. } in Stand::all() {
        let handle = server.start().expect("it starts");
        let client = ask(handle.local_addrs()[0], "/blocks");
        begun.recv_timeout(PATIENCE).expect("it begins");
        drop(handle);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        expect_end(client);
        release.send(()).expect("it still runs");
    }
    for Stand { server, ends, begun, release, .. } in Stand::all() {
        let mut ticker = server.into_ticker().expect("it starts");
        let client = ask(ticker.local_addrs()[0], "/blocks");
        tick_until(&mut ticker, || begun.try_recv().is_ok());
        drop(ticker);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        expect_end(client);
        release.send(()).expect("it still runs");
    }
}

/// The handle is a job's own: the pool, which waits for its jobs, does not wait for this one.
#[test]
fn a_job_drops_its_server() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        let slot = Arc::new(Mutex::new(None));
        let (own, (tell, told)) = (Arc::clone(&slot), mpsc::channel());
        let handler = blocking(move |_: Request| {
            let handle: Option<ServerHandle> = own.lock().expect("no panic").take();
            drop(handle);
            tell.send(()).expect("it is waited for");
            "bye"
        });
        let pool = BlockingPool::default().with_stop_wait(Duration::from_secs(3600));
        let server = Server::new(handler).backend(backend).workers(2).blocking_pool(pool);
        let handle = match server.listen("127.0.0.1:0").expect("a free port").start() {
            Err(Error::Backend(_)) => continue,
            handle => handle.expect("it starts"),
        };
        let addr = handle.local_addrs()[0];
        *slot.lock().expect("no panic") = Some(handle);
        let client = ask(addr, "/");
        told.recv_timeout(PATIENCE).expect("it is over");
        expect_end(client);
    }
}

#[test]
fn several_threads_end_a_server_at_once() {
    for round in 0..20 {
        for Stand { server, ends, begun, .. } in Stand::all() {
            let shared = StopSwitch::new();
            let handle = server.workers(2).stop_switch(&shared).start().expect("it starts");
            let client = ask(handle.local_addrs()[0], "/waits");
            begun.recv_timeout(PATIENCE).expect("it begins");
            let (own, begin) = (handle.stop_switch(), Barrier::new(4));
            thread::scope(|scope| {
                scope.spawn(|| (begin.wait(), own.stop()));
                scope.spawn(|| (begin.wait(), shared.stop()));
                scope.spawn(|| (begin.wait(), shared.drain(PATIENCE)));
                begin.wait();
                // Whoever has the handle drops it, waits for it, or both.
                if round % 2 == 0 {
                    assert!(handle.wait(Some(PATIENCE)));
                }
                drop(handle);
            });
            assert_eq!(ends.load(Ordering::SeqCst), 1, "it is told once");
            expect_end(client);
        }
    }
}

/// A handle is used by one thread while others wait for the end that it brings.
#[test]
fn several_threads_wait_for_the_end_that_one_brings() {
    for Stand { server, ends, .. } in Stand::all() {
        let handle = server.start().expect("it starts");
        let begin = Barrier::new(3);
        thread::scope(|scope| {
            let (handle, begin) = (&handle, &begin);
            scope.spawn(move || (begin.wait(), assert!(handle.wait(Some(PATIENCE)))));
            scope.spawn(move || (begin.wait(), assert!(handle.drain(PATIENCE).is_clean())));
            begin.wait();
            handle.stop();
        });
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        handle.join().expect("it ran");
    }
}
