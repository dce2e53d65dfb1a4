//! The properties on inputs from a seeded generator. Each failure prints its input.

use crate::h2::properties::{check_frames, check_operations, wire};

/// Marsaglia's xorshift with 64 bits of state: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn bytes(&mut self, max_len: usize) -> Vec<u8> {
        let len = self.below(max_len + 1);
        (0..len).map(|_| self.byte()).collect()
    }
}

#[test]
fn any_operations_in_any_order_keep_the_properties() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3_000 {
        let ops = random.bytes(200);
        let result = std::panic::catch_unwind(|| check_operations(&ops));
        assert!(result.is_ok(), "{ops:?}");
    }
}

#[test]
fn any_frames_keep_the_properties() {
    let mut random = Random(0x9e37_79b9_7f4a_7c16);
    let get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    for _ in 0..3_000 {
        let mut input = Vec::new();
        for at in 0..random.below(10) {
            let id = u32::try_from(random.below(at + 2) * 2 + 1).unwrap();
            let flags = random.byte() & 0x29;
            let frame = match random.below(4) {
                0 => wire::headers(id, flags & 1, &get),
                1 => wire::data(id, flags, &random.bytes(20)),
                2 => wire::settings(&[(u16::from(random.byte() % 10), random.byte().into())]),
                _ => wire::frame(random.byte() % 18, random.byte(), id & 3, &random.bytes(9)),
            };
            input.extend(frame);
        }
        let cuts = [random.below(500), random.below(500), random.below(100)];
        let result = std::panic::catch_unwind(|| check_frames(&input, &cuts));
        assert!(result.is_ok(), "{} {cuts:?}", input.escape_ascii());
    }
}
