//! What is served in a simulation: a site that answers in every way there is, and keeps books.
//!
//! Each request carries an id, which its response repeats. What a handler does is decided by the
//! request alone, so that a run depends on nothing but its seed. Not here: what is asked
//! (`script.rs`).

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::body::BodyError;
use crate::driver::sim::SimNet;
use crate::{Access, Closed, Request, Response, Router};

/// How long a handler waits for another connection before it goes on alone.
const WAIT: Duration = Duration::from_secs(5);

/// The books of one run, and its simulated timers.
pub(super) struct World {
    net: SimNet,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How often a handler was called for an id, and ended in the access log.
    calls: HashMap<String, usize>,
    logged: HashMap<String, Vec<Logged>>,
    /// Futures and producers that exist.
    alive: usize,
    timers: Vec<(Duration, Waker)>,
    open_keys: HashSet<String>,
    waiting: Vec<Waker>,
}

/// One entry of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) status: Option<u16>,
    pub(super) complete: bool,
}

impl World {
    pub(super) fn new(net: &SimNet) -> Arc<Self> {
        Arc::new(Self { net: net.clone(), state: Mutex::default() })
    }

    /// How often a handler was called for that id.
    pub(super) fn calls(&self, id: &str) -> usize {
        self.lock().calls.get(id).copied().unwrap_or(0)
    }

    /// What was logged for that id; for an empty one, of requests whose head could not be read.
    pub(super) fn logged(&self, id: &str) -> Vec<Logged> {
        self.lock().logged.get(id).cloned().unwrap_or_default()
    }

    /// How many futures and producers exist.
    pub(super) fn alive(&self) -> usize {
        self.lock().alive
    }

    /// When the next simulated timer is due.
    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.lock().timers.iter().map(|(at, _)| *at).min()
    }

    /// Wakes those whose time has come.
    pub(super) fn fire(&self) {
        let now = self.net.time();
        let mut state = self.lock();
        let timers = std::mem::take(&mut state.timers);
        let (due, later): (Vec<_>, Vec<_>) = timers.into_iter().partition(|(at, _)| *at <= now);
        state.timers = later;
        drop(state);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Notes a request in the access log.
    pub(super) fn log(&self, access: &Access<'_>) {
        let id = access.target().split('/').nth(2).unwrap_or_default();
        let status = access.status.map(|status| status.as_u16());
        let entry = Logged { status, complete: access.complete };
        self.lock().logged.entry(id.to_owned()).or_default().push(entry);
    }

    /// Waits in virtual time.
    async fn sleep(&self, time: Duration) {
        let until = self.net.time() + time;
        poll_fn(|cx| self.poll_time(until, cx)).await;
    }

    /// Waits until another request opens `key`, or for a while.
    async fn wait_for(&self, key: &str) {
        let until = self.net.time() + WAIT;
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.open_keys.contains(key) {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            drop(state);
            self.poll_time(until, cx)
        })
        .await;
    }

    fn open(&self, key: &str) {
        let mut state = self.lock();
        state.open_keys.insert(key.to_owned());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll_time(&self, until: Duration, cx: &Context<'_>) -> Poll<()> {
        if self.net.time() >= until {
            return Poll::Ready(());
        }
        self.lock().timers.push((until, cx.waker().clone()));
        Poll::Pending
    }

    /// Notes that a handler was called.
    fn enter(self: &Arc<Self>, request: &Request) -> Visit {
        let id = request.param("id").unwrap_or_default().to_owned();
        let number = request.param("number").and_then(|number| number.parse().ok());
        *self.lock().calls.entry(id.clone()).or_default() += 1;
        Visit { life: self.live(), id, number: number.unwrap_or(0) }
    }

    fn live(self: &Arc<Self>) -> Life {
        self.lock().alive += 1;
        Life(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as alive until it is dropped.
struct Life(Arc<World>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.lock().alive -= 1;
    }
}

/// One request in its handler.
struct Visit {
    life: Life,
    id: String,
    number: usize,
}

impl Visit {
    fn world(&self) -> &World {
        &self.life.0
    }

    fn answer(&self, response: Response) -> Response {
        response.with_header("X-Id", &self.id)
    }
}

/// What the body of a response should be that says it knows `body`.
pub(super) fn digest(id: &str, body: &[u8]) -> String {
    // FNV-1a.
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{id} {} {hash:x}", body.len())
}

/// The pieces of a streamed response.
pub(super) fn piece(id: &str, number: usize) -> String {
    format!("{id}.{number};").repeat(1 + number % 40)
}

/// A body in memory.
pub(super) fn block(id: &str, len: usize) -> Vec<u8> {
    id.bytes().cycle().take(len).collect()
}

/// The site. Each path is `/kind/{id}` or `/kind/{id}/{number}`.
pub(super) fn site(world: &Arc<World>) -> Router {
    let at = || Arc::clone(world);
    let (sync, block_at, bye, panic) = (at(), at(), at(), at());
    let site = Router::new()
        .any("/sync/{id}", move |r: Request| {
            let visit = sync.enter(&r);
            let body = r.body().as_bytes().expect("the body has come");
            visit.answer(Response::text(digest(&visit.id, body)))
        })
        .any("/block/{id}/{number}", move |r: Request| {
            let visit = block_at.enter(&r);
            visit.answer(Response::from(crate::Body::from(block(&visit.id, visit.number))))
        })
        .any("/bye/{id}", move |r: Request| {
            let visit = bye.enter(&r);
            visit.answer(Response::text("bye")).with_header("Connection", "close")
        })
        .any("/panic/{id}", move |r: Request| -> &'static str {
            let _visit = panic.enter(&r);
            resume_unwind(Box::new("as asked for"))
        });
    streams(asynchronous(site, world), world)
}

fn asynchronous(site: Router, world: &Arc<World>) -> Router {
    let at = || Arc::clone(world);
    let (ready, timer, wait, wake, echo, pieces) = (at(), at(), at(), at(), at(), at());
    site.any("/ready/{id}", move |r: Request| {
        let visit = ready.enter(&r);
        async move { visit.answer(Response::text("ready")) }
    })
    .any("/timer/{id}/{number}", move |r: Request| {
        let visit = timer.enter(&r);
        async move {
            let millis = u64::try_from(visit.number).expect("a usize fits");
            visit.world().sleep(Duration::from_millis(millis)).await;
            visit.answer(Response::text("slept"))
        }
    })
    .any("/wait/{id}/{number}", move |r: Request| {
        let visit = wait.enter(&r);
        async move {
            visit.world().wait_for(&visit.number.to_string()).await;
            visit.answer(Response::text("waited"))
        }
    })
    .any("/wake/{id}/{number}", move |r: Request| {
        let visit = wake.enter(&r);
        visit.world().open(&visit.number.to_string());
        async move { visit.answer(Response::text("woke")) }
    })
    .any("/echo/{id}", move |r: Request| {
        let visit = echo.enter(&r);
        async move { visit.answer(Response::from(r.into_body())) }
    })
    .any("/pieces/{id}", move |mut r: Request| {
        let visit = pieces.enter(&r);
        async move {
            let mut whole = Vec::new();
            while let Some(piece) = r.body_mut().chunk().await? {
                whole.extend_from_slice(&piece);
                if whole.len() % 3 == 0 {
                    visit.world().sleep(Duration::from_millis(20)).await;
                }
            }
            Ok::<_, BodyError>(visit.answer(Response::text(digest(&visit.id, &whole))))
        }
    })
}

fn streams(site: Router, world: &Arc<World>) -> Router {
    let at = || Arc::clone(world);
    let (stream, declared, relay, abort) = (at(), at(), at(), at());
    site.any("/stream/{id}/{number}", move |r: Request| {
        let visit = stream.enter(&r);
        let response = visit.answer(produce(&stream, &visit, true));
        async move { response }
    })
    .any("/declared/{id}/{number}", move |r: Request| {
        let visit = declared.enter(&r);
        let len: usize = (0..visit.number).map(|number| piece(&visit.id, number).len()).sum();
        let response = visit.answer(produce(&declared, &visit, true));
        let response = response.with_header("Content-Length", len.to_string());
        async move { response }
    })
    .any("/relay/{id}", move |mut r: Request| {
        let visit = relay.enter(&r);
        let mut body = std::mem::take(r.body_mut());
        let response = Response::new(crate::StatusCode::OK).with_header("X-Id", &visit.id);
        async move {
            response.with_body(crate::Body::stream(async move |mut writer| {
                let _visit = visit;
                loop {
                    match body.chunk().await {
                        Ok(Some(piece)) => writer.write(piece).await?,
                        Ok(None) => return writer.finish(),
                        Err(_) => return Err(Closed),
                    }
                }
            }))
        }
    })
    .any("/abort/{id}/{number}", move |r: Request| {
        let visit = abort.enter(&r);
        let response = visit.answer(produce(&abort, &visit, false));
        async move { response }
    })
}

/// A body of so many pieces, some of which take their time, and all of which may be unfinished.
fn produce(world: &Arc<World>, visit: &Visit, finishes: bool) -> Response {
    let (world, id, count) = (Arc::clone(world), visit.id.clone(), visit.number);
    Response::stream(async move |mut writer| {
        let life = world.live();
        for number in 0..count {
            writer.write(piece(&id, number)).await?;
            match number % 16 {
                3 => writer.flush().await?,
                9 => life.0.sleep(Duration::from_millis(30)).await,
                _ => {}
            }
        }
        if finishes { writer.finish() } else { Err(Closed) }
    })
}
