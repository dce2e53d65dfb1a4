//! Handlers that want to know of the end: of their client, their connection, their server.
//!
//! Not here: what most requests need (`site.rs`).

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use super::features::TIME_LIMIT;
use super::site::{Stage, Witness, yield_once};
use crate::{
    OnDisconnect, Request, Response, Router, Server, ServerRef, on_disconnect, time_limit,
};

pub(super) fn lifetimes(site: Router, stage: &Arc<Stage>) -> Router {
    let site = hooks(states(site, stage), stage);
    let [finish, cancel, default, quick, watched, blocked, told, stream] =
        [(); 8].map(|()| Arc::clone(stage));
    let waits = |stage: Arc<Stage>| {
        move |r: Request| {
            let (stage, gate) = (Arc::clone(&stage), r.param("gate").unwrap_or("").to_owned());
            async move {
                let _witness = Witness(Arc::clone(&stage), "handler gone");
                stage.pass(&gate).await;
                yield_once().await;
                stage.add("handler finished", 1);
                "finished"
            }
        }
    };
    site.any("/rule/finish/{gate}", on_disconnect(OnDisconnect::Finish, waits(finish)))
        .any("/rule/cancel/{gate}", on_disconnect(OnDisconnect::Cancel, waits(cancel)))
        .any("/rule/default/{gate}", waits(default))
        .any("/rule/quick/{gate}", time_limit(TIME_LIMIT, waits(quick)))
        .any("/watched", move |r: Request| {
            let (stage, signal) = (Arc::clone(&watched), r.disconnected());
            assert!(!signal.is_set());
            async move {
                drop(r);
                stage.add("waiting", 1);
                signal.await;
                stage.add("told", 1);
                "nobody hears"
            }
        })
        .any("/watched/thread", move |r: Request| {
            let (stage, signal) = (Arc::clone(&blocked), r.disconnected());
            let inner = Arc::clone(&stage);
            thread::spawn(move || {
                inner.add("waiting", 1);
                assert!(signal.wait(None) && signal.is_set());
                inner.add("told", 1);
            });
            let gate = "watched";
            async move {
                stage.pass(gate).await;
                "answered"
            }
        })
        .any("/watched/late", move |r: Request| {
            let stage = Arc::clone(&told);
            // On a thread that asks only when the response is out.
            thread::spawn(move || {
                while stage.count("asked") == 0 {
                    stage.wait(TIME_LIMIT);
                }
                assert!(r.disconnected().is_set() && r.draining().is_set());
                stage.add("told", 1);
            });
            "answered"
        })
        .get("/drained", move |r: Request| {
            let (stage, draining) = (Arc::clone(&stream), r.draining());
            Response::stream(async move |mut writer| {
                writer.write("begun ").await?;
                stage.add("waiting", 1);
                draining.await;
                writer.write("drained").await?;
                writer.finish()
            })
        })
}

/// What a server is given. It shows that it is there once for all.
struct Label(String);

/// What a worker is given. It notes its end, and where that is.
struct PerWorker {
    stage: Arc<Stage>,
    thread: ThreadId,
    calls: Rc<Cell<usize>>,
}

impl Drop for PerWorker {
    fn drop(&mut self) {
        let is_at_home = self.thread == thread::current().id();
        self.stage.add(if is_at_home { "worker state gone" } else { "worker state lost" }, 1);
    }
}

pub(super) fn with_states(server: Server, stage: &Arc<Stage>) -> Server {
    let stage = Arc::clone(stage);
    server
        .with_state(Label("first".to_owned()))
        .with_state(7_u32)
        .with_state(Label("second".into()))
        .with_worker_state(move || {
            stage.add("worker state", 1);
            let (stage, calls) = (Arc::clone(&stage), Rc::default());
            PerWorker { stage, thread: thread::current().id(), calls }
        })
}

fn states(site: Router, stage: &Arc<Stage>) -> Router {
    let killed = Arc::clone(stage);
    site.get("/state", |r: Request| {
        let label = r.state::<Label>().map_or("none", |label| &label.0);
        format!("{label} {:?} {:?}", r.state::<u32>(), r.state::<u64>())
    })
    .get("/extensions", |mut r: Request| {
        let before = r.extensions_mut().insert(7_u32);
        format!("{before:?} {:?}", r.extensions().get::<u32>())
    })
    .get("/state/worker", async |r: Request| {
        let own = r.worker_state::<PerWorker>().expect("it was given");
        yield_once().await;
        assert_eq!(own.thread, thread::current().id());
        own.calls.set(own.calls.get() + 1);
        own.calls.get().to_string()
    })
    .get("/state/thread", |r: Request| {
        let thread = thread::spawn(move || {
            let label = r.state::<Label>().map(|label| label.0.clone());
            let has_own = r.worker_state::<PerWorker>().is_some();
            let stats = r.server().stats().expect("it runs");
            let is_current = ServerRef::current().is_some();
            format!("{label:?} {has_own} {is_current} {}", stats.requests > 0)
        });
        thread.join().expect("it does not panic")
    })
    .get("/server", |r: Request| {
        let (asked, current) = (r.server(), ServerRef::current().expect("it runs here"));
        assert_eq!(asked.local_addrs(), current.local_addrs());
        assert!(asked.stop_switch().is_some_and(|switch| !switch.is_used()));
        let stats = current.stats().expect("it runs");
        format!(
            "{} {}",
            stats.connections,
            r.local_addr().is_some_and(|addr| asked.local_addrs().contains(&addr))
        )
    })
    .get("/server/connections", async |r: Request| {
        let connections = r.server().connections().await.expect("it runs");
        connections.list.iter().any(|one| one.id == r.connection_id()).to_string()
    })
    .post("/server/kill", move |r: Request| {
        let witness = Witness(Arc::clone(&killed), "handler gone");
        async move {
            let _witness = witness;
            r.server().kill(r.connection_id()).await;
            std::future::pending::<()>().await;
        }
    })
    .post("/server/stop", async |r: Request| {
        let switch = r.server().stop_switch().expect("it runs");
        switch.stop();
        "as you wish"
    })
}

/// Notes when the last clone is gone.
#[derive(Clone)]
struct Attached(#[expect(dead_code, reason = "it is dropped")] Arc<Witness>);

fn hooks(site: Router, stage: &Arc<Stage>) -> Router {
    let [attach, hooked] = [(); 2].map(|()| Arc::clone(stage));
    site.get("/attach", move |r: Request| {
        r.connection_extensions(|extensions| {
            let witness = || Arc::new(Witness(Arc::clone(&attach), "attached gone"));
            if extensions.get::<Attached>().is_none() {
                extensions.insert(Attached(witness()));
            }
            let count = extensions.get_or_insert_default::<usize>();
            *count += 1;
            count.to_string()
        })
    })
    .any("/hooked/{how}", move |r: Request| {
        let stage = Arc::clone(&hooked);
        // Each hook sees how many of this request's were called before.
        let [ended, closed] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        for (number, name) in ["last", "second", "first"].into_iter().enumerate() {
            let (ends, closes) = (Arc::clone(&stage), Arc::clone(&stage));
            let (ended, closed) = (Arc::clone(&ended), Arc::clone(&closed));
            r.on_end(move || {
                let before = ended.fetch_add(1, Ordering::Relaxed);
                ends.add("ended", 1);
                ends.add(&format!("{name} ended as {before}"), 1);
                if number == 1 {
                    resume_unwind(Box::new("as asked for"));
                }
            });
            r.on_connection_close(move || {
                let before = closed.fetch_add(1, Ordering::Relaxed);
                closes.add("closed", 1);
                closes.add(&format!("{name} closed as {before}"), 1);
                if number == 1 {
                    resume_unwind(Box::new("as asked for"));
                }
            });
        }
        async move {
            let how = r.param("how").unwrap_or_default().to_owned();
            match how.as_str() {
                "returns" => {}
                "panics" => resume_unwind(Box::new("as asked for")),
                "streams" => {
                    return Response::stream(async move |mut writer| {
                        writer.write("begun").await?;
                        stage.pass("stream").await;
                        writer.finish()
                    });
                }
                gate => stage.pass(gate).await,
            }
            Response::text(how)
        }
    })
}
