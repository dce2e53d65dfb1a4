//! What a worker has for itself of what its connections may know.
//!
//! Not here: what it shares with the other workers (`shared.rs`).

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Clock, Meter};
use crate::config::Timeouts;
use crate::service::{Service, ServiceId};

/// A worker's number, time, and patience.
pub(super) struct Own {
    pub(super) index: usize,
    /// What is spoken, by number: a copy for each worker, so that nobody needs a lock to look.
    pub(super) services: Vec<Service>,
    pub(super) clock: Clock,
    /// What is left of the tick's budget.
    pub(super) meter: Rc<Meter>,
    pub(super) timeouts: Timeouts,
    /// How long a connection of another protocol may be silent while nothing is under way, if that
    /// is not what it has said itself.
    pub(super) max_quiet: Option<Duration>,
    /// Every response says that its connection closes.
    pub(super) is_draining: bool,
    /// The system sends files by itself, where nothing stands between them and the peer.
    pub(super) sends_files: bool,
}

impl Own {
    pub(super) fn new(
        index: usize,
        now: Instant,
        services: Vec<Service>,
        timeouts: Timeouts,
        meter: Rc<Meter>,
        sends_files: bool,
    ) -> Self {
        Self {
            index,
            services,
            clock: Clock::new(now),
            meter,
            timeouts,
            max_quiet: None,
            is_draining: false,
            sends_files,
        }
    }

    /// Serves another service as well, unless it was there when the worker began.
    pub(super) fn serve(&mut self, id: ServiceId, service: Service) {
        if id.index() == self.services.len() {
            self.services.push(service);
        }
    }

    /// Waits no longer for requests than for one that may be on its way.
    pub(super) fn begin_drain(&mut self) {
        self.is_draining = true;
        let grace = self.timeouts.drain_grace;
        self.timeouts.first_byte = self.timeouts.first_byte.min(grace);
        self.timeouts.idle = self.timeouts.idle.min(grace);
        self.max_quiet = Some(grace);
    }
}
