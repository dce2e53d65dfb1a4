//! Connections that change their protocol: the response that says so.
//!
//! Once it was sent, HTTP is over there. Not here: how the other protocol takes over
//! (`conn/leave.rs`).

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use wharf_proto::Headers;

use super::Http1;
use crate::conn::wire::Ending;
use crate::conn::{Context, Protocol};
use crate::response::Response;
use crate::stream::NextProtocol;

impl Http1 {
    /// Changes the protocol as the handler wishes, or says that the peer should have offered to.
    pub(super) fn switch(
        &mut self,
        mut response: Response,
        make: NextProtocol,
        context: &Context<'_>,
    ) {
        if !self.machine.may_switch() || !self.is_offered(response.headers()) {
            let mut refusal = Response::status_page(StatusCode::UPGRADE_REQUIRED);
            for value in response.headers().get_all("upgrade") {
                refusal = refusal.send_head_inlineer("Upgrade", value);
            }
            self.respond(refusal, context);
            return;
        }
        let protocol = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(protocol) => protocol,
            Err(panic) => {
                self.panicked(&*panic, context);
                return;
            }
        };
        let status = if self.machine.answers_connect() {
            // A tunnel is not a protocol of its own (RFC 9110 section 9.3.6).
            response.headers_mut().remove("upgrade");
            StatusCode::OK
        } else {
            StatusCode::SWITCHING_PROTOCOLS
        };
        let sent = self.machine.send_switch(response.headers(), &mut self.wire.output.buffer);
        debug_assert!(sent.is_ok(), "it was allowed: {sent:?}");
        self.exchange.status = Some(status);
        self.done.extend(self.exchange.end(true, self.wire.output.len()));
        self.lifeline.end();
        self.switching = Some(protocol);
        self.wire.ending = Some(Ending::Switch);
    }

    /// Takes the protocol that goes on, what came for it, and whether that is all.
    pub(in crate::conn) fn take_switched(&mut self) -> Option<(Box<dyn Protocol>, Vec<u8>, bool)> {
        let protocol = self.switching.take()?;
        Some((protocol, take(&mut self.input), self.wire.eof))
    }

    /// Whether the protocol that `headers` name is one that the peer offered. A tunnel by CONNECT
    /// needs no name.
    fn is_offered(&self, headers: &Headers) -> bool {
        if self.machine.answers_connect() {
            return true;
        }
        let (Some(protocol), Some(offers)) = (headers.get_bytes("upgrade"), &self.exchange.offers)
        else {
            return false;
        };
        let mut offers = offers.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        offers.any(|offer| offer.eq_ignore_ascii_case(protocol))
    }
}
