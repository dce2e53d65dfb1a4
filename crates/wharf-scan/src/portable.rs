//! Lanes in two words, for processors without vector registers that we use.
//!
//! In a class, each of its bytes has the high bit set and the other bits unset, and all others are
//! zero. Not here: `unsafe`.

pub(crate) type Lanes = [u64; 2];
pub(crate) type Bits = u32;

pub(crate) const BITS_PER_BYTE: usize = 1;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;
const LOW: u64 = !HIGH;

#[inline(always)]
pub(crate) fn load(bytes: &[u8; 16]) -> Lanes {
    let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|place| bytes[at + place]));
    [word(0), word(8)]
}

#[inline(always)]
pub(crate) const fn splat(byte: u8) -> Lanes {
    [ONES * byte as u64; 2]
}

#[inline(always)]
pub(crate) const fn or([a, b]: Lanes, [c, d]: Lanes) -> Lanes {
    [a | c, b | d]
}

#[inline(always)]
pub(crate) fn equal([a, b]: Lanes, [c, d]: Lanes) -> Lanes {
    // The low bits carry into the high one unless all are zero, and no further.
    [a ^ c, b ^ d].map(|word| !((word & LOW) + LOW | word) & HIGH)
}

#[inline(always)]
pub(crate) const fn and([a, b]: Lanes, [c, d]: Lanes) -> Lanes {
    [a & c, b & d]
}

#[inline(always)]
pub(crate) const fn except([a, b]: Lanes, [c, d]: Lanes) -> Lanes {
    [a & !c, b & !d]
}

#[inline(always)]
pub(crate) fn outside(lanes: Lanes, first: u8, last: u8) -> Lanes {
    lanes.map(|word| {
        let above = last.checked_add(1).map_or(0, |bound| from(word, bound));
        !from(word, first) & HIGH | above
    })
}

/// Marks the bytes that are not below `bound`.
#[inline(always)]
const fn from(word: u64, bound: u8) -> u64 {
    // With the high bits set, nothing is borrowed from the next byte.
    let low = (word | HIGH) - (ONES * bound as u64 & LOW);
    (if bound < 0x80 { word | low } else { word & low }) & HIGH
}

#[inline(always)]
pub(crate) fn bits(class: Lanes) -> Bits {
    // Each product has the marks of its eight bytes side by side at the top.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let [low, high] = class.map(|word| (word >> 7).wrapping_mul(GATHER).to_be_bytes()[0]);
    Bits::from(low) | Bits::from(high) << 8
}
