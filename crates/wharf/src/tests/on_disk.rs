//! Files as bodies.
//!
//! Not here: directories as handlers (`files/tests`).

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::site::{LARGE_BYTES, Stage};
use crate::{Body, Request, Response, Router};

/// How long the file is that is kept open.
pub(super) const KEPT_BYTES: u64 = 1 << 20;

/// Bytes of which none of so many in a row are like those elsewhere.
pub(crate) fn pattern(len: u64) -> Vec<u8> {
    let words = (0..len.div_ceil(4)).map(|word| u32::try_from(word).expect("files are small"));
    let mut bytes: Vec<u8> = words.flat_map(|word| (word << 8 | 0x5a).to_be_bytes()).collect();
    bytes.truncate(usize::try_from(len).expect("files are small"));
    bytes
}

/// A file of so many bytes, without a name, at its start.
pub(crate) fn file(len: u64) -> File {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("wharf-test-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    let mut file = file.expect("a place for temporary files");
    std::fs::remove_file(&path).expect("an open file can be removed");
    file.write_all(&pattern(len)).expect("a writable file");
    file.rewind().expect("a file can be rewound");
    file
}

pub(super) fn on_disk(site: Router, stage: &Arc<Stage>) -> Router {
    let kept = Arc::new(file(KEPT_BYTES));
    let cut = Arc::clone(stage);
    site.get("/file", |_: Request| Response::from(Body::file(file(200_000), 200_000)))
        .get("/file/short", |_: Request| Response::from(Body::file(file(100_000), 200_000)))
        .get("/file/empty", |_: Request| Response::from(Body::file(file(0), 0)))
        .get("/file/rest", |_: Request| {
            let mut file = file(200_000);
            file.seek(SeekFrom::Start(150_001)).expect("a file has places");
            Response::from(Body::file(file, 49_999))
        })
        .get("/file/range/{from}/{to}", move |r: Request| {
            let place = |name| r.param(name).and_then(|text| text.parse().ok()).unwrap_or(0);
            Body::file_range(Arc::clone(&kept), place("from")..place("to"))
        })
        .get("/file/cut/{gate}", move |r: Request| {
            let (stage, gate) = (Arc::clone(&cut), r.param("gate").unwrap_or("").to_owned());
            let file = Arc::new(file(0));
            file.set_len(LARGE_BYTES as u64).expect("a file can grow");
            let body = Body::file_range(Arc::clone(&file), 0..LARGE_BYTES as u64);
            std::thread::spawn(move || {
                stage.pass_blocking(&gate);
                file.set_len(0).expect("a file can be cut");
                stage.add("cut", 1);
            });
            body
        })
}
