//! [`Control`]: what a program may ask of its server while that runs, on whichever sockets.
//!
//! Not here: how answers are waited for (`question.rs`), and what is done with listeners
//! (`listeners.rs`).

use std::io;
use std::sync::Weak;

use super::message::Message;
use super::question::{Answer, Answers, Asked, Minded, ask};
use super::shared::Shared;
use crate::Settings;
use crate::body::OnWorker;
use crate::error::Result;
use crate::listener::{ListenAddr, Listener};
use crate::observe::{ConnectionId, Connections, OpenConnection, Stats};
use crate::service::Service;
use crate::stop::{Order, StopSwitch};
use crate::sys::Descriptor;

/// What a handle may ask of its server, whatever its sockets are.
pub(crate) trait Control: Send + Sync {
    /// What the server was told.
    fn settings(&self) -> &Settings;

    fn stats(&self) -> Stats;

    /// What the server was told.
    fn order(&self) -> Order;

    /// This server's own.
    fn stop_switch(&self) -> StopSwitch;

    /// Asks every worker for its connections.
    fn ask_connections(&self) -> Asked<Vec<OpenConnection>>;

    /// Has a connection closed. The answer says whether it was open; there is none from a worker
    /// that is not there.
    fn ask_kill(&self, id: ConnectionId) -> Asked<bool>;

    /// Ends the threads on which handlers block: for when the workers have ended. Those that take
    /// too long are left alone.
    fn end_blocking(&self);

    /// Has every worker mind the time of a question that is waited for on one of them.
    fn mind(&self, question: &Weak<dyn Minded>);

    /// Where the server listens.
    fn listen_addrs(&self) -> Vec<ListenAddr>;

    /// Has the workers accept from more listeners, for another service than the server's own if
    /// there is one.
    fn listen(&self, listeners: Vec<Listener>, service: Option<Service>)
    -> Result<Vec<ListenAddr>>;

    /// Closes the listeners on an address. Says whether there were any.
    fn unlisten(&self, addr: &ListenAddr) -> bool;

    /// Other descriptors of all sockets that are listened on.
    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>>;

    /// Has nothing accepted any more, and waits until that is so.
    fn hold(&self) -> io::Result<()>;

    /// Has the workers accept again.
    fn release(&self);

    /// Makes the files of all listeners this process's, or leaves them to another.
    fn own_files(&self, are_owned: bool);
}

impl<S: Send> Control for Shared<S> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn order(&self) -> Order {
        self.switches.order()
    }

    fn stop_switch(&self) -> StopSwitch {
        self.switches.own.clone()
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

    fn end_blocking(&self) {
        self.threads.end(self.settings.blocking_pool.stop_wait);
    }

    fn mind(&self, question: &Weak<dyn Minded>) {
        for member in &self.members {
            member.inbox.ask(Message::Mind(Weak::clone(question)));
        }
    }

    fn listen_addrs(&self) -> Vec<ListenAddr> {
        self.listeners.addrs()
    }

    fn listen(
        &self,
        listeners: Vec<Listener>,
        service: Option<Service>,
    ) -> Result<Vec<ListenAddr>> {
        Self::listen(self, listeners, service)
    }

    fn unlisten(&self, addr: &ListenAddr) -> bool {
        Self::unlisten(self, addr)
    }

    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        Self::duplicate_listeners(self)
    }

    fn hold(&self) -> io::Result<()> {
        Self::hold(self)
    }

    fn release(&self) {
        Self::release(self);
    }

    fn own_files(&self, are_owned: bool) {
        self.listeners.own_files(are_owned);
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
