//! [`ShutdownPort`]: a port on which somebody else on the machine can have the server end.
//!
//! It has a thread of its own, so that it works while every worker is blocked, and blocks itself
//! while somebody is slow to name the token. Not here: what a drain is (`worker/drain.rs`).

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::stop::StopSwitch;

/// How long a drain may take by default.
const DRAIN: Duration = Duration::from_secs(30);

/// How long a peer may take to name the token.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing is accepted when the system refuses to.
const PAUSE: Duration = Duration::from_millis(100);

type Predicate = Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>;

/// A port of its own, on which a connection has the server drain.
///
/// Whoever can connect can stop the server: without a [`token`](Self::token) every user of the
/// machine can, for loopback has no users, and a web page that is open in a browser there as well.
/// Give it one, and never let it listen on an address that others reach.
///
/// The token is sent as it is, followed by a line feed or the end of what the peer sends, within
/// 5 s. Peers are served one after the other. The connection is closed either way, without an
/// answer. The port has a thread of its own (`wharf-shutdown`), from when the server is run until
/// it is over.
///
/// ```
/// use std::io::Write;
/// use std::net::TcpStream;
/// use wharf::{Server, ShutdownPort};
///
/// let port = ShutdownPort::loopback(0)?.token("open sesame");
/// let addr = port.local_addr();
/// let handle = Server::new("hello").shutdown_port(port).listen("127.0.0.1:0")?.start()?;
/// TcpStream::connect(addr).and_then(|mut stream| stream.write_all(b"open sesame\n")).unwrap();
/// assert!(handle.wait(None));
/// # Ok::<(), wharf::Error>(())
/// ```
#[must_use]
pub struct ShutdownPort {
    listener: TcpListener,
    addr: SocketAddr,
    token: Option<Vec<u8>>,
    predicate: Predicate,
    drain: Duration,
}

impl ShutdownPort {
    /// Binds a port of 127.0.0.1, at once. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the port is taken or not allowed.
    pub fn loopback(port: u16) -> Result<Self> {
        Self::bind((Ipv4Addr::LOCALHOST, port))
    }

    /// Binds another address, at once.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the address is taken, not allowed, or does not resolve.
    pub fn bind(addr: impl ToSocketAddrs + fmt::Debug) -> Result<Self> {
        let listener = TcpListener::bind(&addr);
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let name = format!("{addr:?}").trim_matches('"').to_owned();
        let (addr, listener) = bound.map_err(|source| Error::Listen { addr: name, source })?;
        let predicate: Predicate = Arc::new(|_| true);
        Ok(Self { listener, addr, token: None, predicate, drain: DRAIN })
    }

    /// Its address, with the real port.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a peer has to send. Default: nothing, to connect is enough. An empty token is one that
    /// nobody can send: a secret that was not set must not open the door.
    pub fn token(mut self, token: impl Into<Vec<u8>>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Has `predicate` asked, with the peer's address, whether the server is to end. `false` or a
    /// panic leaves it running. Default: it is. It runs on the port's thread and may block.
    pub fn only_if(
        mut self,
        predicate: impl Fn(SocketAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Arc::new(predicate);
        self
    }

    /// How long the server may drain then. Default 30 s; zero is to stop at once.
    pub const fn drain(mut self, deadline: Duration) -> Self {
        self.drain = deadline;
        self
    }

    /// Begins to listen. What is returned ends it.
    pub(crate) fn open(self, switch: StopSwitch) -> io::Result<Box<dyn FnOnce() + Send>> {
        let closed = Arc::new(AtomicBool::new(false));
        let (addr, is_closed) = (self.addr, Arc::clone(&closed));
        let thread = thread::Builder::new().name("wharf-shutdown".to_owned());
        thread.spawn(move || self.serve(&is_closed, &switch))?;
        Ok(Box::new(move || {
            closed.store(true, Ordering::Release);
            // Whoever waits for a connection has to be given one. If it can't be, the thread ends
            // with the next that comes, or with the process.
            let _ = TcpStream::connect_timeout(&reachable(addr), PATIENCE);
        }))
    }

    fn serve(&self, is_closed: &AtomicBool, switch: &StopSwitch) {
        loop {
            let accepted = self.listener.accept();
            if is_closed.load(Ordering::Acquire) {
                return;
            }
            let Ok((stream, peer)) = accepted else {
                thread::sleep(PAUSE);
                continue;
            };
            let is_meant = self.names_token(&stream).unwrap_or(false)
                && catch_unwind(AssertUnwindSafe(|| (self.predicate)(peer))).unwrap_or(false);
            drop(stream);
            if is_meant && self.drain.is_zero() {
                switch.stop();
            } else if is_meant {
                switch.drain(self.drain);
            }
        }
    }

    /// Whether the peer sends what it has to.
    fn names_token(&self, mut stream: &TcpStream) -> io::Result<bool> {
        let Some(token) = &self.token else { return Ok(true) };
        if token.is_empty() {
            return Ok(false);
        }
        let deadline = Instant::now() + PATIENCE;
        // One byte more than is right tells what is longer apart.
        let mut said = vec![0; token.len() + 1];
        let mut len = 0;
        while len < said.len() && !said[..len].contains(&b'\n') {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut said[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let said = said[..len].strip_suffix(b"\n").unwrap_or(&said[..len]);
        Ok(is_same(said, token))
    }
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Where what listens on an address is reached from this machine.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

impl fmt::Debug for ShutdownPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is a secret.
        f.debug_struct("ShutdownPort").field("local_addr", &self.addr).finish_non_exhaustive()
    }
}
