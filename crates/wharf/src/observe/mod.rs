//! What a program can see of its server: requests, errors, closed connections, counts.
//!
//! [`Access`] tells of a request that was answered, [`ErrorContext`] of something that went wrong,
//! [`ClosedConnection`] of a connection that is over, [`OpenConnection`] of one that is not, and
//! [`Stats`] how often each of it happened.
//! Not here: what is done with it. There is no logging framework.

mod access;
mod close;
mod connections;
mod failure;
mod id;
mod limit;
mod open;
mod stats;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use self::access::Access;
pub use self::close::{CloseReason, ClosedConnection};
pub use self::connections::{
    ConnectionState, Connections, CurrentRequest, OpenConnection, ProtocolKind,
};
pub use self::failure::{ErrorContext, ErrorKind, FailedStream};
pub use self::id::{ConnectionId, InvalidConnectionId};
pub use self::limit::Limit;
pub use self::open::OpenedConnection;
pub(crate) use self::stats::{Counters, snapshot};
pub use self::stats::{Stats, WorkerStats};
use crate::request::Addrs;
use crate::response::Response;

/// Functions that the server calls, on the worker that has something to tell.
type AccessLog = Arc<dyn Fn(&Access<'_>) + Send + Sync>;
type OnError = Arc<dyn Fn(&ErrorContext<'_>) -> Option<Response> + Send + Sync>;
type OnOpen = Arc<dyn Fn(&OpenedConnection) + Send + Sync>;
type OnClose = Arc<dyn Fn(&ClosedConnection) + Send + Sync>;

/// What a program wants to be told. Each is called where it must not block, and a panic in it has
/// no further consequence.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) on_error: Option<OnError>,
    pub(crate) on_open: Option<OnOpen>,
    pub(crate) on_close: Option<OnClose>,
}

impl Hooks {
    /// Whether anybody will ask for a request's head after its handler has taken it.
    pub(crate) const fn want_heads(&self) -> bool {
        self.access_log.is_some() || self.on_error.is_some()
    }

    pub(crate) fn access(&self, access: &Access<'_>) {
        if let Some(log) = &self.access_log {
            // The request is served, whatever the log makes of it.
            let _ = catch_unwind(AssertUnwindSafe(|| log(access)));
        }
    }

    /// Tells of an error, and takes the response to it, if the program has one.
    pub(crate) fn error(&self, context: &ErrorContext<'_>) -> Option<Response> {
        let hook = self.on_error.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| hook(context))).unwrap_or_default()
    }

    pub(crate) fn opened(&self, id: ConnectionId, addrs: Addrs) {
        if let Some(hook) = &self.on_open {
            let opened = OpenedConnection { id, peer_addr: addrs.peer, local_addr: addrs.local };
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&opened)));
        }
    }

    pub(crate) fn closed(&self, closed: &ClosedConnection) {
        if let Some(hook) = &self.on_close {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(closed)));
        }
    }
}
