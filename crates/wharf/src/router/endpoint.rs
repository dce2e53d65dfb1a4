//! [`Endpoint`]: a handler, and where in the program it was added, for messages.

use std::fmt;
use std::panic::Location;

use crate::{Handler, HandlerError, IntoHandler};

/// A handler that was added to a router.
pub(super) struct Endpoint {
    definition: Definition,
    handler: Box<dyn Handler>,
}

/// Which call added it.
struct Definition {
    /// What was added, such as `GET /user/{id}`.
    what: String,
    at: &'static Location<'static>,
}

impl Endpoint {
    /// A handler that the caller's caller adds as `what`.
    #[track_caller]
    pub(super) fn new<M>(what: String, handler: impl IntoHandler<M>) -> Self {
        let definition = Definition { what, at: Location::caller() };
        Self { definition, handler: Box::new(handler.into_handler()) }
    }

    pub(super) fn handler(&self) -> &dyn Handler {
        &*self.handler
    }

    pub(super) fn check(&self) -> Result<(), HandlerError> {
        self.handler.check().map_err(|error| self.error(&format!("is wrong: {error}")))
    }

    /// It can't be added beside `other`, or beside something that is not known.
    pub(super) fn conflict(&self, other: Option<&Self>) -> HandlerError {
        match other {
            Some(other) => self.error(&format!("conflicts with {}", other.definition)),
            None => self.error("conflicts with an earlier one"),
        }
    }

    /// It can't be added because of `reason`.
    pub(super) fn malformed(&self, reason: impl fmt::Display) -> HandlerError {
        self.error(&format!("is malformed: {reason}"))
    }

    fn error(&self, what_is_wrong: &str) -> HandlerError {
        HandlerError::new(format!("{} {what_is_wrong}", self.definition))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.definition.what)
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.what, self.at.file(), self.at.line())
    }
}
