//! The common site on actix-web with one worker.
//!
//! Its accept thread and its main thread exist beside the worker and are counted with it. Not
//! here: middleware, or any feature of actix-web beyond routing.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Result;
use futures_util::{StreamExt, stream};
use peer_listen::site;

/// Long enough that no connection is closed while memory of idle ones is measured; the default
/// is 5 s.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let app = || {
        App::new()
            .route("/", web::get().to(async || text(site::HELLO)))
            .route("/64k", web::get().to(async || text(site::SIZED_64K)))
            .route("/1m", web::get().to(async || text(site::SIZED_1M)))
            .route("/stream", web::get().to(chunks))
            .route("/upload", web::post().to(upload))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        // So that the runner's signal ends it at once instead of starting a graceful shutdown.
        .disable_signals()
        .listen(listener)?
        .run();
    actix_web::rt::System::new().block_on(server)?;
    Ok(())
}

fn text(body: &'static [u8]) -> HttpResponse {
    HttpResponse::Ok().content_type(site::CONTENT_TYPE).body(Bytes::from_static(body))
}

async fn chunks() -> HttpResponse {
    let chunk = Ok::<_, Infallible>(Bytes::from_static(site::CHUNK));
    let body = stream::iter(std::iter::repeat_n(chunk, site::CHUNKS));
    HttpResponse::Ok().content_type(site::CONTENT_TYPE).streaming(body)
}

async fn upload(mut body: Payload) -> Result<HttpResponse, PayloadError> {
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece?.len();
    }
    Ok(HttpResponse::Ok().content_type(site::CONTENT_TYPE).body(bytes.to_string()))
}
