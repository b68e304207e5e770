//! The file a tape goes to: never half a tape under its name.

use crate::RecordError;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// An output that is open, so that a wrong path is known before the long work.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    file: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Beside the target, whose name it takes at the end; gone if that never comes.
    Beside(tempfile::NamedTempFile),
    /// The target is there and no regular file, such as a pipe or /dev/null.
    Special(std::fs::File),
}

impl Output {
    /// Opens a file that will become `path`.
    ///
    /// # Errors
    /// [`RecordError::Output`] when there is no such folder, or no right to write there.
    pub fn open(path: &Path) -> Result<Output, RecordError> {
        let error = |source| RecordError::Output {
            path: path.to_owned(),
            source,
        };
        let file = match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(error(std::io::ErrorKind::IsADirectory.into()));
            }
            Ok(there) if !there.is_file() => Kind::Special(
                std::fs::OpenOptions::new()
                    .write(true)
                    .open(path)
                    .map_err(error)?,
            ),
            _ => {
                let folder = match path.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                let mut builder = tempfile::Builder::new();
                // What a plain new file would get; the system takes the umask off.
                builder
                    .prefix(".heaptape-")
                    .suffix(".partial")
                    .permissions(Permissions::from_mode(0o666));
                Kind::Beside(
                    builder
                        .tempfile_in(folder)
                        .map_err(|e| error(without_path(e)))?,
                )
            }
        };
        Ok(Output {
            path: path.to_owned(),
            file,
        })
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        match &mut self.file {
            Kind::Beside(file) => file.as_file_mut(),
            Kind::Special(file) => file,
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`RecordError::Output`] when it can't be renamed.
    pub fn keep(self) -> Result<(), RecordError> {
        match self.file {
            Kind::Beside(file) => match file.persist(&self.path) {
                Ok(_) => Ok(()),
                Err(error) => Err(RecordError::Output {
                    path: self.path,
                    source: error.error,
                }),
            },
            Kind::Special(_) => Ok(()),
        }
    }
}

/// What went wrong, without the name of the temporary file, which nobody asked for.
fn without_path(error: std::io::Error) -> std::io::Error {
    error
        .raw_os_error()
        .map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error)
}

/// Lets `write` write a file that becomes `path` if it succeeds, and leaves nothing if it fails.
///
/// # Errors
/// Those of [`Output`] and of `write`.
pub fn to_file<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    let mut output = Output::open(path)?;
    let result = write(output.writer())?;
    output.keep()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_failed_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tape");
        let failed: Result<(), _> = to_file(&path, |out| {
            out.write_all(b"half").unwrap();
            Err(RecordError::AlreadyRecording)
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        to_file(&path, |out| {
            out.write_all(b"whole").unwrap();
            Ok(())
        })
        .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_wrong_folder_is_an_error_with_the_path() {
        let error = Output::open(Path::new("/no/such/folder/x.tape"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/such/folder/x.tape"), "{error}");
        assert!(!error.contains("partial"), "{error}");
    }
}
