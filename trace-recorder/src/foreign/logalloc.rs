//! Firefox logalloc: `pid [tid] function(arguments)[=result]`, numbers in decimal, pointers as `%p` writes them.
//!
//! A munged log names a pointer `#n`, and uses `n` again after a release.
//! Source: `memory/replace/logalloc/README` and `logalloc_munge.py` in Firefox's repository.

use super::request::{Asked, NULL, Parsed, Request, Said, align_log2, elements};
use super::scan::Scan;

/// The mark that a `jemalloc_stats()` line becomes.
pub(super) const STATS: &str = "jemalloc_stats";

/// The alignment of `valloc`, which the log does not tell: a page.
const PAGE: u64 = 4096;

pub(super) fn parse(line: &[u8]) -> Parsed {
    let mut scan = Scan::new(line);
    scan.blanks();
    if scan.is_done() {
        return Ok(Said::Nothing);
    }
    let process = scan
        .decimal()
        .ok_or("it does not begin with a process number")?;
    if !scan.blanks() {
        return Err("a blank is missing behind the process number");
    }
    // The first logs had no thread numbers.
    let thread = match scan.decimal() {
        Some(thread) if scan.blanks() => Some(thread),
        Some(_) => return Err("a blank is missing behind the thread number"),
        None => None,
    };
    let asked = call(&mut scan)?;
    scan.blanks();
    if !scan.is_done() {
        return Err("there is more behind the call");
    }
    Ok(Said::Request(Request {
        process,
        thread,
        stamps: None,
        asked,
    }))
}

fn call(scan: &mut Scan<'_>) -> Result<Asked, &'static str> {
    let name = scan.until(|byte| byte == b'(');
    if !scan.eat(b'(') {
        return Err("there is no call on it");
    }
    Ok(match name {
        b"malloc" => {
            let size = number(scan)?;
            let address = result(scan)?;
            Asked::Malloc { size, address }
        }
        b"valloc" => {
            let size = number(scan)?;
            let address = result(scan)?;
            let align_log2 = align_log2(PAGE);
            Asked::Aligned {
                size,
                align_log2,
                address,
            }
        }
        b"calloc" => {
            let count = number(scan)?;
            comma(scan)?;
            let size = number(scan)?;
            let address = result(scan)?;
            let size = elements(count, size, address)?;
            Asked::Calloc { size, address }
        }
        b"memalign" | b"posix_memalign" | b"aligned_alloc" => {
            let align = number(scan)?;
            comma(scan)?;
            let size = number(scan)?;
            let address = result(scan)?;
            let align_log2 = align_log2(align);
            Asked::Aligned {
                size,
                align_log2,
                address,
            }
        }
        b"realloc" => {
            let old = pointer(scan)?;
            comma(scan)?;
            let size = number(scan)?;
            let address = result(scan)?;
            Asked::Realloc { old, size, address }
        }
        b"free" => {
            let address = pointer(scan)?;
            close(scan)?;
            Asked::Free { address }
        }
        b"jemalloc_stats" => {
            close(scan)?;
            Asked::Mark { name: STATS }
        }
        _ => return Err("the function is none that logalloc knows"),
    })
}

fn number(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    scan.decimal()
        .ok_or("a number is missing, or has more than 64 bits")
}

fn comma(scan: &mut Scan<'_>) -> Result<(), &'static str> {
    scan.eat(b',').then_some(()).ok_or("a comma is missing")
}

fn close(scan: &mut Scan<'_>) -> Result<(), &'static str> {
    scan.eat(b')')
        .then_some(())
        .ok_or("the bracket is not closed where it should be")
}

/// `)=pointer`
fn result(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    close(scan)?;
    if !scan.eat(b'=') {
        return Err("the result is missing");
    }
    pointer(scan)
}

/// An address or a munged name. Both may stand in one log: names live above all addresses of user space.
fn pointer(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    const NAMES: u64 = 1 << 63;
    const BAD: &str = "a pointer is missing, or is none";
    if !scan.eat(b'#') {
        return scan.pointer().ok_or(BAD);
    }
    match scan.decimal() {
        Some(0) => Ok(NULL),
        Some(number) if number < NAMES => Ok(NAMES | number),
        _ => Err(BAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        match parse(line.as_bytes()) {
            Ok(Said::Request(request)) => request.asked,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_call_of_the_grammar() {
        assert_eq!(
            asked("18545 18545 malloc(32)=0x7f90495120e0"),
            Asked::Malloc {
                size: 32,
                address: 0x7f90495120e0
            }
        );
        assert_eq!(
            asked("1 2 calloc(3,148)=0x10"),
            Asked::Calloc {
                size: 444,
                address: 16
            }
        );
        assert_eq!(
            asked("1 2 valloc(5)=0x1000"),
            Asked::Aligned {
                size: 5,
                align_log2: 12,
                address: 4096
            }
        );
        for name in ["memalign", "posix_memalign", "aligned_alloc"] {
            let line = format!("1 2 {name}(256,240)=0x100");
            assert_eq!(
                asked(&line),
                Asked::Aligned {
                    size: 240,
                    align_log2: 8,
                    address: 256
                }
            );
        }
        assert_eq!(
            asked("1 2 realloc((nil),8)=0x10"),
            Asked::Realloc {
                old: 0,
                size: 8,
                address: 16
            }
        );
        assert_eq!(asked("1 2 free(0x10)"), Asked::Free { address: 16 });
        assert_eq!(asked("1 2 jemalloc_stats()"), Asked::Mark { name: STATS });
        assert_eq!(parse(b""), Ok(Said::Nothing));
    }

    #[test]
    fn old_logs_have_no_thread_and_munged_ones_names() {
        let Ok(Said::Request(request)) = parse(b"13663 malloc(42)=#1") else {
            panic!("a request");
        };
        assert_eq!((request.process, request.thread), (13663, None));
        assert_eq!(
            request.asked,
            Asked::Malloc {
                size: 42,
                address: 1 << 63 | 1
            }
        );
        assert_eq!(
            asked("1 1 realloc(#1,64)=#1"),
            Asked::Realloc {
                old: 1 << 63 | 1,
                size: 64,
                address: 1 << 63 | 1
            }
        );
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for line in [
            "x",
            "1",
            "1 ",
            "1 2",
            "1 2 malloc",
            "1 2 malloc(",
            "1 2 malloc()=0x1",
            "1 2 malloc(1)",
            "1 2 malloc(1)=",
            "1 2 malloc(1)=0x",
            "1 2 malloc(-1)=0x1",
            "1 2 malloc(18446744073709551616)=0x1",
            "1 2 malloc(1)=0x1 0",
            "1 2 calloc(1)=0x1",
            "1 2 calloc(4611686018427387904,8)=0x1",
            "1 2 realloc(0x1)=0x1",
            "1 2 free(0x1)=0x1",
            "1 2 free()",
            "1 2 frob(1)=0x1",
            "1 2 3 free(0x1)",
            "1 2 free(#)",
            "1 2 free(#9223372036854775808)",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
        assert_eq!(
            asked("1 2 calloc(4611686018427387904,8)=(nil)"),
            Asked::Calloc {
                size: u64::MAX,
                address: 0
            }
        );
    }
}
