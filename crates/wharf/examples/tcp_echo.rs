//! Sends back what comes, whatever it is: `cargo run --example tcp_echo`, then `nc 127.0.0.1 7007`.
//!
//! `cargo run --features tls --example tcp_echo ADDR CERT KEY`, with two PEM files, does so over
//! TLS: `openssl s_client -quiet -connect ADDR`.

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::env;
use std::io;

use wharf::{BoxError, Server, Stream};

async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        // A server that drains need not wait for peers that have nothing to say.
        stream.mark_idle();
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

fn main() -> Result<(), BoxError> {
    let mut args = env::args().skip(1);
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    let server = match (args.next(), args.next()) {
        (Some(cert), Some(key)) => listen_tls(Server::tcp(echo), &addr, &cert, &key)?,
        _ => Server::tcp(echo).listen(addr.as_str())?,
    };
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    server.run()?;
    Ok(())
}

#[cfg(feature = "tls")]
fn listen_tls(server: Server, addr: &str, cert: &str, key: &str) -> Result<Server, BoxError> {
    Ok(server.listen_tls(addr, wharf::Tls::from_pem_files(cert, key)?)?)
}

#[cfg(not(feature = "tls"))]
fn listen_tls(_: Server, _: &str, _: &str, _: &str) -> Result<Server, BoxError> {
    Err("it was built without the feature `tls`".into())
}
