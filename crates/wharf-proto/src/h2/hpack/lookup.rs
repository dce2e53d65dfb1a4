//! How an encoder finds fields in its dynamic table: by a hash, in one step.
//!
//! Each field that is inserted gets the next number, so that its place follows from the number of
//! the last one. A lost or outdated number makes a field longer on the wire and never wrong, since
//! whoever looks compares the texts. So few places do, without links or growth. Not here: the texts
//! themselves (`dynamic_table.rs`).

/// A table of 4,096 bytes has room for about 70 usual fields; some are noted by their names, too.
const GROUPS: usize = 64;
const GROUP_LEN: usize = 4;

/// So few fields are looked at one by one, without storage: most connections never insert more.
const FEW: u16 = 8;

/// Which fields may have a hash.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// Groups by the highest bits of hashes; allocated when there are more than [`FEW`] fields. The
    /// first are forgotten then, and inserted once more if they come again.
    groups: Option<Box<[[Noted; GROUP_LEN]; GROUPS]>>,
    /// The number of the last field, wrapping around.
    last: u16,
}

/// A hash that a field has.
#[derive(Clone, Copy, Debug)]
struct Noted {
    number: u16,
    /// The lowest bits of the hash, which are not those that chose the group.
    tag: u16,
}

impl Lookup {
    /// The first age that `is_it` accepts, of fields that may have the hash. Ages are counted from
    /// 0 for the last inserted.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let Some(groups) = &self.groups else {
            return (0..usize::from(self.last)).find(|&age| is_it(age));
        };
        let tag = tag_of(hash);
        for noted in groups.get(group_of(hash))? {
            let age = usize::from(self.last.wrapping_sub(noted.number));
            if noted.tag == tag && is_it(age) {
                return Some(age);
            }
        }
        None
    }

    /// Counts a field that was inserted, as the last one from now on.
    pub(super) fn count_insertion(&mut self) {
        self.last = self.last.wrapping_add(1);
    }

    /// Notes a hash of the last field, in the place of the oldest that shares the group.
    pub(super) fn note(&mut self, hash: u32) {
        let last = self.last;
        if self.groups.is_none() && last <= FEW {
            return;
        }
        // What was never set seems to be as old as can be.
        let unset = Noted { number: last.wrapping_add(1), tag: 0 };
        let groups = self.groups.get_or_insert_with(|| Box::new([[unset; GROUP_LEN]; GROUPS]));
        let group = groups.get_mut(group_of(hash)).into_iter().flatten();
        if let Some(oldest) = group.max_by_key(|noted| last.wrapping_sub(noted.number)) {
            *oldest = Noted { number: last, tag: tag_of(hash) };
        }
    }

    pub(super) fn storage_bytes(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| size_of_val(&**groups))
    }
}

/// The highest bits of a product are its best ones.
const fn group_of(hash: u32) -> usize {
    (hash >> (u32::BITS - GROUPS.ilog2())) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are wanted")]
const fn tag_of(hash: u32) -> u16 {
    hash as u16
}

/// A hash of a name, the same for capital and small letters.
#[inline]
pub(super) fn hash_name(name: &[u8]) -> u64 {
    // What differs in that bit alone and is no letter is told apart by comparison.
    const SMALL: u64 = u64::from_ne_bytes([0x20; 8]);
    hash(name, SMALL, 0)
}

/// The hash of a field whose name has the hash `name`.
#[inline]
pub(super) fn hash_field(name: u64, value: &[u8]) -> u64 {
    hash(value, 0, name)
}

/// Mixes all bits into the upper half.
#[inline]
pub(super) const fn fold(hash: u64) -> u32 {
    (hash.wrapping_mul(FACTOR) >> 32) as u32
}

/// Any odd number with bits all over it; this one is that of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Takes eight bytes at a time. What sets many fields to one hash only makes them longer.
#[inline]
fn hash(text: &[u8], set_bits: u64, seed: u64) -> u64 {
    let mut state = seed ^ text.len() as u64;
    let mut add = |word: u64| {
        state = (state ^ (word | set_bits)).wrapping_mul(FACTOR).rotate_left(29);
    };
    if let Some(last) = text.last_chunk::<8>() {
        let (words, _) = text.as_chunks::<8>();
        words.iter().for_each(|word| add(u64::from_ne_bytes(*word)));
        // It may overlap the word before.
        add(u64::from_ne_bytes(*last));
        return state;
    }
    let low = text.first_chunk::<4>().map(|first| u32::from_ne_bytes(*first));
    let high = text.last_chunk::<4>().map(|last| u32::from_ne_bytes(*last));
    if let (Some(low), Some(high)) = (low, high) {
        add(u64::from(low) << 32 | u64::from(high));
        return state;
    }
    add(text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
    state
}
