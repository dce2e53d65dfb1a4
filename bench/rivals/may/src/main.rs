//! The common site on `may_minihttp` with one worker, as far as it goes.
//!
//! Not here: streams and chunks, which it has none of; `TCP_NODELAY`, which it has no option for.

use std::io::{self, Read};

use anyhow::{Context, Result};
use may_minihttp::{HttpServer, HttpService, Request, Response};
use peer_listen::site;

fn main() -> Result<()> {
    let address = peer_listen::address()?;
    may::config().set_workers(1);
    HttpServer(Site).start(address).context("cannot listen")?.wait();
    Ok(())
}

#[derive(Clone)]
struct Site;

impl HttpService for Site {
    fn call(
        &mut self,
        request: Request<'_, '_, '_>,
        response: &mut Response<'_>,
    ) -> io::Result<()> {
        response.header("Content-Type: text/plain");
        match (request.method(), request.path()) {
            ("GET", "/") => response.body("Hello, world!\n"),
            ("GET", "/64k") => response.body_mut().extend_from_slice(site::SIZED_64K),
            ("GET", "/1m") => response.body_mut().extend_from_slice(site::SIZED_1M),
            ("POST", "/upload") => {
                let bytes = count(request.body())?;
                response.body_vec(bytes.to_string().into_bytes());
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

fn count(mut body: impl Read) -> io::Result<usize> {
    let mut piece = [0; 16 << 10];
    let mut bytes = 0;
    loop {
        match body.read(&mut piece)? {
            0 => return Ok(bytes),
            length => bytes += length,
        }
    }
}
