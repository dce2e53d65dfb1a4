//! [`TlsSession`]: one connection's TLS, server side, bytes in -> bytes out.
//!
//! Records are decrypted where they lie, in a buffer that the caller lends; of its own a session
//! has one only while it holds a record that is not there in full, or a handshake message that is
//! not. Not here: sockets and deadlines (the connection's), what is negotiated (`config.rs`).

use std::mem;
use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{HandshakeKind, ProtocolVersion};

use super::config::Acceptor;
use super::{describe, errors, hello};
use crate::first_bytes::looks_like_tls;
use crate::tls::error::TlsError;
use crate::tls::info::TlsInfo;

/// The plaintext that fits in one record, in bytes (RFC 8446, section 5.1).
const RECORD_BYTES: usize = 16 * 1024;

/// What a record may add to its plaintext: header, explicit nonce, content type and tag, in bytes.
const RECORD_OVERHEAD_BYTES: usize = 5 + 8 + 1 + 16;

/// An alert, in bytes.
const ALERT_BYTES: usize = 2;

/// What may wait for its rest, in bytes: the largest handshake message that the engine takes. It
/// can be cut in records of any size, whose headers count here too.
const MAX_PENDING_BYTES: usize = 64 * 1024;

type Traffic<'t> = WriteTraffic<'t, ServerConnectionData>;

/// One connection's TLS, server side. As large as a pointer.
pub(crate) struct TlsSession(Box<Inner>);

struct Inner {
    engine: UnbufferedServerConnection,
    /// What was received and has no end yet. Freed when empty.
    pending: Vec<u8>,
    /// The name that the client asked for.
    name: Option<Box<str>>,
    /// Made when it is first asked for.
    info: Option<Arc<TlsInfo>>,
    /// Why nothing more can be done.
    error: Option<TlsError>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Not one byte has come.
    New,
    Handshake,
    Traffic,
    /// The peer sends no more. We still may.
    PeerClosed,
}

/// What a call of [`TlsSession::receive`] brought beside plaintext.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Received {
    /// This call ended the handshake: from now on there may be plaintext both ways.
    pub(crate) handshake_ended: bool,
    /// What the peer has to be told are tickets and nothing else: they need not be on their way at
    /// once.
    pub(crate) are_tickets: bool,
    /// The peer has said that it sends no more (`close_notify`), now or before. An end of the
    /// connection without it means that something was cut off.
    pub(crate) is_closed: bool,
}

impl TlsSession {
    pub(crate) fn new(acceptor: &Acceptor) -> Self {
        let engine = UnbufferedServerConnection::new(acceptor.config())
            .expect("no size of records was set that could be refused");
        Self(Box::new(Inner {
            engine,
            pending: Vec::new(),
            name: None,
            info: None,
            error: None,
            stage: Stage::New,
        }))
    }

    /// Takes what the peer sent. Puts what it said behind `plain`, and what it has to be told
    /// (handshake, tickets, alerts) behind `out`, which is to be sent also if this fails. Whoever
    /// has been told of a failure has said what is in `plain` all the same, before it.
    ///
    /// `scratch` may hold anything, before and afterwards.
    ///
    /// # Errors
    ///
    /// Any error ends the session: every later call gives the same.
    pub(crate) fn receive(
        &mut self,
        cipher: &[u8],
        scratch: &mut Vec<u8>,
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Received, TlsError> {
        let inner = &mut *self.0;
        inner.check()?;
        let was_handshaking = inner.is_handshaking();
        let result = inner.receive(cipher, scratch, plain, out);
        inner.settle(result, out)?;
        let handshake_ended = was_handshaking && !inner.is_handshaking();
        Ok(Received {
            handshake_ended,
            // Before TLS 1.3 the last of a handshake is the server's (RFC 5246, section 7.3).
            are_tickets: handshake_ended
                && inner.engine.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            is_closed: inner.stage == Stage::PeerClosed,
        })
    }

    /// Puts both parts of a turn's plaintext behind `out`, in as few records as they fit in.
    ///
    /// `scratch` may hold anything, before and afterwards.
    ///
    /// # Errors
    ///
    /// [`TlsError::TooMuch`] if the keys must not be used any more and can't be changed, and that
    /// of an earlier call.
    ///
    /// # Panics
    ///
    /// If the handshake is not over.
    pub(crate) fn encrypt(
        &mut self,
        plain: [&[u8]; 2],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        let inner = &mut *self.0;
        inner.check()?;
        assert!(!inner.is_handshaking(), "there are no keys yet");
        let result = inner.encrypt_parts(plain, scratch, out);
        inner.settle(result, out)
    }

    /// Puts an announcement behind `out` that nothing more is sent (`close_notify`), without which
    /// the peer can't know that nothing was cut off. None is due during the handshake, after an
    /// error, and a second time.
    pub(crate) fn close_notify(&mut self, out: &mut Vec<u8>) {
        let inner = &mut *self.0;
        if inner.error.is_none() && !inner.is_handshaking() {
            let write =
                |traffic: &mut Traffic<'_>, space: &mut [u8]| traffic.queue_close_notify(space);
            let result = inner.write(out, RECORD_OVERHEAD_BYTES + ALERT_BYTES, write);
            let _as_good_as_closed = inner.settle(result, out);
        }
    }

    /// Whether nothing may be encrypted yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// What was agreed on, once the handshake is over. Made at the first call.
    pub(crate) fn info(&mut self) -> Option<&Arc<TlsInfo>> {
        let inner = &mut *self.0;
        if inner.is_handshaking() {
            return None;
        }
        let (engine, name) = (&inner.engine, &inner.name);
        Some(inner.info.get_or_insert_with(|| Arc::new(describe::info(engine, name.as_deref()))))
    }

    /// Whether the session goes on from an earlier one.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.engine.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The protocol that was agreed on (ALPN), if any was.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.0.engine.alpn_protocol()
    }
}

impl Inner {
    const fn is_handshaking(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Handshake)
    }

    fn check(&self) -> Result<(), TlsError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// Keeps an error for good and lets out what the peer is to be told of it.
    fn settle<T>(&mut self, result: Result<T, TlsError>, out: &mut Vec<u8>) -> Result<T, TlsError> {
        if let Err(error) = &result {
            self.error = Some(error.clone());
            self.flush(out);
            self.pending = Vec::new();
        }
        result
    }

    fn receive(
        &mut self,
        cipher: &[u8],
        scratch: &mut Vec<u8>,
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        match self.stage {
            _ if cipher.is_empty() => return Ok(()),
            Stage::New if !looks_like_tls(cipher) => return Err(TlsError::NotTls),
            Stage::New => self.stage = Stage::Handshake,
            // What follows a `close_notify` means nothing (RFC 8446, section 6.1).
            Stage::PeerClosed => return Ok(()),
            Stage::Handshake | Stage::Traffic => {}
        }
        // What waits is copied only if as much comes with it: a record that comes byte by byte
        // would be copied for each of them.
        if cipher.len() < self.pending.len() {
            self.pending.extend_from_slice(cipher);
            let mut buffer = mem::take(&mut self.pending);
            let used = self.process(&mut buffer, plain, out);
            self.pending = buffer;
            self.pending.drain(..used?);
        } else {
            scratch.clear();
            scratch.extend_from_slice(&self.pending);
            scratch.extend_from_slice(cipher);
            self.pending.clear();
            let used = self.process(scratch, plain, out)?;
            self.pending.extend_from_slice(&scratch[used..]);
        }
        if self.stage == Stage::PeerClosed || self.pending.is_empty() {
            self.pending = Vec::new();
        }
        if self.pending.len() > MAX_PENDING_BYTES {
            return Err(TlsError::TooLarge);
        }
        Ok(())
    }

    /// Goes as far as the bytes in the buffer lead. Gives how many are done with.
    fn process(
        &mut self,
        buffer: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<usize, TlsError> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { discard, state } =
                self.engine.process_tls_records(&mut buffer[used..]);
            used += discard;
            if self.stage == Stage::Handshake {
                self.name = hello::take_name().or(self.name.take());
            }
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::BlockedHandshake) => return Ok(used),
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.stage = Stage::Traffic;
                    return Ok(used);
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    self.stage = Stage::PeerClosed;
                    return Ok(used);
                }
                // Data before the end of the handshake could be a repetition: none is accepted.
                Ok(_) => return Err(TlsError::Unexpected("early data".into())),
                Err(error) => return Err(errors::of_peer(&error)),
            }
        }
    }

    fn encrypt_parts(
        &mut self,
        [first, second]: [&[u8]; 2],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        let last = first.len() % RECORD_BYTES;
        if last == 0 || second.is_empty() {
            self.encrypt(first, out)?;
            return self.encrypt(second, out);
        }
        // The record that both parts have a share in.
        let (whole, begin) = first.split_at(first.len() - last);
        let (end, rest) = second.split_at(second.len().min(RECORD_BYTES - last));
        scratch.clear();
        scratch.extend_from_slice(begin);
        scratch.extend_from_slice(end);
        self.encrypt(whole, out)?;
        self.encrypt(scratch, out)?;
        self.encrypt(rest, out)
    }

    fn encrypt(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), TlsError> {
        if plain.is_empty() {
            return Ok(());
        }
        let size = plain.len() + plain.len().div_ceil(RECORD_BYTES) * RECORD_OVERHEAD_BYTES;
        self.write(out, size, |traffic, space| traffic.encrypt(plain, space))
    }

    /// Has `write` fill some bytes behind `out`, `size` of them unless it needs more.
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        size: usize,
        mut write: impl FnMut(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), TlsError> {
        loop {
            // With nothing new to look at, this only says what may be done.
            match self.engine.process_tls_records(&mut self.pending).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return append(out, size, |space| match write(&mut traffic, space) {
                        Ok(written) => Ok(Ok(written)),
                        Err(EncryptError::InsufficientSize(error)) => Err(error),
                        Err(EncryptError::EncryptExhausted) => Ok(Err(TlsError::TooMuch)),
                    });
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                // Both sides have said that there is no more.
                Ok(ConnectionState::Closed) => return Ok(()),
                // All that had come was dealt with before.
                other => return Err(TlsError::Failed(format!("{other:?} to be sent").into())),
            }
        }
    }

    /// Lets out what the engine has to say by itself.
    fn flush(&mut self, out: &mut Vec<u8>) {
        while self.engine.wants_write() {
            match self.engine.process_tls_records(&mut self.pending).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                // What is to be said goes before all else.
                _ => return,
            }
        }
    }
}

fn encode(mut data: EncodeTlsData<'_, ServerConnectionData>, out: &mut Vec<u8>) {
    let written = append(out, 0, |space| match data.encode(space) {
        Ok(written) => Ok(Ok(written)),
        Err(EncodeError::InsufficientSize(error)) => Err(error),
        Err(error @ EncodeError::AlreadyEncoded) => Ok(Err(error)),
    });
    written.expect("each is encoded once");
}

/// Lets `write` fill some bytes behind `out`: `size` of them, or as many as it asks for then.
fn append<E>(
    out: &mut Vec<u8>,
    mut size: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<Result<usize, E>, InsufficientSizeError>,
) -> Result<(), E> {
    let at = out.len();
    loop {
        out.resize(at + size, 0);
        match write(&mut out[at..]) {
            Ok(result) => {
                out.truncate(at + *result.as_ref().unwrap_or(&0));
                return result.map(drop);
            }
            Err(error) => size = error.required_size,
        }
    }
}
