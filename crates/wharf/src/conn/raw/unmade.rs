//! [`Unmade`]: what stands for a protocol that could not be made.
//!
//! Not here: who makes protocols (`worker/state.rs`).

use std::any::Any;
use std::panic::resume_unwind;

use super::{Io, Protocol};
use crate::response::BoxError;

/// Panics as whoever should have made a protocol did, where a panic ends its connection.
pub(crate) struct Unmade(pub(crate) Option<Box<dyn Any + Send>>);

impl Protocol for Unmade {
    fn on_open(&mut self, _io: &mut Io<'_>) -> Result<(), BoxError> {
        match self.0.take() {
            Some(panic) => resume_unwind(panic),
            None => Ok(()),
        }
    }

    fn on_bytes(&mut self, bytes: &[u8], _io: &mut Io<'_>) -> Result<usize, BoxError> {
        Ok(bytes.len())
    }
}
