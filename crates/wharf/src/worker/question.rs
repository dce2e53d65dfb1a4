//! What other threads ask of workers, and their answers: waited for, but never without an end.
//!
//! A worker answers between two turns. One whose handler blocks it does not, and whoever asked is
//! told so after [`PATIENCE`]. Not here: what is asked (`control.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long an answer is waited for. A worker's turn takes milliseconds at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// How many questions a worker minds at a time: who asks more often learns nothing new.
const MAX_MINDED: usize = 256;

/// Answers that are on their way. A future of them is minded by every worker (see [`Minded`]), so
/// that it needs no clock of its own.
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
    waker: Option<Waker>,
}

impl<T> Question<T> {
    /// No user code runs under it, so that a panic can't leave anything half-done.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = if state.is_over() { state.waker.take() } else { None };
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            // Wakers are somebody else's code, and this may be a worker.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
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
    let state = State { given: Vec::new(), outstanding, is_overdue: false, waker: None };
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

impl<T: Send + 'static> Asked<T> {
    /// What a worker minds for the future.
    pub(super) fn minded(&self) -> Weak<dyn Minded> {
        let question: Arc<dyn Minded> = Arc::clone(&self.question) as Arc<dyn Minded>;
        Arc::downgrade(&question)
    }
}

impl<T> Future for Asked<T> {
    type Output = Answers<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answers<T>> {
        let mut state = self.question.lock();
        if state.is_over() {
            return Poll::Ready(state.take());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Nobody waits any more.
impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.question.lock().is_overdue = true;
    }
}

/// A question that ends, at the latest, when the first of the workers that mind it finds that its
/// time is over.
pub(crate) trait Minded: Send + Sync {
    fn is_over(&self) -> bool;

    fn give_up(&self);
}

impl<T: Send> Minded for Question<T> {
    fn is_over(&self) -> bool {
        self.lock().is_over()
    }

    fn give_up(&self) {
        self.change(|state| state.is_overdue = true);
    }
}

/// The questions that one worker minds, by when their time is over.
#[derive(Default)]
pub(super) struct Minding {
    due: Vec<(Instant, Weak<dyn Minded>)>,
}

impl Minding {
    pub(super) fn add(&mut self, question: Weak<dyn Minded>, now: Instant) {
        self.due.retain(|(_, question)| question.upgrade().is_some_and(|it| !it.is_over()));
        if self.due.len() < MAX_MINDED {
            self.due.push((now + PATIENCE, question));
        } else if let Some(question) = question.upgrade() {
            question.give_up();
        }
    }

    /// When the next one's time is over.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        // There is hardly ever a question, and a turn for each few requests.
        if self.next_due().is_none_or(|due| due > now) {
            return;
        }
        let count = self.due.partition_point(|(at, _)| *at <= now);
        for question in self.due.drain(..count).filter_map(|(_, question)| question.upgrade()) {
            question.give_up();
        }
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

    fn poll<T>(asked: &mut Asked<T>) -> Poll<Answers<T>> {
        Pin::new(asked).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn answers_come_in_the_order_of_the_workers_and_who_is_no_more_is_not_waited_for() {
        let (mut asked, mut rights) = asked();
        let [last, gone, first] = [(); 3].map(|()| rights.pop().unwrap());
        last.give(2);
        assert_eq!(poll(&mut asked), Poll::Pending);
        drop(gone);
        first.give(0);
        assert_eq!(asked.wait(), Answers { given: vec![0, 2], silent: vec![] });
    }

    #[test]
    fn a_future_is_over_when_its_time_is() {
        let (mut asked, mut rights) = asked();
        let (mut minding, start) = (Minding::default(), Instant::now());
        minding.add(asked.minded(), start);
        rights.pop().unwrap().give(2);
        minding.expire(start + PATIENCE / 2);
        assert_eq!(poll(&mut asked), Poll::Pending);
        assert_eq!(minding.next_due(), Some(start + PATIENCE));
        minding.expire(start + PATIENCE);
        assert_eq!(poll(&mut asked), Poll::Ready(Answers { given: vec![2], silent: vec![0, 1] }));
        assert!(rights.iter().all(|right| !right.is_wanted()));
        assert_eq!(minding.next_due(), None);
    }

    #[test]
    fn no_more_questions_are_minded_than_are_allowed() {
        let mut minding = Minding::default();
        let mut all: Vec<_> = (0..=MAX_MINDED).map(|_| asked()).collect();
        for (asked, _) in &all {
            minding.add(asked.minded(), Instant::now());
        }
        assert!(poll(&mut all[MAX_MINDED].0).is_ready(), "it is given up at once");
        assert!(poll(&mut all[0].0).is_pending());
        drop(all);
        let (asked, _rights) = asked();
        minding.add(asked.minded(), Instant::now());
        assert_eq!(minding.due.len(), 1, "nobody waits for the others any more");
    }

    #[test]
    fn a_waker_that_panics_harms_no_worker() {
        struct Grenade;

        impl std::task::Wake for Grenade {
            fn wake(self: Arc<Self>) {
                std::panic::resume_unwind(Box::new("as asked for"));
            }
        }

        let (mut asked, rights) = asked();
        let waker = Waker::from(Arc::new(Grenade));
        assert!(Pin::new(&mut asked).poll(&mut Context::from_waker(&waker)).is_pending());
        rights.into_iter().for_each(|right| right.give(1));
        assert_eq!(poll(&mut asked), Poll::Ready(Answers { given: vec![1; 3], silent: vec![] }));
    }
}
