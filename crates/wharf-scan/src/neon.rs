//! Lanes in a vector register of ARM64, where NEON is a part of every processor that Rust supports
//! by default.
//!
//! Not here: ARM processors of 32 bits, and those that are big-endian.

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vbicq_u8, vceqq_u8, vcgtq_u8, vdupq_n_u8, vget_lane_u64, vld1q_u8,
    vorrq_u8, vreinterpret_u64_u8, vreinterpretq_u16_u8, vshrn_n_u16, vsubq_u8,
};

pub(crate) type Lanes = uint8x16_t;
pub(crate) type Bits = u64;

/// There is no instruction that makes one bit of a byte, but one that makes four.
pub(crate) const BITS_PER_BYTE: usize = 4;

#[inline(always)]
pub(crate) fn load(bytes: &[u8; 16]) -> Lanes {
    // SAFETY: the array has the 16 bytes that are read, and they need not be aligned.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline(always)]
pub(crate) fn splat(byte: u8) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vdupq_n_u8(byte) }
}

#[inline(always)]
pub(crate) fn or(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vorrq_u8(one, other) }
}

#[inline(always)]
pub(crate) fn equal(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vceqq_u8(one, other) }
}

#[inline(always)]
pub(crate) fn and(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vandq_u8(one, other) }
}

#[inline(always)]
pub(crate) fn except(one: Lanes, other: Lanes) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vbicq_u8(one, other) }
}

#[inline(always)]
pub(crate) fn outside(lanes: Lanes, first: u8, last: u8) -> Lanes {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    let moved = unsafe { vsubq_u8(lanes, splat(first)) };
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vcgtq_u8(moved, splat(last - first)) }
}

#[inline(always)]
pub(crate) fn bits(class: Lanes) -> Bits {
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    let pairs = unsafe { vreinterpretq_u16_u8(class) };
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    let halves = unsafe { vshrn_n_u16::<4>(pairs) };
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    let word = unsafe { vreinterpret_u64_u8(halves) };
    // SAFETY: `lib.rs` takes this file where NEON is enabled.
    unsafe { vget_lane_u64::<0>(word) }
}
