//! One send: as much of an output as the socket and the others allow.
//!
//! Not here: when it is gone on with (`mod.rs`).

use std::fs::File;
use std::io::{self, Write};

use mio::net::TcpStream;

use crate::driver::{Behind, FileFailed, SMALL_BYTES};
use crate::output::{Next, Output};
use crate::sys;

/// How much is read at a time of a file that the system does not send.
const READ_BYTES: usize = 64 << 10;

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
#[inline(always)]
pub(super) fn send(
    stream: &mut TcpStream,
    output: &mut Output,
    left: &mut usize,
    behind: Behind,
) -> Progress {
    // Most often it is little, and the socket takes it all.
    if behind == Behind::More
        && let Some(buffer) = output.slice(*left)
        && !buffer.is_empty()
    {
        match stream.write(buffer) {
            Ok(len) if len > 0 => {
                *left -= len;
                output.advance(len);
                if output.is_empty() {
                    return Progress::Over(Ok(()));
                }
            }
            failed => {
                if let Some(progress) = failure(failed) {
                    return progress;
                }
            }
        }
    }
    send_on(stream, output, left, behind)
}

/// As [`send`], whatever there is.
#[inline(never)]
fn send_on(
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
            Ok(len) if len > 0 => {
                *left -= len;
                output.advance(len);
            }
            failed => {
                if let Some(progress) = failure(failed) {
                    return progress;
                }
            }
        }
    }
    Progress::Over(Ok(()))
}

/// What becomes of a send whose last write wrote nothing; `None` if it is to be tried again.
fn failure(written: io::Result<usize>) -> Option<Progress> {
    let error = match written {
        Ok(_) => io::ErrorKind::WriteZero.into(),
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::WouldBlock => Some(Progress::Blocked),
        io::ErrorKind::Interrupted => None,
        _ => Some(Progress::Over(Err(error))),
    }
}

/// Writes once, of an output that has or had a tail.
fn send_next(stream: &mut TcpStream, output: &Output, max: usize) -> io::Result<usize> {
    match output.next(max) {
        Next::Slices(slices) => sys::send_vectored(stream, &slices),
        Next::BeforeFile(buffer) => sys::send_withheld(stream, buffer),
        Next::File(extent) => send_file(stream, extent.file, extent.at, extent.len),
    }
}

/// Has the system send bytes of a file. Where it does not, they are read: a few file systems can't
/// do it, and whatever is wrong with the file is told apart from what is wrong with the socket.
fn send_file(stream: &mut TcpStream, file: &File, at: u64, len: usize) -> io::Result<usize> {
    match sys::send_file(&*stream, file, at, len) {
        Ok(0) => {}
        Ok(sent) => return Ok(sent),
        Err(error) if is_of_socket(&error) => return Err(error),
        Err(_) => {}
    }
    let mut piece = vec![0; len.min(READ_BYTES)];
    match sys::read_file_at(file, &mut piece, at) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
        Err(error) => Err(io::Error::other(FileFailed(error))),
        // It has become shorter since its length was told to the peer.
        Ok(0) => Err(io::Error::other(FileFailed(io::ErrorKind::UnexpectedEof.into()))),
        Ok(len) => stream.write(&piece[..len]),
    }
}

/// Whether it is the socket that failed, or has to be waited for.
fn is_of_socket(error: &io::Error) -> bool {
    use io::ErrorKind::*;

    matches!(
        error.kind(),
        WouldBlock
            | Interrupted
            | BrokenPipe
            | ConnectionReset
            | ConnectionAborted
            | NotConnected
            | TimedOut
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
    )
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

    fn output(file: Arc<File>, range: std::ops::Range<u64>) -> Output {
        let len = usize::try_from(range.end - range.start).unwrap();
        let mut output = Output::default();
        output.buffer.extend_from_slice(b"head");
        output.set_file(FilePart::of(file, &range).take(len).unwrap().unwrap());
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
        let mut packet = [0; 14];
        client.read_exact(&mut packet).unwrap();
        assert_eq!(packet[..], *[b"head", &pattern(10)[..]].concat());
    }

    #[test]
    fn a_file_that_has_become_shorter_fails() {
        let (_client, mut stream) = connected();
        let kept = Arc::new(file(100));
        let mut output = output(Arc::clone(&kept), 0..100);
        kept.set_len(60).unwrap();
        let progress = send(&mut stream, &mut output, &mut 1000, Behind::More);
        let Progress::Over(Err(error)) = progress else { panic!("the rest is not there") };
        let Some(Ok(FileFailed(error))) =
            error.into_inner().map(|error| error.downcast().map(|e| *e))
        else {
            panic!("it is not the peer's fault")
        };
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
                Progress::Over(Ok(())) => {
                    let part = FilePart::next_of(file(100), 100).take(100);
                    output.set_file(part.unwrap().unwrap());
                }
                progress => break progress,
            }
        };
        let Progress::Over(Err(error)) = progress else { panic!("there is nobody") };
        assert!(error.get_ref().is_none(), "the file is all right: {error:?}");
    }

    /// The system makes up what is in there as it is read.
    #[test]
    fn what_the_system_does_not_send_is_read() {
        let made_up = Arc::new(File::open("/proc/self/status").unwrap());
        let part = FilePart::of(made_up, &(0..10));
        let (mut client, mut stream) = connected();
        let mut output = Output::default();
        output.buffer.extend_from_slice(b"head");
        output.set_file(part);
        let progress = send(&mut stream, &mut output, &mut 1000, Behind::More);
        assert!(matches!(progress, Progress::Over(Ok(()))));
        let mut received = [0; 14];
        client.read_exact(&mut received).unwrap();
        assert!(received.starts_with(b"headName:"));
    }
}
