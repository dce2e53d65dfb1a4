//! Handlers with bounds of their own, in place of the server's: [`body_limit`], [`time_limit`].
//!
//! Not here: what happens when a bound is reached (`conn/h1`).

use std::time::Duration;

use super::{Handler, HandlerError, IntoHandler, Reply};
use crate::request::Request;

/// Has `handler` take bodies of up to `max_bytes`, be that more or less than
/// [`Limits::max_body_bytes`](crate::Limits::max_body_bytes).
///
/// A longer one is answered with 413: before any of it is read where its length is announced, and
/// before the handler is called if that is a synchronous one.
///
/// ```
/// use wharf::{Request, Router, body_limit};
///
/// let site = Router::new()
///     .post("/note", |r: Request| format!("{} bytes", r.body().len().unwrap_or(0)))
///     .post("/photo", body_limit(20 << 20, async |mut r: Request| {
///         let photo = r.body_mut().bytes().await?;
///         Ok::<_, wharf::BodyError>(format!("{} bytes", photo.len()))
///     }));
/// # let _ = wharf::Server::new(site);
/// ```
pub fn body_limit<M, H: IntoHandler<M>>(max_bytes: u64, handler: H) -> BodyLimit<H::Handler> {
    BodyLimit { max_bytes, handler: handler.into_handler() }
}

/// Has `handler` answer within `time_limit`, in place of
/// [`Timeouts::handler`](crate::Timeouts::handler). One that does not is answered for with 503, and
/// its future is dropped.
///
/// ```
/// use std::time::Duration;
/// use wharf::{Request, Router, time_limit};
///
/// let site = Router::new().get("/report", time_limit(
///     Duration::from_secs(10),
///     async |_: Request| std::future::pending::<&str>().await,
/// ));
/// # let _ = wharf::Server::new(site);
/// ```
pub fn time_limit<M, H: IntoHandler<M>>(time_limit: Duration, handler: H) -> TimeLimit<H::Handler> {
    TimeLimit { time_limit, handler: handler.into_handler() }
}

/// A handler with a bound on bodies: see [`body_limit`].
#[derive(Debug)]
pub struct BodyLimit<H> {
    max_bytes: u64,
    handler: H,
}

impl<H: Handler> Handler for BodyLimit<H> {
    fn call(&self, mut request: Request) -> Reply {
        request.body_mut().set_max_bytes(self.max_bytes);
        self.handler.call(request)
    }

    fn check(&self) -> Result<(), HandlerError> {
        self.handler.check()
    }
}

/// A handler with a bound on its time: see [`time_limit`].
#[derive(Debug)]
pub struct TimeLimit<H> {
    time_limit: Duration,
    handler: H,
}

impl<H: Handler> Handler for TimeLimit<H> {
    fn call(&self, request: Request) -> Reply {
        self.handler.call(request).with_time_limit(self.time_limit)
    }

    fn check(&self) -> Result<(), HandlerError> {
        self.handler.check()
    }
}
