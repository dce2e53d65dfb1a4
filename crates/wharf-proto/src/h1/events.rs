//! The vocabulary of a connection: what comes out of [`receive`] and what goes into [`send_head`].
//!
//! Not here: what happens on an event (`connection.rs`, `receive.rs`).
//!
//! [`receive`]: super::Connection::receive
//! [`send_head`]: super::Connection::send_head

use http::StatusCode;

use super::encode::DateField;
use crate::BodyLength;

/// What one call of [`Connection::receive`](super::Connection::receive) made of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'b> {
    /// How many bytes of the input are dealt with. Drop them before the next call.
    pub consumed: usize,
    /// `None`: nothing more can be made of the input now.
    pub event: Option<Event<'b>>,
}

impl<'b> Received<'b> {
    /// All of the input as one piece of body.
    pub(super) const fn all(input: &'b [u8]) -> Self {
        let event = if input.is_empty() { None } else { Some(Event::Body(input)) };
        Self { consumed: input.len(), event }
    }
}

/// Something that came from the peer in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A request head; it stands in the `head` that was passed in. A body of `Known(0)` is over
    /// with this event, any other ends with [`Event::End`].
    Head {
        /// The length of the body.
        body: BodyLength,
    },
    /// A piece of the body, never empty.
    Body(&'b [u8]),
    /// The end of the body. Trailer fields, if any, are the headers of the `head` passed in, which
    /// is cleared for them; pass another one than the request's, if that is still of use.
    End,
}

/// Status and framing of a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    pub(super) status: StatusCode,
    pub(super) body: BodyLength,
    pub(super) date: Option<&'a DateField>,
    pub(super) close: bool,
}

impl<'a> Response<'a> {
    /// A response without `Date` that keeps the connection if the peer wishes.
    #[must_use]
    pub const fn new(status: StatusCode, body: BodyLength) -> Self {
        Self { status, body, date: None, close: false }
    }

    /// Adds `Date`, unless the fields have one.
    #[must_use]
    pub const fn date(mut self, date: &'a DateField) -> Self {
        self.date = Some(date);
        self
    }

    /// Closes the connection after the response.
    #[must_use]
    pub const fn close(mut self) -> Self {
        self.close = true;
        self
    }
}
