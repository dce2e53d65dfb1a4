//! What the cases ask: one site with something of everything that a handler can do.
//!
//! [`Stage`] lets a case hold handlers up and see what became of them. Not here: what is asked
//! (`cases`).

use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use super::blocking::blocking_handlers;
use super::features::features;
use super::lifetimes::lifetimes;
use super::on_disk::on_disk;
use crate::body::{Body, BodyError};
use crate::{Bytes, Closed, Request, Response, Router, StatusCode};

/// A large body that is never copied.
pub(super) static MEGABYTE: [u8; 1 << 20] = [b'm'; 1 << 20];

/// How much `/large` sends: more than sockets and their buffers hold between them.
pub(super) const LARGE_BYTES: usize = 32 << 20;

/// Lets a case and the handlers know of each other.
#[derive(Default)]
pub(super) struct Stage {
    state: Mutex<StageState>,
    changed: Condvar,
}

#[derive(Default)]
struct StageState {
    counts: HashMap<String, usize>,
    open_gates: Vec<String>,
    waiting: Vec<Waker>,
}

impl Stage {
    /// Notes that something happened.
    pub(super) fn add(&self, name: &str, count: usize) {
        *self.lock().counts.entry(name.to_owned()).or_default() += count;
        self.changed.notify_all();
    }

    /// How often it has happened.
    pub(super) fn count(&self, name: &str) -> usize {
        self.lock().counts.get(name).copied().unwrap_or(0)
    }

    /// Waits until something happens, but not for longer than `at_most`.
    pub(super) fn wait(&self, at_most: Duration) {
        drop(self.changed.wait_timeout(self.lock(), at_most));
    }

    /// Lets those go on who wait at the gate.
    pub(super) fn open(&self, gate: &str) {
        let mut state = self.lock();
        state.open_gates.push(gate.to_owned());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self, gate: &str) {
        self.add("waiting", 1);
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.open_gates.iter().any(|open| open == gate) {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until the gate is open, on a thread that may block.
    pub(super) fn pass_blocking(&self, gate: &str) {
        self.add("waiting", 1);
        let is_closed = |state: &mut StageState| !state.open_gates.iter().any(|open| open == gate);
        let waited = self.changed.wait_while(self.lock(), is_closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, StageState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes when it is dropped.
pub(super) struct Witness(pub(super) Arc<Stage>, pub(super) &'static str);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.add(self.1, 1);
    }
}

/// Unwinds as a panic does, without the report on the terminal.
pub(super) fn panic_quietly() -> ! {
    resume_unwind(Box::new("as asked for"))
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic_quietly();
        }
    }
}

/// Bytes of a body, few or many, which panic when they are dropped.
struct OwnedGrenade(Grenade);

impl AsRef<[u8]> for OwnedGrenade {
    fn as_ref(&self) -> &[u8] {
        b"owned"
    }
}

struct LargeGrenade(Grenade);

impl AsRef<[u8]> for LargeGrenade {
    fn as_ref(&self) -> &[u8] {
        &MEGABYTE[..40_000]
    }
}

/// A future that is ready, and panics when it is dropped.
struct ReadyGrenade(Grenade);

impl Future for ReadyGrenade {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
        Poll::Ready("ready")
    }
}

/// The site.
pub(super) fn site(stage: &Arc<Stage>) -> Router {
    let site = Router::new()
        .get("/", "hello")
        .get("/page/{number}", |r: Request| format!("page {}", r.param("number").unwrap_or("?")))
        .any("/fields", fields)
        .get("/peer", |r: Request| format!("{} {:?}", r.peer_addr(), r.local_addr()))
        .get("/id", |r: Request| r.connection_id().to_string())
        .get("/cookies", |r: Request| {
            r.cookies().map(|(name, value)| format!("{name}={value};")).collect::<String>()
        })
        .get("/query", |r: Request| {
            r.query_pairs().map(|(name, value)| format!("{name}={value};")).collect::<String>()
        })
        .get("/bye", |_: Request| Response::text("bye").with_header("Connection", "close"))
        .get("/invalid", |_: Request| Response::text("a").with_header("X-Split", "a\r\nB: c"))
        .get("/megabyte", |_: Request| Response::from(Body::from(&MEGABYTE[..])))
        .get("/shared", async |_: Request| {
            let shared = Rc::new("not for other threads");
            yield_once().await;
            shared.to_string()
        });
    let site = on_disk(blocking_handlers(lifetimes(site, stage), stage), stage);
    features(types(bodies(streams(failures(site, stage), stage), stage)), stage)
}

/// The names and values of the request's fields, as they came.
#[expect(clippy::needless_pass_by_value, reason = "this is what a handler looks like")]
fn fields(request: Request) -> String {
    let lines = request.headers().iter();
    lines.map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value))).collect()
}

/// Everything that can become a response.
fn types(site: Router) -> Router {
    site.get("/text", "text")
        .get("/bytes", Bytes::from_static(b"bytes"))
        .get("/slice", &b"slice"[..])
        .get("/teapot", StatusCode::IM_A_TEAPOT)
        .get("/empty", StatusCode::NO_CONTENT)
        .any("/anything", StatusCode::ACCEPTED)
        .get("/unit", |_: Request| ())
        .get("/pair", |_: Request| (StatusCode::CREATED, "made"))
        .get("/triple", |_: Request| (StatusCode::ACCEPTED, [("X-A", "1"), ("X-B", "2")], "taken"))
        .get("/some", |_: Request| Some("something"))
        .get("/none", |_: Request| None::<&str>)
        .get("/good", |_: Request| Ok::<_, StatusCode>("good"))
        .get("/bad", |_: Request| Err::<(), _>((StatusCode::CONFLICT, "bad")))
        .get("/broken", |_: Request| Err::<(), _>(std::io::Error::other("secret")))
        .get("/interim", |_: Request| StatusCode::CONTINUE)
}

/// What is done with a request's body.
fn bodies(site: Router, stage: &Arc<Stage>) -> Router {
    let (in_pieces, gated) = (Arc::clone(stage), Arc::clone(stage));
    site.any("/whole", |r: Request| r.body().as_bytes().unwrap_or(b"not there").to_vec())
        .any("/echo", async |r: Request| r.into_body())
        .any("/pieces", move |mut r: Request| {
            let stage = Arc::clone(&in_pieces);
            async move {
                let _witness = Witness(Arc::clone(&stage), "reader gone");
                let mut len = 0;
                while let Some(piece) = r.body_mut().chunk().await? {
                    len += piece.len();
                    stage.add("body bytes", piece.len());
                }
                Ok::<_, BodyError>(format!("{len} bytes"))
            }
        })
        .any("/ignore", async |_: Request| "ignored")
        .any("/late/{gate}", move |mut r: Request| {
            let stage = Arc::clone(&gated);
            async move {
                let _witness = Witness(Arc::clone(&stage), "late gone");
                stage.pass(r.param("gate").unwrap_or_default()).await;
                r.body_mut().bytes().await
            }
        })
        .any("/elsewhere", async |mut r: Request| {
            let body = std::mem::take(r.body_mut());
            on_thread(move || read_blocking(body)).await
        })
        .any("/relay", async |mut r: Request| {
            let mut body = std::mem::take(r.body_mut());
            Response::stream(async move |mut writer| {
                while let Ok(Some(piece)) = body.chunk().await {
                    writer.write(piece).await?;
                }
                writer.finish()
            })
        })
}

/// Responses that come in pieces.
fn streams(site: Router, stage: &Arc<Stage>) -> Router {
    let (large, held) = (Arc::clone(stage), Arc::clone(stage));
    site.get("/numbers", |_: Request| numbers(1000, true))
        .get("/unfinished", |_: Request| numbers(10, false))
        .get("/declared", |_: Request| numbers(1000, true).with_header("Content-Length", "3890"))
        .get("/short", |_: Request| numbers(10, true).with_header("Content-Length", "21"))
        .get("/long", |_: Request| numbers(10, true).with_header("Content-Length", "19"))
        .get("/together", |_: Request| together(100, |number| format!("{number}, ")))
        .get("/together/all", |_: Request| {
            let pieces = together(100, |number| format!("{number}, "));
            pieces.with_header("Content-Length", "390")
        })
        .get("/together/long", |_: Request| together(200, |_| "0123456789".repeat(10)))
        .get("/large", move |_: Request| {
            let stage = Arc::clone(&large);
            Response::stream(async move |mut writer| {
                let _witness = Witness(Arc::clone(&stage), "producer gone");
                let piece = Bytes::from_static(&MEGABYTE[..32 << 10]);
                for _ in 0..LARGE_BYTES / piece.len() {
                    writer.write(piece.clone()).await?;
                    stage.add("produced", piece.len());
                }
                writer.finish()
            })
        })
        .any("/held/{gate}", move |r: Request| {
            let (stage, gate) = (Arc::clone(&held), r.param("gate").unwrap_or("").to_owned());
            let response = Response::stream(async move |mut writer| {
                let _witness = Witness(Arc::clone(&stage), "producer gone");
                writer.write("begun ").await?;
                stage.pass(&gate).await;
                writer.write("ended").await?;
                writer.finish()
            });
            async move { response }
        })
        .get("/from-thread", |_: Request| {
            let (mut writer, body) = Body::channel();
            thread::spawn(move || {
                for _ in 0..100 {
                    writer.write_blocking(&MEGABYTE[..10_000])?;
                }
                writer.finish()
            });
            Response::from(body)
        })
}

/// What goes wrong, and what takes long.
fn failures(site: Router, stage: &Arc<Stage>) -> Router {
    let gated = Arc::clone(stage);
    site.any("/panic", |_: Request| -> &'static str { panic_quietly() })
        .any("/panic/later", async |_: Request| -> &'static str {
            yield_once().await;
            panic_quietly()
        })
        .get("/panic/streaming", |_: Request| {
            Response::stream::<_, _, Closed>(async |mut writer| {
                writer.write("begun").await?;
                yield_once().await;
                panic_quietly()
            })
        })
        .any("/grenade/future", |_: Request| ReadyGrenade(Grenade))
        .any("/grenade/body", |_: Request| Bytes::from_owner(OwnedGrenade(Grenade)))
        .any("/grenade/large", |_: Request| Bytes::from_owner(LargeGrenade(Grenade)))
        .any("/grenade/waiting", async |_: Request| {
            let _grenade = Grenade;
            pending::<()>().await;
        })
        .any("/grenade/stream", |_: Request| {
            let grenade = Grenade;
            Response::stream::<_, _, Closed>(async move |writer| {
                let _grenade = grenade;
                writer.finish()?;
                pending().await
            })
        })
        .any("/gate/{gate}", move |r: Request| {
            let stage = Arc::clone(&gated);
            async move {
                let _witness = Witness(Arc::clone(&stage), "handler gone");
                let gate = r.param("gate").unwrap_or_default();
                stage.pass(gate).await;
                format!("through {gate}")
            }
        })
        .get("/thread", async |_: Request| on_thread(|| "from a thread").await)
        .fallback(|_: Request| (StatusCode::NOT_FOUND, "nothing here"))
}

/// So many pieces of a body, which is finished or not.
fn numbers(count: usize, finishes: bool) -> Response {
    Response::stream(async move |mut writer| {
        for number in 0..count {
            writer.write(format!("{number}\n")).await?;
            if number % 7 == 0 {
                writer.flush().await?;
            }
        }
        if finishes { writer.finish() } else { Err(Closed) }
    })
}

/// Pieces that are written in one turn.
fn together(count: usize, piece: fn(usize) -> String) -> Response {
    Response::stream(async move |mut writer| {
        for number in 0..count {
            writer.write(piece(number)).await?;
        }
        writer.finish()
    })
}

/// Lets everything else have a turn.
pub(super) async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What a thread of its own makes.
async fn on_thread<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    let made = Arc::new(Mutex::new(None));
    let mut make = Some(make);
    poll_fn(|cx| {
        if let Some(make) = make.take() {
            let (made, waker) = (Arc::clone(&made), cx.waker().clone());
            thread::spawn(move || {
                *made.lock().unwrap() = Some(make());
                waker.wake();
            });
            return Poll::Pending;
        }
        made.lock().unwrap().take().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Reads a body on a thread that is no worker.
fn read_blocking(mut body: Body) -> Result<Bytes, BodyError> {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut whole = std::pin::pin!(body.bytes());
    loop {
        match whole.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}
