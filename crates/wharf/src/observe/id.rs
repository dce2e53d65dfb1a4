//! [`ConnectionId`]: names one connection of a server.
//!
//! Not here: what is known of it (`connections.rs`).

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::driver::Key;

/// Names one connection of a server, also when it is closed: no other connection of the server has
/// the same one, but that each of a worker's places for connections begins to count anew after
/// four billion of them.
///
/// It reads as `1-17-5`: the worker, the place that it has there, and how many connections had that
/// place before.
///
/// ```
/// use wharf::{ConnectionId, Request};
///
/// let handler = |request: Request| format!("you are {}\n", request.connection_id());
/// # let _ = wharf::Server::new(handler);
/// let id: ConnectionId = "1-17-5".parse()?;
/// assert_eq!(id.to_string(), "1-17-5");
/// # Ok::<(), wharf::InvalidConnectionId>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    worker: u32,
    slot: u32,
    generation: u32,
}

impl ConnectionId {
    /// That of no connection.
    pub(crate) const UNKNOWN: Self =
        Self { worker: u32::MAX, slot: u32::MAX, generation: u32::MAX };

    pub(crate) fn new(worker: usize, key: Key) -> Self {
        let worker = u32::try_from(worker).unwrap_or(u32::MAX);
        Self { worker, slot: key.index, generation: key.generation }
    }

    /// The same for another connection of the same worker.
    pub(crate) const fn with_key(self, key: Key) -> Self {
        Self { slot: key.index, generation: key.generation, ..self }
    }

    /// The worker that has the connection, by its place in
    /// [`Stats::workers`](crate::Stats::workers).
    #[must_use]
    pub const fn worker(self) -> usize {
        self.worker as usize
    }

    pub(crate) const fn key(self) -> Key {
        Key { index: self.slot, generation: self.generation }
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}-{}", self.worker, self.slot, self.generation))
    }
}

impl FromStr for ConnectionId {
    type Err = InvalidConnectionId;

    fn from_str(text: &str) -> Result<Self, InvalidConnectionId> {
        let mut numbers = text.split('-').map(number);
        let (Some(Some(worker)), Some(Some(slot)), Some(Some(generation)), None) =
            (numbers.next(), numbers.next(), numbers.next(), numbers.next())
        else {
            return Err(InvalidConnectionId(()));
        };
        Ok(Self { worker, slot, generation })
    }
}

/// A number without a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A text that names no connection, since it has not the form `1-17-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConnectionId(());

impl fmt::Display for InvalidConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a connection's id, such as 1-17-5")
    }
}

impl Error for InvalidConnectionId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_was_written_and_nothing_else_is_one() {
        let max = u32::MAX;
        for key in [Key { index: 0, generation: 0 }, Key { index: max, generation: max }] {
            let id = ConnectionId::new(7, key);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!((id.worker(), id.key()), (7, key));
        }
        let bad =
            ["", "-", "--", "1", "1-2", "1-2-3-4", "1-2-", "1--3", "+1-2-3", "1- 2-3", "a-b-c"];
        for text in bad.into_iter().chain(["4294967296-0-0", "-1-2-3"]) {
            assert_eq!(text.parse::<ConnectionId>(), Err(InvalidConnectionId(())), "{text}");
        }
    }
}
