//! A column by whose values rows are told apart when a model is judged: few values as they
//! are, numbers of many values in quarters.

use std::collections::BTreeSet;
use std::path::Path;

use crate::column::for_each_value_or;
use crate::error::{DataError, Result, display};
use crate::format::Format;

/// What rows without a value are called.
const MISSING: &str = "(missing)";

/// Which value each row of a part file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceColumn {
    /// The values, numbers in their order, or ranges that hold about a quarter of the rows each.
    pub values: Vec<String>,
    /// Row by row, an index into `values`.
    pub codes: Vec<u8>,
}

/// Reads a column of a part file as at most `values_max` values, besides that of rows
/// without one.
///
/// # Errors
/// The file cannot be read, has no such column, or the column has more values that are no numbers.
pub fn slice_column(
    path: &Path,
    format: Format,
    column: &str,
    values_max: usize,
) -> Result<SliceColumn> {
    let mut cells = Vec::new();
    for_each_value_or(path, format, column, Some(MISSING), &mut |value| {
        cells.push(value.to_owned());
        Ok(())
    })?;
    let distinct: BTreeSet<&str> = cells
        .iter()
        .map(String::as_str)
        .filter(|cell| *cell != MISSING)
        .collect();
    let mut numbers: Vec<f64> = distinct.iter().filter_map(|cell| number(cell)).collect();
    let all_numbers = numbers.len() == distinct.len();
    if distinct.len() <= values_max {
        let mut values: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
        if all_numbers {
            values.sort_by(|a, b| {
                number(a)
                    .unwrap_or(0.0)
                    .total_cmp(&number(b).unwrap_or(0.0))
            });
        }
        let place = |cell: &str| values.iter().position(|value| value == cell);
        let places: Vec<Option<usize>> = cells.iter().map(|cell| place(cell)).collect();
        return Ok(coded(values, &places));
    }
    if !all_numbers {
        return Err(DataError::refused(
            &display(path),
            format!(
                "column `{column}` has more than {values_max} values that are no numbers; rows cannot be told apart by it"
            ),
        ));
    }
    let known: Vec<f64> = cells.iter().filter_map(|cell| number(cell)).collect();
    numbers = known;
    numbers.sort_by(f64::total_cmp);
    let mut bounds: Vec<f64> = [1, 2, 3]
        .map(|quarter| numbers[numbers.len() * quarter / 4])
        .to_vec();
    bounds.dedup();
    let values = ranges(&bounds);
    let place = |cell: &str| {
        let value = number(cell)?;
        Some(bounds.iter().filter(|bound| value >= **bound).count())
    };
    let places: Vec<Option<usize>> = cells.iter().map(|cell| place(cell)).collect();
    Ok(coded(values, &places))
}

/// Numbers that have an order; NaN has none.
fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|value: &f64| !value.is_nan())
}

fn ranges(bounds: &[f64]) -> Vec<String> {
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        return Vec::new();
    };
    let between = bounds
        .windows(2)
        .map(|pair| format!("{} to {}", pair[0], pair[1]));
    std::iter::once(format!("below {first}"))
        .chain(between)
        .chain(std::iter::once(format!("from {last}")))
        .collect()
}

fn coded(mut values: Vec<String>, places: &[Option<usize>]) -> SliceColumn {
    let missing = values.len();
    if places.contains(&None) {
        values.push(MISSING.to_owned());
    }
    let code = |place: &Option<usize>| u8::try_from(place.unwrap_or(missing)).unwrap_or(u8::MAX);
    SliceColumn {
        codes: places.iter().map(code).collect(),
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str, column: &str) -> Result<SliceColumn> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("part.csv");
        std::fs::write(&path, format!("sex,age,name\n{rows}")).expect("written");
        slice_column(&path, Format::Csv, column, 3)
    }

    #[test]
    fn few_values_are_taken_as_they_are_and_missing_ones_are_one_more() {
        let found = read("m,1,x\nf,1,y\n,1,z\nm,1,w\n", "sex").expect("few");
        assert_eq!(found.values, ["f", "m", MISSING]);
        assert_eq!(found.codes, [1, 0, 2, 1]);
        let numbers = read("m,10,x\nf,9,y\nf,10,z\n", "age").expect("few");
        assert_eq!(numbers.values, ["9", "10"]);
    }

    #[test]
    fn many_numbers_are_put_into_quarters() {
        let rows: String = (0..8).map(|age| format!("m,{age},x\n")).collect();
        let found = read(&rows, "age").expect("numbers");
        assert_eq!(found.values, ["below 2", "2 to 4", "4 to 6", "from 6"]);
        assert_eq!(found.codes, [0, 0, 1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn many_names_and_unknown_columns_are_refused_without_their_values() {
        let rows: String = (0..5).map(|row| format!("m,1,secret{row}\n")).collect();
        let error = read(&rows, "name").expect_err("too many").to_string();
        assert!(
            error.contains("`name`") && !error.contains("secret"),
            "{error}"
        );
        assert!(
            read(&rows, "sx")
                .expect_err("no column")
                .to_string()
                .contains("sex")
        );
    }
}
