//! Bytes that are being sent: kept until the kernel says that it needs them no more.
//!
//! The kernel reads them wherever they are when it gets to them, so that they must not move, change
//! or be freed before the request's completion has come. A `Vec` and `Bytes` keep their bytes in
//! place when they are moved themselves. Not here: completions (`mod.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use bytes::Bytes;
use io_uring::types::Fd;
use io_uring::{opcode, squeue};

/// What is to be sent: the buffer from `sent` on, then the tail.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) buffer: Vec<u8>,
    pub(crate) sent: usize,
    pub(crate) tail: Bytes,
}

impl Parts {
    fn len(&self) -> usize {
        self.buffer.len() - self.sent + self.tail.len()
    }
}

/// Everything that is being sent, by number.
#[derive(Default)]
pub(super) struct Outputs {
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Place {
    /// What the request's owner knows it by.
    token: u64,
    parts: Option<Parts>,
    /// At most one. It is kept when the place is free, so that there is none to be made for each
    /// request; in a `Vec`, since that may be moved while the kernel knows of what is in it.
    message: Vec<Message>,
}

/// Where the parts are, in the form that the kernel wants to have it in.
struct Message {
    slices: [libc::iovec; 2],
    header: libc::msghdr,
}

// SAFETY: its pointers are for the kernel alone, and point to parts that can be sent elsewhere.
unsafe impl Send for Message {}

impl Outputs {
    /// Takes parts over. Gives back their number, and the request that sends at most `max` bytes of
    /// them on `socket`.
    pub(super) fn insert(
        &mut self,
        token: u64,
        parts: Parts,
        max: usize,
        socket: Fd,
    ) -> (u32, squeue::Entry) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).expect("there are not as many descriptors")
        });
        let place = &mut self.places[number as usize];
        place.token = token;
        let parts = place.parts.insert(parts);
        let unsent = &parts.buffer[parts.sent..];
        let unsent = &unsent[..unsent.len().min(max)];
        let tail = &parts.tail[..parts.tail.len().min(max - unsent.len())];
        if tail.is_empty() {
            let len = u32::try_from(unsent.len()).unwrap_or(u32::MAX);
            let send = opcode::Send::new(socket, unsent.as_ptr(), len);
            return (number, send.flags(libc::MSG_NOSIGNAL).build());
        }
        let message = message(&mut place.message, [unsent, tail]);
        let send = opcode::SendMsg::new(socket, message);
        (number, send.flags(libc::MSG_NOSIGNAL.cast_unsigned()).build())
    }

    /// How much is left to be sent of the parts with that number, this send included.
    pub(super) fn len(&self, number: u32) -> usize {
        self.places[number as usize].parts.as_ref().map_or(0, Parts::len)
    }

    /// Gives parts back that the kernel needs no more.
    ///
    /// # Safety
    ///
    /// The request's completion must have come.
    pub(super) unsafe fn remove(&mut self, number: u32) -> (u64, Parts) {
        let place = &mut self.places[number as usize];
        let parts = place.parts.take().expect("a request completes once");
        self.free.push(number);
        (place.token, parts)
    }
}

/// Describes `slices` in `place`.
fn message(place: &mut Vec<Message>, slices: [&[u8]; 2]) -> *const libc::msghdr {
    let slices = slices.map(|slice| libc::iovec {
        iov_base: slice.as_ptr().cast_mut().cast(),
        iov_len: slice.len(),
    });
    // Some systems have fields between these that nobody needs to know of.
    // SAFETY: zeroes are valid values of all fields, which are numbers and pointers.
    let header: libc::msghdr = unsafe { std::mem::zeroed() };
    place.clear();
    place.push(Message { slices, header });
    let message = &mut place[0];
    message.header.msg_name = null_mut();
    message.header.msg_iov = message.slices.as_mut_ptr();
    message.header.msg_iovlen = message.slices.len() as _;
    &raw const message.header
}

/// The owner of a tail is the program's: it may panic when it is dropped.
impl Drop for Outputs {
    fn drop(&mut self) {
        for place in self.places.drain(..) {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(place)));
        }
    }
}
