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

    /// Takes the next `max` bytes at most off, as a part of their own, which are there as of now.
    /// `None` if they are not, or have no places as those of regular files have, so that the system
    /// can't be asked to send them.
    pub(crate) fn take(&mut self, max: usize) -> io::Result<Option<Self>> {
        let metadata = self.file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let at = match self.at {
            Some(at) => at,
            None => (&*self.file).stream_position()?,
        };
        let left = self.left.min(max as u64);
        if at.checked_add(left).is_none_or(|end| end > metadata.len()) {
            return Ok(None);
        }
        let taken = Self { file: Arc::clone(&self.file), at: Some(at), left };
        self.left -= left;
        self.at = Some(at + left);
        Ok(Some(taken))
    }

    /// What is left, and `max` bytes of it at most, if it was [taken](Self::take).
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
            assert!(part.take(1000).unwrap().is_none(), "{range:?}");
            assert!(all_of(part, 64).is_err(), "{range:?}");
        }
        let error = all_of(FilePart::next_of(file(100), 101), 64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_part_is_taken_piece_by_piece() {
        let mut moved = file(100);
        moved.seek(io::SeekFrom::Start(40)).unwrap();
        let mut part = FilePart::next_of(moved, 60);
        assert!(part.extent(100).is_none(), "nobody knows yet where it is");
        let mut first = part.take(50).unwrap().unwrap();
        first.skip(20);
        let extent = first.extent(10).unwrap();
        assert_eq!((extent.at, extent.len, first.left()), (60, 10, 30));
        let second = part.take(50).unwrap().unwrap();
        let extent = second.extent(50).unwrap();
        assert_eq!((extent.at, extent.len, part.left()), (90, 10, 0));
        assert_eq!(all_of(first, 7).unwrap(), pattern(100)[60..90]);
        assert_eq!(part.take(50).unwrap().unwrap().left(), 0);
    }

    #[test]
    fn what_is_cut_off_is_missed_by_the_piece_that_it_belongs_to() {
        let kept = Arc::new(file(100));
        let mut part = FilePart::of(Arc::clone(&kept), &(0..100));
        assert!(part.take(50).unwrap().is_some());
        kept.set_len(80).unwrap();
        assert!(part.take(50).unwrap().is_none());
        let mut rest = [0; 50];
        assert_eq!(part.read(&mut rest).unwrap(), 30, "what is there");
        assert_eq!(part.read(&mut rest).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_places_is_read() {
        use std::io::Write;
        use std::os::fd::OwnedFd;

        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"through a pipe").unwrap();
        let mut part = FilePart::next_of(File::from(OwnedFd::from(reader)), 14);
        assert!(part.take(14).unwrap().is_none());
        assert_eq!(all_of(part, 64).unwrap(), b"through a pipe");
    }
}
