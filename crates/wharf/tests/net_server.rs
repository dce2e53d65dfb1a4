//! What a server of any protocol has to do, on each backend: echo over IPv4 and IPv6, threads that
//! block, stopping in each way, what a program sees of it.
//!
//! Not here: what a handler can do with its stream (`src/tests/cases/raw.rs`).

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use wharf::{
    Backend, BlockingPool, BlockingStream, Error, Server, ServerHandle, ServerState, Service,
    ShutdownPort, Stream,
};

/// More than any test takes.
const LONG: Duration = Duration::from_secs(30);

async fn echo(mut stream: Stream) -> std::io::Result<()> {
    let mut buffer = [0; 1000];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

/// Runs a test on each backend that the system has.
fn on_each(test: impl Fn(Backend)) {
    for backend in [Backend::Epoll, Backend::IoUring] {
        let server = Server::tcp(echo).backend(backend).listen("127.0.0.1:0");
        match server.and_then(Server::start) {
            Ok(_) => test(backend),
            Err(error @ Error::Backend(_)) => eprintln!("skipped on {backend:?}: {error}"),
            Err(error) => panic!("{error}"),
        }
    }
}

fn start(server: Server) -> ServerHandle {
    server.workers(2).start().expect("it starts")
}

fn echo_server(backend: Backend) -> ServerHandle {
    start(Server::tcp(echo).backend(backend).listen("127.0.0.1:0").expect("a free port"))
}

/// What comes back of `text`.
fn echoed(addr: SocketAddr, text: &str) -> String {
    let mut client = TcpStream::connect(addr).expect("it listens");
    client.set_read_timeout(Some(LONG)).expect("it is settable");
    client.write_all(text.as_bytes()).expect("it is taken");
    client.shutdown(Shutdown::Write).expect("it is open");
    let mut back = String::new();
    client.read_to_string(&mut back).expect("it comes back");
    back
}

#[test]
fn a_server_of_any_protocol_is_a_server_1() {
    let server: Server = Server::tcp(echo);
    assert!(server.local_addrs().is_empty());
}

#[test]
fn it_echoes_with_the_defaults_on_a_free_port_2() {
    on_each(|backend| {
        let handle = echo_server(backend);
        assert_ne!(handle.local_addrs()[0].port(), 0);
        assert_eq!(echoed(handle.local_addrs()[0], "hello"), "hello");
    });
}

#[test]
fn it_is_stopped_3() {
    on_each(|backend| {
        let handle = echo_server(backend);
        assert_eq!(handle.state(), ServerState::Running);
        handle.stop_switch().stop();
        assert!(handle.wait(Some(LONG)));
    });
}

#[test]
fn ten_clients_of_five_threads_that_block_for_a_while_all_succeed_4() {
    on_each(|backend| {
        let slow_echo = |mut stream: BlockingStream| -> std::io::Result<()> {
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            thread::park_timeout(Duration::from_millis(200));
            stream.write_all(text.as_bytes())
        };
        let server = Server::tcp(slow_echo)
            .backend(backend)
            .blocking_pool(BlockingPool::default().max_threads(5))
            .listen("127.0.0.1:0")
            .expect("a free port");
        // A machine may have no IPv6.
        let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
        let server = if has_ipv6 { server.listen("[::1]:0").expect("a free port") } else { server };
        let handle = start(server);
        for addr in handle.local_addrs() {
            let ask = |number: usize| {
                thread::spawn(move || {
                    let text = format!("client {number}");
                    (echoed(addr, &text), text)
                })
            };
            let clients: Vec<_> = (0..10).map(ask).collect();
            for client in clients {
                let (back, text) = client.join().expect("it is echoed");
                assert_eq!(back, text);
            }
        }
    });
}

#[test]
fn it_says_that_it_is_over_6() {
    on_each(|backend| {
        let handle = echo_server(backend);
        let addr = handle.local_addrs()[0];
        handle.stop_switch().stop();
        assert!(handle.wait(Some(LONG)));
        assert_eq!(handle.state(), ServerState::Stopped);
        assert!(TcpStream::connect(addr).is_err());
    });
}

#[test]
fn a_connection_to_the_shutdown_port_stops_it_and_who_waits_twice_is_told_twice_8() {
    on_each(|backend| {
        let port = ShutdownPort::bind("127.0.0.1:0").expect("a free port");
        let control = port.local_addr();
        let server = Server::tcp(echo).backend(backend).shutdown_port(port);
        let handle = start(server.listen("127.0.0.1:0").expect("a free port"));
        assert_eq!(echoed(handle.local_addrs()[0], "hello"), "hello");
        drop(TcpStream::connect(control).expect("it listens"));
        assert!(handle.wait(Some(LONG)));
        assert!(handle.wait(Some(LONG)));
    });
}

#[test]
fn its_construction_opens_no_socket_9() {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = probe.local_addr().expect("it has one");
    drop(probe);
    let server = Server::tcp(echo).workers(1);
    let still_free = TcpListener::bind(addr);
    drop(server);
    assert!(still_free.is_ok());
}

#[test]
fn it_carries_what_the_program_gave_it_10() {
    on_each(|backend| {
        let context = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&context);
        let count = move |stream: Stream| {
            own.fetch_add(1, Ordering::Relaxed);
            echo(stream)
        };
        let server = Server::tcp(count).backend(backend).listen("127.0.0.1:0");
        let handle = start(server.expect("a free port"));
        for _ in 0..3 {
            assert_eq!(echoed(handle.local_addrs()[0], "hello"), "hello");
        }
        assert_eq!(context.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn its_status_is_that_of_each_of_its_workers_11_12() {
    on_each(|backend| {
        let silent = Service::on_readable(|| (), |(), _, _| Ok::<_, std::io::Error>(()));
        let server = Server::with(silent).backend(backend).workers(5).listen("127.0.0.1:0");
        let handle = server.and_then(Server::start).expect("it starts");
        let stats = handle.stats();
        assert_eq!(stats.workers().len(), 5);
        assert!(stats.workers().iter().all(|worker| worker.connections == 0));
        assert!(!stats.to_string().is_empty());
        let client = TcpStream::connect(handle.local_addrs()[0]).expect("it listens");
        while handle.stats().connections == 0 {
            thread::yield_now();
        }
        assert_eq!(handle.connections().list.len(), 1);
        drop(client);
    });
}
