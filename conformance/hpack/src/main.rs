//! Stories of heads, as other implementations encode them and as wharf does.
//!
//! `hpack-stories DIR` takes the folders of <https://github.com/http2jp/hpack-test-case>. Every
//! block of each must decode to the heads that are written beside it. The heads of `raw-data` are
//! encoded by wharf, too, with several sizes of the table, and read by wharf and by another
//! implementation. Not here: malformed blocks, which the stories do not have.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use wharf_proto::h2::hpack::{Decoded, Decoder, Encoder, Fields, Outcome};

type Head = Vec<(Vec<u8>, Vec<u8>)>;

/// More than any of the heads.
const MAX_LIST_BYTES: usize = 1 << 20;

/// The sizes that a peer allows, in turn.
const TABLE_SIZES: [usize; 4] = [4096, 0, 300, 1000];

#[derive(Default)]
struct Taken {
    block: Vec<u8>,
    head: Head,
}

impl Fields for Taken {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        let (name, value) = self.block[field.name_at..].split_at(field.name_len);
        self.head.push((name.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::args().nth(1).ok_or("usage: hpack-stories DIR")?);
    let mut folders: Vec<PathBuf> = entries(&dir)?;
    folders.retain(|folder| folder.is_dir());
    let (mut stories, mut heads) = (0, 0);
    for folder in folders {
        for file in entries(&folder)?.iter().filter(|file| is_json(file)) {
            let cases = cases(file)?;
            if cases.iter().any(|case| case["wire"].is_string()) {
                decode_story(&cases).map_err(|fault| format!("{}: {fault}", file.display()))?;
                stories += 1;
                heads += cases.len();
            }
        }
    }
    println!("{stories} stories of others with {heads} heads: decoded as they should be");
    let (mut files, mut heads, mut bytes, mut plain) = (0, 0, 0, 0);
    for file in entries(&dir.join("raw-data"))?.iter().filter(|file| is_json(file)) {
        let cases = cases(file)?;
        for change in [usize::MAX, 7] {
            let sent = encode_story(&cases, change)
                .map_err(|fault| format!("{}: {fault}", file.display()))?;
            if change == usize::MAX {
                files += 1;
                heads += cases.len();
                bytes += sent;
                plain += cases.iter().map(plain_bytes).sum::<usize>();
            }
        }
    }
    println!("{files} stories of raw data with {heads} heads, encoded twice: read back by both");
    println!("{plain} bytes of names and values became {bytes}");
    Ok(())
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<_> = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json")
}

fn cases(file: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let story: Value = serde_json::from_slice(&fs::read(file)?)?;
    Ok(story["cases"].as_array().ok_or("a story without cases")?.clone())
}

fn head(case: &Value) -> Head {
    let fields = case["headers"].as_array().into_iter().flatten();
    fields
        .flat_map(|field| field.as_object().into_iter().flatten())
        .map(|(name, value)| (name.clone().into_bytes(), value.as_str().unwrap_or_default().into()))
        .collect()
}

fn plain_bytes(case: &Value) -> usize {
    head(case).iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn decode_story(cases: &[Value]) -> Result<(), Box<dyn Error>> {
    let mut decoder = Decoder::new(MAX_LIST_BYTES);
    for (index, case) in cases.iter().enumerate() {
        if let Some(bytes) = case["header_table_size"].as_u64() {
            decoder.set_max_table_bytes(bytes.try_into()?);
        }
        let wire = hex(case["wire"].as_str().ok_or("a case without wire")?)?;
        let mut taken = Taken::default();
        let outcome = decoder.decode(&wire, &mut taken).map_err(|e| format!("{index}: {e}"))?;
        if outcome != Outcome::Complete || taken.head != head(case) {
            return Err(format!("{index}: another head").into());
        }
    }
    Ok(())
}

/// Returns how many bytes the heads took. The size of the table changes each time that so many
/// heads were sent.
fn encode_story(cases: &[Value], change: usize) -> Result<usize, Box<dyn Error>> {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new(MAX_LIST_BYTES));
    let mut other = fluke_hpack::Decoder::new();
    let mut bytes = 0;
    for (index, case) in cases.iter().enumerate() {
        if index % change == change - 1 {
            let size = TABLE_SIZES[index / change % TABLE_SIZES.len()];
            encoder.set_max_table_bytes(size);
            decoder.set_max_table_bytes(size);
        }
        let head = head(case);
        let mut out = Vec::new();
        let mut block = encoder.block(&mut out);
        for (name, value) in &head {
            block.field(name, value);
        }
        bytes += out.len();
        let mut taken = Taken::default();
        decoder.decode(&out, &mut taken).map_err(|fault| format!("{index}: {fault}"))?;
        let read = other.decode(&out).map_err(|fault| format!("{index}: {fault:?}"))?;
        if taken.head != head || read != head {
            return Err(format!("{index}: another head").into());
        }
    }
    Ok(bytes)
}

fn hex(digits: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}
