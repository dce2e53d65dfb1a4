//! Connections that leave a server whose program goes on with their sockets, on each kind of
//! server.
//!
//! Not here: at which moments they leave (`src/tests/cases/detach.rs`).

mod kinds;

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;

#[cfg(unix)]
use kinds::backends;
use kinds::{LONG, on_each};
use wharf::{BoxError, Detached, DetachedSocket, Server, Stream};

/// A server that gives its connections, once three bytes have come, to whoever receives them.
fn giving_away() -> (Server, mpsc::Receiver<Detached>) {
    let (give, taken) = mpsc::channel();
    let server = Server::tcp(move |mut stream: Stream| {
        let give = give.clone();
        async move {
            stream.read_exact(&mut [0; 3]).await?;
            give.send(stream.detach().await?)?;
            Ok::<_, BoxError>(())
        }
    });
    (server, taken)
}

#[test]
fn another_actor_answers_on_a_socket_that_the_server_does_not_know_any_more_13() {
    on_each(|kind| {
        let (server, taken) = giving_away();
        let handle = kind.of(server).start().unwrap();
        let mut client = kind.connect(handle.local_addrs()[0]);
        client.write_all(b"byehello").unwrap();
        let mut detached = taken.recv_timeout(LONG).unwrap();
        assert_eq!(handle.stats().connections, 0);
        let actor = thread::spawn(move || {
            let mut text = [0; 5];
            detached.read_exact(&mut text).unwrap();
            detached.write_all(&text).unwrap();
            detached
        });
        let mut answer = [0; 5];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
        let mut detached = actor.join().unwrap();
        // Nor does the server's end have to do with it.
        handle.stop();
        assert!(handle.wait(Some(LONG)));
        detached.write_all(b"again").unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"again");
        client.end();
        assert_eq!(detached.read(&mut answer).unwrap(), 0);
    });
}

#[test]
fn the_socket_itself_is_to_be_had_unless_tls_is_spoken_on_it_13() {
    on_each(|kind| {
        let (server, taken) = giving_away();
        let handle = kind.of(server).start().unwrap();
        let mut client = kind.connect(handle.local_addrs()[0]);
        client.write_all(b"byehello").unwrap();
        let detached = match taken.recv_timeout(LONG).unwrap().into_std() {
            Ok((DetachedSocket::Tcp(mut socket), mut text)) => {
                assert!(!kind.speaks_tls());
                let read = text.len();
                text.resize(5, 0);
                socket.read_exact(&mut text[read..]).unwrap();
                return assert_eq!(text, b"hello");
            }
            Ok(_) => panic!("it is a connection of TCP"),
            Err(secure) => secure.into_inner(),
        };
        assert!(kind.speaks_tls());
        assert!(b"hello".starts_with(detached.unread()));
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_leaves_as_what_it_is() {
    use std::os::unix::net::UnixStream;

    for backend in backends() {
        let path = std::env::temp_dir()
            .join(format!("wharf-detaching-{}-{backend:?}.sock", std::process::id()));
        let (server, taken) = giving_away();
        let server = server.backend(backend).listen(format!("unix:{}", path.display()));
        let handle = server.unwrap().start().unwrap();
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
    on_each(|kind| {
        let (server, taken) = giving_away();
        let server = server.max_connections(1).max_connections_per_client(1);
        let handle = kind.of(server).start().unwrap();
        let mut kept = Vec::new();
        while kept.len() < 5 {
            let mut client = kind.connect(handle.local_addrs()[0]);
            client.write_all(b"bye").unwrap();
            kept.push((client, taken.recv_timeout(LONG).unwrap()));
        }
        handle.stop();
        assert!(handle.wait(Some(LONG)));
    });
}
