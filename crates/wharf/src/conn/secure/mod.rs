//! [`Secure`]: TLS between what is spoken on a connection and the driver.
//!
//! What a turn writes is encrypted when it is sent, in as few records as it fits in; what comes is
//! decrypted before anybody else sees it. A connection without TLS has none of this. Not here: the
//! protocol (`tls`), and when it is sent (`worker`).

#[cfg(feature = "tls")]
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::wire::Ending;
use super::work::Work;
use super::{Conn, Context};
use crate::detached::Secured;
use crate::driver::{Behind, Close, Input};
use crate::observe::{CloseReason, ErrorContext, ErrorKind, Limit};
use crate::output::{MAX_SPARE_BYTES, Output};
use crate::service::ServiceId;
use crate::tls::{Acceptor, Received, TlsError, TlsInfo, TlsSession};

/// How much is encrypted before the peer has taken it, in bytes: what is sent at a time anyway.
const SEAL_BYTES: usize = 256 << 10;

/// Encrypted output beyond which nothing that comes is looked at, in bytes: a peer may not ask
/// for answers that it does not take.
const MAX_UNSENT_BYTES: usize = 64 << 10;

/// How many buffers for what is sent a worker keeps.
const MAX_SPARE_OUTPUTS: usize = 256;

/// Buffers that a worker lends.
#[derive(Default)]
pub(crate) struct Scratch {
    /// What was decrypted.
    pub(crate) plain: Vec<u8>,
    /// For TLS to work in.
    pub(crate) records: Vec<u8>,
    /// Storage for what is sent.
    outputs: Vec<Vec<u8>>,
}

impl Scratch {
    /// Frees what a burst has left.
    pub(crate) fn shrink(&mut self) {
        *self = Self::default();
    }
}

/// One connection's TLS.
pub(crate) struct Secure {
    session: TlsSession,
    /// Encrypted bytes to be sent.
    cipher: Output,
    /// The encrypted bytes are tickets, which wait for something to be sent with: by themselves
    /// they would be a packet that nobody waits for.
    holds_tickets: bool,
    /// The driver has encrypted bytes of this connection.
    sending: bool,
    /// What is being sent, as far as it is not encrypted yet.
    plain: Option<Output>,
    /// The peer was told that nothing more is sent.
    has_said_goodbye: bool,
    /// The peer has said that it sends no more.
    has_heard_goodbye: bool,
    /// How the connection ends, where that is not up to who speaks on it.
    ending: Option<Ending>,
}

impl Secure {
    pub(crate) fn new(acceptor: &Acceptor) -> Self {
        Self {
            session: TlsSession::new(acceptor),
            cipher: Output::default(),
            holds_tickets: false,
            sending: false,
            plain: None,
            has_said_goodbye: false,
            has_heard_goodbye: false,
            ending: None,
        }
    }

    /// Takes what came. What it says is behind `scratch.plain`.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Received, TlsError> {
        let Scratch { plain, records, .. } = scratch;
        let had_nothing = !self.sending && self.cipher.is_empty();
        let before = self.cipher.buffer.len();
        let result = self.session.receive(bytes, records, plain, &mut self.cipher.buffer);
        let says_more = self.cipher.buffer.len() > before;
        if says_more {
            let are_tickets = result.as_ref().is_ok_and(|received| received.are_tickets);
            self.holds_tickets = had_nothing && are_tickets;
        }
        result
    }

    /// Whether the peer has said for the first time that it sends no more.
    pub(super) const fn hears_goodbye(&mut self) -> bool {
        !std::mem::replace(&mut self.has_heard_goodbye, true)
    }

    /// Whether the peer has said that it sends no more. An end without that may be somebody else's
    /// doing.
    pub(super) const fn has_heard_goodbye(&self) -> bool {
        self.has_heard_goodbye
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// What was agreed on, once that is so.
    pub(super) fn info(&mut self) -> Option<Arc<TlsInfo>> {
        self.session.info().map(Arc::clone)
    }

    /// The protocol that was agreed on (ALPN), if any was.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.session.protocol()
    }

    /// Whether all that was to be sent is with the system.
    pub(super) fn is_all_sent(&self) -> bool {
        !self.sending && !self.has_output()
    }

    /// Whether something is under way that has nothing to do with who speaks on the connection.
    pub(super) fn is_busy(&self) -> bool {
        self.is_handshaking() || !self.is_all_sent() || self.ending.is_some()
    }

    pub(super) const fn is_sending(&self) -> bool {
        self.sending
    }

    /// Whether there is something to be encrypted or sent that the driver does not have.
    pub(super) fn has_output(&self) -> bool {
        self.plain.is_some() || (!self.cipher.is_empty() && !self.holds_tickets)
    }

    pub(super) fn wants_bytes(&self) -> bool {
        self.ending.is_none() && self.cipher.len() < MAX_UNSENT_BYTES
    }

    /// Decides on the end of the connection, whatever is spoken on it. What was decided on before
    /// stands, unless it would be waited for in vain.
    pub(super) fn end(&mut self, ending: Ending) {
        if ending == Ending::Cut {
            self.ending = Some(ending);
        }
        self.ending.get_or_insert(ending);
    }

    /// Puts bytes behind the output that are not encrypted.
    pub(super) fn write_plainly(&mut self, bytes: &[u8]) {
        self.has_said_goodbye = true;
        self.cipher.append(bytes);
    }

    /// The encrypted output to be sent now, if there is any, and what comes behind it.
    pub(super) fn begin_send(
        &mut self,
        mut work: Option<&mut Work>,
        scratch: &mut Scratch,
    ) -> Option<(&mut Output, Behind)> {
        if self.sending {
            return None;
        }
        if !self.is_handshaking()
            && self.plain.is_none()
            && self.ending.is_none()
            && let Some(work) = &mut work
        {
            self.plain = work.begin_seal();
        }
        let ending = self.ending.or_else(|| work.as_ref()?.wire().ending);
        // Behind what the handshake has left to be said, if there is anything.
        if let Some(plain) = &mut self.plain {
            if self.cipher.buffer.capacity() == 0 {
                self.cipher.buffer = scratch.outputs.pop().unwrap_or_default();
            }
            let slices = plain.slices(SEAL_BYTES);
            let len = slices.iter().map(|slice| slice.len()).sum();
            let [buffer, tail] = &slices;
            if self
                .session
                .encrypt([buffer, tail], &mut scratch.records, &mut self.cipher.buffer)
                .is_err()
            {
                // No more can be said with these keys.
                self.ending = Some(Ending::Cut);
            }
            plain.advance(len);
        }
        let is_end = match ending {
            Some(Ending::Close(Close::Graceful) | Ending::Linger | Ending::HalfClose) => {
                // More may have been written since the first of it was begun to be encrypted.
                let is_all_written = work.as_ref().is_none_or(|work| work.wire().output.is_empty());
                is_all_written && self.plain.as_ref().is_none_or(Output::is_empty)
            }
            _ => false,
        };
        if is_end && !std::mem::replace(&mut self.has_said_goodbye, true) {
            self.session.close_notify(&mut self.cipher.buffer);
        }
        self.holds_tickets &= self.plain.is_none() && ending.is_none();
        if self.cipher.is_empty() || self.holds_tickets {
            return None;
        }
        if let Some(work) = work {
            work.wire_mut().note_given(self.cipher.len());
        }
        Some((&mut self.cipher, if is_end { Behind::End } else { Behind::More }))
    }

    /// The driver has taken the output.
    pub(super) const fn note_sending(&mut self) {
        self.sending = true;
    }

    /// Takes the output back that the driver could not send.
    pub(super) fn take_unsent(&mut self) -> Output {
        self.sending = true;
        std::mem::take(&mut self.cipher)
    }

    /// An output was handed to the system, which is given back if the driver had it. What it was
    /// made of comes back once all of it was.
    pub(super) fn on_sent(&mut self, output: Option<Output>) -> Option<Output> {
        self.sending = false;
        match output {
            Some(mut output) if self.cipher.is_empty() => {
                output.clear();
                self.cipher = output;
            }
            Some(_) => {}
            None => self.cipher.clear(),
        }
        self.plain.take_if(|plain| plain.is_empty())
    }

    /// How the connection ends, as soon as all output is sent, where `decided` is what who speaks
    /// on it has decided.
    pub(super) fn ending(&self, decided: Option<Ending>) -> Option<Ending> {
        // A peer that takes nothing is not waited for, whatever it was to be told.
        let cut = decided.filter(|decided| *decided == Ending::Cut);
        let ending = cut.or(self.ending).or(decided)?;
        (ending == Ending::Cut || self.is_all_sent()).then_some(ending)
    }

    /// The last that a peer is told, if it was not told before and can be.
    pub(super) fn goodbye(&mut self) -> Option<Output> {
        if self.sending || self.has_output() || self.has_said_goodbye {
            return None;
        }
        self.has_said_goodbye = true;
        self.holds_tickets = false;
        let mut output = std::mem::take(&mut self.cipher);
        self.session.close_notify(&mut output.buffer);
        Some(output).filter(|output| !output.is_empty())
    }

    /// What is left to go on with where there is no worker.
    pub(super) fn into_detached(self) -> Secured {
        Secured::new(self.session, self.has_heard_goodbye, self.has_said_goodbye)
    }

    /// Gives storage back that an idle connection need not have.
    pub(super) fn rest(&mut self, scratch: &mut Scratch) {
        if !self.is_all_sent() || self.holds_tickets || self.cipher.buffer.capacity() == 0 {
            return;
        }
        self.cipher.clear();
        let buffer = std::mem::take(&mut self.cipher.buffer);
        if scratch.outputs.len() < MAX_SPARE_OUTPUTS && buffer.capacity() <= MAX_SPARE_BYTES {
            scratch.outputs.push(buffer);
        }
    }
}

/// TLS of a connection, for its worker.
impl Conn {
    /// Has TLS spoken from the first byte on.
    #[cfg_attr(
        not(feature = "tls"),
        expect(unreachable_code, reason = "nothing has that type then")
    )]
    pub(crate) fn secure_with(&mut self, acceptor: &Acceptor) {
        self.secure = Some(Box::new(Secure::new(acceptor)));
    }

    pub(crate) const fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    /// What TLS was agreed on, if it is spoken.
    #[inline(always)]
    pub(super) fn tls(&mut self) -> Option<Arc<TlsInfo>> {
        self.secure.as_mut()?.info()
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.is_handshaking())
    }

    /// Whether TLS has something under way by itself.
    pub(super) fn is_securing(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.is_busy())
    }

    /// Whether more bytes of the peer could be dealt with.
    #[inline(always)]
    pub(crate) fn wants_bytes(&self) -> bool {
        if self.is_lingering() {
            return true;
        }
        self.work.as_ref().is_none_or(Work::wants_bytes)
            && self.secure.as_ref().is_none_or(|secure| secure.wants_bytes())
    }

    /// Decrypts what came. What it says is in `scratch.plain`.
    pub(crate) fn decrypt(
        &mut self,
        bytes: &[u8],
        scratch: &mut Scratch,
        context: &Context<'_>,
    ) -> Result<Decrypted, TlsError> {
        let is_first = self.received_bytes == 0;
        self.moves.received += bytes.len() as u64;
        self.received_bytes += bytes.len() as u64;
        let Some(secure) = &mut self.secure else { return Ok(Decrypted::default()) };
        if secure.ending.is_some() {
            return Ok(Decrypted::default());
        }
        let received = secure.receive(bytes, scratch)?;
        if received.handshake_ended {
            context.counters.count_handshake(secure.session.is_resumed());
        }
        Ok(Decrypted {
            handshake_began: is_first && secure.is_handshaking(),
            handshake_ended: received.handshake_ended,
            is_end: received.is_closed && secure.hears_goodbye(),
        })
    }

    /// The peer sends no more, as far as the system knows. Whether it has said so is another
    /// matter.
    pub(crate) fn on_end_of_records(&mut self, context: &Context<'_>) {
        let has_said_so = self.secure.as_ref().is_none_or(|secure| secure.has_heard_goodbye());
        match &mut self.work {
            // It was passed on then.
            Some(_) if has_said_so => {}
            Some(Work::Raw(raw)) => raw.on_cut_off(),
            // The length of each message is known.
            Some(work) => work.on_bytes(Input::new(&[]), context),
            // As those do that only look whether somebody is there.
            None if self.received_bytes == 0 => {
                self.end_securely(Ending::Close(Close::Graceful), CloseReason::PeerClosed);
            }
            None => self.end_securely(Ending::Close(Close::Graceful), CloseReason::Lost),
        }
    }

    /// The peer has said that it sends no more.
    pub(crate) fn on_goodbye(&mut self, context: &Context<'_>) {
        match &mut self.work {
            Some(work) => work.on_bytes(Input::new(&[]), context),
            None => self.end_securely(Ending::Close(Close::Graceful), CloseReason::PeerClosed),
        }
    }

    /// What came first is plain HTTP, and is answered with where to go.
    pub(crate) fn speak_plainly(&mut self) {
        self.drop_secure();
        self.service = ServiceId::TO_TLS;
        // They are looked at, and counted, once more.
        self.moves.received = 0;
        self.received_bytes = 0;
    }

    /// What came can't be TLS, or not be gone on with.
    pub(crate) fn on_tls_error(&mut self, error: &TlsError, context: &Context<'_>) {
        let _ = context.hooks.error(&ErrorContext {
            kind: ErrorKind::Tls,
            error,
            peer_addr: Some(self.peer_addr()),
            request: None,
            status: None,
            stream: None,
        });
        context.counters.count_tls_error(error.kind());
        let is_http = context.is_http(self.service());
        if let Some(secure) = &mut self.secure {
            // It can't be said any more.
            secure.plain = None;
            if error.is_no_tls() && is_http {
                secure.write_plainly(NOT_TLS);
            }
        }
        if let Some(Work::Raw(raw)) = &mut self.work {
            raw.on_cut_off();
        }
        self.end_securely(Ending::Linger, CloseReason::Tls);
    }

    /// Ends the connection once what has to be said was said.
    pub(crate) fn end_securely(&mut self, ending: Ending, reason: CloseReason) {
        self.set_reason(reason);
        if let Some(secure) = &mut self.secure {
            secure.end(ending);
        }
    }

    /// A handshake, or the last that TLS has to say, took too long.
    pub(super) fn on_secure_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        context.counters.count_limit(limit);
        self.end_securely(Ending::Cut, CloseReason::Limit(limit));
    }

    /// Others have begun to shake hands since, and there is no room for all of them.
    pub(crate) fn give_up_handshake(&mut self, context: &Context<'_>) {
        self.on_secure_timeout(Limit::Handshakes, context);
    }

    /// Output was handed to the system.
    pub(super) fn on_sent_securely(&mut self, output: Option<Output>, context: &Context<'_>) {
        let sent = self.secure.as_mut().and_then(|secure| secure.on_sent(output));
        if let (Some(sent), Some(work)) = (sent, &mut self.work) {
            work.on_sent(sent, context);
        }
    }

    /// The last that the peer is told, if that is due.
    pub(crate) fn goodbye(&mut self) -> Option<Output> {
        self.secure.as_mut()?.goodbye()
    }

    /// Gives storage back that TLS need not have for now.
    #[inline(always)]
    pub(crate) fn rest_securely(&mut self, scratch: &mut Scratch) {
        if let Some(secure) = &mut self.secure {
            secure.rest(scratch);
        }
    }

    /// Drops what is left of TLS, with what was to be sent by it.
    pub(crate) fn drop_secure(&mut self) {
        self.secure = None;
    }
}

/// What decrypting brought beside bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decrypted {
    /// The first of it came, and it goes on.
    pub(crate) handshake_began: bool,
    /// From now on something may be said.
    pub(crate) handshake_ended: bool,
    /// The peer has said that it sends no more.
    pub(crate) is_end: bool,
}

/// What is said to who speaks HTTP where TLS is spoken.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 49\r\n\
    Connection: close\r\n\
    \r\n\
    This port speaks HTTPS. Use https:// to reach it.";
