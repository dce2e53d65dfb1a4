//! Handlers that block: `cargo run --example blocking`, then
//! `curl -T some.file http://127.0.0.1:8080/digest` and `curl http://127.0.0.1:8080/slow`.
//!
//! Each runs on a thread of a bounded pool, so that the workers go on with everybody else.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::time::Duration;

use wharf::{BlockingPool, Body, BodyError, Request, Router, Server, blocking, body_limit};

/// Reads a body of any length as it comes: a slow reader slows the sender down.
fn digest(mut request: Request) -> Result<String, BodyError> {
    let mut hasher = DefaultHasher::new();
    while let Some(piece) = request.body_mut().chunk_blocking()? {
        hasher.write(&piece);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Writes a body as it is made: a slow client slows the writer down.
fn slow(_request: Request) -> Body {
    Body::stream_blocking(|mut writer| {
        for number in 1..=5 {
            writer.write_blocking(format!("{number}\n"))?;
            std::thread::sleep(Duration::from_secs(1));
        }
        writer.finish()
    })
}

fn main() -> wharf::Result {
    let site = Router::new()
        .put("/digest", body_limit(1 << 40, blocking(digest)))
        .get("/slow", blocking(slow));
    Server::new(site)
        .blocking_pool(BlockingPool::default().with_max_threads(32))
        .listen("127.0.0.1:8080")?
        .run()
}
