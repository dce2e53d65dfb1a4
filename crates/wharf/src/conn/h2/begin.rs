//! From a head to a handler that is called, with as much of the body as is there.
//!
//! Not here: bodies that come later, and handlers that are not ready (`receive.rs`).

use http::Method;
use wharf_proto::BodyLength;
use wharf_proto::h2::{Ahead, ConnectionError, ResetCause, StreamKey};

use super::{Http2, Stream};
use crate::body::Body;
use crate::conn::Context;
use crate::conn::trace::trace;
use crate::interim::Interims;
use crate::observe::Limit;
use crate::pool::Pooled;
use crate::request::Request;

/// What is known of a request's body when its head has come.
enum Coming {
    /// The request is not to be dealt with: its body breaks a rule.
    Not,
    /// There is none.
    Nothing,
    /// It is there.
    Whole(Body),
    /// It comes, or has begun to.
    Later { length: BodyLength, is_begun: bool },
}

impl Http2 {
    /// Takes a request with as much of its body as has come with it, and returns how many bytes of
    /// `rest` that took. One that is there in full is held in one pooled buffer; for any other a
    /// channel is opened.
    #[inline]
    pub(super) fn take_head(
        &mut self,
        key: StreamKey,
        length: BodyLength,
        rest: &[u8],
        context: &Context<'_>,
    ) -> Result<usize, ConnectionError> {
        let (used, coming) = match length {
            BodyLength::Known(0) => (0, Coming::Nothing),
            length => self.look_ahead(key, length, rest, context)?,
        };
        if !matches!(coming, Coming::Not) {
            self.begin_request(key, coming, context);
        }
        Ok(used)
    }

    /// What is known of a body that is not empty, and how many bytes of `rest` were taken of it.
    #[inline(never)]
    fn look_ahead(
        &mut self,
        key: StreamKey,
        length: BodyLength,
        rest: &[u8],
        context: &Context<'_>,
    ) -> Result<(usize, Coming), ConnectionError> {
        match self.machine.body_ahead(key, rest) {
            Ahead::Whole(bytes) if u64::from(bytes) <= context.limits.max_body_bytes => {
                self.take_whole(key, rest, context)
            }
            ahead => Ok((0, Coming::Later { length, is_begun: ahead != Ahead::Nothing })),
        }
    }

    /// Takes a body that is there in full, unless it breaks a rule.
    fn take_whole(
        &mut self,
        key: StreamKey,
        rest: &[u8],
        context: &Context<'_>,
    ) -> Result<(usize, Coming), ConnectionError> {
        let now = self.now(context);
        let out = &mut self.wire.output.buffer;
        let (used, body) = self.machine.receive_whole_body(key, rest, context.limits, now, out)?;
        let coming = match body {
            Ok(bytes) => {
                let mut whole = Pooled::<Vec<u8>>::take();
                whole.extend_from_slice(bytes);
                Coming::Whole(Body::received(whole, None))
            }
            Err(cause) => {
                if let ResetCause::Reject(reject) = cause {
                    self.tell_malformed(reject, context);
                }
                Coming::Not
            }
        };
        Ok((used, coming))
    }

    /// A stream for a request that came just now.
    fn begin_stream(&mut self, key: StreamKey, context: &Context<'_>) -> Box<Stream> {
        // One that is over without anybody having been told may still be in its place.
        if let Some(gone) = self.streams.get_mut(key.slot()).and_then(Option::take) {
            self.put_back(gone, context);
        }
        let mut stream =
            self.spare.pop().unwrap_or_else(|| Box::new(Stream::new(key, self.waker.waker())));
        self.idle_since = None;
        stream.key = key;
        stream.number = self.requests;
        if let Some(left) = self.left.take() {
            stream.lifeline.give(left);
        }
        if self.is_draining {
            stream.lifeline.drain();
        }
        stream
    }

    /// A request is refused before a handler has heard of it.
    pub(super) fn begin_refused(&mut self, key: StreamKey, context: &Context<'_>) {
        let mut stream = self.begin_stream(key, context);
        stream.exchange.begin_unread(self.addrs, context);
        self.put_back(stream, context);
    }

    /// Hands a request to the handler.
    #[inline]
    fn begin_request(&mut self, key: StreamKey, coming: Coming, context: &Context<'_>) {
        self.head_done = true;
        self.requests = self.requests.saturating_add(1);
        context.counters.count_request();
        if self.requests >= context.settings.max_requests_per_connection {
            context.counters.count_limit(Limit::Requests);
            self.machine.goaway(&mut self.wire.output.buffer);
        }
        if self.is_draining {
            self.machine.goaway_soon(&mut self.wire.output.buffer);
        }
        let Some(mut parts) = self.parts.take() else { return };
        let mut stream = self.begin_stream(key, context);
        parts.addrs = self.addrs;
        parts.connection = self.id;
        parts.belong_to(context.env);
        parts.tls.clone_from(&self.tls);
        stream.interims = Interims::begin();
        parts.interims = stream.interims;
        parts.tether = stream.lifeline.begin(stream.interims.exchange());
        stream.exchange.begin(&parts, context);
        stream.is_head = *parts.head.method() == Method::HEAD;
        stream.expects_continue = parts.head.expects_continue();
        stream.current.note_head(&parts.head, stream.number, context.clock.now());
        if *parts.head.method() == Method::TRACE {
            let response = trace(&parts.head, context.settings.allow_trace);
            self.respond(&mut stream, response, context);
            return self.put_back(stream, context);
        }
        let body = match coming {
            // What comes is not the request's, but for whoever is at the tunnel's other end.
            _ if *parts.head.method() == Method::CONNECT => Body::empty(),
            Coming::Nothing | Coming::Not => Body::empty(),
            Coming::Whole(body) => body,
            Coming::Later { length, is_begun } => {
                // Whoever has begun need not be asked to.
                stream.expects_continue &= !is_begun;
                self.begin_body(&mut stream, length, context)
            }
        };
        let is_safe = parts.head.method().is_safe();
        parts.body = body;
        let request = Request::new(parts);
        let handler = context.handler(self.service);
        let reply = self.run(&mut stream, |_| handler.call(request));
        match reply {
            Ok(reply) => self.take_reply(&mut stream, reply, is_safe, context),
            Err(panic) => self.panicked(&mut stream, &*panic, context),
        }
        self.put_back(stream, context);
    }
}
