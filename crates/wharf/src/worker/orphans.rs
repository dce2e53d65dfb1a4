//! Handlers that go on although their connection is gone, until they are ready.
//!
//! Not here: how one of them goes on (`conn/h1/orphan.rs`), and which do ([`OnDisconnect`]).
//!
//! [`OnDisconnect`]: crate::OnDisconnect

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::state::{State, guard};
use crate::conn::{Http1, Http2};
use crate::driver::Key;
use crate::observe::Limit;

/// How many one worker keeps; one more is cancelled. They take no part in the bound on connections,
/// so that without a bound of their own a client could have any number of them by disconnecting.
pub(super) const MAX_ORPHANS: usize = 1024;

/// The index of all of them, which no connection has: they are told apart by generation.
const INDEX: u32 = u32::MAX;

/// Those of one worker.
#[derive(Default)]
pub(super) struct Orphans {
    by_generation: BTreeMap<u32, Box<Http1>>,
    last_generation: u32,
    /// When one of them may have to be ready. It may be earlier than that, for those that were
    /// ready meanwhile.
    due: Option<Instant>,
}

impl Orphans {
    pub(super) fn len(&self) -> usize {
        self.by_generation.len()
    }

    /// Whether the key is that of an orphan, which may be ready since.
    pub(super) const fn is_one(key: Key) -> bool {
        key.index == INDEX
    }

    /// When to look for those that have had their time. It is asked in every turn.
    pub(super) const fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// Tells all of them that the server has begun to drain.
    pub(super) fn fire_draining(&self) {
        self.by_generation.values().for_each(|http| http.fire_draining());
    }

    /// Keeps one, or gives it back if there are too many.
    fn insert(&mut self, http: Box<Http1>) -> Result<(), Box<Http1>> {
        if self.by_generation.len() == MAX_ORPHANS {
            return Err(http);
        }
        self.last_generation = self.last_generation.wrapping_add(1);
        http.rename_orphan(Key { index: INDEX, generation: self.last_generation });
        self.due = [self.due, http.orphan_due()].into_iter().flatten().min();
        self.by_generation.insert(self.last_generation, http);
        Ok(())
    }

    /// Takes one that has to be ready by now.
    fn take_due(&mut self, now: Instant) -> Option<(u32, Box<Http1>)> {
        let is_due = |http: &Http1| http.orphan_due().is_some_and(|due| due <= now);
        let mut orphans = self.by_generation.iter();
        let generation = *orphans.find(|(_, http)| is_due(http))?.0;
        self.by_generation.remove_entry(&generation)
    }
}

impl<S> State<S> {
    /// Keeps a handler that goes on without its connection.
    #[cold]
    pub(super) fn keep_orphan(&mut self, mut http: Box<Http1>) {
        guard(|| http.shed());
        if let Err(mut http) = self.orphans.insert(http) {
            self.member().counters.count_limit(Limit::Orphans);
            http.drop_orphan();
            self.keep_http(http);
        }
        self.count_orphans();
    }

    /// Keeps the handlers that go on although their streams are over.
    pub(super) fn adopt_orphans(&mut self, from: &mut Http2) {
        let key = Key { index: INDEX, generation: 0 };
        let index = self.own.index;
        while from.has_orphans() {
            let mut http = self.spares.http(key, &self.shared.members[index], index);
            if from.give_orphan(&mut http) {
                let generation = self.orphans.last_generation.wrapping_add(1);
                self.keep_orphan(http);
                // It waits for what wakes its connection, until it is asked anew.
                self.wake_orphan(Key { index: INDEX, generation });
            } else {
                self.keep_http(http);
            }
        }
    }

    /// Something that an orphan waited for has come.
    pub(super) fn wake_orphan(&mut self, key: Key) {
        let Some(mut http) = self.orphans.by_generation.remove(&key.generation) else { return };
        let context = self.shared.context(&self.own);
        act(&mut http, |http| http.poll_orphan(&context));
        // Whoever comes next has nothing to do with it.
        self.watch.begin();
        if http.has_orphan() {
            self.orphans.by_generation.insert(key.generation, http);
        } else {
            self.report.finished += u64::from(self.own.is_draining);
            self.keep_http(http);
        }
        self.count_orphans();
    }

    /// Cancels those that have had their time.
    pub(super) fn expire_orphans(&mut self) {
        if self.orphans.due.is_none_or(|due| due > self.own.clock.now()) {
            return;
        }
        while let Some((generation, mut http)) = self.orphans.take_due(self.own.clock.now()) {
            let context = self.shared.context(&self.own);
            act(&mut http, |http| http.expire_orphan(&context));
            self.watch.begin();
            if http.has_orphan() {
                self.orphans.by_generation.insert(generation, http);
            } else {
                self.keep_http(http);
            }
        }
        let orphans = self.orphans.by_generation.values();
        self.orphans.due = orphans.filter_map(|http| http.orphan_due()).min();
        self.count_orphans();
    }

    /// Cancels all of them.
    pub(super) fn drop_orphans(&mut self) {
        for (_, mut http) in std::mem::take(&mut self.orphans.by_generation) {
            // There is no connection that could be described.
            self.report.cancelled += 1;
            http.drop_orphan();
        }
        self.count_orphans();
    }

    fn count_orphans(&self) {
        self.member().counters.set_orphans(self.orphans.len());
    }
}

/// Runs what may run the program's code. Nobody is left who could be told of a panic.
fn act(http: &mut Http1, act: impl FnOnce(&mut Http1)) {
    if catch_unwind(AssertUnwindSafe(|| act(http))).is_err() {
        http.drop_orphan();
    }
}
