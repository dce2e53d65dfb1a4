//! Lanes in a vector register of x86-64, where SSE2 is a part of every processor.
//!
//! Not here: vectors of 32 bytes, which not all have and whose detection costs what short heads
//! would gain.

use core::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_and_si128, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8,
    _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
};

pub(crate) type Lanes = __m128i;
pub(crate) type Bits = u32;

pub(crate) const BITS_PER_BYTE: usize = 1;

#[inline(always)]
pub(crate) fn load(bytes: &[u8; 16]) -> Lanes {
    // SAFETY: the array has the 16 bytes that are read, and they need not be aligned.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn splat(byte: u8) -> Lanes {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_set1_epi8(byte.cast_signed()) }
}

#[inline(always)]
pub(crate) fn or(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_or_si128(one, other) }
}

#[inline(always)]
pub(crate) fn equal(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_cmpeq_epi8(one, other) }
}

#[inline(always)]
pub(crate) fn and(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_and_si128(one, other) }
}

#[inline(always)]
pub(crate) fn except(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_andnot_si128(other, one) }
}

/// Bytes are compared as signed ones, so the range is moved to where those begin.
#[inline(always)]
pub(crate) fn outside(lanes: Lanes, first: u8, last: u8) -> Lanes {
    const LOWEST: u8 = i8::MIN.cast_unsigned();
    let moved = splat(LOWEST.wrapping_sub(first));
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    let moved = unsafe { _mm_add_epi8(lanes, moved) };
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_cmpgt_epi8(moved, splat(LOWEST.wrapping_add(last - first))) }
}

#[inline(always)]
pub(crate) fn bits(class: Lanes) -> Bits {
    // SAFETY: `lib.rs` takes this file where SSE2 is enabled.
    unsafe { _mm_movemask_epi8(class) }.cast_unsigned()
}
