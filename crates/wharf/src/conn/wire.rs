//! [`Wire`]: what every busy connection has, whatever is spoken on it: the bytes on their way to
//! the peer, and how it ends.
//!
//! Not here: what is spoken (`h1`, `raw`), and when output is sent (`worker`).

use std::time::Duration;

use super::deadline::Pace;
use crate::config::Timeouts;
use crate::driver::{Behind, Close};
use crate::observe::{CloseReason, Limit};
use crate::output::Output;

/// Unsent output beyond which nothing more is produced, in bytes.
pub(super) const HIGH_WATER_BYTES: usize = 64 << 10;

/// How the connection ends once its output is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close(Close),
    /// The peer may still be sending: say that we are done, and read on for a while, so that it
    /// sees the response rather than a reset (RFC 9112 section 9.6).
    Linger,
    /// The peer takes nothing any more: at once, with what is left unsent.
    Cut,
    /// It does not end: nothing more is sent, but what comes is still wanted.
    HalfClose,
    /// It does not end: another protocol takes over.
    Switch,
    /// It does not end: its socket leaves the server.
    Detach,
    /// The driver was told to give the socket up.
    Leaving,
}

/// The sending side of a busy connection.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) output: Output,
    /// The driver has an output of this connection.
    pub(crate) sending: bool,
    /// How long that output is, and after it was given up, how much of it was sent.
    in_flight_bytes: usize,
    /// How long the peer may take none of what is being sent, if a handler said so.
    pub(super) write_timeout: Option<Duration>,
    /// How many bytes the driver was given since the connection became busy.
    given_bytes: u64,
    /// What was given, and what of it not taken, when that was looked at.
    last_look: (u64, u64),
    /// The peer has closed its sending side.
    pub(super) eof: bool,
    pub(super) ending: Option<Ending>,
    /// Why the connection ends, once that is decided.
    pub(super) reason: Option<CloseReason>,
}

impl Wire {
    /// Forgets the connection and keeps storage.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.output.clear_to_spare();
        self.sending = false;
        self.write_timeout = None;
        self.given_bytes = 0;
        self.last_look = (0, 0);
        self.eof = false;
        self.ending = None;
        self.reason = None;
    }

    /// The output to be sent now, if there is any, and what comes behind it.
    #[inline(always)]
    pub(super) fn begin_send(&mut self) -> Option<(&mut Output, Behind)> {
        let len = self.output.len();
        if self.sending || len == 0 {
            return None;
        }
        self.in_flight_bytes = len;
        self.given_bytes += len as u64;
        let behind = match self.ending {
            Some(Ending::Close(Close::Graceful) | Ending::Linger | Ending::HalfClose) => {
                Behind::End
            }
            _ => Behind::More,
        };
        Some((&mut self.output, behind))
    }

    /// The output to be encrypted now, if there is any. It is on its way until it is
    /// [taken back](Self::on_sent).
    pub(super) fn begin_seal(&mut self) -> Option<Output> {
        if self.sending || self.output.is_empty() {
            return None;
        }
        self.in_flight_bytes = self.output.len();
        self.sending = true;
        Some(std::mem::take(&mut self.output))
    }

    /// So many bytes that the output was made into were given to the driver.
    pub(super) const fn note_given(&mut self, len: usize) {
        self.given_bytes += len as u64;
    }

    /// Whether there is output that needs nothing but to be sent, and no reason was given yet why
    /// the connection should end.
    #[inline(always)]
    pub(super) const fn has_plain_output(&self) -> bool {
        self.output.is_plain() && self.write_timeout.is_none() && self.reason.is_none()
    }

    /// Notes that others see to the output from here on. Returns how many bytes were given to the
    /// driver then since the connection became busy.
    #[inline(always)]
    pub(super) fn give_output(&mut self) -> u64 {
        self.given_bytes += self.output.len() as u64;
        self.given_bytes
    }

    /// Takes an output back whose send was begun earlier and is over.
    pub(super) fn on_sent(&mut self, mut output: Output) {
        self.sending = false;
        if self.output.is_empty() {
            output.clear();
            self.output = output;
        }
    }

    /// An output was given up with so many bytes unsent.
    pub(super) const fn on_unsent(&mut self, len: usize) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(len);
    }

    /// How long the output is that was given to the driver last, or how much of it was sent after
    /// it was given up.
    pub(super) const fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    /// How many bytes the driver was given since the connection became busy.
    pub(super) const fn given_bytes(&self) -> u64 {
        self.given_bytes
    }

    /// How the connection ends, as soon as all output is sent.
    #[inline(always)]
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.filter(|ending| *ending == Ending::Cut || self.is_all_sent())
    }

    pub(super) fn is_all_sent(&self) -> bool {
        self.output.is_empty() && !self.sending
    }

    /// Whether more may be put behind the output.
    pub(super) fn can_produce(&self) -> bool {
        self.output.len() < HIGH_WATER_BYTES && !self.output.has_tail() && self.ending.is_none()
    }

    /// Decides on why the connection ends, unless that was decided before.
    pub(super) fn set_reason(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
    }

    /// A peer took too long, and nothing is left to be said to it.
    pub(super) fn give_up(&mut self, limit: Limit) {
        self.set_reason(CloseReason::Limit(limit));
        let takes_nothing = matches!(limit, Limit::Write | Limit::WriteRate);
        self.ending =
            Some(if takes_nothing { Ending::Cut } else { Ending::Close(Close::Graceful) });
    }

    /// Notes how many bytes of a blocked send the peer has not taken yet, and returns how many it
    /// took since the last look.
    pub(super) fn note_untaken(&mut self, untaken: u64) -> u64 {
        let (given_then, untaken_then) =
            std::mem::replace(&mut self.last_look, (self.given_bytes, untaken));
        (untaken_then + self.given_bytes - given_then).saturating_sub(untaken)
    }

    /// How fast the peer has to take what is sent.
    pub(super) fn pace(&self, timeouts: &Timeouts) -> Pace {
        write_pace(self.write_timeout, timeouts)
    }
}

/// How fast a peer has to take a response, for which a handler may have said a time of its own.
pub(super) fn write_pace(own: Option<Duration>, timeouts: &Timeouts) -> Pace {
    Pace {
        timeout: own.unwrap_or(timeouts.write),
        min_rate: if own.is_some() { 0 } else { timeouts.write_rate },
        limits: (Limit::Write, Limit::WriteRate),
    }
}
