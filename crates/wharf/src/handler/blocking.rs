//! [`blocking`]: handlers that may block, on threads of their own.
//!
//! A handler becomes a job, and the way back of its response a future that the connection polls
//! like any other handler's. Not here: the threads (`threads.rs`), and for how long a request waits
//! for one (`conn/h1`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::{Method, StatusCode};
use wharf_proto::Reject;

use super::{Handler, Maker, Reply};
use crate::body::BodyError;
use crate::pool;
use crate::request::Request;
use crate::response::{IntoResponse, Response};
use crate::threads::Job;

/// Has `handler` called on a thread of the server's [`BlockingPool`](crate::BlockingPool), where it
/// may block.
///
/// It is called as soon as the request's head has come and a thread is free, and reads the body
/// with [`Body::bytes_blocking`] or, piece by piece and with back-pressure,
/// [`Body::chunk_blocking`]. A body that it writes while it goes along is one of
/// [`Body::stream_blocking`].
///
/// * While all threads are busy the request waits, and not for ever: it is answered with 503 and
///   `Retry-After` then.
/// * A panic is answered with 500; the thread lives on.
/// * A request whose client goes away, or whose [time limit](crate::time_limit) is reached, before
///   it has a thread is dropped. A handler that runs can't be ended: its thread is busy until it
///   returns, and what it returns is dropped.
/// * [`body_limit`](crate::body_limit) and [`time_limit`](crate::time_limit) go around it:
///   `body_limit(20 << 20, blocking(...))`. A bound that the handler itself sets may come too late
///   for the first bytes.
///
/// ```
/// use wharf::{BodyError, Request, Router, blocking};
///
/// let site = Router::new().post("/count", blocking(|mut request: Request| {
///     let mut lines = 0;
///     while let Some(piece) = request.body_mut().chunk_blocking()? {
///         lines += piece.iter().filter(|&&byte| byte == b'\n').count();
///     }
///     Ok::<_, BodyError>(format!("{lines} lines\n"))
/// }));
/// # let _ = wharf::Server::new(site);
/// ```
///
/// [`Body::bytes_blocking`]: crate::Body::bytes_blocking
/// [`Body::chunk_blocking`]: crate::Body::chunk_blocking
/// [`Body::stream_blocking`]: crate::Body::stream_blocking
pub fn blocking<F, R>(handler: F) -> Blocking<F>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Blocking(Arc::new(handler))
}

/// A handler that may block: see [`blocking`].
#[derive(Debug)]
pub struct Blocking<F>(Arc<F>);

impl<F, R> Handler for Blocking<F>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(&self, request: Request) -> Reply {
        if request.body().is_too_large() {
            return Reply::ready(BodyError::from(Reject::BodyTooLarge));
        }
        let function = Arc::clone(&self.0);
        let shared = Arc::new(Mutex::default());
        let sender = Sender { shared: Arc::clone(&shared) };
        let job: Job = Box::new(move || run(&*function, request, sender));
        let task = BlockingTask { job, answer: Answer { shared } };
        Reply::made_by(Maker::Thread(task))
    }
}

/// What a pool is to do for a request, and what will come of it.
pub(crate) struct BlockingTask {
    pub(crate) job: Job,
    pub(crate) answer: Answer,
}

/// Calls a handler on a thread of the pool.
fn run<R: IntoResponse>(function: impl Fn(Request) -> R, request: Request, sender: Sender) {
    let is_head = *request.method() == Method::HEAD;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut response = function(request).into_response();
        let production = response.body_mut().begin_blocking();
        (response, production)
    }));
    let (result, production) = match result {
        Ok((response, production)) => (Ok(response), production),
        Err(panic) => (Err(panic), None),
    };
    sender.send(result);
    // Nobody takes the body of a response to HEAD.
    if let Some(produce) = production.filter(|_| !is_head) {
        produce();
    }
    // This thread serves no requests for which it would be worth keeping.
    pool::clear_all();
}

/// The response of a handler on another thread.
pub(crate) struct Answer {
    shared: Arc<Mutex<State>>,
}

struct Sender {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
enum State {
    #[default]
    Begun,
    Awaited(Waker),
    There(Result<Response, Box<dyn Any + Send>>),
    /// Nobody waits for it any more, or has taken it.
    Over,
    /// There will be none.
    Dropped,
}

impl Sender {
    fn send(self, result: Result<Response, Box<dyn Any + Send>>) {
        self.change(State::There(result));
    }

    /// Says what has become of the job. What is not taken is dropped without the lock.
    fn change(&self, next: State) {
        let mut state = lock(&self.shared);
        if matches!(*state, State::Over | State::There(_)) {
            drop(state);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(next)));
            return;
        }
        let before = std::mem::replace(&mut *state, next);
        drop(state);
        if let State::Awaited(waker) = before {
            waker.wake();
        }
    }
}

/// A job may be dropped without being run.
impl Drop for Sender {
    fn drop(&mut self) {
        self.change(State::Dropped);
    }
}

impl Future for Answer {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut state = lock(&self.shared);
        match std::mem::replace(&mut *state, State::Over) {
            State::There(Ok(response)) => Poll::Ready(response),
            // As if the handler had been called here.
            State::There(Err(panic)) => {
                drop(state);
                resume_unwind(panic)
            }
            State::Begun => {
                *state = State::Awaited(cx.waker().clone());
                Poll::Pending
            }
            State::Awaited(mut waker) => {
                waker.clone_from(cx.waker());
                *state = State::Awaited(waker);
                Poll::Pending
            }
            State::Over | State::Dropped => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Poll::Ready(Response::failure(status, "the server's threads have stopped"))
            }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *lock(&self.shared), State::Over);
        drop(state);
    }
}

/// Nothing of the program's runs under this lock.
fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
