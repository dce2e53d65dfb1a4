//! [`Refusal`]: why a request is not answered by its handler, and what is answered in its place.
//!
//! Not here: how that is sent (`h1`, `h2`).

use std::error::Error;

use http::StatusCode;
use wharf_proto::Reject;

use crate::body::{BodyError, BodyKind};
use crate::config::BlockingPool;
use crate::observe::{CloseReason, ErrorKind, Limit};
use crate::response::Response;

/// Whether the connection may go on after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Persist {
    IfPossible,
    Never,
}

/// Why a request is not answered by its handler.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Reject(Reject),
    Limit(Limit),
    Panic,
    /// The server is at its end.
    Stopped,
}

impl Refusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Reject(reject) => reject.status(),
            Self::Limit(Limit::Handler | Limit::BlockingQueue | Limit::BlockingWait)
            | Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::Limit(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) const fn body_error(self) -> BodyError {
        match self {
            Self::Reject(reject) => BodyError::Rejected(reject),
            Self::Limit(Limit::Body | Limit::BodyRate) => BodyError::TimedOut,
            Self::Limit(_) | Self::Panic | Self::Stopped => BodyError::Aborted,
        }
    }

    pub(super) fn reason(self) -> CloseReason {
        match self {
            Self::Reject(reject) => CloseReason::of(reject),
            Self::Limit(limit) => CloseReason::Limit(limit),
            Self::Panic => CloseReason::Failed,
            Self::Stopped => CloseReason::Stopped,
        }
    }

    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::Reject(reject) => match Limit::of(reject) {
                Some(limit) => ErrorKind::Limit(limit),
                None => ErrorKind::Rejected(reject),
            },
            Self::Limit(limit) => ErrorKind::Limit(limit),
            Self::Panic => ErrorKind::Panic,
            Self::Stopped => ErrorKind::Stopped,
        }
    }

    /// What the program is told of, where `failure` is what it has to do with.
    pub(super) fn error<'a>(
        &'a self,
        failure: Option<&'a (dyn Error + Send + Sync + 'static)>,
    ) -> &'a (dyn Error + Send + Sync + 'static) {
        match self {
            Self::Reject(reject) => reject,
            Self::Limit(limit) => limit,
            Self::Panic => failure.unwrap_or(&UnknownPanic),
            Self::Stopped => &CloseReason::Stopped,
        }
    }

    /// What is answered: what the program has told, or a page that tells the status.
    pub(super) fn answer(self, told: Option<Response>, pool: &BlockingPool) -> Response {
        let response = page(told.unwrap_or_else(|| Response::status_page(self.status())));
        if self.passes_soon() && !response.headers().contains("retry-after") {
            let seconds = pool.wait().as_millis().div_ceil(1000).max(1);
            return response.send_head_inlineer("Retry-After", seconds.to_string());
        }
        response
    }

    /// Whether it is worth another attempt as soon as there are threads again.
    const fn passes_soon(self) -> bool {
        matches!(self, Self::Limit(Limit::BlockingQueue | Limit::BlockingWait))
    }

    /// Whether the connection can go on behind the response: the peer has done nothing wrong.
    pub(super) const fn persist(self) -> Persist {
        match self {
            Self::Limit(Limit::Handler | Limit::BlockingQueue | Limit::BlockingWait) => {
                Persist::IfPossible
            }
            Self::Reject(_) | Self::Limit(_) | Self::Panic | Self::Stopped => Persist::Never,
        }
    }
}

/// What a program has in place of a page of the server's: anything but what is no final response.
pub(super) fn page(response: Response) -> Response {
    let response = response.checked();
    match response.body().kind {
        BodyKind::Switch(_) | BodyKind::Blocking(_) => {
            Response::new(StatusCode::INTERNAL_SERVER_ERROR)
        }
        _ if response.status().is_informational() => {
            response.with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        _ => response,
    }
}

/// In place of what a panic said, where that was not kept.
#[derive(Debug)]
struct UnknownPanic;

impl std::fmt::Display for UnknownPanic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("panicked")
    }
}

impl Error for UnknownPanic {}
