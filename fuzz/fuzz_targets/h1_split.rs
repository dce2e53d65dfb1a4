//! Where the network cuts the bytes must not change what we see.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h1::properties::check_split_invariance;

fuzz_target!(|input: (u16, u16, &[u8])| {
    check_split_invariance(input.2, &[input.0.into(), input.1.into()]);
});
