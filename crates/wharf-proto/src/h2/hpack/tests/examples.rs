//! The examples of RFC 7541, appendix C: what they hold, and what they leave in the table.
//!
//! Each block is also cut at every byte. Those of C.1 are beside the integers, in `primitives.rs`.

use super::*;

struct Example {
    name: &'static str,
    block: &'static str,
    fields: &'static [&'static str],
    /// Afterwards, the last inserted first.
    table: &'static [&'static str],
    table_bytes: usize,
}

#[test]
fn representations_are_read_as_in_appendix_c_2() {
    for example in ALONE {
        check(&[example], 4096);
    }
}

#[test]
fn requests_are_read_as_in_appendix_c_3_and_c_4() {
    check(&REQUESTS, 4096);
    check(&SHORT_REQUESTS, 4096);
}

#[test]
fn responses_are_read_as_in_appendix_c_5_and_c_6() {
    check(&RESPONSES, 256);
    check(&SHORT_RESPONSES, 256);
}

fn check(examples: &[Example], table_bytes: usize) {
    for (index, example) in examples.iter().enumerate() {
        let block = bytes(example.block);
        let mut decoder = decoder_behind(&examples[..index], table_bytes);
        let (outcome, fields) = decode(&mut decoder, &block);
        assert_eq!(outcome, Ok(Outcome::Complete), "{}", example.name);
        assert_eq!(fields, example.fields, "{}", example.name);
        assert_eq!(table(&decoder), example.table, "{}", example.name);
        assert_eq!(decoder.table().bytes(), example.table_bytes, "{}", example.name);
        for cut in 0..block.len() {
            let mut decoder = decoder_behind(&examples[..index], table_bytes);
            let (outcome, fields) = decode(&mut decoder, &block[..cut]);
            let whole = outcome == Ok(Outcome::Complete);
            assert!(whole || outcome == Err(DecodeError::Truncated), "{} at {cut}", example.name);
            assert_eq!(fields, example.fields[..fields.len()], "{} at {cut}", example.name);
            assert!(fields.len() < example.fields.len(), "{} at {cut}", example.name);
        }
    }
}

/// A decoder that has seen the blocks before, with a table of so many bytes.
fn decoder_behind(before: &[Example], table_bytes: usize) -> Decoder {
    let mut decoder = decoder_with_table(table_bytes);
    for example in before {
        let (outcome, _) = decode(&mut decoder, &bytes(example.block));
        assert_eq!(outcome, Ok(Outcome::Complete), "{}", example.name);
    }
    decoder
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Each on a connection of its own.
const ALONE: [Example; 4] = [
    Example {
        name: "C.2.1",
        block: "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
        fields: &["custom-key: custom-header"],
        table: &["custom-key: custom-header"],
        table_bytes: 55,
    },
    Example {
        name: "C.2.2",
        block: "040c2f73616d706c652f70617468",
        fields: &[":path: /sample/path"],
        table: &[],
        table_bytes: 0,
    },
    Example {
        name: "C.2.3",
        block: "100870617373776f726406736563726574",
        fields: &["password: secret"],
        table: &[],
        table_bytes: 0,
    },
    Example { name: "C.2.4", block: "82", fields: &[":method: GET"], table: &[], table_bytes: 0 },
];

/// One connection, plain strings.
const REQUESTS: [Example; 3] = [
    Example {
        name: "C.3.1",
        block: "828684410f7777772e6578616d706c652e636f6d",
        fields: &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        table: &[":authority: www.example.com"],
        table_bytes: 57,
    },
    Example {
        name: "C.3.2",
        block: "828684be58086e6f2d6361636865",
        fields: &[
            ":method: GET",
            ":scheme: http",
            ":path: /",
            ":authority: www.example.com",
            "cache-control: no-cache",
        ],
        table: &["cache-control: no-cache", ":authority: www.example.com"],
        table_bytes: 110,
    },
    Example {
        name: "C.3.3",
        block: "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        fields: &[
            ":method: GET",
            ":scheme: https",
            ":path: /index.html",
            ":authority: www.example.com",
            "custom-key: custom-value",
        ],
        table: &[
            "custom-key: custom-value",
            "cache-control: no-cache",
            ":authority: www.example.com",
        ],
        table_bytes: 164,
    },
];

/// One connection, strings in the Huffman code.
const SHORT_REQUESTS: [Example; 3] = [
    Example {
        name: "C.4.1",
        block: "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        fields: &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        table: &[":authority: www.example.com"],
        table_bytes: 57,
    },
    Example {
        name: "C.4.2",
        block: "828684be5886a8eb10649cbf",
        fields: &[
            ":method: GET",
            ":scheme: http",
            ":path: /",
            ":authority: www.example.com",
            "cache-control: no-cache",
        ],
        table: &["cache-control: no-cache", ":authority: www.example.com"],
        table_bytes: 110,
    },
    Example {
        name: "C.4.3",
        block: "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        fields: &[
            ":method: GET",
            ":scheme: https",
            ":path: /index.html",
            ":authority: www.example.com",
            "custom-key: custom-value",
        ],
        table: &[
            "custom-key: custom-value",
            "cache-control: no-cache",
            ":authority: www.example.com",
        ],
        table_bytes: 164,
    },
];

/// One connection with a table of 256 bytes, plain strings.
const RESPONSES: [Example; 3] = [
    Example {
        name: "C.5.1",
        block: "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a3133\
             3a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        fields: &[
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        table: &[
            "location: https://www.example.com",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "cache-control: private",
            ":status: 302",
        ],
        table_bytes: 222,
    },
    Example {
        name: "C.5.2",
        block: "4803333037c1c0bf",
        fields: &[
            ":status: 307",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        table: &[
            ":status: 307",
            "location: https://www.example.com",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "cache-control: private",
        ],
        table_bytes: 222,
    },
    Example {
        name: "C.5.3",
        block: "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a\
             69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d\
             61782d6167653d333630303b2076657273696f6e3d31",
        fields: &[
            ":status: 200",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
            "location: https://www.example.com",
            "content-encoding: gzip",
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ],
        table: &[
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            "content-encoding: gzip",
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
        ],
        table_bytes: 215,
    },
];

/// One connection with a table of 256 bytes, strings in the Huffman code.
const SHORT_RESPONSES: [Example; 3] = [
    Example {
        name: "C.6.1",
        block: "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d\
             29ad171863c78f0b97c8e9ae82ae43d3",
        fields: &[
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        table: &[
            "location: https://www.example.com",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "cache-control: private",
            ":status: 302",
        ],
        table_bytes: 222,
    },
    Example {
        name: "C.6.2",
        block: "4883640effc1c0bf",
        fields: &[
            ":status: 307",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        table: &[
            ":status: 307",
            "location: https://www.example.com",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "cache-control: private",
        ],
        table_bytes: 222,
    },
    Example {
        name: "C.6.3",
        block: "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821d\
             d7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b106\
             3d5007",
        fields: &[
            ":status: 200",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
            "location: https://www.example.com",
            "content-encoding: gzip",
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ],
        table: &[
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            "content-encoding: gzip",
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
        ],
        table_bytes: 215,
    },
];
