//! A bracketed array as a program prints it, over any number of lines: counts, no values.
//!
//! Small ones are results: a confusion matrix, the scores of folds or classes. What is told
//! is what has many numbers, or what its library has shortened because it had more.

/// Numbers of a nested array from which on it is data.
pub(crate) const NESTED_NUMBERS_MIN: u32 = 32;
/// Numbers of a flat one: scores of classes and of epochs are printed too.
pub(crate) const FLAT_NUMBERS_MIN: u32 = 128;
/// A square table of at most so many rows is a confusion matrix.
pub(crate) const MATRIX_ROWS_MAX: u32 = 20;
/// Numbers on either side of `...` in a flat array that was shortened.
const EDGE_NUMBERS_MIN: u32 = 3;
/// Bytes of a number at most.
const NUMBER_MAX_BYTES: usize = 40;

/// What is known of an array so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It goes on.
    Open,
    /// It is data.
    Data,
    /// It is none, or small.
    Nothing,
}

/// An array being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    depth: u32,
    deepest: u32,
    numbers: u32,
    /// Numbers in the innermost brackets that are open.
    row: u32,
    rows: u32,
    widest: u32,
    /// Numbers before `...`, once it was seen.
    shortened: Option<u32>,
    /// Numbers after it in the same brackets.
    after: u32,
}

impl Block {
    /// Reads a line, or what is left of one from the first bracket on.
    pub(crate) fn read(&mut self, line: &[u8]) -> Found {
        let mut at = 0;
        while let Some(byte) = line.get(at) {
            match byte {
                b' ' | b'\t' | b',' | b'\r' => at += 1,
                b'[' => {
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                    self.row = 0;
                    at += 1;
                }
                b']' => {
                    self.close();
                    at += 1;
                    if self.depth == 0 {
                        return self.whole();
                    }
                }
                b'.' if line[at..].starts_with(b"...") => {
                    self.shortened = Some(self.numbers);
                    self.after = 0;
                    at += 3;
                }
                _ => {
                    let Some(length) = number(&line[at..]) else {
                        return Found::Nothing;
                    };
                    self.numbers += 1;
                    self.row += 1;
                    self.after += 1;
                    at += length;
                }
            }
            if self.is_data() {
                return Found::Data;
            }
        }
        Found::Open
    }

    fn close(&mut self) {
        if self.row > 0 {
            self.rows += 1;
            self.widest = self.widest.max(self.row);
            self.row = 0;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether that is data whatever follows.
    fn is_data(&self) -> bool {
        if let Some(before) = self.shortened {
            let flat = before >= EDGE_NUMBERS_MIN && self.after >= EDGE_NUMBERS_MIN;
            let nested = self.deepest >= 2 && before >= 2;
            if flat || nested {
                return true;
            }
        }
        if self.deepest < 2 {
            return self.numbers >= FLAT_NUMBERS_MIN;
        }
        let wide = self.widest.max(self.row);
        let no_matrix = self.deepest > 2
            || self.rows > MATRIX_ROWS_MAX
            || wide > MATRIX_ROWS_MAX
            || (self.rows > 0 && self.rows > self.widest);
        self.numbers >= NESTED_NUMBERS_MIN && no_matrix
    }

    /// The array has ended.
    fn whole(&self) -> Found {
        let square = self.rows == self.widest && self.rows <= MATRIX_ROWS_MAX;
        if self.deepest >= 2 && self.numbers >= NESTED_NUMBERS_MIN && !square {
            Found::Data
        } else {
            Found::Nothing
        }
    }
}

/// The length of the number that `bytes` begin with; what follows it must end it.
pub(crate) fn number(bytes: &[u8]) -> Option<usize> {
    let ends = |byte: &u8| b" \t,;][\r)".contains(byte);
    let most = &bytes[..bytes.len().min(NUMBER_MAX_BYTES)];
    let length = most.iter().position(ends).unwrap_or(most.len());
    (length < NUMBER_MAX_BYTES && is_number(&bytes[..length])).then_some(length)
}

/// Whether a word is a number, as programs print them (`1`, `-0.5e-3`, `1.`, `nan`, `True`).
pub(crate) fn is_number(word: &[u8]) -> bool {
    let plain = word
        .strip_prefix(b"-")
        .or_else(|| word.strip_prefix(b"+"))
        .unwrap_or(word);
    match plain.first() {
        Some(b'0'..=b'9' | b'.') => {
            let mantissa = plain
                .iter()
                .take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
            let count = mantissa.count();
            let digits = plain[..count].iter().any(u8::is_ascii_digit);
            let dots = plain[..count].iter().filter(|byte| **byte == b'.').count();
            digits && dots <= 1 && is_exponent(&plain[count..])
        }
        Some(b'n' | b'N' | b'i' | b'I') => ["nan", "inf", "infinity"]
            .iter()
            .any(|word| plain.eq_ignore_ascii_case(word.as_bytes())),
        Some(b'T' | b'F') => plain == b"True" || plain == b"False",
        _ => false,
    }
}

fn is_exponent(rest: &[u8]) -> bool {
    let [b'e' | b'E', digits @ ..] = rest else {
        return rest.is_empty() || rest == b"j";
    };
    let digits = digits
        .strip_prefix(b"-")
        .or_else(|| digits.strip_prefix(b"+"))
        .unwrap_or(digits);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
