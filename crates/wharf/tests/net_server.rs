//! What a server of any protocol has to do, on each kind of server: echo, threads that block,
//! stopping in each way, what a program sees of it.
//!
//! Not here: leaving the server (`detaching.rs`), and what a handler can do with its stream
//! (`src/tests/cases/raw.rs`).

mod kinds;

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kinds::{Kind, LONG, on_each};
use wharf::{
    BlockingPool, BlockingStream, BoxError, Dispatch, Limits, ListenAddr, OnDisconnect, Server,
    ServerHandle, ServerState, Service, Settings, ShutdownPort, Stream, Timeouts,
};

async fn echo(mut stream: Stream) -> std::io::Result<()> {
    let mut buffer = [0; 1000];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

fn start(kind: Kind, server: Server) -> (ServerHandle, SocketAddr) {
    let handle = kind.of(server).workers(2).start().expect("it starts");
    let addr = handle.local_addrs()[0];
    (handle, addr)
}

/// What comes back of `text`.
fn echoed(kind: Kind, addr: SocketAddr, text: &str) -> String {
    let mut client = kind.connect(addr);
    client.write_all(text.as_bytes()).expect("it is taken");
    client.end();
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
fn it_echoes_with_the_defaults_on_a_free_port_with_tls_and_without_2_7() {
    on_each(|kind| {
        let (handle, addr) = start(kind, Server::tcp(echo));
        assert_ne!(addr.port(), 0);
        assert_eq!(handle.listen_addrs()[0].speaks_tls(), kind.speaks_tls());
        assert_eq!(echoed(kind, addr, "hello"), "hello");
    });
}

#[test]
fn it_is_stopped_3() {
    on_each(|kind| {
        let (handle, _) = start(kind, Server::tcp(echo));
        assert_eq!(handle.state(), ServerState::Running);
        handle.stop_switch().stop();
        assert!(handle.wait(Some(LONG)));
    });
}

#[test]
fn ten_clients_of_five_threads_that_block_for_a_while_all_succeed_4() {
    on_each(|kind| {
        let slow_echo = |mut stream: BlockingStream| -> std::io::Result<()> {
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            thread::park_timeout(Duration::from_millis(200));
            stream.write_all(text.as_bytes())
        };
        let pool = BlockingPool::default().with_max_threads(5);
        let (_handle, addr) = start(kind, Server::tcp(slow_echo).blocking_pool(pool));
        let ask = |number: usize| {
            thread::spawn(move || {
                let text = format!("client {number}");
                (echoed(kind, addr, &text), text)
            })
        };
        let clients: Vec<_> = (0..10).map(ask).collect();
        for client in clients {
            let (back, text) = client.join().expect("it is echoed");
            assert_eq!(back, text);
        }
    });
}

/// A server whose settings all differ from the defaults, but for those that not every system has.
fn set(server: Server, shutdown_port: ShutdownPort) -> Server {
    let second = Duration::from_secs(1);
    let limits = Limits::builder()
        .max_head_bytes(10_000)
        .max_target_bytes(1001)
        .max_field_bytes(1002)
        .max_fields(103)
        .max_body_bytes(1004)
        .max_trailer_bytes(1005)
        .max_chunk_extension_bytes(106)
        .max_drain_bytes(1007)
        .build();
    let timeouts = Timeouts::default()
        .with_first_byte(second)
        .with_handshake(2 * second)
        .with_head(3 * second)
        .with_body(4 * second)
        .with_body_rate(5)
        .with_write(6 * second)
        .with_write_rate(7)
        .with_rate_grace(8 * second)
        .with_handler(Some(9 * second))
        .with_idle(10 * second)
        .with_tunnel(11 * second)
        .with_linger(12 * second)
        .with_drain_grace(13 * second);
    let pool = BlockingPool::default()
        .with_max_threads(1)
        .with_max_queued(2)
        .with_first_wait(3 * second)
        .with_retry_interval(4 * second)
        .with_max_retry(5)
        .with_idle(6 * second)
        .with_stop_wait(7 * second);
    server
        .workers(3)
        .dispatch(Dispatch::LeastConnections)
        .limits(limits.expect("they are in range"))
        .timeouts(timeouts)
        .blocking_pool(pool)
        .max_connections(101)
        .max_connections_per_client(102)
        .max_handshakes(103)
        .max_requests_per_connection(104)
        .http2(false)
        .max_streams(105)
        .http2_windows(106, 107_000)
        .on_disconnect(OnDisconnect::Finish)
        .allow_half_close(false)
        .allow_trace(true)
        .accept_bare_lf(true)
        .return_memory(false)
        .blocked_worker_after(second)
        .spin(Duration::from_nanos(1))
        .lame_duck(Duration::from_nanos(2))
        .shutdown_port(shutdown_port)
}

/// The names of a value's fields that are the same in another, as both are printed.
fn same_fields(one: &dyn Debug, other: &dyn Debug) -> Vec<String> {
    let fields = |value: &dyn Debug| -> Vec<String> {
        let text = format!("{value:#?}").replace("\n     ", " ");
        text.lines().filter(|line| line.contains(": ")).map(ToOwned::to_owned).collect()
    };
    let (one, other) = (fields(one), fields(other));
    assert_eq!(one.len(), other.len());
    let same = one.into_iter().zip(other).filter(|(one, other)| one == other);
    same.filter_map(|(one, _)| Some(one.split(':').next()?.trim().to_owned())).collect()
}

#[test]
fn what_it_was_told_is_read_back_before_and_while_it_runs_5() {
    on_each(|kind| {
        let (tell, told) = mpsc::channel::<Option<Settings>>();
        let ask = move |stream: Stream| {
            let tell = tell.clone();
            async move {
                tell.send(stream.server().settings())?;
                Ok::<_, BoxError>(echo(stream).await?)
            }
        };
        let port = ShutdownPort::loopback(0).expect("a free port");
        let addr = port.local_addr();
        let server = kind.of(set(Server::tcp(ask), port));
        let settings = server.settings().clone();
        let defaults = Server::new("").settings().clone();
        // The system may refuse two of them, and one takes a predecessor.
        let left = ["pin_workers", "busy_poll", "hand_over"];
        assert_eq!(same_fields(&settings, &defaults), left);
        assert!(same_fields(&settings.limits, &defaults.limits).is_empty());
        assert!(same_fields(&settings.timeouts, &defaults.timeouts).is_empty());
        assert!(same_fields(&settings.blocking_pool, &defaults.blocking_pool).is_empty());
        assert_eq!((settings.workers, settings.backend), (Some(3), kind.backend));
        assert_eq!(settings.timeouts.tunnel(), Duration::from_secs(11));
        assert_eq!(settings.blocking_pool.max_retry(), 5);
        assert_eq!(settings.shutdown_port, Some(addr));

        let handle = server.start().expect("it starts");
        assert_eq!(handle.settings(), &settings);
        assert_eq!(echoed(kind, handle.local_addrs()[0], "hello"), "hello");
        let in_handler = told.recv_timeout(LONG).expect("it was called");
        assert_eq!(in_handler.as_ref(), Some(&settings));
    });
}

#[test]
fn a_server_that_runs_tells_what_its_defaults_have_come_to_5() {
    on_each(|kind| {
        let handle = kind.of(Server::tcp(echo)).start().expect("it starts");
        let settings = handle.settings();
        assert_eq!(settings.workers, thread::available_parallelism().map(usize::from).ok());
        assert!(settings.max_connections.is_some());
        assert_eq!(settings.backend, kind.backend);
    });
}

#[test]
fn how_it_listens_is_read_back_5() {
    let addr = ListenAddr::from(([127, 0, 0, 1], 0)).backlog(7).nodelay(false);
    let server = Server::tcp(echo).listen(addr).expect("a free port");
    let listened = server.listen_addrs();
    assert_eq!(listened[0].options().backlog, Some(7));
    assert_eq!(listened[0].options().nodelay, Some(false));
    assert_eq!(listened[0].options().keepalive, None);
}

#[test]
fn it_says_that_it_is_over_6() {
    on_each(|kind| {
        let (handle, addr) = start(kind, Server::tcp(echo));
        handle.stop_switch().stop();
        assert!(handle.wait(Some(LONG)));
        assert_eq!(handle.state(), ServerState::Stopped);
        assert!(TcpStream::connect(addr).is_err());
    });
}

#[test]
fn a_connection_to_the_shutdown_port_stops_it_and_who_waits_twice_is_told_twice_8() {
    on_each(|kind| {
        let port = ShutdownPort::bind(kind.addr).expect("a free port");
        let control = port.local_addr();
        let (handle, addr) = start(kind, Server::tcp(echo).shutdown_port(port));
        assert_eq!(echoed(kind, addr, "hello"), "hello");
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
    assert_eq!(server.state(), ServerState::Built);
    assert!(still_free.is_ok());
}

#[test]
fn it_carries_what_the_program_gave_it_10() {
    on_each(|kind| {
        let context = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&context);
        let count = move |stream: Stream| {
            own.fetch_add(1, Ordering::Relaxed);
            echo(stream)
        };
        let (_handle, addr) = start(kind, Server::tcp(count));
        for _ in 0..3 {
            assert_eq!(echoed(kind, addr, "hello"), "hello");
        }
        assert_eq!(context.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn its_status_is_that_of_each_of_its_workers_11_12() {
    on_each(|kind| {
        let silent = Service::on_readable(|| (), |(), _, _| Ok::<_, std::io::Error>(()));
        let handle = kind.of(Server::with(silent)).workers(5).start().expect("it starts");
        let stats = handle.stats();
        assert_eq!(stats.workers().len(), 5);
        assert!(stats.workers().iter().all(|worker| worker.connections == 0));
        assert!(!stats.to_string().is_empty());
        let client = kind.connect(handle.local_addrs()[0]);
        while handle.stats().connections == 0 {
            thread::yield_now();
        }
        assert_eq!(handle.connections().list.len(), 1);
        drop(client);
    });
}
