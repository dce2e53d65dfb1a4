//! The common site on ntex with one worker, on its `io_uring` runtime.
//!
//! Not here: middleware.

use std::convert::Infallible;

use anyhow::Result;
use futures_util::stream;
use ntex::SharedCfg;
use ntex::http::{HttpServiceConfig, KeepAlive};
use ntex::util::Bytes;
use ntex::web::error::PayloadError;
use ntex::web::types::Payload;
use ntex::web::{self, App, HttpResponse, HttpServer};
use peer_listen::site;

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let app = async || {
        App::new()
            .route("/", web::get().to(async || text(site::HELLO)))
            .route("/64k", web::get().to(async || text(site::SIZED_64K)))
            .route("/1m", web::get().to(async || text(site::SIZED_1M)))
            .route("/stream", web::get().to(chunks))
            .route("/upload", web::post().to(upload))
    };
    // So that no connection is closed while memory of idle ones is measured.
    let http = HttpServiceConfig::new().set_keepalive(KeepAlive::Os);
    ntex::rt::System::new("peer", ntex::rt::DefaultRuntime).block_on(async move {
        HttpServer::new(app)
            .workers(1)
            .config(SharedCfg::new("peer").add(http))
            // So that the runner's signal ends it at once instead of starting a graceful shutdown.
            .disable_signals()
            .listen(listener)?
            .run()
            .await
    })?;
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
    while let Some(piece) = body.recv().await {
        bytes += piece?.len();
    }
    Ok(HttpResponse::Ok().content_type(site::CONTENT_TYPE).body(bytes.to_string()))
}
