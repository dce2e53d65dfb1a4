//! Sections of field lines: how long they may be, and what becomes of the fields.
//!
//! Not here: how lines are parsed (`parse.rs`, `lines.rs`).

use super::framing::Framing;
use crate::headers::Field;
use crate::trailers::is_forbidden_trailer;
use crate::{Headers, Limits, Reject, RequestHead};

/// More than [`Limits`] allows is not taken from them, so that places can be added up.
pub(super) const MAX_SECTION_BYTES: u32 = 1 << 20;

/// Bounds on one section of field lines.
#[derive(Clone, Copy)]
pub(super) struct Section {
    pub(super) bytes: u32,
    pub(super) too_large: Reject,
}

impl Section {
    pub(super) fn of_head(limits: &Limits) -> Self {
        let bytes = limits.max_head_bytes.min(MAX_SECTION_BYTES);
        Self { bytes, too_large: Reject::HeadTooLarge }
    }

    pub(super) fn of_trailers(limits: &Limits) -> Self {
        // The empty line is no part of the section (RFC 9112 section 7.1).
        let bytes = limits.max_trailer_bytes.min(MAX_SECTION_BYTES) + 2;
        Self { bytes, too_large: Reject::TrailersTooLarge }
    }

    /// As much of `input`, which begins with the section, as may be looked at.
    pub(super) fn window(self, input: &[u8]) -> &[u8] {
        input.get(..self.bytes as usize).unwrap_or(input)
    }
}

/// What becomes of the fields.
pub(super) enum Fields<'f> {
    Head(&'f mut RequestHead, &'f mut Framing),
    Trailers(&'f mut Headers),
}

impl Fields<'_> {
    pub(super) fn add(&mut self, field: Field, name: &[u8], value: &[u8]) -> Result<(), Reject> {
        match self {
            Self::Head(head, framing) => {
                framing.note(name, value)?;
                head.headers.push_received(field);
            }
            // It would change what was decided when the head came (RFC 9110 section 6.5.1).
            Self::Trailers(_) if is_forbidden_trailer(name) => {}
            Self::Trailers(headers) => headers.push_received(field),
        }
        Ok(())
    }
}
