//! What Unix sockets, and sockets that come from elsewhere, need of the system.
//!
//! Not here: binding and listening (`listener`), and what only Linux has (`linux.rs`).

#![expect(unsafe_code, reason = "a descriptor that was inherited is a number at first")]

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, recvmsg, sendmsg,
};
use rustix::process::geteuid;

/// What a socket is passed as.
pub(crate) type Descriptor = OwnedFd;

/// Another descriptor of the file that the process has under `number`, which programs that it
/// starts will not inherit any more.
///
/// The number itself stays open: who else uses it can't be known.
pub(crate) fn duplicate(number: u32) -> io::Result<OwnedFd> {
    let number = RawFd::try_from(number).map_err(|_| io::Error::from(Errno::BADF))?;
    // SAFETY: the number is not -1, and is used for nothing but calls that fail if it is not open.
    // None of them closes it or changes what it stands for.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let duplicate = fcntl_dupfd_cloexec(fd, 0)?;
    fcntl_setfd(fd, fcntl_getfd(fd)? | FdFlags::CLOEXEC)?;
    Ok(duplicate)
}

/// Keeps others who ask for the same from a directory, until what is returned is dropped. Fails
/// with [`io::ErrorKind::WouldBlock`] if somebody has it.
pub(crate) fn lock_directory(path: &Path) -> io::Result<File> {
    let directory = File::open(path)?;
    flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
    Ok(directory)
}

/// Sends one byte with a descriptor.
pub(crate) fn send_descriptor(stream: &UnixStream, fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    control.push(SendAncillaryMessage::ScmRights(&fds));
    let flags = super::unix::NO_SIGNAL;
    match retry_on_intr(|| sendmsg(stream, &[IoSlice::new(&[0])], &mut control, flags))? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Receives what [`send_descriptor`] sent. Programs that this one starts do not inherit it.
pub(crate) fn receive_descriptor(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    // What a ring leaves to its thread when it is dropped may interrupt a call, as a signal does.
    let received = retry_on_intr(|| {
        recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, CLOSE_ON_EXEC)
    })?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fd = fds.find_map(|mut fds| fds.next());
    let fd = fd.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no descriptor came"))?;
    // Where receiving can't do it.
    fcntl_setfd(&fd, fcntl_getfd(&fd)? | FdFlags::CLOEXEC)?;
    Ok(fd)
}

#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Waits until `wanted` is readable; says no if `given_up` is first, or at the same time.
pub(crate) fn wait_for_either(wanted: impl AsFd, given_up: impl AsFd) -> io::Result<bool> {
    let mut fds = [
        PollFd::new(&wanted, PollFlags::IN),
        PollFd::new(&given_up, PollFlags::IN | PollFlags::HUP),
    ];
    loop {
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(fds[1].revents().is_empty()),
        }
    }
}

/// The user that this process acts as.
pub(crate) fn user() -> u32 {
    geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_descriptor_can_be_sent_and_is_another_of_the_same_file() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut inner, sent) = UnixStream::pair().unwrap();
        send_descriptor(&ours, sent.as_fd()).unwrap();
        drop((ours, sent));
        let received = receive_descriptor(&theirs).unwrap();
        assert_eq!(fcntl_getfd(&received).unwrap(), FdFlags::CLOEXEC);
        drop(received);
        assert_eq!(inner.read(&mut [0]).unwrap(), 0, "it was the last");
        let error = receive_descriptor(&theirs).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_number_that_is_not_open_is_an_error() {
        for number in [1 << 20, u32::MAX] {
            assert!(duplicate(number).is_err(), "{number}");
        }
    }
}
