//! A hierarchical timer wheel with one timer per connection slot: arming and cancelling are O(1).
//!
//! Moving a timer to a later instant, which every request does, is one store: the slot stays where
//! it is linked and moves on when that place comes up. [`Wheel::next_due`] may therefore be early,
//! never late. Not here: what a timer means (`conn`), and clocks.

use std::time::{Duration, Instant};

/// The resolution. Timers fire up to this much late, never early.
const TICK_NANOS: u32 = 4_000_000;
const TICKS_PER_SECOND: u64 = (1_000_000_000 / TICK_NANOS) as u64;

const LEVELS: usize = 5;
const LEVEL_BITS: [u32; LEVELS] = [0, 6, 12, 18, 24];
const SLOT_BITS: u32 = 6;
const SLOT_COUNT: u32 = 1 << SLOT_BITS;
const SLOTS: usize = SLOT_COUNT as usize;

/// The longest that a timer may be ahead, in ticks: about 48 days. One slot and the current one of
/// the last level stay free, so that none there can be taken for one that comes up now.
const MAX_TICKS: u64 = (SLOTS as u64 - 2) << LEVEL_BITS[LEVELS - 1];

/// No tick.
const NEVER: u64 = u64::MAX;

/// No node: the end of a list.
const NIL: u32 = u32::MAX;

/// Not linked into any slot.
const UNLINKED: u16 = u16::MAX;

/// Timers for indexed slots.
#[derive(Debug)]
pub(crate) struct Wheel {
    origin: Instant,
    /// Every tick up to and with this one has been dealt with.
    elapsed: u64,
    /// No occupied place comes up before this tick.
    soonest: u64,
    occupied: [u64; LEVELS],
    heads: [[u32; SLOTS]; LEVELS],
    nodes: Vec<Node>,
}

/// A timer. It stays small: there is one for each idle connection.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The low half of the tick, which is never further ahead than [`MAX_TICKS`].
    due: u32,
    previous: u32,
    next: u32,
    /// `level * SLOTS + slot`.
    place: u16,
    /// It may still be linked if it is not.
    is_set: bool,
}

const FREE: Node = Node { due: 0, previous: NIL, next: NIL, place: UNLINKED, is_set: false };

const _: () = assert!(MAX_TICKS < i32::MAX as u64 && size_of::<Node>() == 16);

impl Wheel {
    pub(crate) const fn new(origin: Instant) -> Self {
        Self {
            origin,
            elapsed: 0,
            soonest: NEVER,
            occupied: [0; LEVELS],
            heads: [[NIL; SLOTS]; LEVELS],
            nodes: Vec::new(),
        }
    }

    /// Sets the timer of `index`, in place of the one it had.
    pub(crate) fn arm(&mut self, index: u32, at: Instant) {
        let due = self.tick_after(at);
        let at = index as usize;
        if at >= self.nodes.len() {
            self.nodes.resize(at + 1, FREE);
        }
        let node = self.nodes[at];
        let old = self.due(node);
        self.nodes[at] = Node { due: low_half(due), is_set: true, ..node };
        if node.place != UNLINKED {
            // A cancelled timer is still linked at a place that is no later than it was due.
            let place_is_early_enough = old <= due || !node.is_set;
            if place_is_early_enough && self.place_tick(index) <= due {
                return;
            }
            self.unlink(index);
        }
        self.link(index);
    }

    /// Unsets the timer of `index`.
    pub(crate) fn cancel(&mut self, index: u32) {
        if let Some(node) = self.nodes.get_mut(index as usize) {
            node.is_set = false;
        }
    }

    /// Unsets the timer of an index that is given up.
    pub(crate) fn release(&mut self, index: u32) {
        self.cancel(index);
        if self.nodes.get(index as usize).is_some_and(|node| node.place != UNLINKED) {
            self.unlink(index);
        }
    }

    /// An instant at which [`expire`](Self::expire) should be called: no later than the first
    /// timer.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        (self.soonest != NEVER).then(|| self.origin + since_origin(self.soonest))
    }

    /// Unsets every timer that is due and appends its index to `expired`.
    pub(crate) fn expire(&mut self, now: Instant, expired: &mut Vec<u32>) {
        let since = now.saturating_duration_since(self.origin);
        let target = ticks(since, since.subsec_nanos() / TICK_NANOS);
        if target >= self.soonest {
            self.empty_places(target, expired);
        }
        self.elapsed = self.elapsed.max(target);
    }

    /// Deals with the places that come up until then.
    fn empty_places(&mut self, target: u64, expired: &mut Vec<u32>) {
        loop {
            let next = self.next_place();
            self.soonest = next.map_or(NEVER, |(_, _, tick)| tick);
            let Some((level, slot, tick)) = next.filter(|(_, _, tick)| *tick <= target) else {
                return;
            };
            self.elapsed = self.elapsed.max(tick);
            self.occupied[level] &= !(1 << slot);
            let mut index = std::mem::replace(&mut self.heads[level][slot], NIL);
            while index != NIL {
                let node = self.nodes[index as usize];
                let is_due = self.due(node) <= self.elapsed;
                let is_set = node.is_set && !is_due;
                self.nodes[index as usize] = Node { due: node.due, is_set, ..FREE };
                if is_set {
                    self.link(index);
                } else if node.is_set {
                    expired.push(index);
                }
                index = node.next;
            }
        }
    }

    /// Frees the memory behind the last timer in use.
    pub(crate) fn shrink(&mut self) {
        while self.nodes.last().is_some_and(|node| !node.is_set && node.place == UNLINKED) {
            self.nodes.pop();
        }
        self.nodes.shrink_to_fit();
    }

    /// How many timers are set, or still linked.
    #[cfg(test)]
    pub(crate) fn in_use(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_set || node.place != UNLINKED).count()
    }

    /// The tick at which a timer that is set is due.
    const fn due(&self, node: Node) -> u64 {
        let ahead = node.due.wrapping_sub(low_half(self.elapsed)).cast_signed();
        self.elapsed.wrapping_add_signed(ahead as i64)
    }

    /// The first tick at or after `at`, not more than the wheel can hold ahead.
    fn tick_after(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        let tick = ticks(since, since.subsec_nanos().div_ceil(TICK_NANOS));
        tick.clamp(self.elapsed + 1, self.elapsed + MAX_TICKS)
    }

    /// The first occupied place and the tick at which it has to be looked at.
    fn next_place(&self) -> Option<(usize, usize, u64)> {
        let mut first: Option<(usize, usize, u64)> = None;
        for level in 0..LEVELS {
            if self.occupied[level] == 0 {
                continue;
            }
            let now_slot = slot_of(self.elapsed, level);
            let ahead = self.occupied[level].rotate_right(now_slot).trailing_zeros();
            let slot = ((now_slot + ahead) % SLOT_COUNT) as usize;
            let tick = self.tick_of(level, slot);
            if first.is_none_or(|(_, _, earliest)| tick < earliest) {
                first = Some((level, slot, tick));
            }
        }
        first
    }

    /// The next tick at which the given slot comes up.
    fn tick_of(&self, level: usize, slot: usize) -> u64 {
        let shift = LEVEL_BITS[level];
        let turn = 1 << (shift + SLOT_BITS);
        let tick = (self.elapsed & !(turn - 1)) + ((slot as u64) << shift);
        // The last level wraps around; in the others a slot behind us can't be occupied.
        if tick < self.elapsed || (tick == self.elapsed && level > 0) { tick + turn } else { tick }
    }

    /// The tick at which the place of a linked node comes up.
    fn place_tick(&self, index: u32) -> u64 {
        let place = usize::from(self.nodes[index as usize].place);
        self.tick_of(place / SLOTS, place % SLOTS)
    }

    fn link(&mut self, index: u32) {
        let node = self.nodes[index as usize];
        let due = self.due(node);
        let distance = (self.elapsed ^ due) | (SLOTS as u64 - 1);
        let level = ((63 - distance.leading_zeros()) / SLOT_BITS) as usize;
        let level = level.min(LEVELS - 1);
        let slot = slot_of(due, level) as usize;
        let next = std::mem::replace(&mut self.heads[level][slot], index);
        self.occupied[level] |= 1 << slot;
        if next != NIL {
            self.nodes[next as usize].previous = index;
        }
        let place = u16::try_from(level * SLOTS + slot).expect("a wheel has 320 places");
        self.nodes[index as usize] = Node { previous: NIL, next, place, ..node };
        self.soonest = self.soonest.min(self.tick_of(level, slot));
    }

    fn unlink(&mut self, index: u32) {
        let Node { due, previous, next, place, is_set } = self.nodes[index as usize];
        let (level, slot) = (usize::from(place) / SLOTS, usize::from(place) % SLOTS);
        if next != NIL {
            self.nodes[next as usize].previous = previous;
        }
        if previous != NIL {
            self.nodes[previous as usize].next = next;
        } else {
            self.heads[level][slot] = next;
            if next == NIL {
                self.occupied[level] &= !(1 << slot);
                if self.occupied == [0; LEVELS] {
                    self.soonest = NEVER;
                }
            }
        }
        self.nodes[index as usize] = Node { due, is_set, ..FREE };
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the other half is known from elsewhere")]
const fn low_half(tick: u64) -> u32 {
    tick as u32
}

/// Whole seconds and a rest as ticks. Written with small numbers, since every request comes here.
const fn ticks(since: Duration, rest: u32) -> u64 {
    since.as_secs().saturating_mul(TICKS_PER_SECOND).saturating_add(rest as u64)
}

fn slot_of(tick: u64, level: usize) -> u32 {
    u32::try_from((tick >> LEVEL_BITS[level]) % SLOTS as u64).expect("64 slots")
}

/// A number of ticks as a duration.
fn since_origin(tick: u64) -> Duration {
    let rest = u32::try_from(tick % TICKS_PER_SECOND).expect("a second has 250 ticks");
    Duration::new(tick / TICKS_PER_SECOND, rest * TICK_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_nanos(TICK_NANOS as u64);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn expired(wheel: &mut Wheel, at: Instant) -> Vec<u32> {
        let mut indices = Vec::new();
        wheel.expire(at, &mut indices);
        indices.sort_unstable();
        indices
    }

    #[test]
    fn a_timer_fires_once_and_not_before_its_time() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        wheel.arm(3, origin + ms(100));
        assert!(wheel.next_due().unwrap() <= origin + ms(100));
        assert_eq!(expired(&mut wheel, origin + ms(99)), []);
        assert_eq!(expired(&mut wheel, origin + ms(104)), [3]);
        assert_eq!(expired(&mut wheel, origin + ms(100_000)), []);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn a_timer_can_be_moved_both_ways_and_cancelled() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        wheel.arm(0, origin + ms(1_000));
        wheel.arm(0, origin + ms(9_000));
        wheel.arm(1, origin + ms(9_000));
        wheel.arm(1, origin + ms(1_000));
        wheel.arm(2, origin + ms(1_000));
        wheel.cancel(2);
        assert_eq!(expired(&mut wheel, origin + ms(1_004)), [1]);
        assert_eq!(expired(&mut wheel, origin + ms(8_999)), []);
        assert_eq!(expired(&mut wheel, origin + ms(9_004)), [0]);
    }

    #[test]
    fn what_is_freed_is_behind_the_last_timer() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        (0..1000).for_each(|index| wheel.arm(index, origin + ms(100)));
        (10..1000).for_each(|index| wheel.release(index));
        wheel.shrink();
        assert!(wheel.nodes.capacity() < 1000);
        assert_eq!(expired(&mut wheel, origin + ms(104)), (0..10).collect::<Vec<_>>());
        wheel.arm(500, origin + ms(200));
        assert_eq!(expired(&mut wheel, origin + ms(204)), [500]);
    }

    #[test]
    fn years_of_uptime_and_of_waiting_change_nothing() {
        let origin = Instant::now();
        let mut wheel = Wheel::new(origin);
        let now = origin + Duration::from_secs(3 * 365 * 86_400);
        assert_eq!(expired(&mut wheel, now), []);
        wheel.arm(0, now + Duration::from_secs(365 * 86_400));
        wheel.arm(1, now + Duration::from_secs(3 * 86_400));
        wheel.arm(2, now + ms(75_000));
        assert!(wheel.next_due().unwrap() > now);
        assert_eq!(expired(&mut wheel, now + ms(74_000)), []);
        assert_eq!(expired(&mut wheel, now + ms(75_004)), [2]);
        assert_eq!(expired(&mut wheel, now + Duration::from_secs(3 * 86_400 + 1)), [1]);
        // What is too far ahead comes when the wheel's reach ends.
        assert!(wheel.next_due().unwrap() <= now + Duration::from_secs(60 * 86_400));
    }

    /// Against a plain list of deadlines, with random operations and steps of random length.
    #[test]
    fn it_agrees_with_a_list() {
        const COUNT: u32 = 50;
        for seed in 1..40_u64 {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut next = |bound: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % bound
            };
            let origin = Instant::now();
            let (mut wheel, mut now) = (Wheel::new(origin), origin);
            let mut list: Vec<Option<Instant>> = vec![None; COUNT as usize];
            for _ in 0..2_000 {
                let index = u32::try_from(next(COUNT.into())).unwrap();
                match next(4) {
                    0 => {
                        let range = 10_u64.pow(1 + 2 * u32::try_from(next(4)).unwrap());
                        let at = now + ms(next(range));
                        wheel.arm(index, at);
                        list[index as usize] = Some(at);
                    }
                    1 => {
                        wheel.cancel(index);
                        list[index as usize] = None;
                    }
                    2 => {
                        wheel.release(index);
                        list[index as usize] = None;
                    }
                    _ => {
                        let range = 10_u64.pow(1 + 2 * u32::try_from(next(4)).unwrap());
                        now += ms(next(range));
                        let due = wheel.next_due();
                        if let Some(first) = list.iter().flatten().min() {
                            assert!(due.unwrap() <= *first + TICK, "seed {seed}");
                        }
                        for index in expired(&mut wheel, now) {
                            let at = list[index as usize].take();
                            assert!(at.is_some_and(|at| at <= now), "early, seed {seed}");
                        }
                        let late = list.iter().flatten().any(|at| *at + TICK + TICK <= now);
                        assert!(!late, "late, seed {seed}");
                        assert!(wheel.next_due().is_none_or(|due| due > now), "busy, seed {seed}");
                    }
                }
            }
            (0..COUNT).for_each(|index| wheel.release(index));
            assert_eq!(wheel.next_due(), None, "seed {seed}");
        }
    }
}
