//! [`OnDisconnect`]: what becomes of a handler whose client disconnects.
//!
//! Not here: what counts as a disconnect (`conn/h1`), and where handlers go on that have no
//! connection any more (`worker/orphans.rs`).

use super::{Handler, HandlerError, IntoHandler, Reply};
use crate::request::Request;

/// What becomes of a handler that has not answered yet when its client disconnects.
///
/// By default it is cancelled if the method is safe (RFC 9110 section 9.2.1: GET, HEAD, OPTIONS,
/// TRACE), since nothing but the response would come of it, and brought to its end otherwise, since
/// half of a change may be worse than none or all of it. [`on_disconnect`] says so for one handler,
/// [`Server::on_disconnect`](crate::Server::on_disconnect) for all others.
///
/// A stop of the server cancels all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDisconnect {
    /// Its future is dropped.
    Cancel,
    /// It goes on, on its worker and within its time limit, and its response is dropped. What it
    /// reads of a body that has not come in full is an error.
    Finish,
}

/// Has `handler` treated like that when its client disconnects, whatever the method.
///
/// ```
/// use wharf::{OnDisconnect, Request, Router, on_disconnect};
///
/// let site = Router::new()
///     .get("/unsubscribe", on_disconnect(OnDisconnect::Finish, async |_: Request| "done"))
///     .post("/search", on_disconnect(OnDisconnect::Cancel, async |_: Request| "found"));
/// # let _ = wharf::Server::new(site);
/// ```
pub fn on_disconnect<M, H: IntoHandler<M>>(
    rule: OnDisconnect,
    handler: H,
) -> DisconnectRule<H::Handler> {
    DisconnectRule { rule, handler: handler.into_handler() }
}

/// A handler with a rule of its own for disconnects: see [`on_disconnect`].
#[derive(Debug)]
pub struct DisconnectRule<H> {
    rule: OnDisconnect,
    handler: H,
}

impl<H: Handler> Handler for DisconnectRule<H> {
    fn call(&self, request: Request) -> Reply {
        self.handler.call(request).with_on_disconnect(self.rule)
    }

    fn check(&self) -> Result<(), HandlerError> {
        self.handler.check()
    }
}
