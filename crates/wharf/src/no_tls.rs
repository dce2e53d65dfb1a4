//! Without the feature `tls`: sessions of which there are none.
//!
//! Not here: what bytes that TLS begins with are answered.

use std::sync::Arc;

/// Nothing has this type.
#[derive(Clone, Debug)]
pub(crate) enum Acceptor {}

impl Acceptor {
    pub(crate) fn redirects_http(&self) -> bool {
        match *self {}
    }
}

/// Nothing has this type.
pub(crate) enum TlsSession {}

/// Nothing has this type.
#[derive(Debug)]
pub(crate) enum TlsInfo {}

/// Nothing has this type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TlsError {}

impl TlsError {
    /// What can go wrong.
    pub(crate) const KIND_TEXTS: [&str; 0] = [];

    pub(crate) fn kind(&self) -> usize {
        match *self {}
    }

    pub(crate) fn is_no_tls(&self) -> bool {
        match *self {}
    }
}

impl std::fmt::Display for TlsError {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for TlsError {}

/// Nothing has this type.
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn acceptor(&self, _protocols: &[&[u8]]) -> Result<Acceptor, TlsError> {
        match *self {}
    }
}

/// What a call of [`TlsSession::receive`] would have brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) handshake_ended: bool,
    pub(crate) are_tickets: bool,
    pub(crate) is_closed: bool,
}

impl TlsSession {
    pub(crate) fn new(acceptor: &Acceptor) -> Self {
        match *acceptor {}
    }

    pub(crate) fn receive(
        &mut self,
        _cipher: &[u8],
        _scratch: &mut Vec<u8>,
        _plain: &mut Vec<u8>,
        _out: &mut Vec<u8>,
    ) -> Result<Received, TlsError> {
        match *self {}
    }

    pub(crate) fn encrypt(
        &mut self,
        _plain: [&[u8]; 2],
        _scratch: &mut Vec<u8>,
        _out: &mut Vec<u8>,
    ) -> Result<(), TlsError> {
        match *self {}
    }

    pub(crate) fn close_notify(&mut self, _out: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn info(&mut self) -> Option<&Arc<TlsInfo>> {
        match *self {}
    }

    pub(crate) fn is_resumed(&self) -> bool {
        match *self {}
    }

    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match *self {}
    }
}
