//! [`Message`]: what others want of a worker.
//!
//! Not here: how it gets there (`inbox.rs`), and what is done about it (`mod.rs`).

use std::io;
use std::sync::Weak;

use super::inbox::Inbox;
use super::question::{Answer, Minded};
use crate::driver::{Key, ListenerId, Listening};
use crate::observe::OpenConnection;
use crate::request::Addrs;
use crate::service::{Service, ServiceId};
use crate::sys::Descriptor;

/// What others want of a worker.
pub(crate) enum Message<S> {
    /// Takes on a connection that another worker accepted.
    Adopt(S, Addrs, ServiceId),
    /// Says what each connection is doing.
    List(Answer<Vec<OpenConnection>>),
    /// Closes a connection, and says whether it was there.
    Kill(Key, Answer<bool>),
    /// Minds the time of a question.
    Mind(Weak<dyn Minded>),
    /// Serves another service as well.
    Serve(ServiceId, Service),
    /// Accepts from another listener.
    Listen(Listening),
    /// Closes a listener, once what has come was accepted.
    Unlisten(ListenerId),
    /// Says by which other descriptors its listeners can be had.
    Duplicate(Answer<io::Result<Vec<Descriptor>>>),
    /// Accepts nothing until it is released, and says when that is so.
    Hold(Answer<()>),
    /// Accepts again.
    Release,
}

impl<S> Inbox<Message<S>> {
    /// Leaves a question, unless there are too many: then it is not answered in time.
    pub(crate) fn ask(&self, question: Message<S>) {
        match self.offer(question) {
            Some(Message::List(answer)) => answer.withhold(),
            Some(Message::Kill(_, answer)) => answer.withhold(),
            Some(Message::Duplicate(answer)) => answer.withhold(),
            Some(Message::Hold(answer)) => answer.withhold(),
            Some(
                Message::Mind(_)
                | Message::Adopt(..)
                | Message::Serve(..)
                | Message::Listen(_)
                | Message::Unlisten(_)
                | Message::Release,
            )
            | None => {}
        }
    }
}
