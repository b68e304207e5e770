//! Which threads the process has, as the system tells it.
//!
//! A program whose main thread leaves by `pthread_exit` ends with its last thread. The reclaimer must not be that last
//! thread for ever, so it looks now and then.

/// Whether the main thread has left and no other thread but the calling one is there. Allocates nothing.
pub fn is_left_alone() -> bool {
    // A main thread that has left still counts.
    ask()
        == Some(Threads {
            main_left: true,
            count: 2,
        })
}

/// Whether there is no thread but the calling one; `false` if that can't be told. Allocates nothing.
pub fn has_one_thread() -> bool {
    ask()
        == Some(Threads {
            main_left: false,
            count: 1,
        })
}

/// What the system knows of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Threads {
    main_left: bool,
    count: u32,
}

#[cfg(target_os = "linux")]
fn ask() -> Option<Threads> {
    let mut text = [0u8; 1024];
    // SAFETY: the path ends with a zero, the buffer has the length given, and the file is closed again.
    let len = unsafe {
        let file = libc::open(
            c"/proc/self/stat".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        if file < 0 {
            return None;
        }
        let len = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        len
    };
    parse(text.get(..usize::try_from(len).ok()?)?)
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
fn ask() -> Option<Threads> {
    None
}

/// What the line of proc(5) says: the third field is the main thread's state, the twentieth the number of threads. The
/// second is a name in brackets that may hold anything.
#[cfg(target_os = "linux")]
fn parse(line: &[u8]) -> Option<Threads> {
    let name_end = line.iter().rposition(|byte| *byte == b')')?;
    let mut fields = line[name_end + 1..]
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let state = fields.next()?;
    let count = core::str::from_utf8(fields.nth(16)?).ok()?;
    Some(Threads {
        main_left: state == b"Z",
        count: count.parse().ok()?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_understood() {
        let line = |state: &str, threads: &str| {
            std::format!(
                "77 (a ) Z 1) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 20 0 {threads} 0 99 0"
            )
        };
        let threads = |main_left, count| Some(Threads { main_left, count });
        assert_eq!(parse(line("Z", "2").as_bytes()), threads(true, 2));
        assert_eq!(parse(line("S", "31").as_bytes()), threads(false, 31));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"77 (x) Z"), None);
        assert_eq!(parse(line("S", "many").as_bytes()), None);
        // The test's thread and the harness's.
        assert!(ask().expect("an answer").count >= 2);
        assert!(!is_left_alone() && !has_one_thread());
    }
}
