//! An embeddable network server: link it, hand it a handler, and the program has an HTTP server.

#![deny(unsafe_code)]

mod body;
mod config;
mod conn;
mod driver;
mod error;
mod handler;
mod listener;
mod observe;
mod output;
mod percent;
mod pool;
mod request;
mod response;
mod server;
mod stop;
mod sys;
mod timer;
mod worker;

pub use body::{Body, BodyError, BodyWriter, Closed};
pub use bytes::Bytes;
pub use config::{Dispatch, Timeouts};
pub use error::{Error, Result};
pub use handler::{AsyncFn, Constant, Handler, HandlerError, IntoHandler, Reply, SyncFn, marker};
pub use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
pub use observe::Access;
pub use request::Request;
pub use response::{BoxError, IntoResponse, Response};
pub use server::{Server, ServerHandle, Ticker};
pub use stop::StopSwitch;
pub use wharf_proto::{Headers, InvalidHeader, Limits, OutOfRange, Reject};

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
pub fn serve<M>(
    addr: impl std::net::ToSocketAddrs + std::fmt::Debug,
    handler: impl IntoHandler<M>,
) -> Result {
    Server::new(handler).listen(addr)?.run()
}
