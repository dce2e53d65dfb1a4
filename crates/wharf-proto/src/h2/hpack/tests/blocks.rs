//! What a peer may send, what it may not, and what it can make us do at most.

use super::*;

#[test]
fn malformed_blocks_are_refused() {
    let rows: [(&str, &[u8], DecodeError); 18] = [
        ("2.3.3 index 0", &[0x80], DecodeError::Index),
        ("2.3.3 the first index of an empty table", &[0xbe], DecodeError::Index),
        ("2.3.3 an index far beyond", &[0xff, 0xff, 0xff, 0xff, 0x07], DecodeError::Index),
        ("2.3.3 the name of no field", &[0x7f, 0x01, 0x01, b'a'], DecodeError::Index),
        ("5.1 an index of 36 bits", &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], DecodeError::Integer),
        ("5.1 an index that ends nowhere", &[0xff, 0x80, 0x80], DecodeError::Truncated),
        ("5.2 a name longer than the block", &[0x40, 0x03, b'a'], DecodeError::Truncated),
        ("5.2 a value longer than the block", &[0x41, 0x03, b'a'], DecodeError::Truncated),
        (
            "5.2 a length of 4 GiB",
            &[0x41, 0x7f, 0x80, 0xff, 0xff, 0xff, 0x0f],
            DecodeError::Truncated,
        ),
        ("5.2 no value", &[0x41], DecodeError::Truncated),
        ("5.2 EOS", &[0x41, 0x84, 0xff, 0xff, 0xff, 0xff], DecodeError::Huffman),
        ("5.2 padding of eight ones", &[0x41, 0x82, 0x1f, 0xff], DecodeError::Huffman),
        ("5.2 padding of zeros", &[0x41, 0x81, 0x18], DecodeError::Huffman),
        ("4.2 a size behind a field", &[0x82, 0x20], DecodeError::TableSize),
        ("4.2 three sizes", &[0x20, 0x3f, 0x00, 0x20], DecodeError::TableSize),
        ("6.3 a size beyond the allowed", &[0x3f, 0xe2, 0x1f], DecodeError::TableSize),
        ("6.3 a size of 36 bits", &[0x3f, 0xff, 0xff, 0xff, 0xff, 0x7f], DecodeError::Integer),
        ("6.3 half a size", &[0x3f, 0xe2], DecodeError::Truncated),
    ];
    for (name, block, error) in rows {
        let (outcome, _) = decode(&mut Decoder::new(65_536), block);
        assert_eq!(outcome, Err(error), "{name}");
    }
}

#[test]
fn sizes_of_the_table_follow_what_was_acknowledged() {
    let mut decoder = Decoder::new(65_536);
    assert_eq!(decode(&mut decoder, &[0x3f, 0xe1, 0x1f]).0, Ok(Outcome::Complete), "4.2 4,096");
    assert_eq!(decode(&mut decoder, b"\x40\x01a\x01b").1, ["a: b"]);
    decoder.set_max_table_bytes(8192);
    assert_eq!(decode(&mut decoder, &[0xbe]).1, ["a: b"], "4.2 a larger one need not be taken");
    assert_eq!(decode(&mut decoder, &[0x3f, 0xe1, 0x3f, 0xbe]).1, ["a: b"], "4.2 8,192");
    decoder.set_max_table_bytes(100);
    let (outcome, _) = decode(&mut decoder, &[0xbe]);
    assert_eq!(outcome, Err(DecodeError::TableSizeMissing), "4.2 no size");
    let (outcome, _) = decode(&mut decoder, &[0x3f, 0x46, 0xbe]);
    assert_eq!(outcome, Err(DecodeError::TableSize), "6.3 101");
    assert_eq!(decode(&mut decoder, &[0x3f, 0x45, 0xbe]).1, ["a: b"], "4.2 100");
    let (outcome, fields) = decode(&mut decoder, &[0x20, 0x3f, 0x45, 0x82]);
    assert_eq!((outcome, fields), (Ok(Outcome::Complete), vec![":method: GET".to_owned()]));
    assert!(table(&decoder).is_empty(), "4.3 the smallest size has evicted all");
    assert_eq!(decode(&mut decoder, &[0xbe]).0, Err(DecodeError::Index));
}

#[test]
fn the_table_keeps_step_beyond_what_is_taken() {
    let first = b"\x82\x40\x01a\x0212\x40\x01b\x0234\x86";
    let second = b"\xbe\xbf";
    // Of 42 for the method, 35 and 35 for a and b, 43 for the scheme.
    let rows = [
        (0, None, Outcome::TooLarge, 0),
        (41, None, Outcome::TooLarge, 0),
        (42, None, Outcome::TooLarge, 1),
        (112, None, Outcome::TooLarge, 3),
        (154, None, Outcome::TooLarge, 3),
        (155, None, Outcome::Complete, 4),
        (155, Some(0), Outcome::Stopped, 0),
        (155, Some(1), Outcome::Stopped, 1),
        (155, Some(3), Outcome::Stopped, 3),
        (112, Some(2), Outcome::Stopped, 2),
        (111, Some(2), Outcome::TooLarge, 2),
    ];
    for (max_list_bytes, break_at, outcome, len) in rows {
        let mut decoder = Decoder::new(max_list_bytes);
        let mut taken = Taken { break_at, ..Taken::default() };
        assert_eq!(decoder.decode(first, &mut taken), Ok(outcome), "{max_list_bytes}");
        assert_eq!(taken.fields, [":method: GET", "a: 12", "b: 34", ":scheme: http"][..len]);
        assert_eq!(taken.block, &b":methodGETa12b34:schemehttp"[..[0, 10, 13, 16, 27][len]]);
        assert_eq!(table(&decoder), ["b: 34", "a: 12"]);
        decoder.max_list_bytes = 70;
        assert_eq!(decode(&mut decoder, second).1, ["b: 34", "a: 12"]);
    }
}

#[test]
fn a_small_block_that_stands_for_a_large_head_is_not_unpacked() {
    let mut decoder = Decoder::new(16_384);
    let mut block = vec![0x40, 0x01, b'a', 0x7f, 0xa1, 0x1e];
    block.extend([b'x'; 4000]);
    block.extend([0xbe; 16_000]);
    let mut taken = Taken::default();
    assert_eq!(decoder.decode(&block, &mut taken), Ok(Outcome::TooLarge));
    assert_eq!((taken.fields.len(), taken.block.len()), (4, 4 * 4001));
    assert!(taken.block.capacity() <= 2 * 16_384);

    let mut empty = vec![0x40, 0x00, 0x00];
    empty.resize(16_000, 0xbe);
    let mut taken = Taken::default();
    assert_eq!(decoder.decode(&empty, &mut taken), Ok(Outcome::TooLarge));
    assert_eq!((taken.fields.len(), taken.block.len()), (512, 0));
}

#[test]
fn a_field_larger_than_the_table_empties_it() {
    let mut decoder = decoder_with_table(64);
    assert_eq!(decode(&mut decoder, b"\x40\x01a\x01b").1, ["a: b"]);
    assert_eq!(
        decode(&mut decoder, b"\x7e\x1e012345678901234567890123456789").0,
        Ok(Outcome::Complete)
    );
    assert_eq!(table(&decoder), ["a: 012345678901234567890123456789"], "4.4 its own name");
    let (outcome, _) = decode(&mut decoder, b"\x7e\x20012345678901234567890123456789ab");
    assert_eq!(outcome, Ok(Outcome::Complete));
    assert!(table(&decoder).is_empty());
}

#[test]
fn fields_are_known_to_be_well_formed_or_not_wherever_they_come_from() {
    let rows: [(&str, &[u8], &[u8], bool); 15] = [
        ("usual", b"a-b", b"c d", true),
        ("an empty value", b"a", b"", true),
        ("bytes above 127 in a value", b"a", b"\xff\x80", true),
        ("a tab within a value", b"a", b"b\tc", true),
        ("a pseudo-header", b":any", b"c", true),
        ("an empty name", b"", b"c", false),
        ("a colon alone", b":", b"c", false),
        ("a colon within a name", b"a:", b"c", false),
        ("a capital letter", b"aB", b"c", false),
        ("a blank in a name", b"a b", b"c", false),
        ("a byte above 127 in a name", b"a\xff", b"c", false),
        ("a line feed", b"a", b"b\nc", false),
        ("a zero", b"a", b"b\0", false),
        ("a blank in front", b"a", b" b", false),
        ("a tab behind", b"a", b"b\t", false),
    ];
    for (row, name, value, is_well_formed) in rows {
        let mut block = vec![0x40, u8::try_from(name.len()).unwrap()];
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value);
        // From the table, and its name with another value.
        block.extend_from_slice(b"\xbe\x0f\x2f\x01c");
        let mut taken = Taken::default();
        Decoder::new(65_536).decode(&block, &mut taken).unwrap();
        let all: Vec<_> = taken.decoded.iter().map(|field| field.is_well_formed).collect();
        let is_name_good = is_well_formed || value != b"c";
        assert_eq!(all, [is_well_formed, is_well_formed, is_name_good], "9113 8.2.1 {row}");
    }
}
