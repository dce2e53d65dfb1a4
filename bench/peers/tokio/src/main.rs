//! Sends back what comes, as tokio's documentation shows it: `copy` between a socket's halves, on
//! its single-threaded runtime.
//!
//! Not here: HTTP, which is hyper's.

use anyhow::{Context, Result, ensure};
use peer_listen::Service;
use tokio::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

fn main() -> Result<()> {
    let options = peer_listen::options()?;
    ensure!(matches!(options.service, Service::Echo(_)), "it knows --echo alone");
    let listener = options.listener()?;
    let runtime =
        runtime::Builder::new_current_thread().enable_io().build().context("no runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).context("the runtime refused the socket")?;
        loop {
            let (stream, _) = listener.accept().await.context("cannot accept")?;
            tokio::spawn(echo(stream));
        }
    })
}

async fn echo(mut stream: TcpStream) {
    // Both errors mean that the peer has gone, which is how every load run ends.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (mut reader, mut writer) = stream.split();
    let _gone = io::copy(&mut reader, &mut writer).await;
}
