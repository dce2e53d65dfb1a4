//! The program's asynchronous runtime, whose context the workers enter.
//!
//! A worker polls its handlers' futures itself. Timers, sockets and tasks of the runtime find it by
//! the thread that they are used on, and wake the worker from theirs. Not here: how a worker is
//! woken (`worker/inbox.rs`).

use tokio::runtime::{EnterGuard, Handle};

use super::Server;

/// The runtime of a server, if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtime(Option<Handle>);

/// While this lives, its thread is in the runtime's context.
pub(crate) struct Entered<'r> {
    _guard: Option<EnterGuard<'r>>,
}

impl Runtime {
    /// The runtime that was set, or else that of the calling thread.
    pub(crate) fn or_current(self) -> Self {
        Self(self.0.or_else(|| Handle::try_current().ok()))
    }

    pub(crate) fn enter(&self) -> Entered<'_> {
        Entered { _guard: self.0.as_ref().map(Handle::enter) }
    }
}

impl Server {
    /// Has the workers enter the context of a tokio runtime, so that handlers can use its timers,
    /// sockets and tasks, and libraries that do. Default: the runtime in whose context
    /// [`run`](Self::run), [`start`](Self::start) or [`into_ticker`](Self::into_ticker) is called;
    /// outside of one, none.
    ///
    /// The runtime must live as long as the server. One with a single thread (`current_thread`)
    /// moves nothing on but while some thread is in its `block_on`: timers and sockets of handlers
    /// would wait for ever behind a [`run`](Self::run) inside of it. Futures of handlers need not
    /// be `Send`, but what they give to `tokio::spawn` does; `spawn_local` and `block_in_place` are
    /// not to be had on a worker.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::{Request, Server};
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    /// let handler = async |_: Request| {
    ///     tokio::time::sleep(Duration::from_millis(1)).await;
    ///     "a little later\n"
    /// };
    /// let server = Server::new(handler).runtime(runtime.handle().clone()).listen("127.0.0.1:0")?;
    /// # server.start()?.stop();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn runtime(mut self, handle: Handle) -> Self {
        self.config.runtime = Runtime(Some(handle));
        self
    }
}
