//! Bodies in pieces, in both directions: `cargo run --release --example streaming`.
//!
//! * `curl http://127.0.0.1:8080/numbers?count=1000000`: as fast as the client takes them
//! * `curl -N http://127.0.0.1:8080/clock`: a line each second, written by a thread
//! * `curl -T FILE http://127.0.0.1:8080/upload`: counted piece by piece, never held as a whole

#![expect(clippy::print_stdout, reason = "an example may talk")]
#![expect(clippy::needless_pass_by_value, reason = "handlers take requests by value")]

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use wharf::{Body, BodyError, Closed, Limits, Request, Response, Router, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = Router::new()
        .get("/numbers", numbers)
        .get("/clock", clock)
        .put("/upload", upload)
        .post("/upload", upload);
    let limits = Limits::builder().max_body_bytes(4 << 30).build()?;
    let server = Server::new(site).limits(limits).listen("127.0.0.1:8080")?;
    println!("streaming at http://{}/numbers, /clock and /upload", server.local_addrs()[0]);
    Ok(server.run()?)
}

/// A body that is made on the worker, which never waits: `write` lets others go on while the
/// client is slow.
fn numbers(request: Request) -> Response {
    let count = request.query_pairs().find(|(name, _)| name == "count");
    let count: u64 = count.and_then(|(_, count)| count.parse().ok()).unwrap_or(10);
    Response::stream(async move |mut writer| {
        for number in 0..count {
            writer.write(format!("{number}\n")).await?;
        }
        writer.finish()
    })
    .with_header("Content-Type", "text/plain; charset=utf-8")
}

/// A body that comes from a thread, which may wait for whatever it likes. A thread for each client
/// is for few clients.
fn clock(_: Request) -> io::Result<Response> {
    let (mut writer, body) = Body::channel();
    thread::Builder::new().name("clock".to_owned()).spawn(move || -> Result<(), Closed> {
        for second in 0_u64.. {
            writer.write_blocking(format!("{second} s\n"))?;
            thread::sleep(Duration::from_secs(1));
        }
        writer.finish()
    })?;
    Ok(Response::text(body))
}

/// Reading the next piece is what lets the client send more.
async fn upload(mut request: Request) -> Result<String, BodyError> {
    let start = Instant::now();
    let (mut bytes, mut pieces) = (0, 0);
    while let Some(piece) = request.body_mut().chunk().await? {
        bytes += piece.len();
        pieces += 1;
    }
    Ok(format!("{bytes} bytes in {pieces} pieces, {:.3} s\n", start.elapsed().as_secs_f64()))
}
