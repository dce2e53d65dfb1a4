//! What a connection begins with: a handshake, a version of HTTP, a protocol of the program's own.
//!
//! Not here: what it goes on with (`state.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::state::{State, conn_of};
use crate::conn::{Choice, Conn, Decrypted, Unmade};
use crate::driver::Key;
use crate::observe::ConnectionId;
use crate::service::{ServiceId, ServiceKind};

impl<S> State<S> {
    /// The first bytes came of what may be HTTP/2.
    pub(super) fn choose(&mut self, key: Key, bytes: &[u8]) {
        let context = self.shared.context(&self.own);
        let Some(conn) = conn_of(&mut self.conns, key) else { return };
        match conn.choose(bytes, &context) {
            Choice::Open => {}
            Choice::Http1 => self.on_http1_bytes(key, bytes),
            Choice::Http1With(start) => self.on_http1_bytes(key, &start),
            Choice::Http2(start) => {
                let waker = self.member().inbox.waker(key);
                let id = ConnectionId::new(self.own.index, key);
                let bytes = if start.is_empty() { bytes } else { &start };
                self.act(key, |conn, context| {
                    conn.work_http2(waker, id, context);
                    conn.on_bytes(bytes, context);
                });
            }
        }
    }

    /// Bytes of TLS came.
    pub(super) fn on_records(&mut self, key: Key, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.act(key, Conn::on_end_of_records);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.plain.clear();
        let context = self.shared.context(&self.own);
        let decrypted = conn_of(&mut self.conns, key)
            .map(|conn| (conn.decrypt(bytes, &mut scratch, &context), conn.service()));
        if let Some((Ok(Decrypted { handshake_ended: true, .. }), service)) = decrypted {
            self.begin(key, service);
        }
        if !scratch.plain.is_empty() {
            self.on_plain_bytes(key, &scratch.plain);
        }
        if let Some((Ok(Decrypted { handshake_began: true, .. }), _)) = decrypted {
            self.bound_handshakes(key);
        }
        match decrypted {
            Some((Ok(Decrypted { is_end: true, .. }), _)) => self.act(key, Conn::on_goodbye),
            // There may be something to be said.
            Some((Ok(_), _)) => self.act(key, |_, _| {}),
            Some((Err(error), _)) => {
                self.act(key, |conn, context| conn.on_tls_error(&error, context));
            }
            None => {}
        }
        self.scratch = scratch;
    }

    /// A connection begins to shake hands, for which another may have to be given up.
    fn bound_handshakes(&mut self, key: Key) {
        let conns = &self.conns;
        let goes_on = |key: Key| {
            let conn = conns.get(key.index as usize).and_then(Option::as_ref);
            conn.is_some_and(|conn| conn.key == key && conn.is_handshaking())
        };
        let max = self.shared.rules.max_handshakes;
        if let Some(given_up) = self.handshakes.begin(key, max, goes_on) {
            self.act(given_up, Conn::give_up_handshake);
        }
    }

    /// Gives a connection what it needs to go on with a protocol of the program's own.
    pub(super) fn take_up(&mut self, key: Key) {
        let raw = self.spares.raw(key, &self.shared.members[self.own.index], self.own.index);
        if let Some(conn) = self.conn(key) {
            conn.work_raw(raw);
        }
    }

    /// Begins with what a connection was accepted for. Who speaks HTTP waits for a request.
    pub(super) fn begin(&mut self, key: Key, service: ServiceId) {
        let Some(ServiceKind::Raw(make)) =
            self.shared.services.get(service.index()).map(|service| &service.kind)
        else {
            return;
        };
        let made = catch_unwind(AssertUnwindSafe(|| make()));
        let protocol = made.unwrap_or_else(|panic| Box::new(Unmade(Some(panic))));
        if let Some(conn) = self.conn(key) {
            conn.speak(protocol);
        }
        self.take_up(key);
        self.act(key, Conn::on_open);
    }
}
