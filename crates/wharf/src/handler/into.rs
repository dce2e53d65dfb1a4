//! [`IntoHandler`]: the one way in for functions, constants and [`Handler`]s.
//!
//! The marker parameter keeps the implementations apart, so that the compiler picks the one that
//! fits; nobody writes it out.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use wharf_proto::Reject;

use super::{Handler, Reply};
use crate::body::{BodyError, BodyKind};
use crate::request::Request;
use crate::response::IntoResponse;

/// The markers of [`IntoHandler`]: the ways in which something can be a handler.
pub mod marker {
    /// A value that implements [`Handler`](crate::Handler).
    #[derive(Debug)]
    pub enum Value {}
    /// A function from a request to a response.
    #[derive(Debug)]
    pub enum Sync {}
    /// A function from a request to a future of a response.
    #[derive(Debug)]
    pub enum Async {}
    /// A function that may block its thread.
    #[derive(Debug)]
    pub enum Blocking {}
    /// A response that is always the same.
    #[derive(Debug)]
    pub enum Constant {}
}

/// Whatever can answer requests.
///
/// * `Fn(Request) -> R`: called on the worker once the request has come in full, its body
///   included. It must not block; one that does belongs into [`blocking`](crate::blocking).
/// * `Fn(Request) -> impl Future<Output = R>`, such as `async |request| ...` and `async fn`:
///   called as soon as the head has come. The future need not be `Send`.
/// * `&'static str`, `Bytes`, `StatusCode`: the same response each time.
/// * anything that implements [`Handler`].
///
/// `R` is any [`IntoResponse`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "expected `Fn(Request) -> R` or `async Fn(Request) -> R` where `R: IntoResponse`",
    note = "write the argument's type out: `|request: wharf::Request| ...`",
    note = "handlers are shared by all workers: what they capture must be `Send + Sync + 'static`"
)]
pub trait IntoHandler<Marker> {
    /// The handler that this becomes.
    type Handler: Handler;

    /// Makes a handler of it.
    fn into_handler(self) -> Self::Handler;
}

impl<H: Handler> IntoHandler<marker::Value> for H {
    type Handler = H;

    fn into_handler(self) -> H {
        self
    }
}

impl<F, R> IntoHandler<marker::Sync> for F
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    type Handler = SyncFn<F>;

    fn into_handler(self) -> SyncFn<F> {
        SyncFn(Arc::new(self))
    }
}

impl<F, Fut> IntoHandler<marker::Async> for F
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + 'static,
{
    type Handler = AsyncFn<F>;

    fn into_handler(self) -> AsyncFn<F> {
        AsyncFn(self)
    }
}

macro_rules! constants {
    ($($type:ty),*) => {$(
        impl IntoHandler<marker::Constant> for $type {
            type Handler = Constant<$type>;

            fn into_handler(self) -> Constant<$type> {
                Constant(self)
            }
        }
    )*};
}

constants!(&'static str, &'static [u8], Bytes, StatusCode);

/// A synchronous function.
#[derive(Debug)]
pub struct SyncFn<F>(Arc<F>);

impl<F, R> Handler for SyncFn<F>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(&self, mut request: Request) -> Reply {
        // Most have none, which is seen at once.
        if request.body().is_none() || request.body().as_bytes().is_some() {
            return Reply::ready((self.0)(request));
        }
        if request.body().is_too_large() {
            return Reply::ready(BodyError::from(Reject::BodyTooLarge));
        }
        let function = Arc::clone(&self.0);
        Reply::later(async move {
            let bytes = request.body_mut().bytes().await?;
            request.body_mut().kind = BodyKind::Shared(bytes);
            Ok::<_, BodyError>(function(request))
        })
    }
}

/// An asynchronous function.
#[derive(Debug)]
pub struct AsyncFn<F>(F);

impl<F, Fut> Handler for AsyncFn<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + 'static,
{
    fn call(&self, request: Request) -> Reply {
        Reply::later((self.0)(request))
    }
}

/// Who answers where there is nobody.
pub(crate) static NOBODY: Constant<StatusCode> = Constant(StatusCode::NOT_FOUND);

/// A response that is always the same.
#[derive(Debug)]
pub struct Constant<T>(T);

impl<T: IntoResponse + Clone + Send + Sync + 'static> Handler for Constant<T> {
    fn call(&self, _request: Request) -> Reply {
        Reply::ready(self.0.clone())
    }
}
