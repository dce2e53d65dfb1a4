//! What the connection is doing, for those who ask.
//!
//! Not here: how a request is noted (`conn/current.rs`).

use std::time::Instant;

use wharf_proto::h1::Phase;

use super::Http1;
use crate::observe::{ConnectionState, CurrentRequest};

impl Http1 {
    /// What the connection is doing.
    pub(crate) fn state(&self) -> ConnectionState {
        let has_begun = self.exchange.response_body.is_some() || !self.wire.is_all_sent();
        match self.machine.phase() {
            _ if has_begun => ConnectionState::Sending,
            Phase::Idle => ConnectionState::Idle,
            Phase::Head => ConnectionState::ReceivingHead,
            Phase::Body if self.expects_body() => ConnectionState::ReceivingBody,
            Phase::Body | Phase::Respond => ConnectionState::Handling,
            Phase::Drain => ConnectionState::DrainingBody,
            // There is nothing left but to close it, or to go on with another protocol.
            Phase::Tunnel | Phase::Closed => ConnectionState::Sending,
        }
    }

    /// The request that is under way or whose response was not taken, if it was noted.
    pub(crate) fn current_request(&self, now: Instant) -> Option<CurrentRequest> {
        let is_over = self.exchange.is_over() && self.wire.is_all_sent();
        self.current.get(self.requests, now).filter(|_| !is_over)
    }
}
