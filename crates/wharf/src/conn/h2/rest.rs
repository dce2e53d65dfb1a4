//! What is left of a stream once its response is out, and of a connection once its streams are
//! over.
//!
//! Streams that are over leave their storage to those that come next. Where none come for a while,
//! it is freed, all but that of one: 32 at a time leave 20 KB.
//!
//! RFC 9113 section 8.1 allows to reset a request whose response is out. There are clients that
//! take that for a failure and lose the response, so it is done only to requests that do not come
//! to their end in time, or of which much comes. Not here: how a response goes out (`respond.rs`).

use std::time::{Duration, Instant};

use wharf_proto::h2::{ErrorCode, Phase};

use super::{Http2, Stream};
use crate::conn::{Context, Pace};
use crate::observe::Limit;
use crate::pool;

/// How long a burst has to be over before what it has left is freed: another may be on its way.
const SPARE_TIME: Duration = Duration::from_secs(1);

impl Http2 {
    /// Minds what has become of a stream, whatever was done with it.
    pub(super) fn settle_stream(&mut self, stream: &mut Stream, context: &Context<'_>) {
        self.close_books(stream);
        if stream.is_told && self.machine.is_receiving(stream.key) {
            self.drop_rest(stream, context);
        }
    }

    /// Drops what still comes of a request whose response is out, unless somebody reads it.
    #[cold]
    fn drop_rest(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let body = &stream.exchange.request_body;
        if stream.is_dropping || body.as_ref().is_some_and(|body| !body.is_closed()) {
            return;
        }
        if self.wire.eof {
            // Nothing comes.
            return self.cut_rest(stream);
        }
        stream.exchange.request_body = None;
        stream.is_dropping = true;
        stream.is_paused = false;
        stream.current.clear();
        self.machine.drop_rest(stream.key, &mut self.wire.output.buffer);
        let limits = (Limit::Linger, Limit::Linger);
        let pace = Pace { timeout: context.timeouts.linger, min_rate: 0, limits };
        stream.body_deadline.start_pace(pace, pace.timeout, context.clock.now());
    }

    /// Waits no longer for the end of a request that is answered.
    pub(super) fn cut_rest(&mut self, stream: &Stream) {
        self.machine.reset(stream.key, ErrorCode::NO_ERROR, &mut self.wire.output.buffer);
    }

    /// Notes from when on nothing is asked for and all that was is sent.
    pub(super) fn note_idle(&mut self, context: &Context<'_>) {
        if self.idle_since.is_none() && self.machine.open_streams() == 0 {
            self.idle_since = Some(context.clock.now());
            self.lend_storage();
            self.due = [self.due, self.spare_due()].into_iter().flatten().min();
        }
    }

    /// When what a burst has left is freed, if nothing is asked for until then.
    pub(super) fn spare_due(&self) -> Option<Instant> {
        let has_spares = self.spare.len() > 1 || self.streams.len() > 1;
        self.idle_since.filter(|_| has_spares)?.checked_add(SPARE_TIME)
    }

    /// Frees what a burst has left.
    pub(super) fn free_spares(&mut self) {
        self.spare.truncate(1);
        self.spare.shrink_to_fit();
        // A stream may be over of which nobody was told.
        if self.open().next().is_none() {
            self.streams = Vec::new();
        }
        self.machine.free_spares();
    }

    /// Leaves what only requests need to other connections, while there are none.
    fn lend_storage(&mut self) {
        pool::give_back(&mut self.input);
        if self.wire.is_all_sent() {
            pool::give_back(&mut self.wire.output.buffer);
        }
    }

    /// Whether no request is under way.
    pub(in crate::conn) fn is_at_rest(&self) -> bool {
        let is_answered = match self.machine.phase() {
            Phase::Idle => true,
            Phase::Streams => self.open().all(|stream| stream.is_dropping),
            Phase::Handshake | Phase::HeaderBlock | Phase::Closed => false,
        };
        is_answered && self.wire.is_all_sent()
    }
}
