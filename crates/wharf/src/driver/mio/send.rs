//! One send: as much of an output as the socket and the others allow.
//!
//! Not here: when it is gone on with (`mod.rs`).

use std::io::{self, Write};

use mio::net::TcpStream;

use crate::driver::{Key, Sent};
use crate::output::Output;
use crate::sys;

/// What became of a send.
pub(super) enum Progress {
    Over(Sent),
    /// The socket takes no more.
    Blocked(Output),
    /// It would, but others have their turn first.
    Paused(Output),
}

/// Writes until all is sent, the socket takes no more, or nothing is `left` of what may be sent.
pub(super) fn send(
    stream: &mut TcpStream,
    key: Key,
    mut output: Output,
    left: &mut usize,
) -> Progress {
    let over = |output, result| Progress::Over(Sent { key, output, result });
    while !output.is_empty() {
        if *left == 0 {
            return Progress::Paused(output);
        }
        let slices = output.slices(*left);
        let written = match &slices {
            [buffer, tail] if tail.is_empty() => stream.write(buffer),
            _ => sys::send_vectored(stream, &slices),
        };
        match written {
            Ok(0) => return over(output, Err(io::ErrorKind::WriteZero.into())),
            Ok(len) => {
                output.advance(len);
                *left = left.saturating_sub(len);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Progress::Blocked(output);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return over(output, Err(error)),
        }
    }
    over(output, Ok(()))
}
