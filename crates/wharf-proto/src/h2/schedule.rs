//! Which stream sends next (RFC 9218 section 10): the most urgent, and among those of one urgency
//! in turn or in order.
//!
//! Streams stand in lists by urgency: those whose responses are of use in pieces take turns, the
//! others are served one after the other in the order of their numbers. Where there are both, they
//! alternate, so that neither waits for the other. Not here: whether a stream may send (`flow.rs`).

use super::priority::Priority;

/// No slot, or no list.
const NONE: u16 = u16::MAX;
const URGENCIES: usize = 8;

/// The streams that have something to send and may.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    lists: [List; 2 * URGENCIES],
    /// By slot.
    links: Vec<Link>,
    /// A bit for each list that is not empty.
    filled: u16,
    /// Whose turn it is where there are both.
    is_turn_of_incremental: bool,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u16,
    last: u16,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    id: u32,
    list: u16,
    before: u16,
    behind: u16,
}

const UNLINKED: Link = Link { id: 0, list: NONE, before: NONE, behind: NONE };

impl Schedule {
    pub(super) const fn new() -> Self {
        let empty = List { first: NONE, last: NONE };
        Self {
            lists: [empty; 2 * URGENCIES],
            links: Vec::new(),
            filled: 0,
            is_turn_of_incremental: false,
        }
    }

    /// Frees all storage, if no stream needs it.
    pub(super) fn free_spares(&mut self) {
        if self.is_empty() {
            self.links = Vec::new();
        }
    }

    /// Whether no stream stands in a list.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Puts a stream where it belongs, unless it stands there.
    pub(super) fn insert(&mut self, slot: u16, id: u32, priority: Priority) {
        if self.links.len() <= usize::from(slot) {
            self.links.resize(usize::from(slot) + 1, UNLINKED);
        }
        if self.is_linked(slot) {
            return;
        }
        let list = u16::from(priority.urgency.min(7)) * 2 + u16::from(priority.is_incremental);
        let mut before = self.list(list).last;
        if !priority.is_incremental {
            while before != NONE && self.link(before).id > id {
                before = self.link(before).before;
            }
        }
        let behind = if before == NONE { self.list(list).first } else { self.link(before).behind };
        *self.link_mut(slot) = Link { id, list, before, behind };
        self.join(list, before, slot);
        self.join(list, slot, behind);
        self.filled |= 1 << list;
    }

    /// Removes a stream from wherever it stands.
    #[inline]
    pub(super) fn remove(&mut self, slot: u16) {
        if self.is_linked(slot) {
            self.unlink(slot);
        }
    }

    /// Puts a stream elsewhere, if it stands in a list.
    pub(super) fn change(&mut self, slot: u16, id: u32, priority: Priority) {
        if self.is_linked(slot) {
            self.unlink(slot);
            self.insert(slot, id, priority);
        }
    }

    /// Takes out the stream whose turn it is.
    pub(super) fn next(&mut self) -> Option<u16> {
        if self.filled == 0 {
            return None;
        }
        let ordered = self.filled.trailing_zeros() & !1;
        let mut list = ordered;
        if self.filled >> ordered & 3 == 3 {
            list += u32::from(self.is_turn_of_incremental);
            self.is_turn_of_incremental = !self.is_turn_of_incremental;
        } else if self.filled >> ordered & 3 == 2 {
            list += 1;
        }
        let slot = self.lists.get(list as usize)?.first;
        self.unlink(slot);
        Some(slot)
    }

    fn unlink(&mut self, slot: u16) {
        let Link { list, before, behind, .. } = std::mem::replace(self.link_mut(slot), UNLINKED);
        self.join(list, before, behind);
        if self.list(list).first == NONE {
            self.filled &= !(1 << list);
        }
    }

    /// Makes two places of a list neighbours, where there may be none before or behind.
    fn join(&mut self, list: u16, before: u16, behind: u16) {
        match before {
            NONE => self.list_mut(list).first = behind,
            _ => self.link_mut(before).behind = behind,
        }
        match behind {
            NONE => self.list_mut(list).last = before,
            _ => self.link_mut(behind).before = before,
        }
    }

    fn is_linked(&self, slot: u16) -> bool {
        self.links.get(usize::from(slot)).is_some_and(|link| link.list != NONE)
    }

    fn link(&self, slot: u16) -> &Link {
        self.links.get(usize::from(slot)).expect("places in lists are those of links")
    }

    fn link_mut(&mut self, slot: u16) -> &mut Link {
        self.links.get_mut(usize::from(slot)).expect("places in lists are those of links")
    }

    fn list(&self, list: u16) -> &List {
        self.lists.get(usize::from(list)).expect("each urgency has two lists")
    }

    fn list_mut(&mut self, list: u16) -> &mut List {
        self.lists.get_mut(usize::from(list)).expect("each urgency has two lists")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(urgency: u8, is_incremental: bool) -> Priority {
        Priority { urgency, is_incremental }
    }

    fn drain(schedule: &mut Schedule) -> Vec<u16> {
        std::iter::from_fn(|| schedule.next()).collect()
    }

    #[test]
    fn the_most_urgent_come_first_and_then_by_number() {
        let mut schedule = Schedule::new();
        for (slot, id, urgency) in [(0, 9, 3), (1, 3, 3), (2, 5, 7), (3, 11, 0), (4, 7, 3)] {
            schedule.insert(slot, id, priority(urgency, false));
            schedule.insert(slot, id, priority(urgency, false));
        }
        assert_eq!(drain(&mut schedule), [3, 1, 4, 0, 2]);
        assert!(schedule.is_empty());
    }

    #[test]
    fn incremental_ones_take_turns_and_the_others_do_not() {
        for (is_incremental, expected) in [(true, [0, 1, 2, 0, 1, 2]), (false, [0; 6])] {
            let mut schedule = Schedule::new();
            (0..3).for_each(|slot| {
                schedule.insert(slot, u32::from(slot), priority(3, is_incremental));
            });
            let mut order = Vec::new();
            for _ in 0..6 {
                let slot = schedule.next().unwrap();
                order.push(slot);
                schedule.insert(slot, u32::from(slot), priority(3, is_incremental));
            }
            assert_eq!(order, expected);
        }
    }

    #[test]
    fn neither_kind_waits_for_the_other() {
        let mut schedule = Schedule::new();
        let mut order = Vec::new();
        for turn in 0..9 {
            if turn % 8 == 0 {
                (0..4).for_each(|slot| schedule.insert(slot, 1, priority(3, slot > 1)));
            }
            let slot = schedule.next().unwrap();
            order.push(slot);
            schedule.insert(slot, 1, priority(3, slot > 1));
        }
        let incremental = order.iter().filter(|&&slot| slot > 1).count();
        assert!((4..=5).contains(&incremental), "{order:?}");
    }

    #[test]
    fn streams_leave_and_move() {
        let mut schedule = Schedule::new();
        (0..5).for_each(|slot| schedule.insert(slot, u32::from(slot), priority(3, true)));
        for slot in [0, 4, 2, 2, 9] {
            schedule.remove(slot);
        }
        schedule.change(3, 3, priority(1, false));
        schedule.change(4, 4, priority(0, false));
        assert_eq!(drain(&mut schedule), [3, 1]);
    }
}
