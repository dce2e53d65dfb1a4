//! Upper bounds on what one peer may make the server hold: [`Limits`] and its builder.
//!
//! Not here: deadlines, which need a clock, and bounds on connections, which need sockets.

use crate::OutOfRange;

/// Upper bounds on what one peer may make the server hold.
///
/// There is no "unlimited": every bound is a number, and each default says where it comes from.
///
/// ```
/// use wharf_proto::Limits;
///
/// let limits = Limits::builder().max_body_bytes(10 << 20).build()?;
/// assert_eq!(limits.max_body_bytes, 10 << 20);
/// # Ok::<(), wharf_proto::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Request line, field lines and empty line of one request, in bytes. Default 32 KiB (Kestrel).
    /// Between 256 bytes and 1 MiB. A longer head is answered with 431.
    pub max_head_bytes: u32,
    /// The request-target, in bytes. Default 8 KiB (Apache). At least 64 bytes.
    /// A longer one is answered with 414.
    pub max_target_bytes: u32,
    /// One field line, in bytes. Default 16 KiB. At least 64 bytes.
    /// A longer one is answered with 431.
    pub max_field_bytes: u32,
    /// Fields in one request. Default 256 (Gerbil). At least 1.
    /// One more is answered with 431.
    pub max_fields: u32,
    /// One request body, in bytes, without chunk framing. Default 1 MiB (nginx, Gerbil).
    /// A longer one is answered with 413.
    pub max_body_bytes: u64,
    /// The field lines behind a chunked body, in bytes. Default 8 KiB. At most 1 MiB; with 0, no
    /// trailer is taken. A longer section is answered with 431.
    pub max_trailer_bytes: u32,
    /// Extensions of one chunk, in bytes. Default 256. Longer ones are answered with 400.
    pub max_chunk_extension_bytes: u32,
    /// An unread request body that is read and dropped before the next request, in bytes.
    /// Default 64 KiB. A longer one closes the connection after the response. Over HTTP/2, what
    /// comes behind a response: the stream is reset where that is more.
    pub max_drain_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head_bytes: 32 << 10,
            max_target_bytes: 8 << 10,
            max_field_bytes: 16 << 10,
            max_fields: 256,
            max_body_bytes: 1 << 20,
            max_trailer_bytes: 8 << 10,
            max_chunk_extension_bytes: 256,
            max_drain_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// A builder that starts from the defaults.
    pub fn builder() -> LimitsBuilder {
        LimitsBuilder::default()
    }
}

/// Builds [`Limits`]. Setters never fail; [`build`](Self::build) checks everything once.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct LimitsBuilder {
    limits: Limits,
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`Limits::", stringify!($name), "`].")]
        pub const fn $name(mut self, value: $type) -> Self {
            self.limits.$name = value;
            self
        }
    )*};
}

impl LimitsBuilder {
    setters! {
        max_head_bytes: u32,
        max_target_bytes: u32,
        max_field_bytes: u32,
        max_fields: u32,
        max_body_bytes: u64,
        max_trailer_bytes: u32,
        max_chunk_extension_bytes: u32,
        max_drain_bytes: u64,
    }

    /// Checks every bound against its range.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] names the first option that is outside of its documented range.
    pub fn build(self) -> Result<Limits, OutOfRange> {
        let limits = self.limits;
        let checks = [
            ("max_head_bytes", (256..=1 << 20).contains(&limits.max_head_bytes)),
            ("max_target_bytes", limits.max_target_bytes >= 64),
            ("max_field_bytes", limits.max_field_bytes >= 64),
            ("max_fields", limits.max_fields >= 1),
            ("max_trailer_bytes", limits.max_trailer_bytes <= 1 << 20),
        ];
        match checks.iter().find(|(_, holds)| !holds) {
            Some(&(option, _)) => Err(OutOfRange { option }),
            None => Ok(limits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_checks() {
        assert_eq!(Limits::builder().build(), Ok(Limits::default()));
    }

    #[test]
    fn the_first_option_out_of_range_is_named() {
        let built = Limits::builder().max_fields(0).max_head_bytes(1).build();
        assert_eq!(built, Err(OutOfRange { option: "max_head_bytes" }));
        let built = Limits::builder().max_fields(0).build();
        assert_eq!(built, Err(OutOfRange { option: "max_fields" }));
    }
}
