//! Where the network cuts frames must not change what we see, whatever is in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h2::properties::check_frames;

fuzz_target!(|input: ([u16; 2], &[u8])| {
    let (cuts, frames) = input;
    check_frames(frames, &cuts.map(usize::from));
});
