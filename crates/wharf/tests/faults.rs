//! What the system does to a server: it has no descriptors left, and listeners that die.
//!
//! Not here: what else goes wrong with connections (`src/tests/faults.rs`, `src/tests/seeds`), and
//! what is left when a server is over (`descriptors.rs`, `cycles.rs`).

#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "says what is skipped, and what a child has to say")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use wharf::{Backend, Error, ErrorContext, ErrorKind, Request, Router, Server};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any test: an end that comes then does not come.
const FAR: Duration = Duration::from_secs(3600);

/// Tells a process that it is to be [`child`], and on which backend.
const CHILD: &str = "WHARF_FAULTS_CHILD";

/// How long descriptors are lacking, in seconds; by default until that was told three times.
const HOLD: &str = "WHARF_FAULTS_SECONDS";

const BACKENDS: [Backend; 2] = [Backend::Epoll, Backend::IoUring];

/// A server with one worker that a request can block until `release` is used or dropped, and how
/// often it could not accept.
struct Stand {
    server: Server,
    release: mpsc::Sender<()>,
    failures: Arc<AtomicUsize>,
}

impl Stand {
    fn new(backend: Backend) -> Self {
        let (release, blocked) = mpsc::channel();
        let (blocked, failures) = (Mutex::new(blocked), Arc::new(AtomicUsize::new(0)));
        let block = move |_: Request| {
            let _ = blocked.lock().expect("no panic").recv();
            "released"
        };
        let count = Arc::clone(&failures);
        let on_error = move |context: &ErrorContext<'_>| {
            let is_accept = context.kind == ErrorKind::Accept;
            count.fetch_add(usize::from(is_accept), Ordering::SeqCst);
            None
        };
        let site = Router::new().get("/", "hello").get("/block", block);
        let server = Server::new(site).workers(1).backend(backend).on_error(on_error);
        Self { server, release, failures }
    }
}

/// Whether the backend can be used here. If not, whoever runs the tests is told why.
fn is_here(backend: Backend) -> bool {
    let server = Server::new("").backend(backend).listen("127.0.0.1:0").expect("a free port");
    match server.into_ticker() {
        Err(Error::Backend(error)) => {
            eprintln!("skipped: {backend:?} can't be used here: {error}");
            false
        }
        _ => true,
    }
}

fn connect(addr: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(addr).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("more than zero");
    client
}

fn ask(mut client: impl Write, path: &str) {
    write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
}

/// Reads a response with a body of that kind.
fn expect(mut client: impl Read, body: &str) {
    let (mut response, mut buffer) = (Vec::new(), [0; 1000]);
    while !response.ends_with(body.as_bytes()) {
        let len = match client.read(&mut buffer) {
            // A ring that this thread had may still be on its way out.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.expect("an answer"),
        };
        assert!(len > 0, "the end, behind {}", response.escape_ascii());
        response.extend_from_slice(&buffer[..len]);
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

/// A server in a process of its own, which may open few descriptors.
struct Poor {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStderr>,
    addr: SocketAddr,
}

impl Poor {
    fn new(backend: Backend) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", "ulimit -n 100; exec \"$0\" child --exact --nocapture"])
            .arg(env::current_exe().expect("it runs"))
            .env(CHILD, format!("{backend:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let orders = process.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(process.stderr.take().expect("a pipe"));
        let addr = line(&mut answers).parse().expect("an address");
        Self { process, orders, answers, addr }
    }

    /// Has the child do something, and gives what it says.
    fn tell(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").expect("it listens");
        line(&mut self.answers)
    }

    fn failures(&mut self) -> u128 {
        self.tell("failures").parse().expect("a number")
    }
}

fn line(answers: &mut impl BufRead) -> String {
    let mut line = String::new();
    answers.read_line(&mut line).expect("the child speaks");
    line.trim_end().to_owned()
}

/// The other side of [`Poor`]: does nothing where it is not asked for.
#[test]
fn child() {
    let Ok(backend) = env::var(CHILD) else { return };
    let backend = BACKENDS.into_iter().find(|known| format!("{known:?}") == backend);
    let Stand { server, release, failures } = Stand::new(backend.expect("one of them"));
    let handle = server.listen("127.0.0.1:0").expect("a free port").start().expect("it starts");
    eprintln!("{}", handle.local_addrs()[0]);
    let mut hoard = Vec::new();
    for order in io::stdin().lines() {
        match order.expect("the parent speaks").as_str() {
            "hoard" => {
                while let Ok(file) = File::open("/dev/null") {
                    hoard.push(file);
                }
                eprintln!("{}", hoard.len());
            }
            "free" => {
                hoard.clear();
                eprintln!("freed");
            }
            "failures" => eprintln!("{}", failures.load(Ordering::SeqCst)),
            "drain" => {
                handle.stop_switch().drain(FAR);
                release.send(()).expect("there is a handler");
                eprintln!("draining");
            }
            "wait" => eprintln!("{}", handle.wait(Some(PATIENCE)) && handle.report().is_clean()),
            order => panic!("{order}?"),
        }
    }
}

/// By hand, with `WHARF_FAULTS_SECONDS=10`, for longer.
#[test]
fn a_server_without_descriptors_serves_who_is_there_and_then_who_waits() {
    let hold = env::var(HOLD).map_or(0, |hold| hold.parse().expect("seconds"));
    for backend in BACKENDS.into_iter().filter(|&backend| is_here(backend)) {
        let mut server = Poor::new(backend);
        let open = connect(server.addr);
        ask(&open, "/");
        expect(&open, "hello");
        let began = Instant::now();
        assert_ne!(server.tell("hoard"), "0");
        let waiting: Vec<_> = (0..5).map(|_| connect(server.addr)).collect();
        for client in &waiting {
            ask(client, "/");
        }
        while server.failures() < 3 || began.elapsed() < Duration::from_secs(hold) {
            ask(&open, "/");
            expect(&open, "hello");
        }
        // It tries again after a tenth of a second.
        let failures = server.failures();
        assert!(failures <= began.elapsed().as_millis() / 100 + 2, "{failures}: {backend:?}");
        for mut client in &waiting {
            client.set_nonblocking(true).expect("a socket");
            let read = client.read(&mut [0]).map_err(|error| error.kind());
            assert_eq!(read, Err(io::ErrorKind::WouldBlock));
            client.set_nonblocking(false).expect("a socket");
        }
        assert_eq!(server.tell("free"), "freed");
        for client in &waiting {
            expect(client, "hello");
        }
        ask(&connect(server.addr), "/");
        drop(server.orders);
        assert!(server.process.wait().expect("it ends").success());
    }
}

/// Who waits where nothing can be accepted does not keep a server from its end, be it accepted
/// when others have left, or reset.
#[test]
fn a_server_without_descriptors_can_drain() {
    for backend in BACKENDS.into_iter().filter(|&backend| is_here(backend)) {
        let mut server = Poor::new(backend);
        let open = connect(server.addr);
        ask(&open, "/");
        expect(&open, "hello");
        ask(&open, "/block");
        server.tell("hoard");
        let _waiting = connect(server.addr);
        assert_eq!(server.tell("drain"), "draining");
        expect(&open, "released");
        // Its descriptor may be that of another.
        drop(open);
        assert_eq!(server.tell("wait"), "true", "{backend:?}");
        drop(server.orders);
        assert!(server.process.wait().expect("it ends").success());
    }
}

/// A listener that somebody shuts down through another descriptor of the socket.
#[test]
fn a_listener_that_dies_takes_nobody_along() {
    for backend in BACKENDS.into_iter().filter(|&backend| is_here(backend)) {
        for is_unix in [false, true] {
            let Stand { server, failures, .. } = Stand::new(backend);
            let (server, kill) = with_mortal_listener(server, is_unix);
            let handle = server.start().expect("it starts");
            let addrs = handle.local_addrs();
            kill();
            // Nobody is told of a Unix socket's end: its peers are refused, and that is all.
            wait_until("it is told", || is_unix || failures.load(Ordering::SeqCst) > 0);
            for &addr in [addrs[0], addrs[addrs.len() - 1]].iter().cycle().take(20) {
                let client = connect(addr);
                ask(&client, "/");
                expect(&client, "hello");
            }
            handle.stop_switch().drain(FAR);
            assert!(handle.wait(Some(PATIENCE)), "{backend:?}");
            assert!(handle.report().is_clean());
            assert!(failures.load(Ordering::SeqCst) <= 1, "it is told once: {backend:?}");
        }
    }
}

/// The worker hears of both at once.
#[test]
fn a_listener_that_dies_in_a_drain_does_not_keep_it() {
    for backend in BACKENDS.into_iter().filter(|&backend| is_here(backend)) {
        for is_unix in [false, true] {
            let Stand { server, release, .. } = Stand::new(backend);
            let (server, kill) = with_mortal_listener(server, is_unix);
            let handle = server.start().expect("it starts");
            let client = connect(handle.local_addrs()[0]);
            ask(&client, "/block");
            wait_until("it is blocked", || handle.stats().requests == 1);
            kill();
            handle.stop_switch().drain(FAR);
            release.send(()).expect("there is a handler");
            expect(&client, "released");
            drop(client);
            assert!(handle.wait(Some(PATIENCE)), "{backend:?}");
        }
    }
}

/// A server with three listeners, and what kills the second.
fn with_mortal_listener(server: Server, is_unix: bool) -> (Server, impl FnOnce()) {
    let server = server.listen("127.0.0.1:0").expect("a free port");
    let (server, twin) = if is_unix {
        let name = format!("wharf {} {:?}", process::id(), thread::current().id());
        let addr = UnixAddr::from_abstract_name(name).expect("it is short");
        let listener = UnixListener::bind_addr(&addr).expect("nobody else has it");
        let twin = OwnedFd::from(listener.try_clone().expect("a descriptor"));
        (server.listen_on(listener), twin)
    } else {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let twin = OwnedFd::from(listener.try_clone().expect("a descriptor"));
        (server.listen_on(listener), twin)
    };
    let server = server.expect("it listens").listen("127.0.0.1:0").expect("a free port");
    let kill = move || {
        let killed = if is_unix {
            UnixStream::from(twin).shutdown(Shutdown::Both)
        } else {
            TcpStream::from(twin).shutdown(Shutdown::Both)
        };
        killed.expect("it listened");
    };
    (server, kill)
}
