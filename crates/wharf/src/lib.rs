//! An embeddable network server: link it, hand it a handler, and the program has an internet-grade
//! HTTP server inside its own process: blocking, in the background, or one tick at a time.
//!
//! ```no_run
//! fn main() -> wharf::Result {
//!     wharf::serve("127.0.0.1:8080", |_: wharf::Request| "Hello, world!\n")
//! }
//! ```
//!
//! * [`Server`] puts a handler, addresses and bounds together; [`Server::run`] blocks,
//!   [`Server::start`] goes to the background, [`Server::into_ticker`] leaves the loop to you.
//! * A handler is a function from [`Request`] to anything that is [`IntoResponse`]: synchronous,
//!   asynchronous (the future need not be `Send`), a constant, or a type that implements
//!   [`Handler`]. No asynchronous runtime is needed.
//! * [`blocking`] makes a handler of a function that may block, on a bounded pool of threads.
//! * [`Router`] chooses a handler by host, path and method; [`Files`] serves a directory.
//! * [`Body`] is sent and received whole or in pieces, with back-pressure.
//! * [`Service`] is what is spoken at an address: HTTP/1 and HTTP/2, or a protocol of the program's
//!   own over a [`Stream`], over a [`BlockingStream`], or as a [`Protocol`]; each over TLS as well
//!   (`Tls`, feature `tls`).
//! * [`Limits`] and [`Timeouts`] are all on from the start.
//!
//! Workers share nothing: each has its own event loop, connections, timers and buffers. A request
//! takes one straight path:
//!
//! ```text
//! listener -> worker -> connection -> HTTP machine -> handler -> machine -> worker -> system
//! ```

#![deny(unsafe_code)]
#![cfg_attr(
    not(unix),
    expect(dead_code, reason = "sockets are handed over, and have files, on Unix alone")
)]

mod body;
mod config;
mod conn;
mod detached;
mod driver;
mod env;
mod error;
mod files;
mod first_bytes;
mod handler;
mod interim;
mod lifeline;
mod listener;
mod observe;
mod output;
mod peer;
mod percent;
mod pool;
mod readable;
mod request;
mod response;
mod router;
mod server;
mod service;
mod settings;
mod shutdown_port;
mod signal;
#[cfg(feature = "signals")]
mod signals;
mod stop;
mod stream;
mod sync;
mod sys;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod threads;
mod timer;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(feature = "tls")]
mod tls;
mod worker;

pub use body::{Body, BodyError, BodyWriter, Closed};
pub use bytes::Bytes;
pub use config::{BlockingPool, Budget, Dispatch, Timeouts};
pub use conn::{Io, Protocol};
pub use detached::{DetachError, Detached, DetachedSocket, StillSecure};
pub use env::ServerRef;
pub use error::{Error, Result};
pub use files::Files;
pub use handler::{
    AsyncFn, Blocking, BodyLimit, Constant, DisconnectRule, Handler, HandlerError, IntoHandler,
    OnDisconnect, Reply, SyncFn, TimeLimit, blocking, body_limit, marker, on_disconnect,
    time_limit,
};
pub use http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, Version};
pub use listener::{InvalidAddr, ListenAddr, ListenOptions, Malformed, OpenSocket};
pub use observe::{
    Access, CloseReason, ClosedConnection, ConnectionId, ConnectionState, Connections,
    CurrentRequest, ErrorContext, ErrorKind, FailedStream, InvalidConnectionId, Limit,
    OpenConnection, OpenedConnection, ProtocolKind, Stats, WorkerStats,
};
pub use peer::{PeerAddr, PeerCredentials};
pub use request::Request;
pub use response::{BoxError, IntoResponse, Response};
pub use router::Router;
pub use server::{Backend, Server, ServerHandle, ServerState, Ticker};
pub use service::Service;
pub use settings::Settings;
pub use shutdown_port::ShutdownPort;
pub use signal::Signal;
#[cfg(feature = "signals")]
pub use signals::Signals;
pub use stop::StopSwitch;
pub use stream::{
    BlockingReadHalf, BlockingStream, BlockingWriteHalf, IntoStreamHandler, ReadHalf, Stream,
    StreamOutcome, WriteHalf,
};
#[cfg(feature = "tls")]
pub use tls::{
    Certificate, ClientAuth, ClientCertificate, Tls, TlsConfigError, TlsError, TlsInfo, TlsVersion,
};
pub use wharf_proto::h2::ConnectionError as Http2Error;
pub use wharf_proto::{
    Headers, HeadersIter, InvalidHeader, Limits, Misuse, OutOfRange, Reject, RequestHead,
};
pub use worker::{DrainReport, Stopped, Unfinished};

/// Binds `addr` and serves `handler` there until the process ends.
///
/// ```no_run
/// fn main() -> wharf::Result {
///     wharf::serve("127.0.0.1:8080", |_: wharf::Request| "Hello, world!\n")
/// }
/// ```
///
/// # Errors
///
/// As [`Server::listen`] and [`Server::run`].
pub fn serve<M, A>(addr: A, handler: impl IntoHandler<M>) -> Result
where
    A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
{
    Server::new(handler).listen(addr)?.run()
}
