//! What we accept as a request head, others must accept too, and understand the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h1::properties::check_against_reference;

fuzz_target!(|input: &[u8]| check_against_reference(input));
