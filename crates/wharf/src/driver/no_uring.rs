//! Systems without `io_uring`: a driver of which there is none.
//!
//! Not here: Linux.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::{Behind, Close, Completion, Driver, Key, ListenerId, Listening, Unpark, Watched};
use crate::output::Output;
use crate::sys::{self, Descriptor};

/// Nothing has this type.
pub(crate) enum UringDriver {}

impl UringDriver {
    /// Says whether, and if not why, there can be such drivers here.
    pub(crate) fn check() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn new(_listeners: Vec<Listening>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn unpark(&self) -> Arc<dyn Unpark> {
        match *self {}
    }
}

impl Driver for UringDriver {
    type Socket = TcpStream;

    const SENDS_AT_ONCE: bool = false;
    const SENDS_FILES: bool = false;
    const COARSE_CLOCK: fn() -> u64 = sys::coarse_nanos;

    fn now(&self) -> Instant {
        match *self {}
    }

    fn clock(&self) -> Box<dyn Fn() -> Instant> {
        match *self {}
    }

    fn wait(&mut self, _until: Option<Instant>) -> io::Result<()> {
        match *self {}
    }

    fn next_due(&self) -> Option<Instant> {
        match *self {}
    }

    fn next(&mut self) -> Option<Completion<'_, TcpStream>> {
        match *self {}
    }

    fn has_more(&self) -> bool {
        match *self {}
    }

    fn adopt(&mut self, _socket: TcpStream) -> io::Result<Key> {
        match *self {}
    }

    fn set_receiving(&mut self, _key: Key, _receiving: bool) {
        match *self {}
    }

    fn send(&mut self, _key: Key, _output: &mut Output, _behind: Behind) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn submit(&mut self) {
        match *self {}
    }

    fn untaken(&self, _key: Key) -> u64 {
        match *self {}
    }

    fn shutdown_send(&mut self, _key: Key) {
        match *self {}
    }

    fn close(&mut self, _key: Key, _how: Close) -> Option<Output> {
        match *self {}
    }

    fn release(&mut self, _key: Key) {
        match *self {}
    }

    fn set_accepting(&mut self, _accepting: bool) {
        match *self {}
    }

    fn listen(&mut self, _listening: Listening) -> io::Result<()> {
        match *self {}
    }

    fn unlisten(&mut self, _id: ListenerId) {
        match *self {}
    }

    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        match *self {}
    }

    fn withdraw(&mut self) {
        match *self {}
    }

    fn has_listeners(&self) -> bool {
        match *self {}
    }

    fn close_listeners(&mut self) {
        match *self {}
    }

    fn shrink(&mut self) {
        match *self {}
    }
}

impl Watched for UringDriver {
    fn watch(&mut self) -> io::Result<()> {
        match *self {}
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for UringDriver {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match *self {}
    }
}
