//! What is told of a connection: what it is doing, and why it ended.
//!
//! Not here: what is told of one request (`exchange.rs`), and to whom (`observe`).

use std::time::Duration;

use super::{Conn, Work};
use crate::observe::{CloseReason, ConnectionId, ConnectionState, OpenConnection, ProtocolKind};
use crate::request::Addrs;
use crate::worker::Clock;

impl Conn {
    /// What the connection is doing. `untaken` tells how much of its current send the peer has not
    /// taken.
    pub(crate) fn describe(
        &self,
        id: ConnectionId,
        clock: &Clock,
        untaken: impl FnOnce() -> u64,
    ) -> OpenConnection {
        let work = self.work.as_ref();
        let Addrs { peer, local } = self.addrs.get();
        let given = self.given_bytes + work.map_or(0, |work| work.wire().given_bytes());
        let is_sending = match &self.secure {
            None => work.is_some_and(|work| work.wire().sending),
            Some(secure) => secure.is_sending(),
        };
        let untaken = if is_sending { untaken() } else { 0 };
        let state = match work {
            _ if self.is_lingering() => ConnectionState::Lingering,
            Some(work) => work.state(),
            None if self.is_handshaking() => ConnectionState::Handshaking,
            None => ConnectionState::Idle,
        };
        let idle_protocol =
            if self.keeps_protocol() { ProtocolKind::Raw } else { ProtocolKind::Http1 };
        OpenConnection {
            id,
            peer_addr: peer,
            local_addr: local,
            protocol: work.map_or(idle_protocol, Work::protocol),
            state,
            age: Duration::from_millis(100) * clock.uptime().saturating_sub(self.opened_at),
            requests: work.map_or(self.requests, Work::requests),
            received_bytes: self.received_bytes,
            sent_bytes: given.saturating_sub(untaken),
            request: work.and_then(|work| work.current_request(clock.now())),
        }
    }

    /// Why the connection ended, and how many requests came on it, where `or` is why it ends now.
    pub(crate) fn verdict(&self, or: CloseReason) -> (CloseReason, u32) {
        let work = self.work.as_ref();
        let reason = self.reason.or_else(|| work.and_then(|work| work.wire().reason)).unwrap_or(or);
        (reason, work.map_or(self.requests, Work::requests))
    }
}
