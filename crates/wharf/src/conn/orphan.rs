//! [`Orphan`]: a handler that goes on although its client has disconnected.
//!
//! Not here: which do (`OnDisconnect`), and where they are kept (`worker/orphans.rs`).

use std::time::Instant;

use super::exchange::Queued;
use crate::handler::Task;

/// A handler's future for whose response nobody waits.
pub(super) struct Orphan {
    pub(super) task: Task,
    /// When it has to be ready.
    pub(super) due: Option<Instant>,
    /// It may still wait for a thread.
    pub(super) queued: Option<Box<Queued>>,
}
