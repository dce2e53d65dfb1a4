//! [`IntoStreamHandler`]: the one way in for functions that serve a connection.
//!
//! Not here: how they are run (`serve.rs`).

use std::sync::Arc;

use super::serve::{serve, serve_blocking};
use super::{BlockingStream, Stream};
use crate::marker;
use crate::response::BoxError;
use crate::service::Service;

/// Whatever can serve a connection.
///
/// * `Fn(Stream) -> impl Future`, such as `async fn`: called as soon as the connection was taken
///   on, and polled by its worker. The future need not be `Send`, and must not block. It is
///   dropped if the connection is lost.
/// * `Fn(BlockingStream)`: called on a thread of the server's [`BlockingPool`], where it may block.
///   While all of them are busy the connection waits, and not for ever: it is closed then. One that
///   runs can't be ended: its reads and writes fail once the connection is over.
///
/// It gives nothing or a `Result<(), E>`. An error, as a panic, goes to [`Server::on_error`] and
/// ends the connection.
///
/// [`Server::on_error`]: crate::Server::on_error
/// [`BlockingPool`]: crate::BlockingPool
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve a connection",
    label = "expected `async Fn(Stream) -> R` or `Fn(BlockingStream) -> R` where `R` is `()` or a \
             `Result<(), E>`",
    note = "write the argument's type out: `async |stream: wharf::Stream| ...`",
    note = "handlers are shared by all workers: what they capture must be `Send + Sync + 'static`"
)]
pub trait IntoStreamHandler<Marker> {
    /// Makes a service of it.
    fn into_service(self) -> Service;
}

/// What a function that serves a connection may give.
pub trait StreamOutcome {
    /// What it comes to.
    ///
    /// # Errors
    ///
    /// Whatever went wrong.
    fn into_result(self) -> Result<(), BoxError>;
}

impl StreamOutcome for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> StreamOutcome for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

impl<F, Fut> IntoStreamHandler<marker::Async> for F
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: StreamOutcome> + 'static,
{
    fn into_service(self) -> Service {
        let handler = Arc::new(self);
        Service::protocol(move || {
            let handler = Arc::clone(&handler);
            serve(move |stream| handler(stream))
        })
    }
}

impl<F, R> IntoStreamHandler<marker::Blocking> for F
where
    F: Fn(BlockingStream) -> R + Send + Sync + 'static,
    R: StreamOutcome + 'static,
{
    fn into_service(self) -> Service {
        let handler = Arc::new(self);
        Service::protocol(move || {
            let handler = Arc::clone(&handler);
            serve_blocking(move |stream| handler(stream).into_result())
        })
    }
}
