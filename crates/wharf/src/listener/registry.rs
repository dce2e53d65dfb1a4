//! [`Registry`]: what a server listens on, while it runs.
//!
//! The sockets are the workers' alone, so that one that is closed there is closed. Here is what
//! concerns all workers: addresses, numbers, and files. Not here: who tells the workers
//! (`worker/shared.rs`).

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hand_over::End;
use super::unix::SocketFile;
use super::{ListenAddr, Listener};
use crate::driver::{ListenerId, Listening};

/// What a server listens on.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// The number of the next listener.
    next: u32,
    /// The server listens on nothing any more.
    is_closed: bool,
    /// Files of sockets that serve something else, and who is to hear when it is closed.
    files: Vec<SocketFile>,
    waiting: Vec<End>,
}

#[derive(Debug)]
struct Entry {
    id: ListenerId,
    addr: ListenAddr,
    file: Option<SocketFile>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener, and gives what of it goes to the workers: each of the sockets to another,
    /// in turn.
    pub(crate) fn add(&self, mut listener: Listener, spread: Spread) -> io::Result<Vec<Listening>> {
        if spread.system_spreads {
            listener.open_siblings(spread.workers)?;
        }
        let mut state = self.lock();
        if state.is_closed {
            return Err(io::Error::other("the server was told to end"));
        }
        let id = ListenerId(state.next);
        state.next = state.next.wrapping_add(1);
        let (addr, file) = (listener.addr().clone(), listener.file.take());
        state.entries.push(Entry { id, addr, file });
        drop(state);
        Ok(listener.into_shares(id, spread.workers))
    }

    /// Where the server listens, in the order in which it began to.
    pub(crate) fn addrs(&self) -> Vec<ListenAddr> {
        self.lock().entries.iter().map(|entry| entry.addr.clone()).collect()
    }

    /// Takes out the listeners on an address, and removes their files.
    pub(crate) fn remove(&self, addr: &ListenAddr) -> Vec<ListenerId> {
        let mut state = self.lock();
        let removed: Vec<Entry> =
            state.entries.extract_if(.., |entry| entry.addr.place == addr.place).collect();
        drop(state);
        removed.iter().map(|entry| entry.id).collect()
    }

    /// Removes the files of all listeners, and takes no more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let mut files = std::mem::take(&mut state.files);
        files.extend(state.entries.iter_mut().filter_map(|entry| entry.file.take()));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop((files, waiting));
    }

    /// Keeps a file until the registry is closed, of which whoever waits hears then.
    pub(super) fn keep_until_closed(&self, waiting: End, file: Option<SocketFile>) {
        let mut state = self.lock();
        state.waiting.push(waiting);
        state.files.extend(file);
    }

    /// Makes all files this server's to remove, or leaves them to another.
    pub(crate) fn own_files(&self, are_owned: bool) {
        let mut state = self.lock();
        let State { entries, files, .. } = &mut *state;
        for file in entries.iter_mut().filter_map(|entry| entry.file.as_mut()).chain(files) {
            file.own(are_owned);
        }
    }
}

/// How listeners come to the workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) workers: usize,
    /// Each worker has a socket of its own, where that can be.
    pub(crate) system_spreads: bool,
}
