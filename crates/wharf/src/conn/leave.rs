//! Connections that go on without what was spoken on them.
//!
//! Not here: the response that says so (`h1/switch.rs`).

use super::wire::Ending;
use super::{Conn, Context, Kept, Raw, Work};
use crate::detached::Detached;
use crate::driver::Released;

impl Conn {
    /// Has the protocol take over that a request has asked for. Gives back what is left of the
    /// requests, or of the protocol if there is none.
    pub(crate) fn switch(&mut self, raw: Box<Raw>, context: &Context<'_>) -> Option<Work> {
        let switched = match &mut self.work {
            Some(Work::Http1(http)) => http.take_switched(),
            Some(Work::Http2(_) | Work::Raw(_)) | None => None,
        };
        let Some((protocol, bytes, has_ended)) = switched else { return Some(Work::Raw(raw)) };
        let work = self.end_work(context);
        let left = self.take_left();
        self.speak(protocol);
        self.work_raw(raw);
        if let Some(Work::Raw(raw)) = &mut self.work {
            raw.take_over(left, &bytes, has_ended, context);
        }
        work
    }

    /// The driver gives the connection up from here on.
    pub(crate) fn begin_leaving(&mut self) {
        self.receiving = false;
        if let Some(work) = &mut self.work {
            work.wire_mut().ending = Some(Ending::Leaving);
        }
    }

    /// The driver has given the connection up. What it worked with is to be told, once the server
    /// knows of it no more.
    pub(crate) fn leave(&mut self, released: Released) -> Option<(Box<Raw>, Detached)> {
        let Released { key: _, socket, unread } = released;
        let mut work = self.work.take_if(|work| matches!(work, Work::Raw(_)))?;
        self.note_end_of_work(&mut work);
        let Work::Raw(mut raw) = work else { return None };
        if let Some(left) = raw.take_left() {
            self.kept = Kept::Left(left);
        }
        let (addrs, plain) = raw.take_parts();
        let secure = self.secure.take().map(|secure| Box::new(secure.into_detached()));
        Some((raw, Detached::new(socket, addrs, plain, secure, &unread)))
    }
}
