//! glibc's mtrace: `[@ where] + pointer size`, and `-`, `!`, and a realloc on two lines, `<` and `>`.
//!
//! Where the caller is known, it stands before: `@ file:(symbol+0x12)[0x4005d2]`. Files may have blanks in their names, so
//! the operation is searched from the end of the line.
//! Source: `malloc/mtrace-impl.c` in the GNU C library.

use super::request::{Asked, Parsed, Request, Said};
use super::scan::Scan;

pub(super) fn parse(line: &[u8]) -> Parsed {
    let line = line.trim_ascii();
    match line {
        b"" => return Ok(Said::Nothing),
        // "= Start" and "= End".
        [b'=', rest @ ..] if rest.is_empty() || rest[0] == b' ' => return Ok(Said::Nothing),
        _ => {}
    }
    let operation = match line {
        [b'@', b' ', rest @ ..] => behind_place(rest)?,
        _ => line,
    };
    let [code, rest @ ..] = operation else {
        return Err(NO_OPERATION);
    };
    let mut scan = Scan::new(rest);
    if !scan.blanks() {
        return Err(NO_OPERATION);
    }
    let address = scan.pointer().ok_or("a pointer is missing, or is none")?;
    let said = match code {
        b'+' => Said::Request(Request::bare(Asked::Malloc {
            size: size(&mut scan)?,
            address,
        })),
        b'-' => Said::Request(Request::bare(Asked::Free { address })),
        b'!' => Said::Request(Request::bare(Asked::Refused {
            size: size(&mut scan)?,
        })),
        b'<' => Said::ReallocOld(address),
        b'>' => Said::ReallocNew {
            address,
            size: size(&mut scan)?,
        },
        _ => return Err(NO_OPERATION),
    };
    scan.blanks();
    if !scan.is_done() {
        return Err("there is more behind the operation");
    }
    Ok(said)
}

const NO_OPERATION: &str = "there is no operation on it: none of + - ! < >";

/// The operation behind a place: from the last blank that one of its signs and another blank follow.
fn behind_place(rest: &[u8]) -> Result<&[u8], &'static str> {
    rest.windows(3)
        .rposition(|three| matches!(three, [b' ', sign, b' '] if b"+-!<>".contains(sign)))
        .map(|at| &rest[at + 1..])
        .ok_or(NO_OPERATION)
}

/// ` 0x…`
fn size(scan: &mut Scan<'_>) -> Result<u64, &'static str> {
    let blank = scan.blanks();
    scan.prefixed_hex()
        .filter(|_| blank)
        .ok_or("a size in hexadecimal is missing, or has more than 64 bits")
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
    fn every_operation_of_the_grammar() {
        let malloc = Asked::Malloc {
            size: 0x120,
            address: 0x55fc,
        };
        assert_eq!(asked("+ 0x55fc 0x120"), malloc);
        assert_eq!(asked("@ ./prog:[0x133d] + 0x55fc 0x120"), malloc);
        assert_eq!(
            asked("@ /a b/+ x:(main+0x1d)[0x133d] + 0x55fc 0x120"),
            malloc
        );
        assert_eq!(
            asked("@ [0x133d] - 0x55fc"),
            Asked::Free { address: 0x55fc }
        );
        assert_eq!(
            asked("@ a:[0x1] + (nil) 0x10"),
            Asked::Malloc {
                size: 16,
                address: 0
            }
        );
        assert_eq!(
            asked("+ 0x10 0"),
            Asked::Malloc {
                size: 0,
                address: 16
            }
        );
        assert_eq!(asked("! 0x55fc 0x99"), Asked::Refused { size: 0x99 });
        assert_eq!(parse(b"@ a:[0x1] < 0x77"), Ok(Said::ReallocOld(0x77)));
        assert_eq!(
            parse(b"> 0x78 0x5"),
            Ok(Said::ReallocNew {
                address: 0x78,
                size: 5
            })
        );
        for nothing in ["= Start", "= End", "", "  "] {
            assert_eq!(parse(nothing.as_bytes()), Ok(Said::Nothing));
        }
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        for line in [
            "+",
            "+ ",
            "+ 0x1",
            "+ 0x1 12",
            "- ",
            "- 0x1 0x2",
            "@ ./prog:[0x1]",
            "@",
            "* 0x1 0x2",
            "=x",
            "+0x1 0x2",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
