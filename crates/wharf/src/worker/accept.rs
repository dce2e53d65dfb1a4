//! The accept policy: when to go on, when to pause, and never to give up.
//!
//! Not here: accepting itself (`driver`), and which worker gets a connection (`worker/mod.rs`).

use std::io;
use std::time::{Duration, Instant};

use crate::driver::{Driver, is_about_one_peer, is_closed_to_all};

/// How long nothing is accepted after an error that will not go away at once, such as a lack of
/// descriptors, or while there are too many connections. Short enough for peers not to notice
/// much, long enough not to burn a core.
const PAUSE: Duration = Duration::from_millis(100);

/// After so many accepts in a row that failed, whatever the reason, the next one waits: more than
/// there are peers at a time that have gone before they were accepted.
const MAX_IN_VAIN: u32 = 64;

/// Whether connections are accepted.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    /// While nothing is accepted: when to look again.
    resumes_at: Option<Instant>,
    /// Nothing is accepted until the worker is told so.
    is_held: bool,
    /// How many accepts have failed since one succeeded.
    in_vain: u32,
}

impl Acceptor {
    /// When accepting may have to be taken up again.
    pub(super) const fn resumes_at(&self) -> Option<Instant> {
        self.resumes_at
    }

    /// A connection could not be accepted.
    pub(super) fn on_error<D: Driver>(&mut self, error: &io::Error, driver: &mut D) {
        if is_closed_to_all(error) {
            return;
        }
        // On some systems a listener that does not work looks like one peer after another.
        self.in_vain = self.in_vain.saturating_add(1);
        if !is_about_one_peer(error) || self.in_vain >= MAX_IN_VAIN {
            self.pause(driver);
        }
    }

    /// A connection was accepted.
    pub(super) const fn on_accepted(&mut self) {
        self.in_vain = 0;
    }

    /// There are as many connections as are allowed: others wait in the listener's backlog.
    pub(super) fn on_full<D: Driver>(&mut self, driver: &mut D) {
        self.pause(driver);
    }

    /// Takes accepting up again once the pause is over, if there is room.
    pub(super) fn resume_if_due<D: Driver>(&mut self, has_room: bool, driver: &mut D) {
        if self.resumes_at.is_none_or(|at| at > driver.now()) {
            return;
        }
        self.resumes_at = if has_room { None } else { Some(driver.now() + PAUSE) };
        driver.set_accepting(has_room && !self.is_held);
    }

    /// Has nothing accepted, or lets it go on, whatever else may be in the way.
    pub(super) fn hold<D: Driver>(&mut self, holds: bool, driver: &mut D) {
        self.is_held = holds;
        driver.set_accepting(!holds && self.resumes_at.is_none());
    }

    fn pause<D: Driver>(&mut self, driver: &mut D) {
        self.resumes_at = Some(driver.now() + PAUSE);
        driver.set_accepting(false);
    }
}
