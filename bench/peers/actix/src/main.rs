//! Hello world on actix-web with one worker.
//!
//! Its accept thread and its main thread exist beside the worker and are counted with it. Not
//! here: middleware, or any feature of actix-web beyond routing.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Result;

/// Long enough that no connection is closed while memory of idle ones is measured; the default
/// is 5 s.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let server = HttpServer::new(|| App::new().route("/", web::get().to(hello)))
        .workers(1)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        // So that the runner's signal ends it at once instead of starting a graceful shutdown.
        .disable_signals()
        .listen(listener)?
        .run();
    actix_web::rt::System::new().block_on(server)?;
    Ok(())
}

async fn hello() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("Hello, world!\n")
}
