//! [`OpenedConnection`]: what is told of a connection that is taken on.
//!
//! Not here: what is told of it at its end (`close.rs`).

use std::net::SocketAddr;

use super::id::ConnectionId;
use crate::peer::PeerAddr;

/// A connection that was accepted and has a worker now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenedConnection {
    /// Names the connection, as long as the server runs.
    pub id: ConnectionId,
    /// Where it comes from.
    pub peer_addr: PeerAddr,
    /// The address on which it was accepted; `None` on a Unix socket.
    pub local_addr: Option<SocketAddr>,
}
