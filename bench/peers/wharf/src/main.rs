//! The common site on wharf with one worker, as a program would write it.
//!
//! Not here: limits or timeouts other than the defaults.

use anyhow::Result;
use peer_listen::site;
use wharf::{BodyError, Request, Response, Router, Server};

fn main() -> Result<()> {
    let site = Router::new()
        .get("/", |_: Request| text(site::HELLO))
        .get("/64k", |_: Request| text(site::SIZED_64K))
        .get("/1m", |_: Request| text(site::SIZED_1M))
        .get("/stream", |_: Request| stream())
        .post("/upload", upload);
    Server::new(site).listen(peer_listen::address()?)?.workers(1).run()?;
    Ok(())
}

fn text(body: &'static [u8]) -> Response {
    Response::of_type(site::CONTENT_TYPE, body)
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
