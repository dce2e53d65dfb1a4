//! What a server is started for: a process of its own for each, so that nothing of one is carried
//! by another.
//!
//! Not here: which servers know which (`programs.rs`, `configured/`), who loads them
//! (`workload.rs`).

use std::fmt;

use loadgen::Request;
use serde::{Serialize, Serializer};
use wire::Version;

/// What is sent to an echo before it is loaded, and once on connections that are idle afterwards.
const ECHO: Request = Request::echo(1 << 10);

/// What is spoken on a server's only address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// HTTP/1.1 in cleartext.
    Http,
    /// HTTP/2 in cleartext, with prior knowledge.
    Http2,
    /// HTTP/1.1 and HTTP/2 over TLS, by the client's choice.
    Tls,
    /// What comes is sent back.
    Echo,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Http, Self::Http2, Self::Tls, Self::Echo];

    /// A request that shows if the service is there; `None` if we don't speak what it speaks.
    pub(crate) const fn request(self) -> Option<Request> {
        match self {
            Self::Http => Some(Request::get("/")),
            Self::Echo => Some(ECHO),
            Self::Http2 | Self::Tls => None,
        }
    }
    /// What connections to it can be that ask for nothing more.
    pub(crate) const fn idle(self) -> &'static [Idle] {
        match self {
            Self::Http => &[Idle::Cleartext(Version::Http1)],
            Self::Http2 => &[Idle::Cleartext(Version::Http2)],
            Self::Tls => &[Idle::Tls(Version::Http1), Idle::Tls(Version::Http2)],
            Self::Echo => &[Idle::Echo],
        }
    }
}

/// What an idle connection spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    Cleartext(Version),
    Tls(Version),
    Echo,
}

impl Idle {
    pub(crate) const ALL: [Self; 5] = [
        Self::Cleartext(Version::Http1),
        Self::Cleartext(Version::Http2),
        Self::Tls(Version::Http1),
        Self::Tls(Version::Http2),
        Self::Echo,
    ];
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cleartext(Version::Http1) => "idle connection",
            Self::Cleartext(Version::Http2) => "idle connection of HTTP/2",
            Self::Tls(Version::Http1) => "idle connection of HTTP/1.1 over TLS",
            Self::Tls(Version::Http2) => "idle connection of HTTP/2 over TLS",
            Self::Echo => "idle connection of an echo",
        })
    }
}

impl Serialize for Idle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
