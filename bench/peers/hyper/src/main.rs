//! The common site on hyper and tokio's single-threaded runtime, in cleartext or over rustls.
//!
//! Configured for speed: no date beyond hyper's own, `pipeline_flush` and no timers; the version is
//! known when a connection is made, so that nobody has to look for it. Not here: any framework on
//! top, which could only add cost.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use peer_listen::{Service, site};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio_rustls::TlsAcceptor;

fn main() -> Result<()> {
    let options = peer_listen::options()?;
    let listener = options.listener()?;
    let transport = match &options.service {
        Service::Http => Transport::Http1,
        Service::Http2 => Transport::Http2,
        Service::Tls { certificate, key } => {
            let config = peer_listen::tls::config(certificate, key, &["h2", "http/1.1"])?;
            Transport::Tls(TlsAcceptor::from(config))
        }
        Service::Echo(_) => bail!("it has no echo"),
    };
    let runtime =
        runtime::Builder::new_current_thread().enable_io().build().context("no runtime")?;
    runtime.block_on(accept(listener, Arc::new(transport)))
}

/// What is below and around the requests.
enum Transport {
    Http1,
    Http2,
    Tls(TlsAcceptor),
}

async fn accept(listener: std::net::TcpListener, transport: Arc<Transport>) -> Result<()> {
    let listener = TcpListener::from_std(listener).context("the runtime refused the socket")?;
    loop {
        let (stream, _) = listener.accept().await.context("cannot accept")?;
        // A task of its own for each, so that none is as large as the largest of them.
        match &*transport {
            Transport::Http1 => drop(tokio::spawn(serve_http1(stream))),
            Transport::Http2 => drop(tokio::spawn(serve_http2(stream))),
            Transport::Tls(acceptor) => drop(tokio::spawn(serve_tls(stream, acceptor.clone()))),
        }
    }
}

// All errors below mean that the peer has gone, which is how every load run ends.

async fn serve_http1(stream: TcpStream) {
    if stream.set_nodelay(true).is_ok() {
        speak_http1(TokioIo::new(stream)).await;
    }
}

async fn serve_http2(stream: TcpStream) {
    if stream.set_nodelay(true).is_ok() {
        speak_http2(TokioIo::new(stream)).await;
    }
}

async fn serve_tls(stream: TcpStream, acceptor: TlsAcceptor) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(session) = acceptor.accept(stream).await else { return };
    if session.get_ref().1.alpn_protocol() == Some(b"h2") {
        speak_http2(TokioIo::new(session)).await;
    } else {
        speak_http1(TokioIo::new(session)).await;
    }
}

async fn speak_http1(io: impl Read + Write + Unpin) {
    let _gone =
        http1::Builder::new().pipeline_flush(true).serve_connection(io, service_fn(answer)).await;
}

async fn speak_http2(io: impl Read + Write + Unpin) {
    let _gone =
        http2::Builder::new(TokioExecutor::new()).serve_connection(io, service_fn(answer)).await;
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
