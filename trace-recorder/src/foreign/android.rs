//! Android's allocation records: `tid: function pointer arguments [start end]`, one call a line.
//!
//! Times are nanoseconds; newer records have them on every line, older ones on none. `thread_done` may have its end alone.
//! Source: `memory_replay` in Android's `platform/system/extras`, and bionic's malloc debug documentation.

use super::request::{Asked, Parsed, Request, Said, Stamps, align_log2, elements};
use super::scan::Scan;

pub(super) fn parse(line: &[u8]) -> Parsed {
    let mut scan = Scan::new(line);
    scan.blanks();
    if scan.is_done() {
        return Ok(Said::Nothing);
    }
    let thread = scan
        .decimal()
        .ok_or("it does not begin with a thread number")?;
    if !scan.eat(b':') {
        return Err("a colon is missing behind the thread number");
    }
    scan.blanks();
    let name = scan.until(|byte| byte == b' ' || byte == b'\t');
    let address = pointer(&mut scan)?;
    let asked = match name {
        b"malloc" => Asked::Malloc {
            size: number(&mut scan)?,
            address,
        },
        b"free" => Asked::Free { address },
        b"calloc" => {
            let (count, size) = (number(&mut scan)?, number(&mut scan)?);
            Asked::Calloc {
                size: elements(count, size, address)?,
                address,
            }
        }
        b"realloc" => {
            let old = pointer(&mut scan)?;
            Asked::Realloc {
                old,
                size: number(&mut scan)?,
                address,
            }
        }
        b"memalign" => {
            let align_log2 = align_log2(number(&mut scan)?);
            Asked::Aligned {
                size: number(&mut scan)?,
                align_log2,
                address,
            }
        }
        b"thread_done" => Asked::ThreadEnd,
        _ => return Err("the function is none that Android records"),
    };
    let stamps = stamps(&mut scan, asked == Asked::ThreadEnd)?;
    Ok(Said::Request(Request {
        process: 0,
        thread: Some(thread),
        stamps,
        asked,
    }))
}

/// Nothing, or a start and an end; the end alone where `single`.
fn stamps(scan: &mut Scan<'_>, single: bool) -> Result<Option<Stamps>, &'static str> {
    const BAD: &str =
        "behind the call there is something other than a start and an end in nanoseconds";
    scan.blanks();
    if scan.is_done() {
        return Ok(None);
    }
    let start_ns = scan.decimal().ok_or(BAD)?;
    let blank = scan.blanks();
    if scan.is_done() && single {
        return Ok(Some(Stamps {
            start_ns,
            end_ns: start_ns,
        }));
    }
    if !blank {
        return Err(BAD);
    }
    let end_ns = scan.decimal().ok_or(BAD)?;
    scan.blanks();
    if !scan.is_done() {
        return Err(BAD);
    }
    // Zero stands for no time.
    Ok((end_ns != 0).then_some(Stamps { start_ns, end_ns }))
}

fn number(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    let blank = scan.blanks();
    scan.decimal()
        .filter(|_| blank)
        .ok_or("a number is missing, or has more than 64 bits")
}

fn pointer(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    let blank = scan.blanks();
    scan.pointer()
        .filter(|_| blank)
        .ok_or("a pointer is missing, or is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Request {
        match parse(line.as_bytes()) {
            Ok(Said::Request(request)) => request,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_call_of_the_grammar() {
        let asked = |line: &str| request(line).asked;
        assert_eq!(
            asked("186: malloc 0xb6038060 20"),
            Asked::Malloc {
                size: 20,
                address: 0xb6038060
            }
        );
        assert_eq!(
            asked("186: free 0xb6038060"),
            Asked::Free {
                address: 0xb6038060
            }
        );
        assert_eq!(
            asked("186: calloc 0x10 32 4"),
            Asked::Calloc {
                size: 128,
                address: 16
            }
        );
        assert_eq!(
            asked("186: realloc 0x20 0x10 12"),
            Asked::Realloc {
                old: 16,
                size: 12,
                address: 32
            }
        );
        assert_eq!(
            asked("186: memalign 0x20 16 104"),
            Asked::Aligned {
                size: 104,
                align_log2: 4,
                address: 32
            }
        );
        assert_eq!(asked("187: thread_done 0x0"), Asked::ThreadEnd);
        assert_eq!(request("187: free 0x1").thread, Some(187));
    }

    #[test]
    fn times_are_there_or_not() {
        let stamps = |line: &str| request(line).stamps.map(|s| (s.start_ns, s.end_ns));
        assert_eq!(stamps("1: malloc 0x1 20 100 200"), Some((100, 200)));
        assert_eq!(stamps("1: free 0x1 100 200 "), Some((100, 200)));
        assert_eq!(stamps("1: free 0x1"), None);
        assert_eq!(stamps("1: free 0x1 0 0"), None);
        assert_eq!(stamps("1: thread_done 0x0 290"), Some((290, 290)));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for line in [
            "x",
            "1",
            "1:",
            "1: malloc",
            "1: malloc 0x1",
            "1: malloc 0x1 x",
            "1: malloc 0x1 1 2",
            "1: malloc 0x1 1 2 3 4",
            "1: calloc 0x1 2",
            "1: realloc 0x1 0x2",
            "1: memalign 0x1 16",
            "1: frob 0x1",
            "1: free",
            "1: free 0x1 5",
            "1: thread_done",
            "-1: free 0x1",
            "1 free 0x1",
            "1: malloc 0x1 99999999999999999999",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
