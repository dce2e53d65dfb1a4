//! [`Response`], and what can become one.
//!
//! Not here: bodies (`body`), and the fields that the server writes itself (the protocol
//! machine's).

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use wharf_proto::{Headers, InvalidHeader};

use crate::body::{Body, BodyError, BodyWriter};
use crate::pool::{Pooled, reusable};

/// What went wrong in a handler, for the program to see and never for the peer.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A response: status, fields and body.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are written by the server;
/// `Connection: close` among the fields is obeyed, a `Date` is kept, the others are left out.
///
/// ```
/// use wharf::{Response, StatusCode};
///
/// let response = Response::html("<h1>Gone</h1>")
///     .with_status(StatusCode::GONE)
///     .with_header("cache-control", "no-store");
/// assert_eq!(response.headers().get("cache-control"), Some("no-store"));
/// ```
pub struct Response {
    /// In one place, since responses are handed from handler to handler.
    parts: Pooled<Parts>,
}

/// Everything about a response.
#[derive(Default)]
pub(crate) struct Parts {
    status: StatusCode,
    headers: Headers,
    body: Body,
    error: Option<BoxError>,
    /// A field that must not be sent was given: the response will be a failure.
    invalid: Option<InvalidHeader>,
    write_timeout: Option<Duration>,
}

impl Parts {
    #[inline(always)]
    fn reset(&mut self) {
        self.status = StatusCode::OK;
        self.headers.clear();
        self.invalid = None;
        self.write_timeout = None;
        // Last, since their destructors may be the program's.
        if self.error.is_some() || !self.body.is_plain() {
            self.drop_what_is_held();
        }
        self.body.put_nothing();
    }

    #[cold]
    fn drop_what_is_held(&mut self) {
        self.error = None;
        self.body = Body::empty();
    }
}

reusable!(Parts, |parts| parts.reset(), parts.headers.storage_bytes());

impl Response {
    /// A response without fields and body.
    #[inline]
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let mut parts = Pooled::<Parts>::take();
        parts.status = status;
        Self { parts }
    }

    /// 200 with a body of that type.
    #[inline(always)]
    #[must_use]
    pub fn of_type(content_type: &str, body: impl Into<Body>) -> Self {
        let mut response = Self::from(body.into());
        let added = response.parts.headers.append("Content-Type", content_type);
        response.note(added);
        response
    }

    /// 200 with plain text in UTF-8.
    #[must_use]
    pub fn text(body: impl Into<Body>) -> Self {
        Self::of_type("text/plain; charset=utf-8", body)
    }

    /// 200 with HTML in UTF-8.
    #[must_use]
    pub fn html(body: impl Into<Body>) -> Self {
        Self::of_type("text/html; charset=utf-8", body)
    }

    /// 200 with a body that `produce` writes as fast as the peer takes it (see [`Body::stream`]).
    ///
    /// ```
    /// use wharf::{Request, Response};
    ///
    /// let handler = |_: Request| Response::stream(async |mut writer| {
    ///     for number in 0..1000 {
    ///         writer.write(format!("{number}\n")).await?;
    ///     }
    ///     writer.finish()
    /// });
    /// # let _ = wharf::Server::new(handler);
    /// ```
    #[must_use]
    pub fn stream<F, Fut, E>(produce: F) -> Self
    where
        F: FnOnce(BodyWriter) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<BoxError>,
    {
        Self::from(Body::stream(produce))
    }

    /// A redirect to `location`: 303 (See Other) unless changed by
    /// [`with_status`](Self::with_status).
    #[must_use]
    pub fn redirect(location: impl AsRef<[u8]>) -> Self {
        Self::new(StatusCode::SEE_OTHER).with_header("Location", location)
    }

    /// A status with its name as plain text: what the server itself answers with.
    #[must_use]
    pub fn status_page(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("");
        Self::text(format!("{} {reason}\n", status.as_str())).with_status(status)
    }

    /// A failure: a page for the peer that tells no more than the status, and the cause for the
    /// program.
    #[must_use]
    pub fn failure(status: StatusCode, cause: impl Into<BoxError>) -> Self {
        let mut response = Self::status_page(status);
        response.parts.error = Some(cause.into());
        response
    }

    /// Changes the status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.parts.status = status;
        self
    }

    /// Sets a field, in place of those of the same name.
    ///
    /// A name or value that must not be sent, such as one with a line break, makes the whole
    /// response a 500. Use [`headers_mut`](Self::headers_mut) to handle it differently.
    #[must_use]
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let added = self.parts.headers.insert(name, value);
        self.note(added);
        self
    }

    /// Adds a field behind those of the same name.
    ///
    /// As with [`with_header`](Self::with_header), one that must not be sent makes it a 500.
    #[must_use]
    pub fn send_head_inlineer(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let added = self.parts.headers.append(name, value);
        self.note(added);
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.parts.body = body.into();
        self
    }

    /// Changes how long the peer may take none of this response, which is
    /// [`Timeouts::write`](crate::Timeouts::write) before, and lets it be taken at any rate.
    #[must_use]
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.parts.write_timeout = Some(timeout);
        self
    }

    /// Notes whether a field that was to be added must not be sent.
    #[inline]
    fn note(&mut self, added: Result<(), InvalidHeader>) {
        if let Err(invalid) = added {
            self.parts.invalid = Some(invalid);
        }
    }

    /// Whether it tells nothing but a status, fields and a body.
    pub(crate) fn is_plain(&self) -> bool {
        let parts = &*self.parts;
        let says_more = parts.error.is_some() || parts.invalid.is_some();
        !says_more && parts.write_timeout.is_none() && !parts.status.is_informational()
    }

    pub(crate) fn write_timeout(&self) -> Option<Duration> {
        self.parts.write_timeout
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// The fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.parts.headers
    }

    /// The fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.parts.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.parts.body
    }

    /// The body, to be read or replaced.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.parts.body
    }

    /// What went wrong, if this is a failure.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.parts.error.as_deref()
    }

    /// What is to be sent: a failure in place of a response with a field that must not be.
    pub(crate) fn checked(self) -> Self {
        match self.parts.invalid {
            Some(invalid) => Self::failure(StatusCode::INTERNAL_SERVER_ERROR, invalid),
            None => self,
        }
    }

    /// What went wrong, if this is a failure.
    pub(crate) fn take_error(&mut self) -> Option<BoxError> {
        self.parts.error.take()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.parts.status)
            .field("headers", &self.parts.headers)
            .field("body", &self.parts.body)
            .finish_non_exhaustive()
    }
}

/// Bytes of unknown type: no `Content-Type`.
impl From<Body> for Response {
    // A part of who calls it: a body that is made for it is then made in its place.
    #[inline(always)]
    fn from(body: Body) -> Self {
        let mut response = Self::new(StatusCode::OK);
        response.parts.body.put(body);
        response
    }
}

/// Whatever a handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a response",
    note = "text, bytes, `StatusCode`, `Response`, and `(StatusCode, T)`, `Option<T>` and \
            `Result<T, E>` of those can"
)]
pub trait IntoResponse {
    /// Makes a response of it.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

/// 200 without a body.
impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(StatusCode::OK)
    }
}

impl IntoResponse for Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

/// A status without a body.
impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

/// Plain text in UTF-8.
impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

/// Plain text in UTF-8.
impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

macro_rules! bytes {
    ($($type:ty),*) => {$(
        /// Bytes as `application/octet-stream`.
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                Response::of_type("application/octet-stream", self)
            }
        }
    )*};
}

bytes!(&'static [u8], Vec<u8>, Bytes);

/// Bytes without a `Content-Type`.
impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::from(self)
    }
}

/// The response with another status.
impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

/// The response with more fields.
impl<N, V, R, const COUNT: usize> IntoResponse for ([(N, V); COUNT], R)
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        let (fields, response) = self;
        fields.into_iter().fold(response.into_response(), |response, (name, value)| {
            response.with_header(name, value)
        })
    }
}

/// The response with another status and more fields.
impl<N, V, R, const COUNT: usize> IntoResponse for (StatusCode, [(N, V); COUNT], R)
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        (self.1, self.2).into_response().with_status(self.0)
    }
}

/// The response, or 404.
impl<R: IntoResponse> IntoResponse for Option<R> {
    fn into_response(self) -> Response {
        match self {
            Some(response) => response.into_response(),
            None => Response::status_page(StatusCode::NOT_FOUND),
        }
    }
}

impl<R: IntoResponse, E: IntoResponse> IntoResponse for Result<R, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(response) => response.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// 500 that tells nothing of the error.
impl IntoResponse for io::Error {
    fn into_response(self) -> Response {
        Response::failure(StatusCode::INTERNAL_SERVER_ERROR, self)
    }
}

/// 500 that tells nothing of the error.
impl IntoResponse for BoxError {
    fn into_response(self) -> Response {
        Response::failure(StatusCode::INTERNAL_SERVER_ERROR, self)
    }
}

/// The status that fits the error: the peer's fault or ours.
impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        Response::failure(self.status(), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_response_is_left_to_the_next() {
        let used = Response::failure(StatusCode::NOT_FOUND, "a cause")
            .with_header("a", "b")
            .with_header("no name", "c")
            .with_write_timeout(Duration::from_secs(1))
            .with_body(vec![0; 9]);
        let place = std::ptr::from_ref(&*used.parts);
        drop(used);
        let next = Response::from(Body::empty());
        assert_eq!(std::ptr::from_ref(&*next.parts), place);
        assert!(next.is_plain() && next.headers().is_empty() && next.body().is_empty());
        assert_eq!(next.status(), StatusCode::OK);
        drop(next.with_status(StatusCode::NOT_FOUND));
        assert_eq!(Pooled::<Parts>::take().status, StatusCode::OK);
    }
}
