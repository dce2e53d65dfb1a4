//! [`Readable`]: a function that is called with what has come, as a protocol.
//!
//! Not here: what it may do with its connection (`conn/raw`).

use std::sync::Arc;

use crate::response::BoxError;
use crate::{Io, Protocol};

/// Calls a function with what one connection knows, and with all that has come.
pub(crate) struct Readable<S, F> {
    state: S,
    function: Arc<F>,
}

impl<S, F> Readable<S, F> {
    pub(crate) const fn new(state: S, function: Arc<F>) -> Self {
        Self { state, function }
    }
}

impl<S, F, E> Protocol for Readable<S, F>
where
    S: 'static,
    F: Fn(&mut S, &[u8], &mut Io<'_>) -> Result<(), E> + 'static,
    E: Into<BoxError>,
{
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        (self.function)(&mut self.state, bytes, io).map_err(Into::into)?;
        Ok(bytes.len())
    }
}
