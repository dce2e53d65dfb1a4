//! Sixteen bytes at once: which of them are a certain byte, or within a range, and which is first.
//!
//! [`Block`] holds them in a register of the processor where every processor of the architecture
//! has such registers (SSE2 on x86-64, NEON on ARM64), else in two words; what comes out is the
//! same. Nothing is found out at run time. Blocks are made of arrays, so nothing can be read beyond
//! a slice. Tests run with words on any machine if `--cfg wharf_scan_portable` is in `RUSTFLAGS`.
//!
//! ```
//! use wharf_scan::Block;
//!
//! let block = Block::new(b"Host: a.example\r");
//! assert_eq!(block.is(b':').found().first(), Some(4));
//! let unusual = block.with_bits(0x20).is_outside(b'a', b'z').except(block.is(b'.'));
//! assert_eq!(unusual.found().first(), Some(4));
//! assert_eq!(block.is(b'?').found().first(), None);
//! ```
//!
//! [`ascii`] makes text of bytes that are ASCII. Not here: which bytes mean what to HTTP
//! (`wharf-proto`), and loops over longer slices.

#![no_std]

use core::ops::{BitAnd, BitOr};

mod ascii;
#[cfg(all(
    target_arch = "aarch64",
    target_endian = "little",
    target_feature = "neon",
    not(wharf_scan_portable)
))]
#[path = "neon.rs"]
mod lanes;
#[cfg(any(
    wharf_scan_portable,
    not(any(
        all(target_arch = "aarch64", target_endian = "little", target_feature = "neon"),
        all(target_arch = "x86_64", target_feature = "sse2"),
    ))
))]
#[path = "portable.rs"]
mod lanes;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(wharf_scan_portable)))]
#[path = "sse2.rs"]
mod lanes;
#[cfg(any(test, fuzzing))]
pub mod properties;
#[cfg(test)]
mod tests;

pub use self::ascii::ascii;

/// The bytes of a [`Block`].
pub const BLOCK_BYTES: usize = 16;

/// Sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub struct Block(lanes::Lanes);

/// Some of the bytes of a block.
#[derive(Clone, Copy, Debug)]
pub struct Class(lanes::Lanes);

/// The places of some of the bytes of a block.
#[derive(Clone, Copy, Debug)]
pub struct Places(lanes::Bits);

impl Block {
    /// A block of these bytes.
    #[inline(always)]
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK_BYTES]) -> Self {
        Self(lanes::load(bytes))
    }

    /// The same with these bits set in every byte.
    #[inline(always)]
    #[must_use]
    pub fn with_bits(self, bits: u8) -> Self {
        Self(lanes::or(self.0, lanes::splat(bits)))
    }

    /// The bytes equal to `byte`.
    #[inline(always)]
    #[must_use]
    pub fn is(self, byte: u8) -> Class {
        Class(lanes::equal(self.0, lanes::splat(byte)))
    }

    /// The bytes below `first` or above `last`, where `first` is not above `last`.
    #[inline(always)]
    #[must_use]
    pub fn is_outside(self, first: u8, last: u8) -> Class {
        debug_assert!(first <= last, "a range has a first and a last byte");
        Class(lanes::outside(self.0, first, last))
    }
}

impl Class {
    /// Where the bytes of the class stand.
    #[inline(always)]
    #[must_use]
    pub fn found(self) -> Places {
        Places(lanes::bits(self.0))
    }

    /// The bytes that are in this class and not in the other.
    #[inline(always)]
    #[must_use]
    pub fn except(self, other: Self) -> Self {
        Self(lanes::except(self.0, other.0))
    }
}

impl BitAnd for Class {
    type Output = Self;

    /// The bytes that are in both classes.
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(lanes::and(self.0, other.0))
    }
}

impl BitOr for Class {
    type Output = Self;

    /// The bytes that are in either class.
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(lanes::or(self.0, other.0))
    }
}

impl Places {
    /// Those behind the first `count` bytes of the block, which are fewer than all, counted from
    /// there.
    #[inline(always)]
    #[must_use]
    pub fn behind(self, count: usize) -> Self {
        debug_assert!(count < BLOCK_BYTES, "a block has no more bytes");
        Self(self.0 >> (count * lanes::BITS_PER_BYTE))
    }

    /// The first place, unless there is none.
    #[inline(always)]
    #[must_use]
    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize / lanes::BITS_PER_BYTE)
    }
}
