//! Handlers that use a tokio runtime, on wharf's own workers:
//! `cargo run --features tokio --example tokio_handlers`, or with `-- --visit` for three requests
//! and an end.
//!
//! The workers are not threads of the runtime. They poll the handlers' futures themselves; timers,
//! sockets and tasks live in the runtime and wake the workers.

#![expect(clippy::print_stdout, reason = "an example may talk")]

mod visitor;

use std::error::Error;
use std::time::Duration;

use tokio::sync::oneshot;
use wharf::{Request, Router, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let site = Router::new()
        .get("/timer", async |_: Request| {
            tokio::time::sleep(Duration::from_millis(20)).await;
            "20 ms later\n"
        })
        .get("/task", async |_: Request| {
            let (sender, receiver) = oneshot::channel();
            tokio::spawn(async move {
                let _ = sender.send("told by a task on another thread\n");
            });
            receiver.await.unwrap_or("the task is gone\n")
        });
    let handle = Server::new(site).listen("127.0.0.1:0")?.start()?;
    let addr = handle.local_addrs()[0];
    println!("http://{addr}/timer, http://{addr}/task");
    if std::env::args().any(|arg| arg == "--visit") {
        visitor::visit(addr, "/task", 3, handle.stop_switch());
    }
    // Dropping the handle would wait as well, and block this thread of the runtime meanwhile.
    handle.stopped().await;
    Ok(())
}
