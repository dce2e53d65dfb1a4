//! What a connection begins with: a version of HTTP, or a protocol of the program's own.
//!
//! Not here: TLS before that (`secure.rs`), and what it goes on with (`state.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::state::{State, conn_of};
use crate::conn::{Choice, Conn, Unmade};
use crate::driver::{Input, Key};
use crate::observe::ConnectionId;
use crate::service::{ServiceId, ServiceKind};

impl<S> State<S> {
    /// The first bytes came of what may be HTTP/2.
    pub(super) fn choose(&mut self, key: Key, input: Input<'_>) {
        let context = self.shared.context(&self.own);
        let Some(conn) = conn_of(&mut self.conns, key) else { return };
        match conn.choose(input.bytes, &context) {
            Choice::Open => {}
            Choice::Http1 => self.on_http1_bytes(key, input),
            Choice::Http1With(start) => self.on_http1_bytes(key, Input::new(&start)),
            Choice::Http2(start) => {
                let waker = self.member().inbox.waker(key);
                let id = ConnectionId::new(self.own.index, key);
                let input = if start.is_empty() { input } else { Input::new(&start) };
                self.act(key, |conn, context| {
                    conn.work_http2(waker, id, context);
                    conn.on_bytes(input, context);
                });
            }
        }
    }

    /// Gives a connection what it needs to go on with a protocol of the program's own, if it keeps
    /// one. Says whether it does.
    pub(super) fn take_up(&mut self, key: Key) -> bool {
        if !self.conn(key).is_some_and(|conn| conn.keeps_protocol()) {
            return false;
        }
        let raw = self.spares.raw(key, self.own.index);
        if let Some(conn) = self.conn(key) {
            conn.work_raw(raw);
        }
        true
    }

    /// Begins with what a connection was accepted for. Who speaks HTTP waits for a request.
    pub(super) fn begin(&mut self, key: Key, service: ServiceId) {
        let Some(ServiceKind::Raw(make)) =
            self.own.services.get(service.index()).map(|service| &service.kind)
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
