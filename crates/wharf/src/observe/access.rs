//! [`Access`]: a request, and what became of it.
//!
//! Not here: requests that are still under way.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use wharf_proto::RequestHead;

use crate::peer::PeerAddr;

/// One request and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Access<'a> {
    /// Where the connection comes from.
    pub peer_addr: PeerAddr,
    /// Method, target and fields of the request; `None` if its head could not be read.
    pub request: Option<&'a RequestHead>,
    /// The status of the response; `None` if the connection was lost before there was one.
    pub status: Option<StatusCode>,
    /// How many bytes of body were handed to the connection, chunk framing not counted.
    pub body_bytes: u64,
    /// Whether the response came to its end.
    pub complete: bool,
    /// What went wrong in the handler, if the response is a
    /// [`failure`](crate::Response::failure). The peer was told the status and nothing else.
    pub failure: Option<&'a (dyn Error + Send + Sync + 'static)>,
    /// From the end of the request's head to the end of the response.
    pub duration: Duration,
}

impl<'a> Access<'a> {
    /// The request-target as it came; empty if the head could not be read.
    #[must_use]
    pub fn target(&self) -> &'a str {
        self.request.map_or("", RequestHead::target)
    }
}

/// `127.0.0.1 "GET /" 200 14 0.3ms`, with control bytes escaped; `unix` in place of an address
/// where the peer has none.
impl fmt::Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer_addr.ip() {
            Some(ip) => write!(f, "{ip} ")?,
            None => write!(f, "{} ", self.peer_addr)?,
        }
        match self.request {
            Some(head) => write!(f, "\"{} {}\"", head.method(), head.target().escape_debug())?,
            None => f.write_str("\"-\"")?,
        }
        match self.status {
            Some(status) => write!(f, " {}", status.as_str())?,
            None => f.write_str(" -")?,
        }
        let millis = self.duration.as_secs_f64() * 1000.0;
        write!(f, " {} {millis:.1}ms", self.body_bytes)?;
        if !self.complete {
            f.write_str(" incomplete")?;
        }
        match self.failure {
            Some(failure) => write!(f, " ({})", failure.to_string().escape_debug()),
            None => Ok(()),
        }
    }
}
