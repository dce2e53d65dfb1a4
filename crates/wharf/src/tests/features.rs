//! Handlers that use what only some requests need: trailers, interim responses, other protocols,
//! bounds of their own.
//!
//! Not here: what most requests need (`site.rs`).

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use super::site::{Stage, Witness, panic_quietly, yield_once};
use crate::{
    BlockingStream, Body, BodyError, BoxError, Headers, Io, Protocol, Request, Response, Router,
    StatusCode, Stream, body_limit, time_limit,
};

/// How long the handlers with a bound of their own may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_millis(200);

pub(super) fn features(site: Router, stage: &Arc<Stage>) -> Router {
    let site = site
        .any("/trailers", |r: Request| shown(r.body().trailers()))
        .any("/trailers/later", async |mut r: Request| {
            r.body_mut().bytes().await?;
            Ok::<_, BodyError>(shown(r.body().trailers()))
        })
        .any("/trailers/sent", |_: Request| {
            Response::stream(async |mut writer| {
                writer.write("body").await?;
                let mut trailers = Headers::new();
                trailers.append("X-Checksum", "1234")?;
                trailers.append("Content-Length", "99")?;
                writer.finish_with(trailers)?;
                Ok::<_, BoxError>(())
            })
        })
        .get("/hints", async |r: Request| {
            r.send_interim(StatusCode::EARLY_HINTS, hint("/a"))?;
            yield_once().await;
            r.send_interim(StatusCode::PROCESSING, Headers::new())?;
            Ok::<_, BoxError>("done")
        })
        .get("/hints/now", |r: Request| {
            let sent = r.send_interim(StatusCode::EARLY_HINTS, hint("/a"));
            let refused = r.send_interim(StatusCode::OK, Headers::new());
            format!("{sent:?} {refused:?}")
        })
        .any("/upgrade", |r: Request| match r.offers_upgrade("echo") {
            true => Response::upgrade("echo", echo).with_header("X-Echo", "1"),
            false => Response::text("plain"),
        })
        .any("/upgrade/always", |_: Request| Response::upgrade("echo", echo))
        .any("/upgrade/invalid", |_: Request| {
            Response::upgrade("echo", echo).with_header("X-Split", "a\r\nB: c")
        });
    bounds(upgrades(site, stage), stage)
        .host("tunnel.test", |_: Request| Response::upgrade("", echo))
}

/// Ways to go on with another protocol.
fn upgrades(site: Router, stage: &Arc<Stage>) -> Router {
    let [later, reader, counted] = [(); 3].map(|()| Arc::clone(stage));
    let dropped = Arc::clone(stage);
    site.any("/upgrade/blocking", |_: Request| Response::upgrade_blocking("echo", echo_blocking))
        .any("/upgrade/lines", |_: Request| Response::upgrade_to("echo", || Lines))
        .any("/upgrade/unmade", |_: Request| {
            Response::upgrade_to("echo", || -> Lines { panic_quietly() })
        })
        .any("/upgrade/panics", |_: Request| {
            Response::upgrade("echo", async |stream: Stream| {
                if stream.is_draining() {
                    return;
                }
                panic_quietly();
            })
        })
        .any("/upgrade/later/{gate}", move |r: Request| {
            let stage = Arc::clone(&later);
            async move {
                stage.pass(r.param("gate").unwrap_or_default()).await;
                Response::upgrade("echo", echo)
            }
        })
        .any("/upgrade/reader", move |_: Request| {
            let stage = Arc::clone(&reader);
            Response::upgrade("echo", async move |mut stream: Stream| {
                stream.shutdown_write()?;
                let mut buffer = [0; 4096];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => break,
                        len => stage.add("read", len),
                    }
                }
                stage.add("read to the end", 1);
                Ok::<_, io::Error>(())
            })
        })
        .any("/upgrade/left", move |r: Request| {
            let stage = Arc::clone(&counted);
            r.on_connection_close(move || stage.add("left", 1));
            Response::upgrade("echo", echo)
        })
        .any("/upgrade/told", move |_: Request| {
            let stage = Arc::clone(&dropped);
            let draining = Arc::clone(&stage);
            Response::upgrade("echo", async move |stream: Stream| {
                let _witness = Witness(stage, "handler gone");
                draining.add("waits", 1);
                stream.draining().await;
                draining.add("told", 1);
                std::future::pending::<()>().await;
            })
        })
}

/// What has bounds of its own, and what fails.
fn bounds(site: Router, stage: &Arc<Stage>) -> Router {
    let [gated, late, dropped] = [(); 3].map(|()| Arc::clone(stage));
    let waits = move |r: Request| {
        let stage = Arc::clone(&gated);
        async move {
            stage.pass(r.param("gate").unwrap_or_default()).await;
            "through"
        }
    };
    site.any("/limit/more", body_limit(4000, |r: Request| whole(&r)))
        .any("/limit/less", body_limit(10, |r: Request| whole(&r)))
        .any("/limit/nested", body_limit(10, body_limit(4000, |r: Request| whole(&r))))
        .any("/limit/echo", body_limit(10, async |r: Request| r.into_body()))
        .any("/limit/late/{gate}", move |mut r: Request| {
            let stage = Arc::clone(&late);
            async move {
                stage.pass(r.param("gate").unwrap_or_default()).await;
                r.body_mut().set_max_bytes(10);
                r.body_mut().bytes().await
            }
        })
        .any("/limit/own", async |mut r: Request| {
            r.body_mut().set_max_bytes(4000);
            r.body_mut().bytes().await
        })
        .any("/quick/{gate}", time_limit(TIME_LIMIT, waits))
        .any("/patient/late", async |mut r: Request| {
            yield_once().await;
            r.body_mut().set_timeout(Duration::from_secs(60));
            r.body_mut().bytes().await
        })
        .any("/limit/dropped/{gate}", move |r: Request| {
            let stage = Arc::clone(&dropped);
            async move {
                let gate = r.param("gate").unwrap_or_default().to_owned();
                drop(r);
                stage.pass(&gate).await;
                "not read"
            }
        })
        .any("/patient", async |mut r: Request| {
            r.body_mut().set_timeout(Duration::from_secs(60));
            r.body_mut().set_min_rate(0);
            r.body_mut().bytes().await
        })
        .get("/impatient", |_: Request| {
            Response::from(Body::from(vec![0; 32 << 20])).with_write_timeout(TIME_LIMIT)
        })
        .get("/failure", |_: Request| {
            Response::failure(StatusCode::BAD_GATEWAY, "the secret behind it")
        })
}

fn whole(request: &Request) -> Vec<u8> {
    request.body().as_bytes().unwrap_or(b"not there").to_vec()
}

fn shown(trailers: Option<&Headers>) -> String {
    let Some(trailers) = trailers else { return "none".to_owned() };
    let show = |(name, value): (&str, &[u8])| format!("{name}={};", value.escape_ascii());
    trailers.iter().map(show).collect()
}

fn hint(path: &str) -> Headers {
    let mut headers = Headers::new();
    headers.append("Link", format!("<{path}>; rel=preload")).expect("a valid field");
    headers
}

/// Sends back what comes until the peer closes its side.
async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.write_all(b"bye").await,
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

fn echo_blocking(mut stream: BlockingStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return stream.write_all(b"bye"),
            len => stream.write_all(&buffer[..len])?,
        }
    }
}

/// Sends each line back, and what has no end at the end.
struct Lines;

impl Protocol for Lines {
    fn on_open(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        io.write(b"hello\n");
        Ok(())
    }

    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        io.write(&bytes[..whole]);
        Ok(whole)
    }

    fn on_end(&mut self, unread: &[u8], io: &mut Io<'_>) -> Result<(), BoxError> {
        io.write(unread);
        io.finish();
        Ok(())
    }
}
