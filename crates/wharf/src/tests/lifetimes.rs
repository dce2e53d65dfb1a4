//! Handlers that want to know of the end: of their client, their connection, their server.
//!
//! Not here: what most requests need (`site.rs`).

use std::sync::Arc;
use std::thread;

use super::features::TIME_LIMIT;
use super::site::{Stage, Witness, yield_once};
use crate::{OnDisconnect, Request, Response, Router, on_disconnect, time_limit};

pub(super) fn lifetimes(site: Router, stage: &Arc<Stage>) -> Router {
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
