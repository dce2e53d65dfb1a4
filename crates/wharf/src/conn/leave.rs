//! Connections that go on without what was spoken on them.
//!
//! Not here: the response that says so (`h1/switch.rs`).

use super::{Conn, Context, Raw, Work};

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
}
