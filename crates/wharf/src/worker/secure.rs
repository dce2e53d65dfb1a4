//! What a worker does for connections over TLS beside what it does for all.
//!
//! Not here: one connection's TLS (`conn/secure/mod.rs`).

use super::state::{State, conn_of};
use crate::conn::{Conn, Decrypted};
use crate::driver::{Input, Key};

impl<S> State<S> {
    /// Bytes of TLS came.
    pub(super) fn on_records(&mut self, key: Key, bytes: &[u8]) {
        if bytes.is_empty() {
            // Whoever keeps a protocol is told of its end like those that work.
            self.take_up(key);
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
            self.on_plain_bytes(key, Input::new(&scratch.plain));
        }
        if let Some((Ok(Decrypted { handshake_began: true, .. }), _)) = decrypted {
            self.bound_handshakes(key);
        }
        let redirects = |service| self.shared.context(&self.own).redirects_to_tls(service);
        match decrypted {
            Some((Ok(Decrypted { is_end: true, .. }), _)) => {
                self.take_up(key);
                self.act(key, Conn::on_goodbye);
            }
            // There may be something to be said.
            Some((Ok(_), _)) => self.act(key, |_, _| {}),
            Some((Err(error), service)) if error.is_no_tls() && redirects(service) => {
                if let Some(conn) = self.conn(key) {
                    conn.speak_plainly();
                }
                self.on_plain_bytes(key, Input::new(bytes));
            }
            Some((Err(error), _)) => {
                self.take_up(key);
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
        let max = self.shared.settings.max_handshakes;
        if let Some(given_up) = self.handshakes.begin(key, max, goes_on) {
            self.act(given_up, Conn::give_up_handshake);
        }
    }
}
