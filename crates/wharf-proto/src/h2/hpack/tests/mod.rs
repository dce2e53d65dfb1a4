//! HPACK against RFC 7541: tables of rows, each named after its section and its meaning.
//!
//! `examples.rs` has those of the RFC, `blocks.rs` what a peer may and may not send, `encoder.rs`
//! what we send. What must hold for any input is in `properties.rs`.

mod blocks;
mod encoder;
mod examples;

use std::ops::ControlFlow;

use super::{DecodeError, Decoded, Decoder, Encoder, Fields, Known, Outcome};

/// Takes all fields, as `name: value`, or breaks at one.
#[derive(Default)]
struct Taken {
    block: Vec<u8>,
    fields: Vec<String>,
    decoded: Vec<Decoded>,
    break_at: Option<usize>,
}

impl Fields for Taken {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        let text = &self.block[field.name_at..];
        assert_eq!(text.len(), field.name_len + field.value_len);
        if self.break_at == Some(self.fields.len()) {
            return ControlFlow::Break(());
        }
        let (name, value) = text.split_at(field.name_len);
        assert_eq!(field.known, Known::of(name));
        self.fields.push(format!("{}: {}", name.escape_ascii(), value.escape_ascii()));
        self.decoded.push(field);
        ControlFlow::Continue(())
    }
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> (Result<Outcome, DecodeError>, Vec<String>) {
    let mut taken = Taken::default();
    let outcome = decoder.decode(block, &mut taken);
    (outcome, taken.fields)
}

/// The dynamic table, the last inserted first.
fn table(decoder: &Decoder) -> Vec<String> {
    let fields = (0..decoder.table().len()).map(|age| decoder.table().get(age).unwrap());
    fields
        .map(|field| {
            let (name, value) = field.text.split_at(field.name_len);
            format!("{}: {}", name.escape_ascii(), value.escape_ascii())
        })
        .collect()
}

/// A decoder whose peer has chosen a table of so many bytes.
fn decoder_with_table(bytes: usize) -> Decoder {
    let mut decoder = Decoder::new(65_536);
    decoder.set_max_table_bytes(bytes);
    let mut block = Vec::new();
    super::primitives::put_integer(&mut block, 0x20, 5, bytes);
    assert_eq!(decoder.decode(&block, &mut Taken::default()), Ok(Outcome::Complete));
    decoder
}
