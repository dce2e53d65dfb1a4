//! Responses behind which their connection speaks another protocol.
//!
//! Not here: how it takes over (`conn/leave.rs`).

use http::StatusCode;

use super::{BlockingStream, Stream, StreamOutcome};
use crate::Protocol;
use crate::body::{Body, BodyKind};
use crate::response::Response;

/// Makes a protocol for a connection on which something else was spoken.
pub(crate) type NextProtocol = Box<dyn FnOnce() -> Box<dyn Protocol> + Send>;

impl Response {
    /// Goes on with another protocol: 101 (Switching Protocols) to a request that offered it with
    /// `Upgrade` ([`Request::offers_upgrade`](crate::Request::offers_upgrade)), 200 to CONNECT.
    ///
    /// From then on `serve` has the connection as a [`Stream`], with what came behind the request,
    /// as the handler of a [`Service::tcp`](crate::Service::tcp) has: its future runs on the worker
    /// of the connection and need not be `Send`. It is called once the response was sent. Fields
    /// that the protocol wants in the 101 are added to the response as to any other.
    ///
    /// A request that did not offer the protocol, or whose body has not come in full, is answered
    /// with 426 (Upgrade Required), and goes on as any other. HTTP/2 has nothing of the kind: the
    /// answer is 501 (Not Implemented).
    ///
    /// ```
    /// use wharf::{Request, Response, Stream};
    ///
    /// let echo = |_: Request| Response::upgrade("echo", async |mut stream: Stream| {
    ///     let mut buffer = [0; 4096];
    ///     loop {
    ///         match stream.read(&mut buffer).await? {
    ///             0 => return Ok::<_, std::io::Error>(()),
    ///             len => stream.write_all(&buffer[..len]).await?,
    ///         }
    ///     }
    /// });
    /// # let _ = wharf::Server::new(echo);
    /// ```
    #[must_use]
    pub fn upgrade<F, Fut>(protocol: &str, serve: F) -> Self
    where
        F: FnOnce(Stream) -> Fut + Send + 'static,
        Fut: Future<Output: StreamOutcome> + 'static,
    {
        Self::upgrade_to(protocol, move || super::serve(serve))
    }

    /// As [`upgrade`](Self::upgrade), where `serve` is called on a thread of the server's
    /// [`BlockingPool`](crate::BlockingPool).
    #[must_use]
    pub fn upgrade_blocking<F, R>(protocol: &str, serve: F) -> Self
    where
        F: FnOnce(BlockingStream) -> R + Send + 'static,
        R: StreamOutcome + 'static,
    {
        let serve = move |stream| serve(stream).into_result();
        Self::upgrade_to(protocol, move || super::serve_blocking(serve))
    }

    /// As [`upgrade`](Self::upgrade), to a [`Protocol`]: `make` is called on the worker of the
    /// connection before the response is sent, and must not block.
    #[must_use]
    pub fn upgrade_to<P: Protocol>(
        protocol: &str,
        make: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let make: NextProtocol = Box::new(move || Box::new(make()));
        Self::new(StatusCode::SWITCHING_PROTOCOLS)
            .with_header("Upgrade", protocol)
            .with_body(Body::of(BodyKind::Switch(make)))
    }
}
