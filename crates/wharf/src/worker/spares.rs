//! What connections work with while they are busy, kept by their worker for the next one.
//!
//! Not here: who needs it when (`state.rs`).

use super::Member;
use super::state::guard;
use crate::conn::{Http1, Raw};
use crate::driver::Key;
use crate::observe::ConnectionId;

/// How many of a kind are kept for connections that become busy.
const MAX_SPARE: usize = 256;

/// How many of them are kept when a burst is over.
const MIN_SPARE: usize = 8;

/// What busy connections have worked with and others will.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "they are moved between these lists and connections")]
pub(super) struct Spares {
    http: Vec<Box<Http1>>,
    raw: Vec<Box<Raw>>,
}

impl Spares {
    /// What an exchange of HTTP/1 needs.
    #[inline(always)]
    pub(super) fn http<S>(&mut self, key: Key, member: &Member<S>, worker: usize) -> Box<Http1> {
        self.http.pop().unwrap_or_else(|| {
            let id = ConnectionId::new(worker, key);
            Box::new(Http1::new(member.inbox.waker(key), id))
        })
    }

    /// What a protocol of the program's own needs.
    pub(super) fn raw(&mut self, key: Key, worker: usize) -> Box<Raw> {
        self.raw.pop().unwrap_or_else(|| Box::new(Raw::new(ConnectionId::new(worker, key))))
    }

    #[inline(always)]
    pub(super) fn keep_http(&mut self, mut http: Box<Http1>) {
        guard(|| {
            http.clear();
            if self.http.len() < MAX_SPARE {
                self.http.push(http);
            }
        });
    }

    pub(super) fn keep_raw(&mut self, mut raw: Box<Raw>) {
        guard(|| {
            raw.clear();
            if self.raw.len() < MAX_SPARE {
                self.raw.push(raw);
            }
        });
    }

    /// Frees what a burst has left.
    pub(super) fn shrink(&mut self) {
        self.http.truncate(MIN_SPARE);
        self.raw.truncate(MIN_SPARE);
    }

    /// How many are not empty.
    #[cfg(test)]
    pub(super) fn dirty(&self) -> usize {
        let http = self.http.iter().filter(|http| !http.is_idle()).count();
        http + self.raw.iter().filter(|raw| !raw.is_idle()).count()
    }
}
