//! Chunks that we send we read as the same data, and chunks that we accept mean that to others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h1::properties::{check_chunked_round_trip, check_chunks_against_reference};

fuzz_target!(|input: (u8, &[u8])| {
    check_chunked_round_trip(input.1, &[input.0.into()]);
    check_chunks_against_reference(input.1);
});
