//! Blocks of every byte, at every place, asked for every byte and many ranges; and random ones.

use crate::properties::check;

/// The bytes of a row that has every neighbour differ by `step`, behind what is asked for.
fn row(asked: [u8; 4], from: u8, step: u8) -> [u8; 20] {
    let mut row = [0; 20];
    let (start, rest) = row.split_at_mut(4);
    start.copy_from_slice(&asked);
    let values = (0..=u8::MAX).map(|count| from.wrapping_add(count.wrapping_mul(step)));
    rest.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    row
}

/// Under an interpreter not all are tried.
const STRIDE: usize = if cfg!(miri) { 85 } else { 1 };

#[test]
fn every_byte_is_found_in_all_blocks() {
    for byte in (0..=u8::MAX).step_by(STRIDE) {
        for from in (0..=u8::MAX).step_by(16) {
            for step in [0, 1, 0x80, 0xff] {
                check(&row([byte, 0x20, byte, 0xff], from, step));
            }
        }
    }
}

#[test]
fn every_range_has_its_bounds() {
    for first in (0..=u8::MAX).step_by(STRIDE) {
        for last in (first..=u8::MAX).step_by(STRIDE) {
            // A bound and what stands around it, one byte further on each time.
            let bound = if (first ^ last) % 2 == 0 { first } else { last };
            check(&row([bound, 0, first, last], bound.wrapping_sub(last % 16), 1));
        }
    }
}

#[test]
fn random_bytes_at_any_place_of_memory() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..if cfg!(miri) { 3 } else { 20_000 } {
        let mut bytes = [0; 48];
        for to in &mut bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *to = state.to_le_bytes()[3];
        }
        check(&bytes);
    }
}
