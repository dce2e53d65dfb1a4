//! Systems on which sockets can't be passed from process to process.
//!
//! Not here: Unix.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Weak;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::{ListenAddr, Listener, Registry};
use crate::error::Result;
use crate::stop::StopSwitch;
use crate::worker::Control;

/// Nothing has this type.
#[derive(Debug)]
pub(crate) enum HandOver {}

impl HandOver {
    pub(crate) fn begin(_path: &Path, _deadline: Duration) -> io::Result<Self> {
        Err(io::Error::new(ErrorKind::Unsupported, "sockets can't be passed here"))
    }

    pub(crate) fn claim(&mut self, _addr: &ListenAddr) -> io::Result<Option<Listener>> {
        match *self {}
    }

    pub(crate) fn prepare(self, _registry: &Registry) -> Result<(Successors, Sender<()>)> {
        match self {}
    }
}

/// Nothing has this type.
pub(crate) enum Successors {}

/// Nothing has this type.
#[derive(Debug)]
pub(super) enum End {}

impl Successors {
    pub(crate) fn wait_for(
        self,
        _server: Weak<dyn Control>,
        _switch: StopSwitch,
    ) -> io::Result<()> {
        match self {}
    }
}
