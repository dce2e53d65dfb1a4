//! The engine's errors in the terms of [`TlsError`] and [`TlsConfigError`].
//!
//! Not here: what they mean (`tls/error.rs`).

use rustls::{Error, InconsistentKeys, PeerIncompatible};

use super::hello;
use crate::tls::error::{TlsConfigError, TlsError};

/// Of what a peer did.
pub(super) fn of_peer(error: &Error) -> TlsError {
    match error {
        Error::General(_) if hello::take_refusal() => TlsError::UnknownName,
        Error::NoApplicationProtocol => TlsError::NoSharedProtocol,
        Error::AlertReceived(alert) => TlsError::Alert(
            alert.as_str().map_or_else(|| format!("{alert:?}"), str::to_owned).into(),
        ),
        Error::NoCertificatesPresented => TlsError::NoClientCertificate,
        Error::InvalidCertificate(_) => TlsError::InvalidClientCertificate(text(error)),
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => TlsError::NoSharedVersion,
        Error::PeerIncompatible(_) => TlsError::NothingShared(text(error)),
        Error::DecryptError => TlsError::BadRecord,
        Error::PeerSentOversizedRecord => TlsError::TooLarge,
        Error::InvalidMessage(_) => TlsError::Malformed(text(error)),
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_) => TlsError::Unexpected(text(error)),
        _ => TlsError::Failed(text(error)),
    }
}

/// Of a certificate and its key.
pub(super) fn of_pair(error: &Error, origin: &str) -> TlsConfigError {
    let origin = origin.to_owned();
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsConfigError::KeyMismatch { origin }
        }
        Error::InvalidCertificate(_) => {
            TlsConfigError::BadCertificate { origin, reason: error.to_string() }
        }
        _ => TlsConfigError::BadKey { origin, reason: error.to_string() },
    }
}

fn text(error: &Error) -> Box<str> {
    error.to_string().into()
}
