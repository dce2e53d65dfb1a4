//! Listeners of every kind serve, on each backend; and come and go while the server runs.
//!
//! Not here: reading addresses and setting options (tested inside of the crate).

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test, also outside of its test functions")]
#![expect(clippy::print_stderr, reason = "says what is skipped")]

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wharf::{Backend, Error, ListenAddr, Request, Server, ServerHandle};

/// How long something may take before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// A new directory for the test of that name.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// Tells what it knows of the peer.
fn whoami(request: &Request) -> String {
    let credentials = request.peer_credentials();
    let credentials = credentials.map(|peer| (peer.pid(), peer.uid(), peer.gid()));
    format!("{} {:?} {credentials:?}", request.peer_addr(), request.local_addr())
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Ok(body.to_owned())
}

/// The backends that there are here.
fn backends() -> Vec<Backend> {
    let is_here = |backend: &Backend| match server(*backend).listen("127.0.0.1:0").unwrap().start()
    {
        Err(Error::Backend(error)) => {
            eprintln!("skipped: {backend:?} can't be used here: {error}");
            false
        }
        started => started.is_ok(),
    };
    [Backend::Epoll, Backend::IoUring].into_iter().filter(is_here).collect()
}

fn server(backend: Backend) -> Server {
    Server::new(|request: Request| whoami(&request)).backend(backend).workers(3)
}

/// What a peer in this very process is known by.
fn own_credentials(path: &Path) -> String {
    let made = fs::metadata(path).unwrap();
    if cfg!(target_os = "linux") {
        format!("unix None {:?}", Some((Some(std::process::id()), made.uid(), made.gid())))
    } else {
        "unix None None".to_owned()
    }
}

#[test]
fn a_unix_socket_serves_until_its_server_stops_and_leaves_nothing() {
    let directory = directory("serves");
    let path = directory.join("site.sock");
    for backend in backends() {
        let handle = server(backend).listen(unix(&path)).unwrap().start().unwrap();
        for _ in 0..10 {
            assert_eq!(
                ask(UnixStream::connect(&path).unwrap()).unwrap(),
                own_credentials(&directory)
            );
        }
        assert_eq!(handle.listen_addrs()[0].unix_path(), Some(&*path));
        assert_eq!(handle.local_addrs(), []);
        assert!(handle.drain(PATIENCE).is_clean());
        assert!(!path.exists());
    }
}

#[test]
fn every_worker_has_connections_of_a_unix_socket() {
    let path = directory("workers").join("site.sock");
    for backend in backends() {
        let threads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&threads);
        let note = move |_: Request| {
            let mut seen = seen.lock().unwrap();
            let this = thread::current().id();
            if !seen.contains(&this) {
                seen.push(this);
            }
            "noted"
        };
        let server = Server::new(note).backend(backend).workers(3);
        let handle = server.listen(unix(&path)).unwrap().start().unwrap();
        let mut clients: Vec<_> = (0..9).map(|_| UnixStream::connect(&path).unwrap()).collect();
        for client in &mut clients {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_ne!(client.read(&mut [0; 1000]).unwrap(), 0);
        }
        assert_eq!(threads.lock().unwrap().len(), 3, "{backend:?}");
        handle.stop();
    }
}

#[test]
fn large_bodies_come_and_go_on_a_unix_socket() {
    let path = directory("bodies").join("site.sock");
    for backend in backends() {
        let echo = |request: Request| request.into_body();
        let server = Server::new(echo).backend(backend).listen(unix(&path)).unwrap();
        let _handle = server.start().unwrap();
        let body: Vec<u8> = (0..900_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let mut client = UnixStream::connect(&path).unwrap();
        let mut writer = client.try_clone().unwrap();
        let sent = body.clone();
        let sending = thread::spawn(move || {
            let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ";
            write!(writer, "{head}{}\r\n\r\n", sent.len()).unwrap();
            writer.write_all(&sent).unwrap();
        });
        let mut response = Vec::new();
        client.read_to_end(&mut response).unwrap();
        sending.join().unwrap();
        assert!(response.ends_with(&body), "{backend:?}: {} bytes", response.len());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_name_serves_and_has_no_file() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let directory = directory("abstract");
    for backend in backends() {
        let name = format!("wharf-test-{}", std::process::id());
        let addr = SocketAddr::from_abstract_name(&name).unwrap();
        let handle = server(backend).listen(format!("unix:@{name}")).unwrap().start().unwrap();
        let connect = || UnixStream::connect_addr(&addr);
        assert_eq!(ask(connect().unwrap()).unwrap(), own_credentials(&directory));
        let taken = Server::new("").listen(ListenAddr::abstract_unix(&*name)).err();
        assert!(taken.unwrap().to_string().ends_with("already in use"));
        handle.drain(PATIENCE);
        assert_eq!(connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_socket_has_the_mode_that_is_wanted_whatever_the_umask() {
    let directory = directory("mode");
    for mode in [0o600, 0o660, 0o666, 0o777, 0o606] {
        let path = directory.join(format!("{mode:o}.sock"));
        let server = Server::new("").listen(ListenAddr::unix(&path).mode(mode)).unwrap();
        let made = fs::symlink_metadata(&path).unwrap();
        assert!(made.file_type().is_socket());
        assert_eq!(made.permissions().mode() & 0o777, mode);
        drop(server);
        assert!(!path.exists(), "a server that was never run leaves nothing either");
    }
}

#[test]
fn a_leftover_is_replaced_and_nothing_else_is() {
    let path = directory("leftover").join("site.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a leftover");
    let first = Server::new("first").listen(unix(&path)).unwrap().start().unwrap();

    let error = Server::new("second").listen(unix(&path)).err().unwrap();
    assert_eq!(error.to_string(), format!("can't listen on {}: already in use", unix(&path)));
    assert_eq!(ask(UnixStream::connect(&path).unwrap()).unwrap(), "first");

    // Who takes the path away has it.
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    first.drain(PATIENCE);
    UnixStream::connect(&path).unwrap();
    drop(other);

    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    let Err(Error::Listen { source, .. }) = Server::new("").listen(unix(&path)) else {
        panic!("a file is no leftover");
    };
    assert_eq!(source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn of_many_who_find_a_leftover_one_gets_it_and_keeps_it() {
    let path = directory("race").join("site.sock");
    for _ in 0..20 {
        drop(UnixListener::bind(&path).unwrap());
        let servers: Vec<_> = thread::scope(|scope| {
            let bind = || Server::new("").listen(unix(&path)).ok();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(bind)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(servers.len(), 1);
        UnixStream::connect(&path).unwrap();
    }
}

#[test]
fn sockets_that_the_program_opened_serve() {
    let path = directory("opened").join("site.sock");
    for backend in backends() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = tcp.local_addr().unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let other_addr = other.local_addr().unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        let server = server(backend).listen_on(tcp).unwrap().listen_on(unix).unwrap();
        let server = server.listen_on(OwnedFd::from(other)).unwrap();
        assert_eq!(server.local_addrs(), [addr, other_addr]);
        let handle = server.start().unwrap();
        for addr in [addr, other_addr] {
            let stream = TcpStream::connect(addr).unwrap();
            let peer = stream.local_addr().unwrap();
            assert_eq!(ask(stream).unwrap(), format!("{peer} {:?} None", Some(addr)));
        }
        ask(UnixStream::connect(&path).unwrap()).unwrap();
        handle.drain(PATIENCE);
        assert!(path.exists(), "who bound it removes it");
        fs::remove_file(&path).unwrap();
        assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn what_is_no_listener_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (pair, _) = UnixStream::pair().unwrap();
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = fs::File::open("/dev/null").unwrap();
    for (fd, what) in [
        (OwnedFd::from(stream), "a connection, not a socket that listens"),
        (OwnedFd::from(pair), "a connection, not a socket that listens"),
        (OwnedFd::from(datagrams), "not a stream socket"),
        (OwnedFd::from(file), "not a socket"),
    ] {
        let error = Server::new("").listen_on(fd).err().unwrap();
        assert!(error.to_string().ends_with(what), "{error}");
    }
    for text in ["fd:1000000", "systemd:"] {
        assert!(matches!(Server::new("").listen(text), Err(Error::Listen { .. })), "{text}");
    }
}

/// Waits until nobody listens any more. Who is not answered must not wait for it: that may be up to
/// the next tick.
fn wait_until_refused(addr: SocketAddr, mut meanwhile: impl FnMut()) {
    let deadline = Instant::now() + PATIENCE;
    let connect = || TcpStream::connect_timeout(&addr, Duration::from_millis(10));
    while !connect().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
        assert!(Instant::now() < deadline, "it still listens");
        meanwhile();
        thread::yield_now();
    }
}

fn come_and_go(handle: &ServerHandle, path: &Path) {
    let added = handle.listen("127.0.0.1:0").unwrap();
    handle.listen(unix(path)).unwrap();
    let addr = added[0].socket_addr().unwrap();
    assert_eq!(handle.listen_addrs().len(), 3);
    let mut kept = TcpStream::connect(addr).unwrap();
    for _ in 0..10 {
        ask(TcpStream::connect(addr).unwrap()).unwrap();
        ask(UnixStream::connect(path).unwrap()).unwrap();
    }
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_ne!(kept.read(&mut [0; 1000]).unwrap(), 0);

    assert!(handle.unlisten(addr).unwrap());
    assert!(handle.unlisten(unix(path)).unwrap());
    assert!(!handle.unlisten(addr).unwrap(), "it is gone already");
    assert_eq!(handle.listen_addrs().len(), 1);
    assert!(!path.exists());
    wait_until_refused(addr, || {});
    // Its connections go on.
    ask(kept).unwrap();
    ask(TcpStream::connect(handle.local_addrs()[0]).unwrap()).unwrap();
    // And the address is free.
    drop(TcpListener::bind(addr).unwrap());
}

#[test]
fn listeners_come_and_go_while_the_server_runs() {
    let path = directory("come_and_go").join("site.sock");
    for backend in backends() {
        let handle = server(backend).listen("127.0.0.1:0").unwrap().start().unwrap();
        for _ in 0..3 {
            come_and_go(&handle, &path);
        }
        handle.drain(PATIENCE);
        assert!(matches!(handle.listen("127.0.0.1:0"), Err(Error::Listen { .. })));
    }
}

#[test]
fn a_tickers_listeners_come_and_go() {
    let path = directory("ticker").join("site.sock");
    for backend in backends() {
        let server = server(backend).workers(2).listen("127.0.0.1:0").unwrap();
        let mut ticker = server.into_ticker().unwrap();
        let addr = ticker.listen("127.0.0.1:0").unwrap()[0].socket_addr().unwrap();
        ticker.listen(unix(&path)).unwrap();
        let clients = [
            thread::spawn(move || ask(TcpStream::connect(addr).unwrap())),
            thread::spawn({
                let path = path.clone();
                move || ask(UnixStream::connect(path).unwrap())
            }),
        ];
        let deadline = Instant::now() + PATIENCE;
        while !clients.iter().all(thread::JoinHandle::is_finished) {
            assert!(Instant::now() < deadline, "nothing happens");
            assert!(ticker.tick(Duration::from_millis(5)).unwrap());
        }
        for client in clients {
            client.join().unwrap().unwrap();
        }
        assert!(ticker.unlisten(addr).unwrap());
        wait_until_refused(addr, || assert!(ticker.tick(Duration::ZERO).unwrap()));
    }
}

#[test]
fn clients_of_unix_sockets_are_bounded_by_user() {
    let path = directory("bounded").join("site.sock");
    let server = Server::new("hello").max_connections_per_client(2);
    let handle = server.listen(unix(&path)).unwrap().start().unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let mut answered = 0;
    for client in &mut clients {
        // One that is turned away may be gone before it can write.
        let _ = client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        answered += usize::from(client.read(&mut [0; 1000]).is_ok_and(|len| len > 0));
    }
    assert_eq!(answered, 2);
    handle.stop();
}

/// A Unix socket tells at once when no more can wait.
#[cfg(target_os = "linux")]
#[test]
fn so_many_wait_in_a_backlog() {
    let directory = directory("backlog");
    for backlog in [1, 5] {
        let path = directory.join(backlog.to_string());
        let addr = format!("{}?backlog={backlog}", unix(&path));
        let _bound = Server::new("hello").listen(addr.as_str()).unwrap();
        let at = socket2::SockAddr::unix(&path).unwrap();
        let mut waiting = Vec::new();
        loop {
            let kind = socket2::Type::STREAM.nonblocking();
            let socket = socket2::Socket::new(socket2::Domain::UNIX, kind, None).unwrap();
            if socket.connect(&at).is_err() {
                break;
            }
            waiting.push(socket);
        }
        // Linux lets one more wait than it is told.
        assert_eq!(waiting.len(), backlog + 1);
    }
}
