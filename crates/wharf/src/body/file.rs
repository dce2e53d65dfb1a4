//! [`FilePart`]: so many bytes of a file, as a body or as what is left of one.
//!
//! Not here: how it is sent without being read (`driver/mio/send.rs`).

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use crate::sys;

/// So many bytes of a file, of which the first ones may be gone.
#[derive(Debug)]
pub(crate) struct FilePart {
    file: Arc<File>,
    /// Where the next byte is; `None` is wherever the file itself is.
    at: Option<u64>,
    left: u64,
}

/// The next bytes of a part, for the system to send.
pub(crate) struct Extent<'f> {
    pub(crate) file: &'f File,
    pub(crate) at: u64,
    pub(crate) len: usize,
}

impl FilePart {
    /// The next bytes of a file that nobody else reads.
    pub(crate) fn next_of(file: File, len: u64) -> Self {
        Self { file: Arc::new(file), at: None, left: len }
    }

    /// Bytes of a file that others may read as well.
    pub(crate) const fn of(file: Arc<File>, range: &Range<u64>) -> Self {
        Self { file, at: Some(range.start), left: range.end.saturating_sub(range.start) }
    }

    /// How many bytes are left.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Reads as many of the bytes that are left as `into` has room for, and are at hand. None is
    /// the end of the part.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let into = &mut into[..room];
        if into.is_empty() {
            return Ok(0);
        }
        let read = match self.at {
            None => (&*self.file).read(into)?,
            Some(at) => sys::read_file_at(&self.file, into, at)?,
        };
        if read == 0 {
            // It is shorter than was said.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.skip(read);
        Ok(read)
    }

    /// Whether the system can send what is left: there is something, all of it, in a file that has
    /// places.
    pub(crate) fn can_be_sent(&mut self) -> bool {
        if self.left == 0 || isize::try_from(self.left).is_err() {
            return false;
        }
        let Ok(metadata) = self.file.metadata() else { return false };
        let at = match self.at {
            Some(at) => Ok(at),
            None => (&*self.file).stream_position(),
        };
        let Ok(at) = at else { return false };
        let end = at.checked_add(self.left);
        let is_there = end.is_some_and(|end| end <= metadata.len());
        self.at = Some(at);
        metadata.is_file() && is_there
    }

    /// What is left, and `max` bytes of it at most, if it [can be sent](Self::can_be_sent).
    pub(crate) fn extent(&self, max: usize) -> Option<Extent<'_>> {
        let len = usize::try_from(self.left).ok()?.min(max);
        Some(Extent { file: &self.file, at: self.at?, len })
    }

    /// Leaves out the next `len` bytes.
    pub(crate) fn skip(&mut self, len: usize) {
        let len = self.left.min(len as u64);
        self.left -= len;
        self.at = self.at.map(|at| at + len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{file, pattern};

    fn all_of(mut part: FilePart, step: usize) -> io::Result<Vec<u8>> {
        let (mut bytes, mut piece) = (Vec::new(), vec![0; step]);
        loop {
            match part.read(&mut piece)? {
                0 => return Ok(bytes),
                len => bytes.extend_from_slice(&piece[..len]),
            }
        }
    }

    #[test]
    fn a_part_is_read_from_its_place_to_its_end() {
        let (kept, whole) = (Arc::new(file(100)), pattern(100));
        for step in [1, 7, 100, 1000] {
            for range in [0..0, 0..100, 3..4, 50..100, 100..100] {
                let expected = &whole[range.start..range.end];
                let part = FilePart::of(Arc::clone(&kept), &(range.start as u64..range.end as u64));
                assert_eq!(part.left(), expected.len() as u64);
                assert_eq!(all_of(part, step).unwrap(), expected);
            }
            assert_eq!(all_of(FilePart::next_of(file(100), 60), step).unwrap(), whole[..60]);
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let kept = Arc::new(file(100));
        for range in [0..101, 100..101, 200..201, u64::MAX - 1..u64::MAX] {
            let mut part = FilePart::of(Arc::clone(&kept), &range);
            assert!(!part.can_be_sent(), "{range:?}");
            assert!(all_of(part, 64).is_err());
        }
        let error = all_of(FilePart::next_of(file(100), 101), 64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_can_be_sent_is_there_and_has_a_place() {
        let mut moved = file(100);
        moved.seek(io::SeekFrom::Start(40)).unwrap();
        let mut part = FilePart::next_of(moved, 60);
        assert!(part.extent(100).is_none(), "nobody knows yet where it is");
        assert!(part.can_be_sent());
        let extent = part.extent(10).unwrap();
        assert_eq!((extent.at, extent.len), (40, 10));
        part.skip(55);
        let extent = part.extent(10).unwrap();
        assert_eq!((extent.at, extent.len), (95, 5));
        assert_eq!(all_of(part, 64).unwrap(), pattern(100)[95..]);
        assert!(!FilePart::next_of(file(0), 0).can_be_sent(), "there is nothing to be sent");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_places_is_read() {
        use std::io::Write;
        use std::os::fd::OwnedFd;

        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"through a pipe").unwrap();
        let mut part = FilePart::next_of(File::from(OwnedFd::from(reader)), 14);
        assert!(!part.can_be_sent());
        assert_eq!(all_of(part, 64).unwrap(), b"through a pipe");
    }
}
