//! Which deadline fits what is under way, and how fast bytes have to come or go.
//!
//! Not here: how a deadline moves (`conn/deadline.rs`), and what happens when it has come.

use wharf_proto::h1::Phase;

use super::Http1;
use crate::body::{BodyWriter, ReadPace};
use crate::config::Timeouts;
use crate::conn::{Pace, Timer};
use crate::observe::Limit;

impl Http1 {
    /// The deadline that fits what is under way.
    pub(crate) fn timer(&self) -> Timer {
        if self.wire.sending || !self.wire.output.is_empty() {
            return Timer::Write;
        }
        match self.machine.phase() {
            Phase::Idle if self.requests == 0 => Timer::FirstByte,
            Phase::Idle => Timer::Idle,
            Phase::Head => Timer::Head,
            Phase::Body if !self.expects_body() => Timer::Off,
            Phase::Body | Phase::Drain => Timer::Body,
            Phase::Respond | Phase::Tunnel | Phase::Closed => Timer::Off,
        }
    }

    /// How fast bytes have to come or go.
    pub(crate) fn pace(&self, timer: Timer, timeouts: &Timeouts) -> Pace {
        if timer == Timer::Write {
            return self.wire.pace(timeouts);
        }
        let body = self.exchange.request_body.as_ref();
        let ReadPace { timeout, min_rate, .. } = body.map(BodyWriter::pace).unwrap_or_default();
        Pace {
            timeout: timeout.unwrap_or(timeouts.body),
            min_rate: min_rate.unwrap_or(if timeout.is_some() { 0 } else { timeouts.body_rate }),
            limits: (Limit::Body, Limit::BodyRate),
        }
    }

    /// Whether it is the peer's turn to send more of a body: it has not been told to wait, and
    /// somebody will read it.
    pub(super) fn expects_body(&self) -> bool {
        let has_reader = self.exchange.request_body.as_ref().is_some_and(|body| !body.is_closed());
        has_reader && !self.body_paused && !self.machine.awaits_continue()
    }
}
