//! One send: as much of an output as the socket and the others allow.
//!
//! Not here: when it is gone on with (`mod.rs`).

use std::io::{self, Write};

use mio::net::TcpStream;

use crate::driver::Behind;
use crate::output::Output;
use crate::sys;

/// What became of a send.
pub(super) enum Progress {
    Over(io::Result<()>),
    /// The socket takes no more.
    Blocked,
    /// It would, but others have their turn first.
    Paused,
}

/// Writes until all is sent, the socket takes no more, or nothing is `left` of what may be sent.
/// What is the end of all is withheld by the system until it is told so, if it all fits.
pub(super) fn send(
    stream: &mut TcpStream,
    output: &mut Output,
    left: &mut usize,
    behind: Behind,
) -> Progress {
    while !output.is_empty() {
        if *left == 0 {
            return Progress::Paused;
        }
        let written = match (output.slice(*left), behind) {
            (Some(buffer), Behind::More) => stream.write(buffer),
            (Some(buffer), Behind::End) => sys::send_last(stream, buffer),
            (None, _) => sys::send_vectored(stream, &output.slices(*left)),
        };
        match written {
            Ok(0) => return Progress::Over(Err(io::ErrorKind::WriteZero.into())),
            Ok(len) => {
                output.advance(len);
                *left = left.saturating_sub(len);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Blocked,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Progress::Over(Err(error)),
        }
    }
    Progress::Over(Ok(()))
}
