//! An echo in each style that wharf knows for protocols of a program's own.
//!
//! Not here: the blocking style, whose cost is that of threads.

use std::io;

use anyhow::{Result, bail};
use wharf::{BoxError, Io, Protocol, Service, Stream};

/// Returns the service that is written in this style.
pub(crate) fn service(style: &str) -> Result<Service> {
    Ok(match style {
        "protocol" => Service::protocol(|| Echo),
        "readable" => Service::on_readable(
            || (),
            |(), bytes, io| {
                io.write(bytes);
                Ok::<_, BoxError>(())
            },
        ),
        "stream" => Service::tcp(echo),
        _ => bail!("there is no style {style:?}"),
    })
}

struct Echo;

impl Protocol for Echo {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        io.write(bytes);
        Ok(bytes.len())
    }
}

async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}
