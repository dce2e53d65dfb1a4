//! The common site on xitca-web with one worker, on `io_uring`.
//!
//! Not here: middleware.

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use anyhow::Result;
use futures_util::stream;
use peer_listen::site;
use xitca_web::App;
use xitca_web::body::{BodyExt, RequestBody, ResponseBody, StreamDataBody};
use xitca_web::bytes::Bytes;
use xitca_web::error::Error;
use xitca_web::handler::body::Body;
use xitca_web::handler::handler_service;
use xitca_web::http::WebResponse;
use xitca_web::http::header::{CONTENT_TYPE, HeaderValue};
use xitca_web::route::{get, post};

/// Long enough that no connection is closed while memory of idle ones is measured.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    App::new()
        .at("/", get(handler_service(async || text(Bytes::from_static(site::HELLO)))))
        .at("/64k", get(handler_service(async || text(Bytes::from_static(site::SIZED_64K)))))
        .at("/1m", get(handler_service(async || text(Bytes::from_static(site::SIZED_1M)))))
        .at("/stream", get(handler_service(chunks)))
        .at("/upload", post(handler_service(upload)))
        .serve()
        .worker_threads(1)
        .keep_alive_timeout(KEEP_ALIVE)
        // So that the runner's signal ends it at once instead of starting a graceful shutdown.
        .disable_signal()
        .enable_io_uring()
        .listen(listener)?
        .run()
        .wait()?;
    Ok(())
}

fn text(body: impl Into<ResponseBody>) -> WebResponse {
    let mut response = WebResponse::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(site::CONTENT_TYPE));
    response
}

async fn chunks() -> WebResponse {
    let mut left = site::CHUNKS;
    // Says nothing about its length: the crate takes the number of pieces for that of bytes.
    let body = stream::poll_fn(move |_| {
        let Some(fewer) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = fewer;
        Poll::Ready(Some(Ok::<_, Infallible>(Bytes::from_static(site::CHUNK))))
    });
    text(ResponseBody::boxed(StreamDataBody::new(body)))
}

async fn upload(Body(body): Body<RequestBody>) -> Result<WebResponse, Error> {
    let mut body = pin!(body);
    let mut bytes = 0;
    while let Some(piece) = body.as_mut().data().await {
        bytes += piece.map_err(Error::from)?.len();
    }
    Ok(text(Bytes::from(bytes.to_string())))
}
