//! [`Link`]: what a protocol of the program's own has asked of its connection.
//!
//! Not here: how it asks (`io.rs`), and what becomes of it (`mod.rs`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::lifeline::PerConnection;
use crate::observe::ConnectionId;
use crate::request::Addrs;
use crate::threads::Ticket;
use crate::tls::TlsInfo;

/// What a protocol has asked of its connection.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) addrs: Addrs,
    /// Nothing that the peer sends is wanted.
    pub(super) is_paused: bool,
    /// Nothing more is sent.
    pub(super) is_half_closed: bool,
    /// The connection leaves the server.
    pub(super) leaves: bool,
    /// Made for who asks. Clones of it go on to work when this one is forgotten.
    pub(super) waker: Option<Waker>,
    /// When the protocol is to be told the time.
    pub(super) due: Option<Instant>,
    /// How long nothing may come or go, in place of the server's setting.
    pub(super) idle_timeout: Option<Duration>,
    /// How many requests came before, where it was HTTP.
    pub(super) requests: u32,
    /// What they have left.
    pub(super) left: Option<Box<PerConnection>>,
    pub(super) tls: Option<Arc<TlsInfo>>,
    /// What waits for a thread, or has one, in the order in which they were submitted.
    pub(super) jobs: VecDeque<Queued>,
    /// There was no room for one.
    pub(super) was_refused: bool,
}

/// A job that may not have begun.
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    /// When it has to have a thread.
    pub(super) due: Option<Instant>,
}

impl Link {
    /// That of no connection; `id` is that of any of the worker.
    pub(super) const fn new(id: ConnectionId) -> Self {
        Self {
            id,
            addrs: Addrs::UNKNOWN,
            is_paused: false,
            is_half_closed: false,
            leaves: false,
            waker: None,
            due: None,
            idle_timeout: None,
            requests: 0,
            left: None,
            jobs: VecDeque::new(),
            was_refused: false,
            tls: None,
        }
    }

    /// Forgets what was asked.
    pub(super) fn clear(&mut self) {
        self.is_paused = false;
        self.is_half_closed = false;
        self.leaves = false;
        self.waker = None;
        self.due = None;
        self.idle_timeout = None;
        self.jobs.clear();
        self.left = None;
        self.tls = None;
    }

    /// Keeps a job until it is due. Most have begun long before, and are forgotten whenever there
    /// would have to be more room.
    pub(super) fn push(&mut self, job: Queued) {
        if self.jobs.len() == self.jobs.capacity() {
            self.jobs.retain(|job| job.ticket.is_waiting());
        }
        self.jobs.push_back(job);
    }
}
