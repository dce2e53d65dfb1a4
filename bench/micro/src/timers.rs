//! Moving the timer of one of many connections to a later instant, as each request does: in wharf's
//! wheel, and in an ordered set.
//!
//! The wheel is private to wharf, so its file is compiled into this crate as it is. Not here:
//! timers that fire, which is rare.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "a worker uses more of it, and so do its tests")]
#[path = "../../../crates/wharf/src/timer.rs"]
mod timer;

use timer::Wheel;

/// How long after a move a timer is due.
const TIMEOUT: Duration = Duration::from_secs(75);

/// How much time passes between two moves.
const STEP: Duration = Duration::from_micros(10);

/// Moves each of `count` timers in turn, and asks each time which are due, and when the next is.
pub(crate) fn wharf(count: u32) -> Box<dyn FnMut()> {
    let mut now = Instant::now();
    let (mut wheel, mut expired, mut index) = (Wheel::new(now), Vec::new(), 0);
    (0..count).for_each(|index| wheel.arm(index, now + TIMEOUT));
    Box::new(move || {
        now += STEP;
        index = (index + 1) % count;
        wheel.arm(black_box(index), now + TIMEOUT);
        wheel.expire(now, &mut expired);
        assert!(expired.is_empty() && wheel.next_due().is_some_and(|next| next > now));
    })
}

pub(crate) fn set(count: u32) -> Box<dyn FnMut()> {
    let mut now = Instant::now();
    let (mut due, mut index) = (vec![now + TIMEOUT; count as usize], 0);
    let armed = (0..count).map(|index| (now + TIMEOUT, index));
    let mut set: BTreeSet<(Instant, u32)> = armed.collect();
    Box::new(move || {
        now += STEP;
        index = (index + 1) % count;
        let due = &mut due[index as usize];
        assert!(set.remove(&(*due, black_box(index))));
        *due = now + TIMEOUT;
        set.insert((*due, index));
        assert!(set.first().is_some_and(|&(first, _)| first > now));
    })
}
