//! The common site on axum and tokio's single-threaded runtime.
//!
//! Not here: middleware.

use std::convert::Infallible;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::stream;
use http_body_util::BodyExt;
use peer_listen::site;
use tokio::net::TcpListener;
use tokio::runtime;

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let runtime =
        runtime::Builder::new_current_thread().enable_io().build().context("no runtime")?;
    let app = Router::new()
        .route("/", get(async || text(site::HELLO)))
        .route("/64k", get(async || text(site::SIZED_64K)))
        .route("/1m", get(async || text(site::SIZED_1M)))
        .route("/stream", get(chunks))
        .route("/upload", post(upload));
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).context("the runtime refused the socket")?;
        let listener = listener.tap_io(|stream| {
            // Fails only if the peer has gone, which reading will find out.
            let _gone = stream.set_nodelay(true);
        });
        axum::serve(listener, app).await.context("cannot serve")
    })
}

fn text(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, site::CONTENT_TYPE)], body.into()).into_response()
}

async fn chunks() -> Response {
    let chunk = Ok::<_, Infallible>(Bytes::from_static(site::CHUNK));
    text(Body::from_stream(stream::iter(std::iter::repeat_n(chunk, site::CHUNKS))))
}

async fn upload(mut body: Body) -> Result<Response, StatusCode> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(text(bytes.to_string()))
}
