//! [`Control`]: what a program may ask of its server while that runs, on whichever sockets.
//!
//! Not here: how answers are waited for (`question.rs`).

use super::inbox::Message;
use super::question::{Answer, Answers, Asked, ask};
use super::shared::Shared;
use crate::body::OnWorker;
use crate::observe::{ConnectionId, Connections, OpenConnection, Stats};
use crate::stop::Order;

/// What a handle may ask of its server, whatever its sockets are.
pub(crate) trait Control: Send + Sync {
    fn stats(&self) -> Stats;

    /// What the server was told.
    fn order(&self) -> Order;

    /// Asks every worker for its connections.
    fn ask_connections(&self) -> Asked<Vec<OpenConnection>>;

    /// Has a connection closed. The answer says whether it was open; there is none from a worker
    /// that is not there.
    fn ask_kill(&self, id: ConnectionId) -> Asked<bool>;
}

impl<S: Send> Control for Shared<S> {
    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn order(&self) -> Order {
        self.switches.order()
    }

    fn ask_connections(&self) -> Asked<Vec<OpenConnection>> {
        ask(0..self.members.len(), |worker, answer| {
            self.members[worker].inbox.ask(Message::List(answer));
        })
    }

    fn ask_kill(&self, id: ConnectionId) -> Asked<bool> {
        let worker = Some(id.worker()).filter(|worker| *worker < self.members.len());
        ask(worker.into_iter(), |worker, answer: Answer<bool>| {
            self.members[worker].inbox.ask(Message::Kill(id.key(), answer));
        })
    }
}

/// For threads that are no workers.
impl dyn Control {
    /// The server's connections.
    ///
    /// # Panics
    ///
    /// On a worker, which would wait for itself.
    pub(crate) fn connections_blocking(&self) -> Connections {
        refuse_workers();
        listed(self.ask_connections().wait())
    }

    /// Closes a connection, and says whether it was open.
    ///
    /// # Panics
    ///
    /// On a worker, which would wait for itself.
    pub(crate) fn kill_blocking(&self, id: ConnectionId) -> bool {
        refuse_workers();
        was_open(&self.ask_kill(id).wait())
    }
}

fn refuse_workers() {
    assert!(!OnWorker::is_here(), "a handler must not block its worker: await instead");
}

fn listed(answers: Answers<Vec<OpenConnection>>) -> Connections {
    Connections { list: answers.given.concat(), silent_workers: answers.silent }
}

fn was_open(answers: &Answers<bool>) -> bool {
    answers.given.contains(&true)
}
