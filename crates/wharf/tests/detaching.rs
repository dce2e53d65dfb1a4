//! Connections that leave a server whose program goes on with their sockets, on each backend.
//!
//! Not here: at which moments they leave, and over TLS (`src/tests/cases/detach.rs`).

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wharf::{Backend, BoxError, Detached, DetachedSocket, Error, Server, ServerHandle, Stream};

/// More than any test takes.
const LONG: Duration = Duration::from_secs(30);

/// A server that gives its connections to whoever receives them.
fn giving_away(backend: Backend, addr: &str) -> Option<(ServerHandle, mpsc::Receiver<Detached>)> {
    let (give, taken) = mpsc::channel();
    let server = Server::tcp(move |mut stream: Stream| {
        let give = give.clone();
        async move {
            stream.read_exact(&mut [0; 3]).await?;
            give.send(stream.detach().await?)?;
            Ok::<_, BoxError>(())
        }
    });
    match server.backend(backend).listen(addr).and_then(Server::start) {
        Ok(handle) => Some((handle, taken)),
        Err(error @ Error::Backend(_)) => {
            eprintln!("skipped on {backend:?}: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn another_actor_answers_on_a_socket_that_the_server_does_not_know_any_more() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        let Some((handle, taken)) = giving_away(backend, "127.0.0.1:0") else { continue };
        let mut client = TcpStream::connect(handle.local_addrs()[0]).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        client.write_all(b"byehello").unwrap();
        let detached = taken.recv_timeout(LONG).unwrap();
        assert_eq!(handle.stats().connections, 0);
        let actor = thread::spawn(move || {
            let Ok((DetachedSocket::Tcp(mut socket), unread)) = detached.into_std() else {
                panic!("it is a plain connection of TCP");
            };
            let mut text = unread;
            text.resize(5, 0);
            let unread = text.iter().position(|&byte| byte == 0).unwrap_or(5);
            socket.read_exact(&mut text[unread..]).unwrap();
            socket.write_all(&text).unwrap();
            socket
        });
        let mut answer = [0; 5];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
        let mut socket = actor.join().unwrap();
        // Nor does the server's end have to do with it.
        handle.stop();
        assert!(handle.wait(Some(LONG)));
        socket.write_all(b"again").unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"again");
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_leaves_as_what_it_is() {
    use std::os::unix::net::UnixStream;

    for backend in [Backend::Epoll, Backend::IoUring] {
        let path = std::env::temp_dir()
            .join(format!("wharf-detaching-{}-{backend:?}.sock", std::process::id()));
        let addr = format!("unix:{}", path.display());
        let Some((handle, taken)) = giving_away(backend, &addr) else { continue };
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"bye").unwrap();
        let Ok((DetachedSocket::Unix(mut socket), unread)) =
            taken.recv_timeout(LONG).unwrap().into_std()
        else {
            panic!("it is a Unix socket");
        };
        assert_eq!(unread, b"");
        socket.write_all(b"hello").unwrap();
        drop(socket);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello");
        handle.stop();
        assert!(handle.wait(Some(LONG)));
    }
}

/// The place of a connection that has left is another's.
#[test]
fn a_connection_that_left_makes_room() {
    let (give, taken) = mpsc::channel();
    let server = Server::tcp(move |stream: Stream| {
        let give = give.clone();
        async move {
            give.send(stream.detach().await?)?;
            Ok::<_, BoxError>(())
        }
    });
    let server = server.max_connections(1).max_connections_per_client(1);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let mut kept = Vec::new();
    while kept.len() < 5 {
        let client = TcpStream::connect(handle.local_addrs()[0]).unwrap();
        kept.push((client, taken.recv_timeout(LONG).unwrap()));
    }
    handle.stop();
    assert!(handle.wait(Some(LONG)));
}
