//! [`Control`]: what a program may ask of its server while that runs, on whichever sockets.
//!
//! Not here: how answers are waited for (`question.rs`).

use std::sync::Weak;

use super::inbox::Message;
use super::question::{Answer, Answers, Asked, Minded, ask};
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

    /// Has every worker mind the time of a question that is waited for on one of them.
    fn mind(&self, question: &Weak<dyn Minded>);
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

    fn mind(&self, question: &Weak<dyn Minded>) {
        for member in &self.members {
            member.inbox.ask(Message::Mind(Weak::clone(question)));
        }
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

/// For handlers, and whoever else runs futures: these do not keep the server.
#[cfg_attr(not(test), expect(dead_code, reason = "handlers can not reach their server yet"))]
impl dyn Control {
    /// The server's connections.
    pub(crate) fn connections(&self) -> impl Future<Output = Connections> + use<> {
        let asked = self.ask_connections();
        self.mind(&asked.minded());
        async move { listed(asked.await) }
    }

    /// Closes a connection, and says whether it was open.
    pub(crate) fn kill(&self, id: ConnectionId) -> impl Future<Output = bool> + use<> {
        let asked = self.ask_kill(id);
        self.mind(&asked.minded());
        async move { was_open(&asked.await) }
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
