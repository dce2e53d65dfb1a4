//! The kinds of servers that a test runs on: each backend, with IPv4 and IPv6, without TLS and with
//! it, as far as the system and the build have them.
//!
//! A part of other tests, which say what is tested. Not here: anything on a simulated clock.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

#[cfg(not(feature = "tls-self-signed"))]
mod no_tls;
#[cfg(feature = "tls-self-signed")]
mod tls;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

#[cfg(not(feature = "tls-self-signed"))]
use no_tls::LAYERS;
#[cfg(feature = "tls-self-signed")]
use tls::LAYERS;
use wharf::{Backend, Error, Server};

/// More than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// One kind of server.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) backend: Backend,
    /// Where it listens: on a free port.
    pub(crate) addr: &'static str,
    layer: &'static Layer,
}

/// What is spoken below.
struct Layer {
    name: &'static str,
    listen: fn(Server, &str) -> wharf::Result<Server>,
    dress: fn(TcpStream) -> Box<dyn Client>,
}

const PLAIN: Layer = Layer {
    name: "plain",
    listen: |server, addr| server.listen(addr),
    dress: |socket| Box::new(socket),
};

/// A client's connection.
pub(crate) trait Client: Read + Write + Send {
    /// Says that nothing more will be sent.
    fn end(&mut self);
}

impl Client for TcpStream {
    fn end(&mut self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

/// Runs a test on each kind that can be had here.
pub(crate) fn on_each(test: impl Fn(Kind)) {
    for backend in backends() {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            if let Err(error) = TcpListener::bind(addr) {
                eprintln!("skipped on {addr}: {error}");
                continue;
            }
            for layer in LAYERS {
                // A test that fails is told with it.
                eprintln!("{backend:?}, {addr}, {}", layer.name);
                test(Kind { backend, addr, layer });
            }
        }
    }
}

/// The backends that can be had here.
pub(crate) fn backends() -> Vec<Backend> {
    let is_here = |backend: &Backend| {
        let server = Server::new("").backend(*backend).listen("127.0.0.1:0");
        match server.and_then(Server::start) {
            Ok(_) => true,
            Err(error @ Error::Backend(_)) => {
                eprintln!("skipped on {backend:?}: {error}");
                false
            }
            Err(error) => panic!("{error}"),
        }
    };
    [Backend::Epoll, Backend::IoUring].into_iter().filter(is_here).collect()
}

impl Kind {
    /// Has a server be of this kind, listening for its own service.
    pub(crate) fn of(self, server: Server) -> Server {
        (self.layer.listen)(server.backend(self.backend), self.addr).expect("a free port")
    }

    /// Whether TLS is spoken.
    pub(crate) fn speaks_tls(self) -> bool {
        self.layer.name != PLAIN.name
    }

    pub(crate) fn connect(self, addr: SocketAddr) -> Box<dyn Client> {
        let socket = TcpStream::connect(addr).expect("it listens");
        socket.set_read_timeout(Some(LONG)).expect("it is settable");
        (self.layer.dress)(socket)
    }
}
