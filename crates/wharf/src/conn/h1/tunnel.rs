//! Connections that change their protocol: from the response that says so to the handler's future
//! that has both directions.
//!
//! The two directions are bounded channels like those of bodies, and the same code moves them. Not
//! here: what the bytes mean.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use wharf_proto::Headers;

use super::Http1;
use crate::body::{Body, Tunneler};
use crate::conn::Context;
use crate::conn::outgoing::Outgoing;
use crate::pool::Pooled;
use crate::response::Response;

impl Http1 {
    /// Changes the protocol as the handler wishes, or says that the peer should have offered to.
    pub(super) fn switch(
        &mut self,
        mut headers: Pooled<Headers>,
        serve: Tunneler,
        context: &Context<'_>,
    ) {
        if !self.machine.may_switch() || !self.is_offered(&headers) {
            let mut refusal = Response::status_page(StatusCode::UPGRADE_REQUIRED);
            for value in headers.get_all("upgrade") {
                refusal = refusal.append_header("Upgrade", value);
            }
            self.respond(refusal, context);
            return;
        }
        let (incoming, for_handler) = Body::channel();
        let (from_handler, outgoing) = Body::channel();
        let started = catch_unwind(AssertUnwindSafe(|| serve(for_handler, from_handler)));
        let production = match started {
            Ok(production) => production,
            Err(panic) => {
                self.panicked(&*panic, context);
                return;
            }
        };
        let status = if self.machine.answers_connect() {
            // A tunnel is not a protocol of its own (RFC 9110 section 9.3.6).
            headers.remove("upgrade");
            StatusCode::OK
        } else {
            StatusCode::SWITCHING_PROTOCOLS
        };
        let sent = self.machine.send_switch(&headers, &mut self.wire.output.buffer);
        debug_assert!(sent.is_ok(), "it was allowed: {sent:?}");
        self.exchange.status = Some(status);
        self.exchange.is_tunnel = true;
        self.exchange.task = None;
        self.exchange.handler_due = None;
        self.exchange.request_body = Some(incoming);
        self.exchange.response_body = Outgoing::tunnel(outgoing, production);
        self.pump(context);
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
