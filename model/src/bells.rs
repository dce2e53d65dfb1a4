//! Models of what other threads tell a worker: nothing that is left for it is slept through.
//!
//! Not here: what a worker does with it.

use std::sync::Arc;

use crate::driver::{Key, Unpark};
use crate::inbox::{Doorbell, Inbox};
use crate::stop::{Order, StopSwitch, Switches};
use crate::sync::{Condvar, Mutex};

pub(crate) const MODELS: &[(&str, usize, fn())] = &[
    ("a message and a wake-up from two threads", 5, message_and_wake),
    ("two wake-ups of one task", 5, two_wakes),
    ("a task is woken again while it runs", 5, woken_again),
    ("a message that is left while the worker ends", 5, left_while_it_ends),
    ("a drain and a stop from two threads", 5, drain_and_stop),
    ("a stop while the worker is registered", 5, stop_while_registered),
];

/// What a driver waits on: a counter, as an event descriptor is.
struct Parker {
    unparked: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { unparked: Mutex::new(false), changed: Condvar::new() })
    }

    fn park(&self) {
        let mut unparked = self.unparked.lock().unwrap();
        while !*unparked {
            unparked = self.changed.wait(unparked).unwrap();
        }
        *unparked = false;
    }
}

impl Unpark for Parker {
    fn unpark(&self) {
        *self.unparked.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

fn bell() -> (Arc<Parker>, Arc<Doorbell>) {
    let parker = Parker::new();
    let bell = Arc::new(Doorbell::new(Arc::clone(&parker) as Arc<dyn Unpark>));
    (parker, bell)
}

/// The wait of one turn. Whether something was left.
fn wait(bell: &Doorbell, parker: &Parker) -> bool {
    if bell.fall_asleep() {
        parker.park();
    }
    bell.wake_up()
}

/// What a worker does: it looks whether it is to stop at the end of a turn, not before.
fn turn_until_stopped(switches: &Switches, bell: &Doorbell, parker: &Parker) {
    loop {
        wait(bell, parker);
        if switches.order() == Order::Stop {
            return;
        }
    }
}

const KEY: Key = Key { index: 1, generation: 1 };

fn message_and_wake() {
    let (parker, bell) = bell();
    let inbox = Arc::new(Inbox::<()>::new(Arc::clone(&bell)));
    let waker = inbox.waker(KEY).waker().clone();
    let posting = Arc::clone(&inbox);
    loom::thread::spawn(move || posting.post(()).unwrap());
    loom::thread::spawn(move || waker.wake());
    let (mut keys, mut messages) = (Vec::new(), 0);
    while keys.is_empty() || messages == 0 {
        if wait(&bell, &parker) {
            messages += inbox.take(&mut keys).len();
        }
    }
    assert_eq!((keys, messages), (vec![KEY], 1));
}

fn two_wakes() {
    let (parker, bell) = bell();
    let inbox = Inbox::<()>::new(Arc::clone(&bell));
    let waker = inbox.waker(KEY).waker().clone();
    let wakers: Vec<_> = (0..2)
        .map(|_| {
            let waker = waker.clone();
            loom::thread::spawn(move || waker.wake_by_ref())
        })
        .collect();
    let mut keys = Vec::new();
    while keys.is_empty() {
        if wait(&bell, &parker) {
            inbox.take(&mut keys);
        }
    }
    for thread in wakers {
        thread.join().unwrap();
    }
    inbox.take(&mut keys);
    assert!((1..=2).contains(&keys.len()));
}

/// What a task waits for is there before it is woken: the turn behind the wake-up sees it.
fn woken_again() {
    let (parker, bell) = bell();
    let inbox = Inbox::<()>::new(Arc::clone(&bell));
    let waker = inbox.waker(KEY).waker().clone();
    let count = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&count);
    loom::thread::spawn(move || {
        for _ in 0..2 {
            *counting.lock().unwrap() += 1;
            waker.wake_by_ref();
        }
    });
    let (mut keys, mut seen) = (Vec::new(), 0);
    while seen < 2 {
        if wait(&bell, &parker) {
            inbox.take(&mut keys);
            if !keys.is_empty() {
                keys.clear();
                seen = *count.lock().unwrap();
            }
        }
    }
}

/// It is taken, or given back at the end, or not taken on.
fn left_while_it_ends() {
    let (_, bell) = bell();
    let inbox = Arc::new(Inbox::<()>::new(bell));
    let posting = Arc::clone(&inbox);
    let posted = loom::thread::spawn(move || posting.post(()).is_ok());
    let taken = inbox.take(&mut Vec::new()).len() + inbox.close().len();
    let was_left = posted.join().unwrap();
    assert_eq!((taken, inbox.take(&mut Vec::new()).len()), (usize::from(was_left), 0));
}

fn drain_and_stop() {
    let (parker, bell) = bell();
    let switch = StopSwitch::new();
    let switches = Switches { own: switch.clone(), shared: None };
    switches.register(&bell);
    let (draining, stopping) = (switch.clone(), switch);
    loom::thread::spawn(move || draining.drain(std::time::Duration::from_secs(3600)));
    loom::thread::spawn(move || stopping.stop());
    turn_until_stopped(&switches, &bell, &parker);
}

fn stop_while_registered() {
    let (parker, bell) = bell();
    let switch = StopSwitch::new();
    let switches = Switches { own: switch.clone(), shared: None };
    loom::thread::spawn(move || switch.stop());
    switches.register(&bell);
    turn_until_stopped(&switches, &bell, &parker);
}
