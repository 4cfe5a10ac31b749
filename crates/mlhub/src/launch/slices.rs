//! Which rows of the evaluated splits have which value of a column, read where the data lies.

use std::path::Path;

use mlhub_core::limits;
use mlhub_protocol::rest::SliceCodes;

use super::dataset::{Prepared, parse_format};
use crate::exit::{CONFIG, fail};

/// Which value of the columns each row of the evaluated splits has.
///
/// # Errors
/// A column that is not there or has too many values, or more rows than can be recorded.
pub(crate) fn record(
    prepared: &mut Prepared,
    columns: &[String],
    splits: &[String],
) -> anyhow::Result<()> {
    let format = parse_format(&prepared.input.format)?;
    let mut cells = 0;
    for name in splits {
        let (Some(expected), Some(split)) = (
            prepared.expected.get_mut(name),
            prepared.input.splits.get(name),
        ) else {
            continue;
        };
        if prepared.input.id.is_some() && expected.ids.is_none() {
            return Err(fail(
                CONFIG,
                format!(
                    "`evaluation.slices`: the {} ids of `{name}` are too many to be kept, so its rows cannot be told apart; leave `dataset.id` out, or slice a smaller split",
                    split.rows
                ),
            ));
        }
        let rows = usize::try_from(split.rows).unwrap_or(usize::MAX);
        cells = rows.saturating_mul(columns.len()).saturating_add(cells);
        if cells > limits::SLICE_CELLS_MAX {
            return Err(fail(
                CONFIG,
                format!(
                    "`evaluation.slices`: {} columns of {rows} rows in `{name}` are more than the {} cells that are kept of all splits; name fewer columns or splits",
                    columns.len(),
                    limits::SLICE_CELLS_MAX
                ),
            ));
        }
        for column in columns {
            let path = Path::new(&split.path);
            let read = mlhub_data::slice_column(path, format, column, limits::SLICE_VALUES_MAX);
            let read =
                read.map_err(|error| fail(CONFIG, format!("`evaluation.slices`: {error}")))?;
            let letter = |code: &u8| char::from(b'a' + code);
            let codes = SliceCodes {
                codes: read.codes.iter().map(letter).collect(),
                values: read.values,
            };
            expected.slices.insert(column.clone(), codes);
        }
    }
    Ok(())
}
