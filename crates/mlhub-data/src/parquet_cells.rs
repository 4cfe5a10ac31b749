//! Arrow arrays as cells: whole numbers as `Int`, floats as `Float`, text as `Text`, lists of
//! numbers as `List`, and every other supported type in a canonical byte form.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, UInt64Array,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

use crate::rows::{Cell, encode};

/// The dtype name of a column, or `None` when the type is not supported.
pub(crate) fn dtype(data_type: &DataType) -> Option<String> {
    use DataType as T;
    let name = match data_type {
        T::Null => "null",
        T::Boolean => "bool",
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            "int"
        }
        T::Float16 | T::Float32 | T::Float64 => "float",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "string",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "binary",
        T::Date32 | T::Date64 => "date",
        T::Time32(_) | T::Time64(_) => "time",
        T::Timestamp(..) => "timestamp",
        T::Duration(_) => "duration",
        T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..) => "decimal",
        T::Dictionary(_, values) => return dtype(values),
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            return dtype(item.data_type()).map(|_| "list".to_owned());
        }
        T::Struct(fields) => {
            return fields
                .iter()
                .all(|field| dtype(field.data_type()).is_some())
                .then(|| "struct".to_owned());
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// One column of a batch, converted once so that reading a cell is a lookup.
pub(crate) enum ColumnReader {
    Null,
    Bool(BooleanArray),
    Int(Int64Array),
    UInt(UInt64Array),
    Float(Float64Array),
    Text(LargeStringArray),
    Opaque(ArrayRef),
}

impl ColumnReader {
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        use DataType as T;
        Ok(match array.data_type() {
            T::Null => Self::Null,
            T::Boolean => Self::Bool(array.as_boolean().clone()),
            T::UInt64 => Self::UInt(array.as_primitive::<UInt64Type>().clone()),
            T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => {
                Self::Int(cast(array, &T::Int64)?.as_primitive::<Int64Type>().clone())
            }
            T::Float16 | T::Float32 | T::Float64 => Self::Float(
                cast(array, &T::Float64)?
                    .as_primitive::<Float64Type>()
                    .clone(),
            ),
            T::Utf8 | T::LargeUtf8 | T::Utf8View => {
                Self::Text(cast(array, &T::LargeUtf8)?.as_string::<i64>().clone())
            }
            T::Dictionary(_, values) => Self::new(&cast(array, values)?)?,
            _ => Self::Opaque(simplified(array)?),
        })
    }
}

/// Rewrites time-like, small decimal and view types to the few that [`canonical`] reads.
fn simplified(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    use DataType as T;
    match array.data_type() {
        T::Date32 | T::Time32(_) => cast(&cast(array, &T::Int32)?, &T::Int64),
        T::Date64 | T::Time64(_) | T::Timestamp(..) | T::Duration(_) => cast(array, &T::Int64),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            cast(array, &T::Decimal128(*precision, *scale))
        }
        T::Binary | T::BinaryView | T::FixedSizeBinary(_) => cast(array, &T::LargeBinary),
        _ => Ok(array.clone()),
    }
}

/// Where the list or opaque value of one column lies in the scratch space.
enum Slot {
    Plain,
    List(usize, usize),
    Other(usize, usize),
}

/// Lists and opaque values of one row, reused from row to row.
#[derive(Default)]
pub(crate) struct RowScratch {
    lists: Vec<f64>,
    others: Vec<u8>,
    slots: Vec<Slot>,
}

impl RowScratch {
    /// Puts what does not fit a plain cell into the scratch space.
    pub(crate) fn load(&mut self, columns: &[ColumnReader], row: usize) {
        self.lists.clear();
        self.others.clear();
        self.slots.clear();
        for column in columns {
            let slot = match column {
                ColumnReader::Opaque(array) if array.is_valid(row) => self.put(array, row),
                _ => Slot::Plain,
            };
            self.slots.push(slot);
        }
    }

    fn put(&mut self, array: &ArrayRef, row: usize) -> Slot {
        let start = self.lists.len();
        if let Some(numbers) = list_item(array, row).as_ref().and_then(as_numbers) {
            self.lists.extend(numbers.values().iter());
            return Slot::List(start, self.lists.len());
        }
        let start = self.others.len();
        canonical(array, row, &mut self.others);
        Slot::Other(start, self.others.len())
    }

    /// The cells of the row that was loaded.
    pub(crate) fn cells<'a>(&'a self, columns: &'a [ColumnReader], row: usize) -> Vec<Cell<'a>> {
        columns
            .iter()
            .zip(&self.slots)
            .map(|(column, slot)| self.cell(column, slot, row))
            .collect()
    }

    fn cell<'a>(&'a self, column: &'a ColumnReader, slot: &Slot, row: usize) -> Cell<'a> {
        match *slot {
            Slot::List(start, end) => return Cell::List(&self.lists[start..end]),
            Slot::Other(start, end) => return Cell::Other(&self.others[start..end]),
            Slot::Plain => {}
        }
        match column {
            ColumnReader::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            ColumnReader::Int(array) if array.is_valid(row) => Cell::Int(array.value(row)),
            ColumnReader::UInt(array) if array.is_valid(row) => {
                match i64::try_from(array.value(row)) {
                    Ok(value) => Cell::Int(value),
                    Err(_) => Cell::UInt(array.value(row)),
                }
            }
            ColumnReader::Float(array) if array.is_valid(row) => Cell::Float(array.value(row)),
            ColumnReader::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            _ => Cell::Null,
        }
    }
}

/// The items of a list value.
fn list_item(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
    }
}

/// The items as numbers, when all are numbers and none is null.
fn as_numbers(items: &ArrayRef) -> Option<Float64Array> {
    let is_number = items.data_type().is_numeric()
        && !matches!(
            items.data_type(),
            DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        );
    if !is_number || items.null_count() > 0 {
        return None;
    }
    Some(
        cast(items, &DataType::Float64)
            .ok()?
            .as_primitive::<Float64Type>()
            .clone(),
    )
}

/// Appends the canonical form of one value: a list as `[`, its length and items; a struct as `{`
/// and its fields in order; the rest as a plain cell.
fn canonical(array: &ArrayRef, row: usize, out: &mut Vec<u8>) {
    if array.is_null(row) {
        return encode(&Cell::Null, out);
    }
    if let Some(items) = list_item(array, row) {
        out.push(b'[');
        out.extend((items.len() as u64).to_le_bytes());
        // Simplified as a whole: its items are cast once, not one by one.
        let items = simplified(&items).unwrap_or(items);
        (0..items.len()).for_each(|item| canonical(&items, item, out));
        return;
    }
    match array.data_type() {
        DataType::Struct(_) => {
            let fields = array.as_struct();
            out.push(b'{');
            out.extend((fields.num_columns() as u64).to_le_bytes());
            for field in fields.columns() {
                let one = field.slice(row, 1);
                let one = simplified(&one).unwrap_or(one);
                canonical(&one, 0, out);
            }
        }
        DataType::Int64 => encode(
            &Cell::Int(array.as_primitive::<Int64Type>().value(row)),
            out,
        ),
        DataType::LargeBinary => encode(&Cell::Other(array.as_binary::<i64>().value(row)), out),
        DataType::Decimal128(_, scale) => {
            out.push(*scale as u8);
            let value = array.as_primitive::<Decimal128Type>().value(row);
            encode(&Cell::Other(&value.to_le_bytes()), out);
        }
        DataType::Decimal256(_, scale) => {
            out.push(*scale as u8);
            let value = array.as_primitive::<Decimal256Type>().value(row);
            encode(&Cell::Other(&value.to_le_bytes()), out);
        }
        _ => {
            if let Ok(column) = ColumnReader::new(&array.slice(row, 1)) {
                let scratch = RowScratch {
                    slots: vec![Slot::Plain],
                    ..RowScratch::default()
                };
                encode(&scratch.cell(&column, &Slot::Plain, 0), out);
            }
        }
    }
}
