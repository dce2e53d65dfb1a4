//! One direction of a connection: what is under way, and when it arrives.
//!
//! Not here: sockets and threads (`main.rs`).

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// What is under way at first: ten segments, as of TCP (RFC 6928).
const FIRST_WINDOW: usize = 10 * 1460;

/// The most that is under way: what Linux lets a connection have unless it is told otherwise.
const MAX_WINDOW: usize = 6 << 20;

/// What is taken at a time.
const PIECE_BYTES: usize = 32 << 10;

/// What is between two sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// One way.
    pub(crate) delay: Duration,
    pub(crate) bytes_per_second: u64,
}

/// One direction of a connection.
pub(crate) struct Direction {
    path: Path,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// What is under way, with when it arrives.
    pieces: VecDeque<(Instant, Vec<u8>)>,
    /// How many bytes of what has arrived are acknowledged when.
    acknowledged: VecDeque<(Instant, usize)>,
    /// Bytes that are not acknowledged, and how many may be.
    unacknowledged: usize,
    window: usize,
    /// When the path can take more.
    free_at: Instant,
    /// Nothing more comes.
    is_over: bool,
    /// Nobody is there any more for whom it is.
    is_broken: bool,
}

impl Direction {
    pub(crate) fn new(path: Path) -> Self {
        let state = State {
            pieces: VecDeque::new(),
            acknowledged: VecDeque::new(),
            unacknowledged: 0,
            window: FIRST_WINDOW,
            free_at: Instant::now(),
            is_over: false,
            is_broken: false,
        };
        Self { path, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Takes what one side sends, until it has no more to send.
    pub(crate) fn take(&self, from: &mut impl Read) {
        while let Some(room) = self.wait_for_room() {
            let mut piece = vec![0; room.min(PIECE_BYTES)];
            // A side that is gone sends no more.
            let len = from.read(&mut piece).unwrap_or(0);
            let mut state = self.lock();
            if len == 0 {
                state.is_over = true;
                self.changed.notify_all();
                return;
            }
            piece.truncate(len);
            let nanos = len as u64 * 1_000_000_000 / self.path.bytes_per_second;
            state.free_at = state.free_at.max(Instant::now()) + Duration::from_nanos(nanos);
            state.unacknowledged += len;
            let arrives = state.free_at + self.path.delay;
            state.pieces.push_back((arrives, piece));
            self.changed.notify_all();
        }
    }

    /// Gives the other side what has arrived, until there is no more.
    pub(crate) fn give(&self, to: &mut impl Write) {
        while let Some((arrives, piece)) = self.wait_for_piece() {
            thread::sleep(arrives.saturating_duration_since(Instant::now()));
            let is_gone = to.write_all(&piece).is_err();
            let mut state = self.lock();
            let known = Instant::now() + self.path.delay;
            state.acknowledged.push_back((known, piece.len()));
            state.is_broken = is_gone;
            self.changed.notify_all();
            if is_gone {
                return;
            }
        }
    }

    /// How much more may be under way; `None` if nobody wants it.
    fn wait_for_room(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.is_broken {
                return None;
            }
            let now = Instant::now();
            while let Some(&(known, len)) = state.acknowledged.front()
                && known <= now
            {
                state.acknowledged.pop_front();
                state.unacknowledged -= len;
                state.window = (state.window + len).min(MAX_WINDOW);
            }
            if state.unacknowledged < state.window {
                return Some(state.window - state.unacknowledged);
            }
            let next = state.acknowledged.front().map(|&(known, _)| known);
            let wait = next.map_or(self.path.delay, |known| known.saturating_duration_since(now));
            let waited = self.changed.wait_timeout(state, wait.max(Duration::from_micros(50)));
            state = waited.expect("nobody panics with the lock").0;
        }
    }

    fn wait_for_piece(&self) -> Option<(Instant, Vec<u8>)> {
        let mut state = self.lock();
        loop {
            if let Some(piece) = state.pieces.pop_front() {
                return Some(piece);
            }
            if state.is_over {
                return None;
            }
            state = self.changed.wait(state).expect("nobody panics with the lock");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_arrives_in_order_and_not_before_its_time() {
        let path = Path { delay: Duration::from_millis(20), bytes_per_second: 1 << 30 };
        let direction = Direction::new(path);
        let sent: Vec<u8> = (0..50_000_u32).map(|number| (number % 251) as u8).collect();
        let (mut received, start) = (Vec::new(), Instant::now());
        thread::scope(|scope| {
            scope.spawn(|| direction.take(&mut &sent[..]));
            direction.give(&mut received);
        });
        assert_eq!(received, sent);
        // More than one window, which waits for a round trip.
        assert!(start.elapsed() >= path.delay * 3, "never earlier, however fast the machine is");
    }
}
