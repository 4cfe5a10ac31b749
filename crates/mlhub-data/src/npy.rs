//! The NPY array format (versions 1 to 3): header parsing and writing, and reading one element.
//! Object arrays (pickles) and structured dtypes are refused. The header is a Python literal; the
//! parser accepts exactly the dictionary NumPy writes and never recurses.

use std::io::Read;

use crate::limits::NPY_HEADER_BYTES_MAX;
use crate::rows::Cell;

/// First bytes of every NPY file.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Header padding that NumPy uses, so that data is aligned.
const ALIGN_BYTES: usize = 64;

/// Element type of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dtype {
    /// NumPy's kind letter: b, i, u, f, c, S, U, M, m or V.
    kind: u8,
    /// Bytes per element.
    pub(crate) item_bytes: usize,
    is_big_endian: bool,
    /// As written in the file, such as `<f8`.
    pub(crate) descr: String,
}

/// Shape, order and element type of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) dtype: Dtype,
    pub(crate) is_fortran: bool,
    pub(crate) shape: Vec<u64>,
}

impl Dtype {
    fn parse(descr: &str) -> Result<Self, String> {
        let unknown = || "a dtype that is not understood".to_owned();
        let mut chars = descr.chars();
        let order = chars.next().ok_or_else(unknown)?;
        let kind = chars.next().ok_or_else(unknown)?;
        if !matches!(order, '<' | '>' | '|' | '=') {
            return Err(unknown());
        }
        let size = chars.as_str().split('[').next().unwrap_or_default();
        if kind == 'O' {
            return Err("an array of Python objects (a pickle), which can run code when loaded; save it with a numeric or string dtype".to_owned());
        }
        let size: usize = size.parse().map_err(|_| unknown())?;
        let item_bytes = match (kind, size) {
            ('b', 1)
            | ('i' | 'u', 1 | 2 | 4 | 8)
            | ('f', 2 | 4 | 8 | 12 | 16)
            | ('c', 8 | 16 | 24 | 32) => size,
            ('M' | 'm', 8) => 8,
            ('S' | 'V', _) => size,
            ('U', _) => size.checked_mul(4).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        };
        let is_big_endian = order == '>' && item_bytes > 1;
        Ok(Self {
            kind: kind as u8,
            item_bytes,
            is_big_endian,
            descr: descr.to_owned(),
        })
    }

    /// NumPy's name, such as `float64` or `str`.
    pub(crate) fn name(&self) -> String {
        let bits = self.item_bytes * 8;
        match self.kind {
            b'b' => "bool".to_owned(),
            b'i' => format!("int{bits}"),
            b'u' => format!("uint{bits}"),
            b'f' => format!("float{bits}"),
            b'c' => format!("complex{bits}"),
            b'S' => "bytes".to_owned(),
            b'U' => "str".to_owned(),
            b'M' => "datetime64".to_owned(),
            b'm' => "timedelta64".to_owned(),
            _ => "void".to_owned(),
        }
    }

    /// One element as a cell; text is decoded into `text`.
    pub(crate) fn cell<'a>(
        &self,
        bytes: &'a [u8],
        text: &'a mut String,
    ) -> Result<Cell<'a>, String> {
        let wide = |bytes: &[u8]| -> [u8; 8] {
            let mut out = [0; 8];
            out[..bytes.len()].copy_from_slice(bytes);
            if self.is_big_endian {
                out[..bytes.len()].reverse();
            }
            out
        };
        Ok(match (self.kind, self.item_bytes) {
            (b'b', _) => Cell::Bool(bytes[0] != 0),
            (b'i', size) => {
                let shift = 64 - 8 * size as u32;
                Cell::Int((i64::from_le_bytes(wide(bytes)) << shift) >> shift)
            }
            (b'u', _) => {
                let value = u64::from_le_bytes(wide(bytes));
                i64::try_from(value).map_or(Cell::UInt(value), Cell::Int)
            }
            (b'f', 2) => Cell::Float(half(u64::from_le_bytes(wide(bytes)) as u16)),
            (b'f', 4) => Cell::Float(f64::from(f32::from_bits(
                u64::from_le_bytes(wide(bytes)) as u32
            ))),
            (b'f', 8) => Cell::Float(f64::from_bits(u64::from_le_bytes(wide(bytes)))),
            (b'S', _) => {
                let end = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                match std::str::from_utf8(&bytes[..end]) {
                    Ok(text) => Cell::Text(text),
                    Err(_) => Cell::Other(&bytes[..end]),
                }
            }
            (b'U', _) => {
                self.decode_utf32(bytes, text)?;
                Cell::Text(text)
            }
            _ => Cell::Other(bytes),
        })
    }

    fn decode_utf32(&self, bytes: &[u8], text: &mut String) -> Result<(), String> {
        text.clear();
        for unit in bytes.chunks_exact(4) {
            let unit: [u8; 4] = unit.try_into().expect("chunks of 4");
            let code = if self.is_big_endian {
                u32::from_be_bytes(unit)
            } else {
                u32::from_le_bytes(unit)
            };
            text.push(char::from_u32(code).ok_or("text that is not valid Unicode")?);
        }
        text.truncate(text.trim_end_matches('\0').len());
        Ok(())
    }
}

/// IEEE half precision to double, exactly.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * (2.0f64).powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * (2.0f64).powi(exponent - 15),
    }
}

impl Header {
    /// Reads the header from the start of an NPY file.
    pub(crate) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let cut = |_| "its header is cut short".to_owned();
        let mut start = [0; 8];
        reader.read_exact(&mut start).map_err(cut)?;
        if !start.starts_with(MAGIC) {
            return Err("it is not in NPY format".to_owned());
        }
        let length = match start[6] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length).map_err(cut)?;
                u32::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length).map_err(cut)?;
                u32::from_le_bytes(length)
            }
            version => return Err(format!("NPY version {version} is not known")),
        };
        if length > NPY_HEADER_BYTES_MAX {
            return Err(format!(
                "its header is longer than {NPY_HEADER_BYTES_MAX} bytes"
            ));
        }
        let mut text = Vec::new();
        reader
            .take(u64::from(length))
            .read_to_end(&mut text)
            .map_err(cut)?;
        if text.len() != length as usize {
            return Err("its header is cut short".to_owned());
        }
        let text = std::str::from_utf8(&text).map_err(|_| "its header is not text".to_owned())?;
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bad = || "its header is not understood".to_owned();
        let mut rest = text.trim().strip_prefix('{').ok_or_else(bad)?;
        let (mut dtype, mut is_fortran, mut shape) = (None, None, None);
        loop {
            rest = rest.trim_start_matches([' ', ',', '\n']);
            if rest == "}" {
                break;
            }
            let (key, after) = string(rest).ok_or_else(bad)?;
            rest = after
                .trim_start()
                .strip_prefix(':')
                .ok_or_else(bad)?
                .trim_start();
            match key {
                "descr" if rest.starts_with('[') => {
                    return Err("a structured dtype, which is not supported; save each field as an array of its own".to_owned());
                }
                "descr" => {
                    let (descr, after) = string(rest).ok_or_else(bad)?;
                    dtype = Some(Dtype::parse(descr)?);
                    rest = after;
                }
                "fortran_order" => {
                    let is_true = rest.starts_with("True");
                    is_fortran = Some(is_true);
                    rest = rest
                        .strip_prefix(if is_true { "True" } else { "False" })
                        .ok_or_else(bad)?;
                }
                "shape" => {
                    let (tuple, after) = rest
                        .strip_prefix('(')
                        .and_then(|r| r.split_once(')'))
                        .ok_or_else(bad)?;
                    shape = Some(dimensions(tuple).ok_or_else(bad)?);
                    rest = after;
                }
                _ => return Err(bad()),
            }
        }
        match (dtype, is_fortran, shape) {
            (Some(dtype), Some(is_fortran), Some(shape)) => Ok(Self {
                dtype,
                is_fortran,
                shape,
            }),
            _ => Err(bad()),
        }
    }

    /// Rows (first dimension); `None` for an array without dimensions.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.shape.first().copied()
    }

    /// Bytes of one row; `None` on overflow.
    pub(crate) fn row_bytes(&self) -> Option<u64> {
        let row = self
            .shape
            .iter()
            .skip(1)
            .try_fold(1u64, |product, n| product.checked_mul(*n))?;
        row.checked_mul(self.dtype.item_bytes as u64)
    }

    /// The header of a C-order array of the same element type with `rows` rows.
    pub(crate) fn with_rows(&self, rows: u64) -> Self {
        let mut shape = self.shape.clone();
        shape[0] = rows;
        Self {
            shape,
            is_fortran: false,
            dtype: self.dtype.clone(),
        }
    }

    /// The header as bytes: version 1.0, or 2.0 when it does not fit.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut shape: String = self.shape.iter().map(|n| format!("{n}, ")).collect();
        if self.shape.len() == 1 {
            shape.truncate(shape.len() - 1);
        } else {
            shape.truncate(shape.len().saturating_sub(2));
        }
        let order = if self.is_fortran { "True" } else { "False" };
        let mut text = format!(
            "{{'descr': '{}', 'fortran_order': {order}, 'shape': ({shape}), }}",
            self.dtype.descr
        );
        let is_long = text.len() + ALIGN_BYTES + 10 > usize::from(u16::MAX);
        let prefix = if is_long { 12 } else { 10 };
        while !(prefix + text.len() + 1).is_multiple_of(ALIGN_BYTES) {
            text.push(' ');
        }
        text.push('\n');
        let mut out = MAGIC.to_vec();
        out.extend([if is_long { 2 } else { 1 }, 0]);
        let length = (text.len() as u32).to_le_bytes();
        out.extend_from_slice(if is_long { &length } else { &length[..2] });
        out.extend_from_slice(text.as_bytes());
        out
    }
}

/// A quoted string without escapes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..]
        .split_once(quote)
        .filter(|(inside, _)| !inside.contains('\\'))
}

fn dimensions(tuple: &str) -> Option<Vec<u64>> {
    /// NumPy's own bound.
    const DIMENSIONS_MAX: usize = 64;
    let mut shape = Vec::new();
    for part in tuple
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        shape.push(part.trim_end_matches('L').parse().ok()?);
        if shape.len() > DIMENSIONS_MAX {
            return None;
        }
    }
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<Header, String> {
        Header::parse(text)
    }

    #[test]
    fn numpy_headers_are_read() {
        let header =
            parsed("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }          \n")
                .unwrap();
        assert_eq!(
            (
                header.dtype.name().as_str(),
                header.is_fortran,
                header.shape.as_slice()
            ),
            ("float32", true, &[3, 4][..])
        );
        assert_eq!(
            parsed("{'descr': '<U7', 'fortran_order': False, 'shape': (5,), }")
                .unwrap()
                .row_bytes(),
            Some(28)
        );
        assert_eq!(
            parsed("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (), }")
                .unwrap()
                .rows(),
            None
        );
    }

    #[test]
    fn what_could_run_code_or_is_not_plain_is_refused() {
        assert!(
            parsed("{'descr': '|O', 'fortran_order': False, 'shape': (5,), }")
                .unwrap_err()
                .contains("pickle")
        );
        assert!(
            parsed("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (5,), }")
                .unwrap_err()
                .contains("structured")
        );
        assert!(parsed("{'descr': '<f3', 'fortran_order': False, 'shape': (5,), }").is_err());
        assert!(parsed("{'descr': '<f4', 'shape': (5,), }").is_err());
    }

    #[test]
    fn elements_become_cells() {
        let mut text = String::new();
        let mut show = |descr: &str, bytes: &[u8]| {
            format!(
                "{:?}",
                Dtype::parse(descr).unwrap().cell(bytes, &mut text).unwrap()
            )
        };
        assert_eq!(show("<i2", &[0xfe, 0xff]), "Int(-2)");
        assert_eq!(show(">i4", &[0, 0, 1, 0]), "Int(256)");
        assert_eq!(show("|u1", &[200]), "Int(200)");
        assert_eq!(show("<u8", &[0xff; 8]), "UInt(18446744073709551615)");
        assert_eq!(show("<f2", &[0x00, 0x3c]), "Float(1.0)");
        assert_eq!(
            show("<f2", &[0x01, 0x00]),
            format!("Float({:?})", 2.0f64.powi(-24))
        );
        assert_eq!(show(">f8", &1.5f64.to_be_bytes()), "Float(1.5)");
        assert_eq!(show("|S4", b"ab\0\0"), "Text(\"ab\")");
        assert_eq!(show(">U2", &[0, 0, 0, 0x61, 0, 0, 0, 0]), "Text(\"a\")");
    }

    proptest! {
        #[test]
        fn written_headers_are_read_back(shape in prop::collection::vec(0u64..1_000_000, 0..6), fortran: bool, kind in 0usize..5) {
            let dtype = Dtype::parse(["<f8", "|b1", ">i2", "<U12", "|S3"][kind]).unwrap();
            let header = Header { dtype, is_fortran: fortran, shape };
            let bytes = header.to_bytes();
            prop_assert_eq!(bytes.len() % ALIGN_BYTES, 0);
            prop_assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), header);
        }

        #[test]
        fn arbitrary_headers_never_panic(text in "[{}'a-z<|:,()0-9OTF\\[\\] ]{0,60}") {
            if let Ok(header) = parsed(&text) {
                prop_assert!(header.dtype.descr.len() >= 3);
            }
        }
    }
}
