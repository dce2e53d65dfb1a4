//! Goes on with another protocol where a client offers it.
//!
//! Run it with `cargo run --example upgrade_echo`, and then:
//!
//! ```text
//! printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello' |
//!     nc 127.0.0.1 7007
//! ```

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::env;
use std::io;

use wharf::{Request, Response, Server, Stream};

async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

fn main() -> wharf::Result {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    let handler = |request: Request| match request.offers_upgrade("echo") {
        true => Response::upgrade("echo", echo),
        false => Response::text("offer to upgrade to echo\n"),
    };
    let server = Server::new(handler).listen(addr.as_str())?;
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    server.run()
}
