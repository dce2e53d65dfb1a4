//! [`ToTls`]: who answers plain HTTP where TLS is spoken, if the program wants that.
//!
//! Not here: how it is noticed (`conn/secure/mod.rs`).

use http::StatusCode;
use wharf_proto::TargetForm;

use super::{Handler, Reply};
use crate::request::Request;
use crate::response::Response;

/// Sends clients to the same place over TLS, and ends their connections.
pub(crate) struct ToTls;

impl Handler for ToTls {
    fn call(&self, request: Request) -> Reply {
        let response = match location(&request) {
            Some(location) => {
                Response::redirect(location).with_status(StatusCode::PERMANENT_REDIRECT)
            }
            None => Response::text("This port speaks HTTPS.").with_status(StatusCode::BAD_REQUEST),
        };
        Reply::ready(response.with_header("Connection", "close"))
    }
}

/// The same place over TLS: the very port on which the client has asked. `None` if it did not say
/// by which name it knows this host, or asks for no place.
fn location(request: &Request) -> Option<String> {
    let authority = request.authority().filter(|authority| !authority.is_empty())?;
    let path = match request.target_form() {
        TargetForm::Origin | TargetForm::Absolute => request.path(),
        TargetForm::Authority | TargetForm::Asterisk => return None,
    };
    let mut location = format!("https://{authority}{path}");
    if let Some(query) = request.query() {
        location.push('?');
        location.push_str(query);
    }
    Some(location)
}
