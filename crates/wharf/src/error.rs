//! [`Error`]: what can go wrong when a server is set up or run.
//!
//! Not here: what peers do wrong (`wharf_proto::Reject`) and what handlers return.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::HandlerError;
use crate::listener::InvalidAddr;

/// Why a server could not be set up, or ended on its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The text of an address can't be read, or has options that do not go with it.
    InvalidAddr(InvalidAddr),
    /// An address could not be resolved or listened on: it may be taken, or not allowed.
    Listen {
        /// The address as it was given.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// Listeners can't be taken over or handed over at that path.
    HandOver {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The handler was put together wrongly.
    Handler(HandlerError),
    /// TLS could not be set up: the source tells why.
    Tls(Box<dyn std::error::Error + Send + Sync>),
    /// There is no address to serve on.
    NothingToListenOn,
    /// A server has 65,535 services at most, those included that it listens for no longer.
    TooManyServices,
    /// The system does not have the backend that was asked for, or does not let the program use it.
    Backend(io::Error),
    /// The system does not let the program have [`Server::busy_poll`](crate::Server::busy_poll).
    BusyPoll(io::Error),
    /// The system refused something without which no worker can run.
    Worker(io::Error),
}

/// The result of setting a server up or running it.
pub type Result<T = ()> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddr(error) => write!(f, "can't listen on {}: {error}", error.text()),
            Self::Listen { addr, source } => match source.kind() {
                io::ErrorKind::AddrInUse => write!(f, "can't listen on {addr}: already in use"),
                _ => write!(f, "can't listen on {addr}: {source}"),
            },
            Self::HandOver { path, source } => {
                write!(f, "can't hand over at {}: {source}", path.display())
            }
            Self::Handler(error) => error.fmt(f),
            Self::Tls(source) => source.fmt(f),
            Self::NothingToListenOn => f.write_str("there is no address to listen on"),
            Self::TooManyServices => f.write_str("the server has too many services"),
            Self::Backend(source) => write!(f, "the backend can't be used: {source}"),
            Self::BusyPoll(source) => write!(f, "busy polling can't be set: {source}"),
            Self::Worker(source) => write!(f, "a worker can't run: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. }
            | Self::HandOver { source, .. }
            | Self::Backend(source)
            | Self::BusyPoll(source)
            | Self::Worker(source) => Some(source),
            Self::InvalidAddr(error) => Some(error),
            Self::Handler(error) => Some(error),
            Self::Tls(error) => error.source(),
            Self::NothingToListenOn | Self::TooManyServices => None,
        }
    }
}
