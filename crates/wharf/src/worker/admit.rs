//! What comes to a worker from outside: connections that were accepted, and messages.
//!
//! Not here: whether anything is accepted (`accept.rs`), and what is asked of a worker about its
//! connections (`inspect.rs`).

use std::sync::atomic::Ordering;

use super::shared::fewest;
use super::{Message, Worker};
use crate::conn::Conn;
use crate::driver::{Accepted, Driver, Listening};
use crate::observe::{CloseReason, ConnectionId, ErrorKind, Limit};
use crate::request::Addrs;
use crate::service::ServiceId;

impl<D: Driver> Worker<D> {
    /// Gives an accepted connection to a worker, or takes it on.
    #[inline(never)]
    pub(super) fn admit(&mut self, accepted: Accepted<D::Socket>) {
        let Accepted { socket, peer_addr: peer, local_addr: local, origin } = accepted;
        let addrs = Addrs { peer, local };
        let shared = &self.state.shared;
        let counters = &self.state.member().counters;
        counters.count_accepted();
        self.acceptor.on_accepted();
        if shared.clients.as_ref().is_some_and(|clients| !clients.enter(peer)) {
            return self.state.turn_away(peer);
        }
        shared.connections.fetch_add(1, Ordering::Relaxed);
        if !shared.has_room() {
            counters.count_limit(Limit::Connections);
            self.acceptor.on_full(&mut self.driver);
        }
        let own = self.state.own.index;
        let hands_over = origin.hands_over || shared.hands_over;
        let index = if hands_over { fewest(&shared.members) } else { own };
        shared.members[index].connections.fetch_add(1, Ordering::Relaxed);
        if index == own {
            return self.adopt(socket, addrs, origin.service);
        }
        let left = shared.members[index].inbox.post(Message::Adopt(socket, addrs, origin.service));
        if let Err(Message::Adopt(socket, addrs, service)) = left {
            // That worker has just ended.
            shared.members[index].connections.fetch_sub(1, Ordering::Relaxed);
            shared.members[own].connections.fetch_add(1, Ordering::Relaxed);
            self.adopt(socket, addrs, service);
        }
    }

    fn adopt(&mut self, socket: D::Socket, addrs: Addrs, service: ServiceId) {
        // A peer that has gone already makes this fail, which concerns nobody else.
        let Ok(key) = self.driver.adopt(socket) else {
            self.state.note_closed(None, addrs.peer, CloseReason::Lost, 0);
            return;
        };
        self.state.shared.hooks.opened(ConnectionId::new(self.state.own.index, key), addrs);
        self.state.open(Conn::new(key, addrs, service, self.state.own.clock.uptime()));
    }

    #[inline(never)]
    pub(super) fn take_inbox(&mut self) {
        for message in self.state.member().inbox.take(&mut self.woken) {
            self.take_message(message);
        }
        self.woken.reverse();
    }

    fn take_message(&mut self, message: Message<D::Socket>) {
        match message {
            Message::Adopt(socket, addrs, service) => self.adopt(socket, addrs, service),
            Message::List(answer) => self.lists.push(answer),
            Message::Kill(key, answer) => answer.give(self.kill(key)),
            Message::Mind(question) => {
                self.minding.add(question, self.state.own.clock.now());
            }
            Message::Serve(id, service) => self.state.own.serve(id, service),
            Message::Listen(listening) => self.listen(listening),
            Message::Unlisten(id) => self.driver.unlisten(id),
            Message::Duplicate(answer) => answer.give(self.driver.duplicate_listeners()),
            Message::Hold(answer) => {
                self.acceptor.hold(true, &mut self.driver);
                answer.give(());
            }
            Message::Release => self.acceptor.hold(false, &mut self.driver),
        }
    }

    fn listen(&mut self, listening: Listening) {
        if !self.drain.has_withdrawn
            && let Err(error) = self.driver.listen(listening)
        {
            self.state.tell_of_failure(ErrorKind::Accept, &error, None);
        }
    }
}
