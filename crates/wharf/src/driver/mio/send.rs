//! One send: as much of an output as the socket and the others allow.
//!
//! Not here: when it is gone on with (`mod.rs`).

use std::io::{self, Write};

use mio::net::TcpStream;

use crate::driver::{Behind, SMALL_BYTES};
use crate::output::{Next, Output};
use crate::sys;

/// What became of a send.
pub(super) enum Progress {
    Over(io::Result<()>),
    /// The socket takes no more.
    Blocked,
    /// It would, but others have their turn first.
    Paused,
}

/// How much of `len` bytes may be sent where `left` is what is left for all: a small rest goes with
/// them, since another turn for it would cost more than it delays others.
pub(super) const fn bulk_share(left: usize, len: usize) -> usize {
    if left > 0 && len <= left + SMALL_BYTES { len } else { left }
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
            (Some(buffer), Behind::End) => sys::send_withheld(stream, buffer),
            (None, _) => send_next(stream, output, *left),
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

/// Writes once, of an output that has or had a tail.
fn send_next(stream: &mut TcpStream, output: &Output, max: usize) -> io::Result<usize> {
    match output.next(max) {
        Next::Slices(slices) => sys::send_vectored(stream, &slices),
        Next::BeforeFile(buffer) => sys::send_withheld(stream, buffer),
        Next::File(extent) => {
            let sent = sys::send_file(stream, extent.file, extent.at, extent.len)?;
            if sent == 0 {
                // It has become shorter since its length was told to the peer.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(sent)
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream as Client};
    use std::sync::Arc;

    use super::*;
    use crate::body::FilePart;
    use crate::tests::{file, pattern};

    fn connected() -> (Client, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (client, TcpStream::from_std(stream))
    }

    fn output(file: Arc<std::fs::File>, range: std::ops::Range<u64>) -> Output {
        let mut part = FilePart::of(file, &range);
        assert!(part.can_be_sent());
        let mut output = Output::default();
        output.buffer.extend_from_slice(b"head");
        output.set_file(part);
        output
    }

    #[test]
    fn a_file_is_sent_from_its_place_as_far_as_the_socket_takes_it() {
        let (kept, whole) = (Arc::new(file(9 << 20)), pattern(9 << 20));
        for max in [1000, 70_000, usize::MAX] {
            let (mut client, mut stream) = connected();
            let mut output = output(Arc::clone(&kept), 11..9 << 20);
            let (mut received, mut piece) = (Vec::new(), vec![0; 1 << 20]);
            let (mut blocked, mut paused) = (0, 0);
            while received.len() < 4 + whole.len() - 11 {
                match send(&mut stream, &mut output, &mut { max }, Behind::More) {
                    Progress::Over(result) => result.unwrap(),
                    Progress::Blocked => blocked += 1,
                    Progress::Paused => paused += 1,
                }
                let len = client.read(&mut piece).unwrap();
                received.extend_from_slice(&piece[..len]);
            }
            assert!(output.is_empty() && received[..4] == *b"head" && received[4..] == whole[11..]);
            assert!(if max == usize::MAX { blocked > 0 } else { paused > 0 });
        }
    }

    #[test]
    fn a_head_goes_with_the_file_behind_it() {
        let (mut client, mut stream) = connected();
        let mut output = output(Arc::new(file(10)), 0..10);
        assert!(matches!(send(&mut stream, &mut output, &mut 4, Behind::More), Progress::Paused));
        client.set_nonblocking(true).unwrap();
        let withheld = client.read(&mut [0; 100]).unwrap_err();
        assert_eq!(withheld.kind(), io::ErrorKind::WouldBlock);
        client.set_nonblocking(false).unwrap();
        let progress = send(&mut stream, &mut output, &mut 100, Behind::More);
        assert!(matches!(progress, Progress::Over(Ok(()))));
        let mut packet = [0; 100];
        let len = client.read(&mut packet).unwrap();
        assert_eq!(packet[..len], *[b"head", &pattern(10)[..]].concat());
    }

    #[test]
    fn a_file_that_has_become_shorter_fails() {
        let (_client, mut stream) = connected();
        let kept = Arc::new(file(100));
        let mut output = output(Arc::clone(&kept), 0..100);
        kept.set_len(60).unwrap();
        let progress = send(&mut stream, &mut output, &mut 1000, Behind::More);
        let Progress::Over(Err(error)) = progress else { panic!("the rest is not there") };
        assert_eq!((error.kind(), output.len()), (io::ErrorKind::UnexpectedEof, 40));
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        assert!(sys::can_send_files(), "a program whose `main` is Rust's ignores SIGPIPE");
        let (client, mut stream) = connected();
        socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
        let mut output = output(Arc::new(file(100)), 0..100);
        let progress = loop {
            match send(&mut stream, &mut output, &mut 1000, Behind::More) {
                // The reset has not come yet.
                Progress::Over(Ok(())) => output.set_file({
                    let mut part = FilePart::next_of(file(100), 100);
                    assert!(part.can_be_sent());
                    part
                }),
                progress => break progress,
            }
        };
        assert!(matches!(progress, Progress::Over(Err(_))));
    }
}
