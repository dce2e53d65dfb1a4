//! The common site on wharf with one worker, and an echo in each style (`echo.rs`), as a program
//! would write them.
//!
//! Not here: limits or timeouts other than the defaults.

mod echo;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::{env, io};

use anyhow::Result;
use peer_listen::{Options, Service, site};
use wharf::{Backend, Body, BodyError, Request, Response, Router, Server, Tls, body_limit};

/// Larger than any body that is sent to compare with others.
const MAX_BODY_BYTES: u64 = 1 << 30;

/// Of 64 KiB each: 100 MiB.
const LARGE_PIECES: usize = 1600;

fn main() -> Result<()> {
    let Options { address, service } = peer_listen::options()?;
    let server = match service {
        // The first bytes of a connection tell which version it is.
        Service::Http | Service::Http2 => Server::new(site()?).listen(address)?,
        Service::Tls { certificate, key } => {
            Server::new(site()?).listen_tls(address, Tls::from_pem_files(certificate, key)?)?
        }
        Service::Echo(style) => Server::with(echo::service(&style)?).listen(address)?,
    };
    let server = server.workers(1);
    // Epoll, unless `PEER_BACKEND` says otherwise.
    let server = match env::var("PEER_BACKEND").as_deref() {
        Ok("io_uring") => server.backend(Backend::IoUring),
        _ => server,
    };
    // A second thread makes the system library's calls dearer for the first.
    if env::var_os("PEER_STATS").is_none() {
        return Ok(server.run()?);
    }
    let server = server.start()?;
    // Whoever wants to know what was counted gives us a line.
    for line in io::stdin().lines() {
        line?;
        println!("{}", server.stats());
    }
    server.join()?;
    Ok(())
}

fn site() -> Result<Router> {
    Ok(Router::new()
        .get("/", |_: Request| text(site::HELLO))
        .get("/64k", sized(site::SIZED_64K)?)
        .get("/1m", sized(site::SIZED_1M)?)
        .get("/stream", |_: Request| stream())
        .get("/100m", |_: Request| large())
        .post("/upload", body_limit(MAX_BODY_BYTES, upload)))
}

/// A large response: from a file that is kept open, or with `PEER_MEMORY` from memory.
fn sized(body: &'static [u8]) -> Result<impl Fn(Request) -> Response> {
    let file = env::var_os("PEER_MEMORY").is_none().then(|| kept(body)).transpose()?;
    Ok(move |_: Request| match &file {
        None => text(body),
        Some(file) => {
            let body = Body::file_range(Arc::clone(file), 0..body.len() as u64);
            Response::of_type(site::CONTENT_TYPE, body)
        }
    })
}

/// A file that is gone when we are.
fn kept(content: &[u8]) -> Result<Arc<File>> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    Ok(Arc::new(file))
}

fn text(body: &'static [u8]) -> Response {
    Response::of_type(site::CONTENT_TYPE, body)
}

/// What a path that is long and wide is measured with.
fn large() -> Response {
    Response::stream(async |mut writer| {
        for _ in 0..LARGE_PIECES {
            writer.write(site::SIZED_64K).await?;
        }
        writer.finish()
    })
}

fn stream() -> Response {
    Response::stream(async |mut writer| {
        for _ in 0..site::CHUNKS {
            writer.write(site::CHUNK).await?;
        }
        writer.finish()
    })
    .with_header("Content-Type", site::CONTENT_TYPE)
}

async fn upload(mut request: Request) -> Result<Response, BodyError> {
    let mut bytes = 0;
    while let Some(piece) = request.body_mut().chunk().await? {
        bytes += piece.len();
    }
    Ok(Response::of_type(site::CONTENT_TYPE, bytes.to_string()))
}
