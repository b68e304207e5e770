//! Reading a line from left to right.

/// The rest of a line.
#[derive(Copy, Clone, Debug)]
pub(super) struct Scan<'a> {
    pub rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub fn new(line: &'a [u8]) -> Scan<'a> {
        Scan { rest: line }
    }

    /// Whether the line is read to its end.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Steps over `byte`, if it is next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Steps over `text`, if it is next.
    pub fn eat_all(&mut self, text: &[u8]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Steps over blanks; whether there was one.
    #[inline]
    pub fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        before != self.rest.len()
    }

    /// What comes before the first byte for which `end` holds.
    #[inline]
    pub fn until(&mut self, end: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self
            .rest
            .iter()
            .position(|&byte| end(byte))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(at);
        self.rest = rest;
        word
    }

    /// A decimal number of at most 64 bits.
    #[inline]
    pub fn decimal(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut digits = 0;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            digits += 1;
            self.rest = rest;
        }
        (digits > 0).then_some(number)
    }

    /// A hexadecimal number of at most 64 bits, without `0x`.
    #[inline]
    pub fn hex(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut digits = 0;
        while let [byte, rest @ ..] = self.rest {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                _ => break,
            };
            if number >> 60 != 0 {
                return None;
            }
            number = number << 4 | u64::from(digit);
            digits += 1;
            self.rest = rest;
        }
        (digits > 0).then_some(number)
    }

    /// A number as C's `%#lx` writes it: `0x` and hexadecimal, or `0`.
    #[inline]
    pub fn prefixed_hex(&mut self) -> Option<u64> {
        if self.eat_all(b"0x") || self.eat_all(b"0X") {
            return self.hex();
        }
        self.hex().filter(|&number| number == 0)
    }

    /// A pointer as some C library's `%p` writes it: `0x` and hexadecimal, bare hexadecimal, `(nil)` or `(null)`.
    #[inline]
    pub fn pointer(&mut self) -> Option<u64> {
        if self.eat_all(b"0x") || self.eat_all(b"0X") {
            return self.hex();
        }
        if self.eat_all(b"(nil)") || self.eat_all(b"(null)") {
            return Some(0);
        }
        self.hex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_at_64_bits() {
        let decimal = |text: &str| Scan::new(text.as_bytes()).decimal();
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal("18446744073709551616"), None);
        assert_eq!(decimal(""), None);
        assert_eq!(decimal("-1"), None);
        let hex = |text: &str| Scan::new(text.as_bytes()).hex();
        assert_eq!(hex("ffffFFFFffffffff"), Some(u64::MAX));
        assert_eq!(hex("0ffffFFFFffffffff"), Some(u64::MAX));
        assert_eq!(hex("10000000000000000"), None);
        assert_eq!(hex("g"), None);
    }

    #[test]
    fn pointers_have_many_shapes() {
        let pointer = |text: &str| Scan::new(text.as_bytes()).pointer();
        assert_eq!(pointer("0x7f12"), Some(0x7f12));
        assert_eq!(pointer("7f12"), Some(0x7f12));
        assert_eq!(pointer("(nil)"), Some(0));
        assert_eq!(pointer("0x"), None);
        assert_eq!(pointer(""), None);
    }
}
