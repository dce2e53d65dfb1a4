//! The common site on hyper and tokio's single-threaded runtime.
//!
//! Configured for speed: no date beyond hyper's own, `pipeline_flush` and no timers. Not here:
//! any framework on top, which could only add cost.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use peer_listen::site;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let runtime =
        runtime::Builder::new_current_thread().enable_io().build().context("no runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).context("the runtime refused the socket")?;
        loop {
            let (stream, _) = listener.accept().await.context("cannot accept")?;
            tokio::spawn(serve(stream));
        }
    })
}

async fn serve(stream: TcpStream) {
    // Both errors mean that the peer has gone, which is how every load run ends.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let _gone = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
}

type Answer = Response<Either<Full<Bytes>, Chunks>>;

async fn answer(request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let body = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => whole(site::HELLO),
        (&Method::GET, "/64k") => whole(site::SIZED_64K),
        (&Method::GET, "/1m") => whole(site::SIZED_1M),
        (&Method::GET, "/stream") => Either::Right(Chunks { left: site::CHUNKS }),
        (&Method::POST, "/upload") => {
            let bytes = count(request.into_body()).await?;
            Either::Left(Full::from(bytes.to_string()))
        }
        _ => {
            let mut missing = Response::new(Either::Left(Full::default()));
            *missing.status_mut() = StatusCode::NOT_FOUND;
            return Ok(missing);
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(site::CONTENT_TYPE));
    Ok(response)
}

fn whole(body: &'static [u8]) -> Either<Full<Bytes>, Chunks> {
    Either::Left(Full::new(Bytes::from_static(body)))
}

async fn count(mut body: Incoming) -> Result<usize, hyper::Error> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes)
}

/// A body of unknown length in small pieces.
struct Chunks {
    left: usize,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(site::CHUNK)))))
    }
}
