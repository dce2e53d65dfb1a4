//! What must hold for any bytes: blocks say of them what looking at one after the other says.
//!
//! The tests run it on chosen and on random bytes, a fuzz target on those that a fuzzer finds.

use crate::{BLOCK_BYTES, Block, Places};

/// Checks all that a block can tell of each 16 bytes in a row. The first four bytes are what is
/// asked for.
///
/// # Panics
///
/// If a block is wrong.
pub fn check(input: &[u8]) {
    let Some((&[byte, bits, one, other], bytes)) = input.split_first_chunk() else { return };
    let (first, last) = (one.min(other), one.max(other));
    let is_outside = |byte| byte < first || last < byte;
    for bytes in bytes.windows(BLOCK_BYTES).filter_map(<[u8]>::first_chunk) {
        let block = Block::new(bytes);
        let (is, outside) = (block.is(byte), block.is_outside(first, last));
        agree(bytes, is.found(), |found| found == byte);
        agree(bytes, outside.found(), is_outside);
        agree(bytes, block.with_bits(bits).is(byte).found(), |found| found | bits == byte);
        agree(bytes, (is | outside).found(), |found| found == byte || is_outside(found));
        agree(bytes, (is & outside).found(), |found| found == byte && is_outside(found));
        agree(bytes, is.except(outside).found(), |found| found == byte && !is_outside(found));
        agree(bytes, outside.except(is).found(), |found| found != byte && is_outside(found));
    }
}

fn agree(bytes: &[u8; BLOCK_BYTES], places: Places, is_in: impl Fn(u8) -> bool) {
    for count in 0..BLOCK_BYTES {
        let expected = bytes[count..].iter().position(|&byte| is_in(byte));
        assert_eq!(places.behind(count).first(), expected, "{bytes:?} behind {count}");
    }
}
