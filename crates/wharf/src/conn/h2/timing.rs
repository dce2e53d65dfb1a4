//! What has to have happened by when, on a connection and on each of its streams.
//!
//! Not here: the pace of bodies and windows, which their bytes set (`receive.rs`, `respond.rs`),
//! and the connection's one timer (`conn/deadline.rs`).

use std::time::Instant;

use wharf_proto::h2::{ErrorCode, Phase};

use super::{Http2, Stream};
use crate::config::Timeouts;
use crate::conn::refusal::Refusal;
use crate::conn::wire::Ending;
use crate::conn::{Context, Timer};
use crate::observe::{CloseReason, Limit};

impl Http2 {
    pub(in crate::conn) fn timer(&self) -> Timer {
        match self.machine.phase() {
            _ if !self.wire.is_all_sent() => Timer::Write,
            Phase::Handshake | Phase::HeaderBlock => Timer::Head,
            // How long it may be idle is known here.
            Phase::Idle | Phase::Streams | Phase::Closed => Timer::Off,
        }
    }

    /// Until when something has to be asked for, if nothing is under way.
    pub(in crate::conn) fn idle(&self, timeouts: &Timeouts) -> Option<(Limit, Instant)> {
        let since = self.idle_since.filter(|_| self.machine.phase() == Phase::Idle)?;
        let (limit, time) = match self.requests {
            0 => (Limit::FirstByte, timeouts.first_byte),
            _ => (Limit::Idle, timeouts.idle),
        };
        let due = since.checked_add(time);
        [due, self.idle_until].into_iter().flatten().min().map(|due| (limit, due))
    }

    /// Has it wait until `due` at the latest, if nothing is under way.
    pub(in crate::conn) const fn hasten(&mut self, due: Instant) {
        self.idle_until = Some(due);
    }

    pub(in crate::conn) const fn handler_due(&self) -> Option<Instant> {
        self.due
    }

    /// Minds when the peer has to have acknowledged our SETTINGS, until it has.
    pub(super) fn await_acknowledgement(&mut self, context: &Context<'_>) {
        self.awaits_acknowledgement = !self.machine.is_acknowledged();
        if self.awaits_acknowledgement {
            self.due = [self.due, self.settings_due(context)].into_iter().flatten().min();
        } else {
            let others = [self.room_deadline.due(), self.spare_due()].into_iter().flatten();
            self.due = self.open().filter_map(Stream::due).chain(others).min();
        }
    }

    /// When the peer has to have acknowledged our SETTINGS, if it has not, but has sent its own
    /// and still can.
    fn settings_due(&self, context: &Context<'_>) -> Option<Instant> {
        let is_begun = !matches!(self.machine.phase(), Phase::Handshake | Phase::Closed);
        let is_awaited = !self.machine.is_acknowledged() && !self.wire.eof;
        (is_begun && is_awaited && self.wire.ending.is_none())
            .then(|| self.began_at.checked_add(context.timeouts.head))
            .flatten()
    }

    /// Minds that something has to have happened on a stream.
    pub(super) fn mind(&mut self, stream: &Stream) {
        self.due = [self.due, stream.due()].into_iter().flatten().min();
    }

    pub(in crate::conn) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        match limit {
            Limit::Handler => self.on_stream_timeouts(context),
            Limit::Idle | Limit::FirstByte | Limit::Head => {
                let is_end = context.is_draining();
                if !is_end {
                    context.counters.count_limit(limit);
                }
                let reason = if is_end { CloseReason::Stopped } else { CloseReason::Limit(limit) };
                self.wire.set_reason(reason);
                self.machine.goaway(&mut self.wire.output.buffer);
                self.wire.ending = Some(Ending::Linger);
            }
            _ => {
                context.counters.count_limit(limit);
                self.wire.give_up(limit);
            }
        }
    }

    /// Looks for streams on which something has not happened in time.
    fn on_stream_timeouts(&mut self, context: &Context<'_>) {
        let now = context.clock.now();
        if self.room_deadline.due().is_some_and(|due| due <= now) {
            let limit = self.room_deadline.limit();
            context.counters.count_limit(limit);
            return self.wire.give_up(limit);
        }
        let settings_due = self.settings_due(context);
        if settings_due.is_some_and(|due| due <= now) {
            let error = self.machine.settings_timeout(&mut self.wire.output.buffer);
            return self.fail(error, context);
        }
        if self.spare_due().is_some_and(|due| due <= now) {
            self.free_spares();
        }
        let others = [self.room_deadline.due(), settings_due, self.spare_due()];
        self.due = others.into_iter().flatten().min();
        for slot in 0..self.streams.len() {
            self.with(slot, context, |http, stream| {
                if stream.exchange.handler_due.is_some_and(|due| due <= now) {
                    http.handler_timeout(stream, context);
                }
                http.heed_pace(stream, context);
                if stream.body_deadline.due().is_some_and(|due| due <= now) {
                    let limit = stream.body_deadline.limit();
                    stream.body_deadline.stop();
                    if stream.is_dropping {
                        context.counters.count_limit(limit);
                        http.cut_rest(stream);
                    } else {
                        http.refuse(stream, Refusal::Limit(limit), context);
                    }
                }
                if stream.room_deadline.due().is_some_and(|due| due <= now) {
                    let limit = stream.room_deadline.limit();
                    stream.room_deadline.stop();
                    // Where there is room by now, it is its turn that it waits for.
                    if http.machine.stream_capacity(stream.key) == 0 {
                        context.counters.count_limit(limit);
                        http.give_up_with(stream, ErrorCode::CANCEL);
                    }
                }
            });
        }
        self.proceed(context);
    }

    /// The handler takes too long, or has no thread yet.
    fn handler_timeout(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let mut limit = Some(Limit::Handler);
        if let Some(queued) = stream.exchange.queued.take() {
            limit = queued.expire(context.clock.now());
            stream.exchange.handler_due = queued.handler_due;
        }
        if let Some(limit) = limit {
            self.refuse(stream, Refusal::Limit(limit), context);
        }
    }
}
