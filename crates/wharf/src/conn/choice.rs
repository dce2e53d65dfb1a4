//! Which version of HTTP a connection speaks: what was agreed on in the handshake, or what its
//! first bytes say.
//!
//! Not here: the agreement itself (`tls`).

use wharf_proto::h2::{IsPreface, is_preface};

use super::{Conn, Context, Http2, Kept, Work};
use crate::observe::ConnectionId;
use crate::worker::ConnWaker;

/// What a connection begins with.
pub(crate) enum Choice {
    /// More bytes have to come before that is known.
    Open,
    Http1,
    /// These bytes are all that has come.
    Http1With(Vec<u8>),
    /// The same; none stands for those that came just now.
    Http2(Vec<u8>),
}

impl Conn {
    /// Speaks HTTP/2 from here on.
    pub(crate) fn work_http2(&mut self, waker: ConnWaker, id: ConnectionId, context: &Context<'_>) {
        let tls = self.tls();
        let http = Http2::new(waker, id, self.key, &self.addrs, self.service, tls, context);
        self.work = Some(Work::Http2(Box::new(http)));
    }

    /// Which protocol a connection begins with whose peer has sent `bytes`, and what has come.
    pub(crate) fn choose(&mut self, bytes: &[u8], context: &Context<'_>) -> Choice {
        if self.requests > 0 {
            return Choice::Http1;
        }
        if let Some(protocol) = self.secure.as_ref().and_then(|secure| secure.protocol()) {
            return if protocol == b"h2" { Choice::Http2(Vec::new()) } else { Choice::Http1 };
        }
        let mut start = match self.take_kept() {
            Kept::Start(start) => start,
            kept => {
                self.kept = kept;
                Vec::new()
            }
        };
        start.extend_from_slice(bytes);
        match is_preface(&start) {
            IsPreface::Yes if context.settings.http2 => Choice::Http2(start),
            IsPreface::Yes | IsPreface::No if start.len() == bytes.len() => Choice::Http1,
            IsPreface::Yes | IsPreface::No => Choice::Http1With(start),
            IsPreface::NeedMore => {
                self.kept = Kept::Start(start);
                Choice::Open
            }
        }
    }

    /// Whether the protocol may be another than HTTP/1.1.
    #[inline(always)]
    pub(crate) fn has_choice(&self, bytes: &[u8]) -> bool {
        self.requests == 0
            && (bytes.first() == Some(&b'P')
                || self.secure.is_some()
                || matches!(self.kept, Kept::Start(_)))
    }
}
