//! The Huffman code of RFC 7541, appendix B, and the tables that it is read by.
//!
//! The code is canonical: codes of one length ascend with their symbols, and shorter ones come
//! first. So the lengths say all, and everything else is computed from them by the compiler. Not
//! here: reading and writing (`huffman.rs`).

#![expect(clippy::indexing_slicing, reason = "evaluated at compile time")]

/// The symbol that ends a string and must not be sent (RFC 7541 section 5.2).
pub(super) const EOS: u16 = 256;

/// How many bits are looked up at once: as many as the symbols of usual text need.
pub(super) const STEP_BITS: u32 = 11;

const SYMBOLS: usize = 257;
const LONGEST: usize = 30;

/// The bits of the code of each symbol; EOS is the last.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The code of one symbol, its last bit lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: u32,
    pub(super) bits: u8,
}

/// What the next [`STEP_BITS`] bits begin with: one symbol, two, or none that is short enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) symbols: [u8; 2],
    /// Bits of the first symbol; 0 if its code is longer than the step.
    pub(super) first_bits: u8,
    /// Bits of all the symbols.
    pub(super) bits: u8,
}

/// The codes of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The last of these codes, in the highest of 32 bits, followed by ones.
    pub(super) last: u32,
    pub(super) bits: u8,
    /// The first of these codes, its last bit lowest.
    pub(super) first: u32,
    /// Where its symbol is in [`IN_ORDER`].
    pub(super) at: u16,
}

/// The codes by symbol.
pub(super) static CODES: [Code; SYMBOLS] = CODES_BY_SYMBOL;

/// The steps by the bits that come next.
pub(super) static STEPS: [Step; 1 << STEP_BITS] = steps();

/// The codes of each length, shorter ones first; lengths without a code are left out.
pub(super) static GROUPS: [Group; GROUP_COUNT] = groups();

/// The symbols by their codes, in ascending order.
pub(super) static IN_ORDER: [u16; SYMBOLS] = ORDER;

const CODES_BY_SYMBOL: [Code; SYMBOLS] = codes();
const ORDER: [u16; SYMBOLS] = in_order();
const GROUP_COUNT: usize = group_count();

#[expect(clippy::cast_possible_truncation, reason = "symbols are at most 256")]
const fn in_order() -> [u16; SYMBOLS] {
    let mut order = [0; SYMBOLS];
    let mut len = 0;
    let mut bits = 1;
    while bits <= LONGEST {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == bits {
                order[len] = symbol as u16;
                len += 1;
            }
            symbol += 1;
        }
        bits += 1;
    }
    order
}

const fn codes() -> [Code; SYMBOLS] {
    let mut codes = [Code { code: 0, bits: 0 }; SYMBOLS];
    let mut at = 0;
    let mut code = 0;
    let mut bits = 0;
    while at < SYMBOLS {
        let symbol = ORDER[at] as usize;
        code <<= LENGTHS[symbol] - bits;
        bits = LENGTHS[symbol];
        codes[symbol] = Code { code, bits };
        code += 1;
        at += 1;
    }
    codes
}

#[expect(clippy::cast_possible_truncation, reason = "the symbols of short codes are bytes")]
const fn steps() -> [Step; 1 << STEP_BITS] {
    let mut steps = [Step { symbols: [0; 2], first_bits: 0, bits: 0 }; 1 << STEP_BITS];
    let mut next = 0;
    while next < steps.len() {
        if let Some((symbol, first_bits)) = short_code(next, STEP_BITS) {
            steps[next] = Step { symbols: [symbol as u8, 0], first_bits, bits: first_bits };
            let left = STEP_BITS - first_bits as u32;
            if let Some((second, bits)) = short_code(next & ((1 << left) - 1), left) {
                steps[next].symbols[1] = second as u8;
                steps[next].bits += bits;
            }
        }
        next += 1;
    }
    steps
}

/// The symbol that begins the lowest `len` bits of `next`, and the bits of its code.
const fn short_code(next: usize, len: u32) -> Option<(u16, u8)> {
    let mut at = 0;
    while at < SYMBOLS {
        let symbol = ORDER[at];
        let Code { code, bits } = CODES_BY_SYMBOL[symbol as usize];
        if bits as u32 > len {
            return None;
        }
        if next >> (len - bits as u32) == code as usize {
            return Some((symbol, bits));
        }
        at += 1;
    }
    None
}

const fn group_count() -> usize {
    let mut count = 0;
    let mut at = 0;
    while at < SYMBOLS {
        if at == 0 || LENGTHS[ORDER[at] as usize] != LENGTHS[ORDER[at - 1] as usize] {
            count += 1;
        }
        at += 1;
    }
    count
}

#[expect(clippy::cast_possible_truncation, reason = "there are 257 symbols")]
const fn groups() -> [Group; GROUP_COUNT] {
    let mut groups = [Group { last: 0, bits: 0, first: 0, at: 0 }; GROUP_COUNT];
    let mut len = 0;
    let mut at = 0;
    while at < SYMBOLS {
        let Code { code, bits } = CODES_BY_SYMBOL[ORDER[at] as usize];
        if len == 0 || groups[len - 1].bits != bits {
            groups[len] = Group { last: 0, bits, first: code, at: at as u16 };
            len += 1;
        }
        let unused = 32 - bits as u32;
        groups[len - 1].last = (code << unused) | ((1 << unused) - 1);
        at += 1;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last code of each length, as appendix B has them.
    const ROWS: [(u16, u32, u8); 42] = [
        (b'0' as u16, 0x0, 5),
        (b't' as u16, 0x9, 5),
        (b' ' as u16, 0x14, 6),
        (b'u' as u16, 0x2d, 6),
        (b':' as u16, 0x5c, 7),
        (b'z' as u16, 0x7b, 7),
        (b'&' as u16, 0xf8, 8),
        (b'Z' as u16, 0xfd, 8),
        (b'!' as u16, 0x3f8, 10),
        (b'?' as u16, 0x3fc, 10),
        (b'\'' as u16, 0x7fa, 11),
        (b'|' as u16, 0x7fc, 11),
        (b'#' as u16, 0xffa, 12),
        (b'>' as u16, 0xffb, 12),
        (0, 0x1ff8, 13),
        (b'~' as u16, 0x1ffd, 13),
        (b'^' as u16, 0x3ffc, 14),
        (b'}' as u16, 0x3ffd, 14),
        (b'<' as u16, 0x7ffc, 15),
        (b'{' as u16, 0x7ffe, 15),
        (b'\\' as u16, 0x7fff0, 19),
        (208, 0x7fff2, 19),
        (128, 0xfffe6, 20),
        (226, 0xfffed, 20),
        (153, 0x1fffdc, 21),
        (230, 0x1fffe8, 21),
        (129, 0x3fffd2, 22),
        (233, 0x3fffeb, 22),
        (1, 0x7fffd8, 23),
        (239, 0x7ffff4, 23),
        (9, 0xffffea, 24),
        (237, 0xfffff5, 24),
        (199, 0x1ffffec, 25),
        (235, 0x1ffffef, 25),
        (192, 0x3ffffe0, 26),
        (255, 0x3ffffee, 26),
        (203, 0x7ffffde, 27),
        (254, 0x7fffff0, 27),
        (2, 0xfffffe2, 28),
        (249, 0xffffffe, 28),
        (10, 0x3ffffffc, 30),
        (EOS, 0x3fffffff, 30),
    ];

    #[test]
    fn the_codes_are_those_of_appendix_b() {
        for (symbol, code, bits) in ROWS {
            assert_eq!(CODES[usize::from(symbol)], Code { code, bits }, "{symbol}");
        }
        assert_eq!(GROUPS.len() * 2, ROWS.len());
    }

    #[test]
    fn every_sequence_of_bits_begins_with_exactly_one_code() {
        let taken: u64 = CODES.iter().map(|code| 1 << (LONGEST - usize::from(code.bits))).sum();
        assert_eq!(taken, 1 << LONGEST);
    }
}
