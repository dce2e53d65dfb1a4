//! What other threads ask of workers, and their answers: waited for, but never without an end.
//!
//! A worker answers between two turns. One whose handler blocks it does not, and whoever asked is
//! told so after [`PATIENCE`]. Not here: what is asked (`control.rs`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is waited for. A worker's turn takes milliseconds at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Answers that are on their way.
#[must_use = "answers are of no use unless they are waited for"]
pub(crate) struct Asked<T> {
    question: Arc<Question<T>>,
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answers<T> {
    /// In the order of the workers.
    pub(crate) given: Vec<T>,
    /// Those that have not answered in time.
    pub(crate) silent: Vec<usize>,
}

struct Question<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    given: Vec<(usize, T)>,
    outstanding: Vec<usize>,
    is_overdue: bool,
}

impl<T> Question<T> {
    /// No user code runs under it, so that a panic can't leave anything half-done.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl<T> State<T> {
    const fn is_over(&self) -> bool {
        self.outstanding.is_empty() || self.is_overdue
    }

    fn take(&mut self) -> Answers<T> {
        self.given.sort_by_key(|(worker, _)| *worker);
        let given = self.given.drain(..).map(|(_, answer)| answer).collect();
        let mut silent = std::mem::take(&mut self.outstanding);
        silent.sort_unstable();
        Answers { given, silent }
    }
}

/// The right of one worker to answer. If it is dropped, the worker is no more, and nobody waits for
/// it.
pub(crate) struct Answer<T> {
    question: Arc<Question<T>>,
    /// `None` if it was withheld.
    worker: Option<usize>,
}

impl<T> Answer<T> {
    pub(super) fn give(self, answer: T) {
        // Dropping it tells that this worker is done.
        if let Some(worker) = self.worker {
            self.question.lock().given.push((worker, answer));
        }
    }

    /// Has whoever asked wait in vain.
    pub(super) fn withhold(mut self) {
        self.worker = None;
    }

    /// Whether somebody still waits.
    pub(super) fn is_wanted(&self) -> bool {
        !self.question.lock().is_overdue
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let Some(worker) = self.worker else { return };
        self.question.change(|state| state.outstanding.retain(|other| *other != worker));
    }
}

/// Asks each of `workers`: `post` is given a worker and its right to answer.
pub(super) fn ask<T>(
    workers: impl Iterator<Item = usize>,
    mut post: impl FnMut(usize, Answer<T>),
) -> Asked<T> {
    let outstanding: Vec<usize> = workers.collect();
    let asked = outstanding.clone();
    let state = State { given: Vec::new(), outstanding, is_overdue: false };
    let question = Arc::new(Question { state: Mutex::new(state), changed: Condvar::new() });
    for worker in asked {
        post(worker, Answer { question: Arc::clone(&question), worker: Some(worker) });
    }
    Asked { question }
}

impl<T> Asked<T> {
    /// Waits for the answers on this thread, which must not be one of the workers.
    pub(crate) fn wait(self) -> Answers<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.question.lock();
        while !state.is_over() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.is_overdue = true;
                break;
            }
            let waited = self.question.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.take()
    }
}

/// Nobody waits any more.
impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.question.lock().is_overdue = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of three workers, and whatever holds their rights to answer.
    fn asked() -> (Asked<u32>, Vec<Answer<u32>>) {
        let mut rights = Vec::new();
        let asked = ask(0..3, |_, answer| rights.push(answer));
        (asked, rights)
    }

    #[test]
    fn answers_come_in_the_order_of_the_workers_and_who_is_no_more_is_not_waited_for() {
        let (asked, mut rights) = asked();
        let [last, gone, first] = [(); 3].map(|()| rights.pop().unwrap());
        last.give(2);
        drop(gone);
        first.give(0);
        assert_eq!(asked.wait(), Answers { given: vec![0, 2], silent: vec![] });
    }
}
