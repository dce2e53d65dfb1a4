//! What must hold for any input, as functions that panic where it does not.
//!
//! The tests below run them on inputs from a seeded generator, the target in `fuzz/` on those that
//! a fuzzer finds. Not here: what must hold for particular inputs (`tests/`).

use std::ops::ControlFlow;

use super::dynamic_table::{DEFAULT_BYTES, ENTRY_OVERHEAD};
use super::{Decoded, Decoder, Encoder, Fields, Outcome};

/// Enough for any head that short inputs can stand for in full.
const LARGE_LIST: usize = 1 << 24;

/// Few enough for short inputs to have more.
const SMALL_LIST: usize = 200;

/// Takes as many fields as it is told.
struct Taken {
    block: Vec<u8>,
    fields: Vec<Decoded>,
    most: usize,
}

impl Taken {
    const fn new(most: usize) -> Self {
        Self { block: Vec::new(), fields: Vec::new(), most }
    }

    fn parts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| {
            let value_at = field.name_at + field.name_len;
            let (name, value) = (field.name_at..value_at, value_at..value_at + field.value_len);
            (self.block.get(name).unwrap_or(b"?"), self.block.get(value).unwrap_or(b"?"))
        })
    }

    fn list_bytes(&self) -> usize {
        self.block.len() + self.fields.len() * ENTRY_OVERHEAD
    }
}

impl Fields for Taken {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        assert_eq!(field.name_at + field.name_len + field.value_len, self.block.len());
        if self.fields.len() == self.most {
            return ControlFlow::Break(());
        }
        self.fields.push(field);
        ControlFlow::Continue(())
    }
}

/// Decodes `input` as header blocks of one connection, each behind a byte with its length, and
/// checks that the table is the same for those who take all fields, few, or none; that nothing
/// grows beyond its bound; and that what we make of the fields is read as the same fields.
///
/// # Panics
///
/// If that does not hold.
pub fn check_blocks(input: &[u8]) {
    let mut decoders = [LARGE_LIST, SMALL_LIST, LARGE_LIST].map(Decoder::new);
    let (mut encoder, mut back) = (Encoder::new(), Decoder::new(LARGE_LIST));
    let mut rest = input;
    while let [len, behind @ ..] = rest {
        let (block, next) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = next;
        let mut taken = [Taken::new(usize::MAX), Taken::new(usize::MAX), Taken::new(1)];
        let [all, small, one] = &mut taken;
        let [a, b, c] = &mut decoders;
        let outcomes = [a.decode(block, all), b.decode(block, small), c.decode(block, one)];
        if let Some(Err(error)) = outcomes.iter().find(|outcome| outcome.is_err()) {
            assert_eq!(outcomes, [Err(*error); 3]);
            return;
        }
        check_outcomes(&taken, &outcomes.map(|outcome| outcome.expect("none is an error")));
        check_tables(&decoders);
        let [all, ..] = &taken;
        check_way_back(all, &mut encoder, &mut back);
    }
}

fn check_outcomes(taken: &[Taken; 3], outcomes: &[Outcome; 3]) {
    let [all, small, one] = taken;
    assert_eq!(outcomes[0], Outcome::Complete);
    assert_eq!(outcomes[1] == Outcome::Complete, all.list_bytes() <= SMALL_LIST);
    assert_eq!(outcomes[2] == Outcome::Complete, all.fields.len() <= 1);
    for fewer in [small, one] {
        assert!(all.parts().zip(fewer.parts()).all(|(whole, part)| whole == part));
        assert!(all.block.starts_with(&fewer.block) && fewer.fields.len() <= all.fields.len());
    }
    assert!(small.list_bytes() <= SMALL_LIST);
}

fn check_tables(decoders: &[Decoder; 3]) {
    let [first, others @ ..] = decoders.each_ref().map(Decoder::table);
    for other in others {
        assert_eq!(first.len(), other.len());
        assert!((0..first.len()).all(|age| first.get(age) == other.get(age)));
    }
    let texts = (0..first.len()).map(|age| first.get(age).expect("it is there").text.len());
    assert_eq!(first.bytes(), texts.map(|text| text + ENTRY_OVERHEAD).sum());
    assert!(first.bytes() <= first.max_bytes() && first.max_bytes() <= DEFAULT_BYTES);
    assert!(first.storage_bytes() <= 4 * DEFAULT_BYTES);
}

/// Sends the fields and checks that they come back, the names in lower case.
fn check_way_back(sent: &Taken, encoder: &mut Encoder, decoder: &mut Decoder) {
    let mut out = Vec::new();
    let mut block = encoder.block(&mut out);
    for (name, value) in sent.parts() {
        block.field(name, value);
    }
    let mut back = Taken::new(usize::MAX);
    assert_eq!(decoder.decode(&out, &mut back), Ok(Outcome::Complete));
    assert_eq!(back.fields.len(), sent.fields.len());
    for ((name, value), (sent_name, sent_value)) in back.parts().zip(sent.parts()) {
        assert!(name == sent_name.to_ascii_lowercase() && value == sent_value);
    }
    assert!(encoder.storage_bytes() <= 5 * DEFAULT_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marsaglia's xorshift with 64 bits of state: the same numbers each time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
        }

        fn byte(&mut self) -> u8 {
            u8::try_from(self.below(256)).unwrap()
        }

        fn text(&mut self, most: usize) -> Vec<u8> {
            let (len, letters) = (self.below(most), self.below(3));
            (0..len)
                .map(|_| match letters {
                    0 => self.byte(),
                    _ => b"abc-E019 /;="[self.below(12)],
                })
                .collect()
        }

        /// Representations of all kinds, most of them good.
        fn block(&mut self) -> Vec<u8> {
            let mut block = Vec::new();
            if self.below(8) == 0 {
                super::super::primitives::put_integer(&mut block, 0x20, 5, self.below(4200));
            }
            for _ in 0..self.below(8) {
                match self.below(40) {
                    0 => block.push(self.byte()),
                    1..20 => {
                        let index = self.below(64);
                        super::super::primitives::put_integer(&mut block, 0x80, 7, index);
                    }
                    kind => self.literal(kind, &mut block),
                }
            }
            block
        }

        fn literal(&mut self, kind: usize, block: &mut Vec<u8>) {
            use super::super::primitives::{put_integer, put_string};
            let (flags, prefix_bits) = [(0x40, 6), (0x40, 6), (0x10, 4), (0, 4)][kind % 4];
            let index = self.below(2) * self.below(64);
            put_integer(block, flags, prefix_bits, index);
            if index == 0 {
                put_string(block, self.text(20).into_iter());
            }
            put_string(block, self.text(40).into_iter());
        }
    }

    #[test]
    fn blocks_of_a_generator_keep_the_properties() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..5000 {
            let mut input = Vec::new();
            for _ in 0..random.below(12) {
                let block = random.block();
                input.push(u8::try_from(block.len()).unwrap_or(u8::MAX));
                input.extend_from_slice(&block);
            }
            check_blocks(&input);
        }
    }

    #[test]
    fn noise_keeps_the_properties() {
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for _ in 0..20_000 {
            let input: Vec<u8> = (0..random.below(64)).map(|_| random.byte()).collect();
            check_blocks(&input);
        }
    }
}
