//! An embeddable network server: link it, hand it a handler, and the program has an HTTP server.

mod body;
mod files;
mod handler;
mod percent;
mod pool;
mod request;
mod response;
mod router;
#[cfg(test)]
mod testing;

pub use body::{Body, BodyError, BodyWriter, Closed};
pub use bytes::Bytes;
pub use files::Files;
pub use handler::{AsyncFn, Constant, Handler, HandlerError, IntoHandler, Reply, SyncFn, marker};
pub use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
pub use request::Request;
pub use response::{BoxError, IntoResponse, Response};
pub use router::Router;
pub use wharf_proto::{Headers, InvalidHeader, Limits, OutOfRange, Reject};
