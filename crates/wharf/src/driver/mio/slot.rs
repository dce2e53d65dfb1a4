//! A place for a connection: what is wanted of it, and what its socket is ready for.
//!
//! Not here: what is done about it (`mod.rs`).

use mio::net::TcpStream;

use crate::output::Output;

/// A place for a connection. It stays small: there is one for each that is idle.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) stream: Option<TcpStream>,
    pub(super) generation: u32,
    pub(super) queued: bool,
    pub(super) readable: bool,
    /// The peer has closed or broken the connection, which only a read can tell apart.
    pub(super) closed_by_peer: bool,
    /// All that the peer has sent was received.
    pub(super) ended: bool,
    /// Both directions are gone: the worker is told even if it wants no bytes.
    pub(super) broken: bool,
    pub(super) writable: bool,
    pub(super) receiving: bool,
    /// The system was told to wait with the last bytes for the end.
    pub(super) withholds: bool,
    /// The sending side was shut down: once the peer's is as well, the system says that the
    /// connection has hung up, and nothing is broken.
    pub(super) is_shut: bool,
    /// What did not fit into the socket's send buffer.
    pub(super) unsent: Option<Box<Output>>,
}

impl Slot {
    /// A connection that was just accepted, receiving.
    pub(super) fn new(stream: TcpStream, generation: u32) -> Self {
        // A new socket is writable, and more often than not its first request is there as well.
        Self {
            stream: Some(stream),
            generation,
            readable: true,
            writable: true,
            receiving: true,
            ..Self::default()
        }
    }
}
