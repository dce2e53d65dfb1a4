//! [`TlsError`]: why a connection's TLS ended; and [`TlsConfigError`]: why it could not be set up.
//!
//! Not here: which of them the engine means (`engine/errors.rs`).

use std::path::PathBuf;
use std::{fmt, io};

/// Why a connection's TLS could not begin or go on. The peer has been told by an alert where the
/// protocol has one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsError {
    /// The connection began with something else: plain HTTP, or garbage.
    NotTls,
    /// The client speaks none of the versions of TLS that are spoken here.
    NoSharedVersion,
    /// The client offers protocols (ALPN), and none of them is spoken here.
    NoSharedProtocol,
    /// The client and the server have no cipher suite, group or signature in common.
    NothingShared(Box<str>),
    /// There is no certificate for the name that the client asks for, and
    /// [`Tls::refuse_unknown_names`](crate::Tls::refuse_unknown_names) was set.
    UnknownName,
    /// The client has to show a certificate, and has none.
    NoClientCertificate,
    /// The client's certificate is of no use: expired, by an unknown authority, or broken.
    InvalidClientCertificate(Box<str>),
    /// The client ended it with that alert, as if it does not trust the certificate.
    Alert(Box<str>),
    /// A record was not made with the keys that were agreed on: it was changed on its way.
    BadRecord,
    /// A record or a message is larger than allowed.
    TooLarge,
    /// What came can't be read as TLS.
    Malformed(Box<str>),
    /// What came has no place there.
    Unexpected(Box<str>),
    /// As much was sent as the keys allow, and they can't be changed in this version of TLS.
    TooMuch,
    /// Something failed that should not have: no random bytes, no clock.
    Failed(Box<str>),
}

impl TlsError {
    /// What can go wrong, whatever its details, in the order of [`kind`](Self::kind).
    pub(crate) const KIND_TEXTS: [&str; 14] = [
        "no TLS",
        "no version in common",
        "no application protocol in common",
        "no cipher suite, group or signature in common",
        "no certificate for the name",
        "no certificate of the client",
        "client's certificate refused",
        "ended by the client",
        "record can't be decrypted",
        "record or message too large",
        "malformed",
        "unexpected",
        "keys used up",
        "failed",
    ];

    pub(crate) const fn kind(&self) -> usize {
        match self {
            Self::NotTls => 0,
            Self::NoSharedVersion => 1,
            Self::NoSharedProtocol => 2,
            Self::NothingShared(_) => 3,
            Self::UnknownName => 4,
            Self::NoClientCertificate => 5,
            Self::InvalidClientCertificate(_) => 6,
            Self::Alert(_) => 7,
            Self::BadRecord => 8,
            Self::TooLarge => 9,
            Self::Malformed(_) => 10,
            Self::Unexpected(_) => 11,
            Self::TooMuch => 12,
            Self::Failed(_) => 13,
        }
    }

    /// Whether the peer does not speak TLS at all.
    pub(crate) fn is_no_tls(&self) -> bool {
        *self == Self::NotTls
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the connection does not begin with TLS"),
            Self::NoSharedVersion => f.write_str("no version of TLS in common"),
            Self::NoSharedProtocol => f.write_str("no application protocol in common"),
            Self::NothingShared(what) => write!(f, "nothing in common: {what}"),
            Self::UnknownName => f.write_str("no certificate for the name that was asked for"),
            Self::NoClientCertificate => f.write_str("the client shows no certificate"),
            Self::InvalidClientCertificate(why) => write!(f, "the client's certificate: {why}"),
            Self::Alert(alert) => write!(f, "the client ended it: {alert}"),
            Self::BadRecord => f.write_str("a record can't be decrypted"),
            Self::TooLarge => f.write_str("a record or message is too large"),
            Self::Malformed(why) => write!(f, "malformed: {why}"),
            Self::Unexpected(why) => write!(f, "unexpected: {why}"),
            Self::TooMuch => f.write_str("the keys have been used as often as they may"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// Why TLS could not be set up. `origin` is the file, or says that it was given as bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A file can't be read or written.
    File {
        /// The file as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is not PEM from beginning to end.
    BadPem {
        /// Where it is from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no certificate in it.
    NoCertificate {
        /// Where it is from.
        origin: String,
    },
    /// There is no private key in it, or only one that is encrypted.
    NoKey {
        /// Where it is from.
        origin: String,
    },
    /// The certificate can't be read.
    BadCertificate {
        /// Where it is from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The private key can't be read, or is of a kind that is not known.
    BadKey {
        /// Where it is from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The key does not belong to the certificate.
    KeyMismatch {
        /// Where the certificate is from.
        origin: String,
    },
    /// The certificate is past its time. Only [`Tls::reload`](crate::Tls::reload) minds.
    Expired {
        /// Where it is from.
        origin: String,
    },
    /// It is not the name of a host, nor `*.` and one.
    BadName {
        /// The name as it was given.
        name: String,
    },
    /// The name of a protocol (ALPN) is empty or longer than 255 bytes.
    BadProtocol,
    /// Something that depends on the system failed, as the random numbers.
    Failed {
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::BadPem { origin, reason } => write!(f, "{origin}: not PEM: {reason}"),
            Self::NoCertificate { origin } => write!(f, "{origin}: no certificate"),
            Self::NoKey { origin } => {
                write!(f, "{origin}: no private key, or only an encrypted one")
            }
            Self::BadCertificate { origin, reason } => {
                write!(f, "{origin}: the certificate can't be used: {reason}")
            }
            Self::BadKey { origin, reason } => {
                write!(f, "{origin}: the private key can't be used: {reason}")
            }
            Self::KeyMismatch { origin } => {
                write!(f, "{origin}: the private key is not that of the certificate")
            }
            Self::Expired { origin } => write!(f, "{origin}: the certificate has expired"),
            Self::BadName { name } => write!(f, "`{name}` is not the name of a host"),
            Self::BadProtocol => f.write_str("a protocol's name has from 1 to 255 bytes"),
            Self::Failed { reason } => write!(f, "TLS can't be set up: {reason}"),
        }
    }
}

impl std::error::Error for TlsConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
