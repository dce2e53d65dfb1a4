//! The common site on `tiny_http`, answered by one thread.
//!
//! The crate itself has a thread for each connection. Not here: a pool of answering threads, which
//! on one core would only add switches.

use std::io::{self, Read};

use anyhow::{Result, anyhow};
use peer_listen::site;
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    // The crate's accept thread waits in the call.
    listener.set_nonblocking(false)?;
    let server =
        Server::from_listener(listener, None).map_err(|error| anyhow!("cannot serve: {error}"))?;
    let content_type = Header::from_bytes("Content-Type", site::CONTENT_TYPE)
        .map_err(|()| anyhow!("not a header"))?;
    for request in server.incoming_requests() {
        // An error means that the peer has gone, which is how every load run ends.
        let _gone = answer(request, &content_type);
    }
    Ok(())
}

fn answer(mut request: Request, content_type: &Header) -> io::Result<()> {
    let text = |body: &'static [u8]| sized(body, body.len(), content_type);
    let response = match (request.method(), request.url()) {
        (Method::Get, "/") => text(site::HELLO),
        (Method::Get, "/64k") => text(site::SIZED_64K),
        (Method::Get, "/1m") => text(site::SIZED_1M),
        (Method::Get, "/stream") => {
            let body = Box::new(Chunks { left: site::CHUNKS }) as Box<dyn Read + Send>;
            let headers = vec![content_type.clone()];
            Response::new(StatusCode(200), headers, body, None, None)
        }
        (Method::Post, "/upload") => {
            let bytes = io::copy(request.as_reader(), &mut io::sink())?.to_string();
            let length = bytes.len();
            sized(io::Cursor::new(bytes), length, content_type)
        }
        _ => Response::empty(404).boxed(),
    };
    request.respond(response)
}

fn sized(
    body: impl Read + Send + 'static,
    length: usize,
    content_type: &Header,
) -> Response<Box<dyn Read + Send>> {
    let body = Box::new(body) as Box<dyn Read + Send>;
    Response::new(StatusCode(200), vec![content_type.clone()], body, Some(length), None)
        // Without this, long bodies would be chunked although their length is known.
        .with_chunked_threshold(usize::MAX)
}

/// A body of unknown length in small pieces.
struct Chunks {
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(0) };
        self.left = left;
        let mut chunk = site::CHUNK;
        chunk.read(buffer)
    }
}
