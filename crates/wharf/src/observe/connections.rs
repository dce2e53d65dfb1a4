//! [`OpenConnection`]: what a connection is doing, and [`Connections`], all of a server's.
//!
//! Not here: how workers are asked (`worker/question.rs`), and connections that are over
//! (`close.rs`).

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;

use super::id::ConnectionId;
use crate::peer::PeerAddr;

/// The connections of a server, each as its worker had it between two turns.
///
/// It prints as a table for people, one connection a line.
///
/// ```
/// use wharf::Server;
///
/// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
/// let connections = handle.connections();
/// assert!(connections.list.is_empty() && connections.silent_workers.is_empty());
/// print!("{connections}");
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// Those that are open, by worker and by place.
    pub list: Vec<OpenConnection>,
    /// The workers that did not say in time, by their place in
    /// [`Stats::workers`](crate::Stats::workers): a handler blocks each of them. Their connections
    /// are not in the list.
    pub silent_workers: Vec<usize>,
}

/// A connection that is open, and what it is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenConnection {
    /// Its name, for [`ServerHandle::kill`](crate::ServerHandle::kill) among others.
    pub id: ConnectionId,
    /// Where it comes from.
    pub peer_addr: PeerAddr,
    /// The address on which it was accepted; `None` if it came by a Unix socket.
    pub local_addr: Option<SocketAddr>,
    /// What is spoken on it.
    pub protocol: ProtocolKind,
    /// What it is doing.
    pub state: ConnectionState,
    /// How long it has been open, in tenths of a second.
    pub age: Duration,
    /// How many requests came on it, those that were refused not counted.
    pub requests: u32,
    /// How many bytes came from the peer.
    pub received_bytes: u64,
    /// How many bytes the system was given for the peer; while it waits for the peer, how many the
    /// peer has taken.
    pub sent_bytes: u64,
    /// The request that is under way. One that is answered in the turn in which it came is never
    /// seen here.
    pub request: Option<CurrentRequest>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolKind {
    /// HTTP/1.1, or HTTP/1.0.
    Http1,
    /// HTTP/2.
    Http2,
    /// One of the program's own.
    Raw,
}

impl fmt::Display for ProtocolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Raw => "raw",
        })
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Nothing of a request has come: it waits for the first, or for the next.
    Idle,
    /// Hands are being shaken (TLS).
    Handshaking,
    /// Some of a head has come.
    ReceivingHead,
    /// A handler waits for its request's body, or has it come in beside its work.
    ReceivingBody,
    /// A handler is at work, and no response has begun.
    Handling,
    /// A response has begun: its handler has not made all of it, or its peer has not taken it.
    Sending,
    /// The response is out, and what is left of the request's body is dropped.
    DrainingBody,
    /// A protocol of the program's own is spoken.
    Open,
    /// Nothing more is sent, and the peer has some time to close.
    Lingering,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Handshaking => "handshaking",
            Self::ReceivingHead => "receiving head",
            Self::ReceivingBody => "receiving body",
            Self::Handling => "handling",
            Self::Sending => "sending",
            Self::DrainingBody => "draining body",
            Self::Open => "open",
            Self::Lingering => "lingering",
        })
    }
}

/// A request that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentRequest {
    /// Its method.
    pub method: Method,
    /// The request-target as it came. Of method and target together 256 bytes are kept.
    pub target: String,
    /// How long it is since its head had come.
    pub age: Duration,
}

/// `GET /search?q=a 1.5s`, with what is no graphic character escaped.
impl fmt::Display for CurrentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, age) = (self.target.escape_debug(), self.age.as_secs_f64());
        write!(f, "{} {target} {age:.1}s", self.method)
    }
}

/// `0-17-5 192.0.2.1:50000 HTTP/1.1 sending 12.0s 3 requests in 120 out 4096 GET / 1.5s`
impl fmt::Display for OpenConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, peer_addr, protocol, state, requests, .. } = self;
        let (age, received, sent) = (self.age.as_secs_f64(), self.received_bytes, self.sent_bytes);
        let peer = peer_addr.to_string();
        write!(f, "{id:<12} {peer:<21} {protocol:<8} {state:<14} {age:.1}s")?;
        write!(f, " {requests} requests in {received} out {sent}")?;
        match &self.request {
            Some(request) => write!(f, " {request}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for connection in &self.list {
            writeln!(f, "{connection}")?;
        }
        for worker in &self.silent_workers {
            writeln!(f, "worker {worker} does not answer")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_what_there_is_a_line_each() {
        let request = CurrentRequest {
            method: Method::GET,
            target: "/a\u{1b}[2J".to_owned(),
            age: Duration::from_millis(1500),
        };
        let busy = OpenConnection {
            id: "1-17-5".parse().unwrap(),
            peer_addr: SocketAddr::from(([192, 0, 2, 1], 50_000)).into(),
            local_addr: Some(([192, 0, 2, 2], 80).into()),
            protocol: ProtocolKind::Http1,
            state: ConnectionState::Sending,
            age: Duration::from_secs(12),
            requests: 3,
            received_bytes: 120,
            sent_bytes: 4096,
            request: Some(request),
        };
        let idle = OpenConnection { state: ConnectionState::Idle, request: None, ..busy.clone() };
        let connections = Connections { list: vec![busy, idle], silent_workers: vec![0] };
        assert_eq!(
            connections.to_string(),
            "1-17-5       192.0.2.1:50000       HTTP/1.1 sending        12.0s 3 requests \
             in 120 out 4096 GET /a\\u{1b}[2J 1.5s\n\
             1-17-5       192.0.2.1:50000       HTTP/1.1 idle           12.0s 3 requests \
             in 120 out 4096\n\
             worker 0 does not answer\n"
        );
    }
}
