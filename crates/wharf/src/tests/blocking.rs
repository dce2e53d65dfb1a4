//! Handlers that block, on a pool of threads.
//!
//! Not here: handlers that must not (`site.rs`).

use std::sync::Arc;
use std::thread;

use super::features::TIME_LIMIT;
use super::site::{LARGE_BYTES, MEGABYTE, Stage, panic_quietly};
use crate::{
    Blocking, Body, BodyError, BodyWriter, Bytes, Closed, Handler, Reply, Request, Router,
    blocking, body_limit, time_limit,
};

/// Counts the requests that its handler is asked for, on the worker.
struct Noted<F>(Arc<Stage>, Blocking<F>);

impl<F> Handler for Noted<F>
where
    Blocking<F>: Handler,
{
    fn call(&self, request: Request) -> Reply {
        self.0.add("asked", 1);
        self.1.call(request)
    }
}

pub(super) fn blocking_handlers(site: Router, stage: &Arc<Stage>) -> Router {
    let gated = |stage: &Arc<Stage>| {
        let stage = Arc::clone(stage);
        blocking(move |r: Request| {
            let gate = r.param("gate").unwrap_or_default();
            stage.pass_blocking(gate);
            stage.add("passed", 1);
            format!("through {gate}")
        })
    };
    let read = Arc::clone(stage);
    let site = site
        .any("/blocking/gate/{gate}", Noted(Arc::clone(stage), gated(stage)))
        .any("/blocking/quick/{gate}", time_limit(TIME_LIMIT, gated(stage)))
        .get(
            "/blocking/name",
            blocking(|_: Request| thread::current().name().unwrap_or("none").to_owned()),
        )
        .any("/blocking/panic", blocking(|_: Request| -> &'static str { panic_quietly() }))
        .any("/blocking/whole", blocking(|mut r: Request| r.body_mut().bytes_blocking()))
        .any(
            "/blocking/small",
            body_limit(10, blocking(|mut r: Request| r.body_mut().bytes_blocking())),
        )
        .any(
            "/blocking/late/{gate}",
            body_limit(
                LARGE_BYTES as u64,
                blocking(move |mut r: Request| {
                    read.pass_blocking(r.param("gate").unwrap_or_default());
                    let mut len = 0;
                    while let Some(piece) = r.body_mut().chunk_blocking()? {
                        len += piece.len();
                    }
                    read.add("read", 1);
                    Ok::<_, BodyError>(format!("{len} bytes"))
                }),
            ),
        );
    streams(site, stage)
}

/// Responses that come in pieces.
fn streams(site: Router, stage: &Arc<Stage>) -> Router {
    let produced = Arc::clone(stage);
    let relay = blocking(|mut r: Request| {
        let mut body = std::mem::take(r.body_mut());
        Body::stream_blocking(move |mut writer| {
            while let Ok(Some(piece)) = body.chunk_blocking() {
                writer.write_blocking(piece)?;
            }
            writer.finish()
        })
    });
    let large = blocking(move |_: Request| {
        let stage = Arc::clone(&produced);
        Body::stream_blocking(move |mut writer| {
            let piece = Bytes::from_static(&MEGABYTE[..32 << 10]);
            let result = (0..LARGE_BYTES / piece.len()).try_for_each(|_| {
                writer.write_blocking(piece.clone())?;
                stage.add("produced", piece.len());
                Ok::<_, Closed>(())
            });
            stage.add("producer gone", 1);
            result.and_then(|()| writer.finish())
        })
    });
    let unfinished =
        blocking(|_: Request| Body::stream_blocking(|mut writer| writer.write_blocking("begun")));
    site.any("/blocking/relay", relay)
        .any("/blocking/large", large)
        .get("/blocking/unfinished", unfinished)
        .get("/blocking/elsewhere", |_: Request| Body::stream_blocking(BodyWriter::finish))
}
