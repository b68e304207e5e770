//! Where a tape's bytes come from: positioned reads, so that many threads can read one tape at once.

use std::sync::Arc;

/// Why bytes could not be read from a source.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The range does not lie within the source.
    #[error("bytes {offset}..{} lie outside the {len} bytes that there are", offset.saturating_add(*wanted))]
    OutOfBounds {
        /// Where the read began.
        offset: u64,
        /// How many bytes were wanted.
        wanted: u64,
        /// How many bytes the source has.
        len: u64,
    },
    /// The system refused.
    #[error("reading at byte {offset} failed: {error}")]
    Io {
        /// Where the read began.
        offset: u64,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

/// A sequence of bytes of known length that can be read at any place, by several threads at a time.
///
/// Positioned reads and not a mapping: a file that shrinks while it is read is then an error, not a signal.
pub trait ReadAt {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`ReadError`] when the range is not wholly there, or the system refuses.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError>;
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let from = usize::try_from(offset).ok();
        let to = from.and_then(|from| from.checked_add(buf.len()));
        match from.zip(to).and_then(|(from, to)| self.get(from..to)) {
            Some(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(ReadError::OutOfBounds {
                offset,
                wanted: buf.len() as u64,
                len: <[u8]>::len(self) as u64,
            }),
        }
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.as_slice().read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        (**self).read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        (**self).read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Box<T> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        (**self).read_at(offset, buf)
    }
}

/// A file read by `pread`, which moves no shared position.
#[cfg(unix)]
#[derive(Debug)]
pub struct FileSource {
    file: std::fs::File,
    len: u64,
}

#[cfg(unix)]
impl FileSource {
    /// Opens the file at `path` and notes its length; what is appended later is not seen.
    ///
    /// # Errors
    /// What the system says, for example that there is no such file, or that it is a directory.
    pub fn open(path: impl AsRef<std::path::Path>) -> std::io::Result<FileSource> {
        let file = std::fs::File::open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
        }
        Ok(FileSource {
            file,
            len: meta.len(),
        })
    }
}

#[cfg(unix)]
impl ReadAt for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        use std::os::unix::fs::FileExt;
        let wanted = buf.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(ReadError::OutOfBounds {
                offset,
                wanted,
                len: self.len,
            });
        }
        self.file
            .read_exact_at(buf, offset)
            .map_err(|error| ReadError::Io { offset, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_at_any_place_and_not_beyond() {
        let bytes: Vec<u8> = (0..10).collect();
        let mut two = [0; 2];
        bytes.read_at(8, &mut two).unwrap();
        assert_eq!(two, [8, 9]);
        assert!(matches!(
            bytes.read_at(9, &mut two),
            Err(ReadError::OutOfBounds {
                offset: 9,
                wanted: 2,
                len: 10
            })
        ));
        assert!(bytes.read_at(u64::MAX, &mut two).is_err());
        assert!(bytes[..].read_at(10, &mut []).is_ok());
        let shared: Arc<[u8]> = bytes.into();
        assert_eq!(ReadAt::len(&shared), 10);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_read_at_any_place_and_not_beyond() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source.rs");
        let file = FileSource::open(here).unwrap();
        let mut start = [0; 3];
        file.read_at(0, &mut start).unwrap();
        assert_eq!(&start, b"//!");
        assert!(file.read_at(file.len() - 1, &mut start).is_err());
        assert!(FileSource::open(env!("CARGO_MANIFEST_DIR")).is_err());
    }
}
