//! Hello world on hyper, set up the way its users set it up for speed.
//!
//! One tokio thread, `pipeline_flush` so that pipelined responses share a write, TCP_NODELAY.
//! Not here: a timer. Without one hyper has no timeouts, which only makes it faster.

use std::convert::Infallible;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
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
        .serve_connection(TokioIo::new(stream), service_fn(hello))
        .await;
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::GET || request.uri().path() != "/" {
        let mut missing = Response::new(Full::default());
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return Ok(missing);
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, world!\n")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}
