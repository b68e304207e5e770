//! Whether the program has ended but for a thread of the allocator's.
//!
//! A program whose main thread leaves by `pthread_exit` ends with its last thread. The reclaimer must not be that last
//! thread for ever, so it looks now and then.

/// Whether the main thread has left and no other thread but the calling one is there. Allocates nothing.
#[cfg(target_os = "linux")]
pub fn is_left_alone() -> bool {
    let mut text = [0u8; 1024];
    // SAFETY: the path ends with a zero, the buffer has the length given, and the file is closed again.
    let len = unsafe {
        let file = libc::open(
            c"/proc/self/stat".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        if file < 0 {
            return false;
        }
        let len = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        len
    };
    let text = usize::try_from(len).ok().and_then(|len| text.get(..len));
    text.is_some_and(says_so)
}

/// Elsewhere nobody can tell: the thread stays.
#[cfg(not(target_os = "linux"))]
pub fn is_left_alone() -> bool {
    false
}

/// What the line of proc(5) says: the third field is the main thread's state, the twentieth the number of threads, in
/// which a main thread that has left still counts. The second is a name in brackets that may hold anything.
#[cfg(target_os = "linux")]
fn says_so(line: &[u8]) -> bool {
    let Some(name_end) = line.iter().rposition(|byte| *byte == b')') else {
        return false;
    };
    let mut fields = line[name_end + 1..]
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let state = fields.next();
    let threads = fields.nth(16);
    state == Some(b"Z") && threads == Some(b"2")
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
        assert!(says_so(line("Z", "2").as_bytes()));
        assert!(!says_so(line("Z", "3").as_bytes()));
        assert!(!says_so(line("S", "2").as_bytes()));
        assert!(!says_so(b""));
        assert!(!says_so(b"77 (x) Z"));
        assert!(!is_left_alone());
    }
}
