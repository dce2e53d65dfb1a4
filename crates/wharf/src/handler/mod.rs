//! What a program gives to the server: functions from [`Request`] to a response.
//!
//! Synchronous functions, asynchronous ones, constants and types that implement [`Handler`] all
//! come in through [`IntoHandler`], so that a router mixes them. Not here: who calls a handler and
//! polls its future (`conn/h1`), and where futures are kept (`task.rs`).

mod blocking;
mod bounds;
mod disconnect;
mod into;
mod task;
mod to_tls;

use std::error::Error;
use std::fmt;
use std::time::Duration;

pub(crate) use self::blocking::BlockingTask;
pub use self::blocking::{Blocking, blocking};
pub use self::bounds::{BodyLimit, TimeLimit, body_limit, time_limit};
pub use self::disconnect::{DisconnectRule, OnDisconnect, on_disconnect};
pub(crate) use self::into::NOBODY;
pub use self::into::{AsyncFn, Constant, IntoHandler, SyncFn, marker};
pub(crate) use self::task::Task;
pub(crate) use self::to_tls::ToTls;
use crate::pool::{Pooled, reusable};
use crate::request::Request;
use crate::response::{IntoResponse, Response};

/// Answers requests. Most programs pass a function or a closure instead (see [`IntoHandler`]).
///
/// One value serves all workers at once. A future that [`call`](Self::call) returns stays on the
/// worker that made it and need not be `Send`.
///
/// ```
/// use wharf::{Handler, Reply, Request};
///
/// struct Greeter(&'static str);
///
/// impl Handler for Greeter {
///     fn call(&self, request: Request) -> Reply {
///         Reply::ready(format!("{} {}", self.0, request.path()))
///     }
/// }
/// # let _ = wharf::Server::new(Greeter("hello"));
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Answers one request, at once or later.
    ///
    /// A panic is answered with 500 and closes the connection; no other is harmed.
    fn call(&self, request: Request) -> Reply;

    /// Says whether the handler was put together wrongly. Called when a server starts to listen.
    ///
    /// # Errors
    ///
    /// [`HandlerError`] describes what is wrong, such as two routes for the same requests.
    fn check(&self) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// A response, or a future that will make one.
#[must_use]
pub struct Reply {
    pub(crate) kind: ReplyKind,
}

/// A pointer in either case, so that a reply is handed from handler to handler in registers.
pub(crate) enum ReplyKind {
    Ready(Response),
    Later(Pooled<Later>),
}

/// A response that is not there yet.
#[derive(Default)]
pub(crate) struct Later {
    /// `None` in the free list only.
    maker: Option<Maker>,
    rules: Rules,
}

/// Who will make a response.
pub(crate) enum Maker {
    Future(Task),
    /// A thread of the server's pool.
    Thread(BlockingTask),
}

reusable!(Later, |later| later.reset(), size_of_val(later));

impl Later {
    fn reset(&mut self) {
        self.rules = Rules::default();
        // Last, since its destructor may be the program's.
        self.maker = None;
    }
}

impl Pooled<Later> {
    /// Who will make the response, and what holds for it.
    pub(crate) fn take_apart(mut self) -> (Maker, Rules) {
        let maker = self.maker.take().expect("a reply is taken apart once");
        (maker, self.rules)
    }
}

/// What holds for a response that is not there yet, in place of the server's settings.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules {
    /// How long it may take.
    pub(crate) time_limit: Option<Duration>,
    /// What becomes of it if its client disconnects.
    pub(crate) on_disconnect: Option<OnDisconnect>,
}

impl Reply {
    /// A response that is there.
    pub fn ready(response: impl IntoResponse) -> Self {
        Self { kind: ReplyKind::Ready(response.into_response()) }
    }

    /// A response that `future` will make. It is polled at once, before anything else is done.
    pub fn later<F>(future: F) -> Self
    where
        F: Future<Output: IntoResponse> + 'static,
    {
        Self::made_by(Maker::Future(Task::new(future)))
    }

    /// A response that is not there yet.
    fn made_by(maker: Maker) -> Self {
        let mut later = Pooled::<Later>::take();
        later.maker = Some(maker);
        Self { kind: ReplyKind::Later(later) }
    }

    /// Changes how long the response may take if it is not there yet, which is
    /// [`Timeouts::handler`](crate::Timeouts::handler) before.
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        if let Some(rules) = self.rules() {
            rules.time_limit = Some(time_limit);
        }
        self
    }

    /// Says what becomes of the response if it is not there yet when the client disconnects: see
    /// [`OnDisconnect`].
    pub fn with_on_disconnect(mut self, rule: OnDisconnect) -> Self {
        if let Some(rules) = self.rules() {
            rules.on_disconnect = Some(rule);
        }
        self
    }

    fn rules(&mut self) -> Option<&mut Rules> {
        match &mut self.kind {
            ReplyKind::Ready(_) => None,
            ReplyKind::Later(later) => Some(&mut later.rules),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ReplyKind::Ready(response) => response.fmt(f),
            ReplyKind::Later(_) => f.write_str("later"),
        }
    }
}

/// A handler that was put together wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerError {
    message: String,
}

impl HandlerError {
    /// An error that `message` describes, in lower case and without a full stop.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for HandlerError {}
