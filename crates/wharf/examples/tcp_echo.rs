//! Sends back what comes, whatever it is: `cargo run --example tcp_echo`, then `nc 127.0.0.1 7007`.

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::env;
use std::io;

use wharf::{Server, Stream};

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

fn main() -> wharf::Result {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    let server = Server::tcp(echo).listen(addr.as_str())?;
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    server.run()
}
