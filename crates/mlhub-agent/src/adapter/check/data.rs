//! The data of a check: the adapter's smoke dataset, with recognisable values
//! planted in it, split into train and test.
//!
//! A planted value is an ordinary value of its row with further digits, so it
//! changes no statistic noticeably and is neither a minimum, a maximum nor near
//! a quartile, which may be logged.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mlhub_data::{Format, SplitSpec};
use mlhub_protocol::run_dir::{DatasetInput, SplitInput};

use crate::adapter::files;
use crate::adapter::manifest::Adapter;

/// Rows of the smoke dataset used when the manifest does not say.
const DEFAULT_ROWS: u64 = 200;
/// Seed of the split.
const SPLIT_SEED: u64 = 7;
/// Share of the rows in `test`.
const TEST_FRACTION: f64 = 0.3;
/// Most values planted.
const MAX_PLANTED: usize = 8;
/// Digits added to planted values; a needle is a value's text with a zero and the first four.
const PLANTED_DIGITS: [&str; MAX_PLANTED] = [
    "3141593", "2718283", "1618034", "5772157", "4142136", "7320508", "2360679", "6457513",
];
const NEEDLE_DIGITS: usize = 4;
/// How many of them are planted in `train`; the others in `test`.
const PLANTED_IN_TRAIN: usize = 6;

/// The split that predictions are asked for.
pub(super) const TEST: &str = "test";

/// A dataset ready for runs.
#[derive(Debug, Clone)]
pub(super) struct CheckData {
    pub(super) input: DatasetInput,
    /// Texts that must not appear in logs.
    pub(super) needles: Vec<String>,
}

impl CheckData {
    pub(super) fn describe(&self) -> String {
        let rows: Vec<String> = self
            .input
            .splits
            .iter()
            .map(|(name, split)| format!("{name} {} rows", split.rows))
            .collect();
        format!(
            "{}: {}; {} values planted",
            self.input.format,
            rows.join(", "),
            self.needles.len()
        )
    }
}

/// Makes the check's data below `work_dir`; none when the adapter has no smoke dataset.
pub(super) fn prepare(adapter: &Adapter, work_dir: &Path) -> Result<Option<CheckData>, String> {
    let smoke = &adapter.manifest.smoke;
    let Some(relative) = &smoke.dataset else {
        return Ok(None);
    };
    let source = files::file_inside(&adapter.dir, relative)?;
    let dir = work_dir.join("data");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let data_error = |error: mlhub_data::DataError| format!("smoke dataset `{relative}`: {error}");
    let inspection = mlhub_data::inspect(&source, None, &mut |_| ()).map_err(data_error)?;
    let format = inspection.format;
    let formats = &adapter.manifest.dataset.formats;
    if !formats.is_empty() && !formats.iter().any(|known| known == format.as_str()) {
        return Err(format!(
            "smoke dataset `{relative}` is {}, which is not among dataset.formats",
            format.as_str()
        ));
    }
    let extension = format.extension().unwrap_or_default();
    let subset = dir.join(format!("subset.{extension}"));
    let target = smoke.target.as_deref();
    mlhub_data::smoke_subset(
        &source,
        format,
        smoke.rows.unwrap_or(DEFAULT_ROWS),
        target,
        &subset,
    )
    .map_err(data_error)?;
    let mut splits = split(&subset, format, adapter, &dir.join("splits")).map_err(data_error)?;
    let mut needles = Vec::new();
    if format == Format::Csv {
        // Planted once the rows are dealt out, when each split's extremes are known.
        for (name, input) in &mut splits {
            let to = dir.join(format!("{name}.csv"));
            let digits = if name == TEST {
                &PLANTED_DIGITS[PLANTED_IN_TRAIN..]
            } else {
                &PLANTED_DIGITS[..PLANTED_IN_TRAIN]
            };
            needles.extend(plant(Path::new(&input.path), &to, target, digits)?);
            let inspected =
                mlhub_data::inspect(&to, Some(format), &mut |_| ()).map_err(data_error)?;
            input.fingerprint = inspected.fingerprint;
            input.path = to.to_string_lossy().into_owned();
        }
    }
    let inspected = mlhub_data::inspect(&subset, Some(format), &mut |_| ()).map_err(data_error)?;
    let input = DatasetInput {
        name: "smoke".to_owned(),
        version: 1,
        fingerprint: inspected.fingerprint,
        format: format.as_str().to_owned(),
        target: smoke.target.clone(),
        id: None,
        splits,
    };
    Ok(Some(CheckData { input, needles }))
}

fn split(
    dataset: &Path,
    format: Format,
    adapter: &Adapter,
    out: &Path,
) -> mlhub_data::Result<BTreeMap<String, SplitInput>> {
    let smoke = &adapter.manifest.smoke;
    let classes = matches!(smoke.task.as_deref(), Some("binary" | "multiclass"));
    let fractions = BTreeMap::from([
        ("train".to_owned(), 1.0 - TEST_FRACTION),
        (TEST.to_owned(), TEST_FRACTION),
    ]);
    let stratify = smoke.target.clone().filter(|_| classes);
    let plan = mlhub_data::plan_split(
        dataset,
        format,
        &SplitSpec::Fractions {
            seed: SPLIT_SEED,
            fractions,
            stratify,
            group: None,
        },
    )?;
    let parts = mlhub_data::materialise(dataset, format, &plan, out)?;
    let input = |(name, part): (String, mlhub_data::PartFile)| {
        (
            name,
            SplitInput {
                path: part.path.to_string_lossy().into_owned(),
                rows: part.rows,
                fingerprint: part.fingerprint,
            },
        )
    };
    Ok(parts.into_iter().map(input).collect())
}

/// Copies a CSV file, planting values in its first column of decimal numbers.
fn plant(
    from: &Path,
    to: &Path,
    target: Option<&str>,
    digits: &[&str],
) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(from).map_err(|error| format!("{}: {error}", from.display()))?;
    let mut rows: Vec<Vec<String>> = text
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    // Quoted fields may hold commas; such a file is used without planted values.
    let column = if text.contains('"') {
        None
    } else {
        decimal_column(&rows, target)
    };
    let mut needles = Vec::new();
    if let Some(column) = column {
        for (row, digits) in planting_rows(&rows, column, digits.len())
            .into_iter()
            .zip(digits)
        {
            let cell = &mut rows[row][column];
            needles.push(format!("{cell}0{}", &digits[..NEEDLE_DIGITS]));
            *cell = format!("{cell}0{digits}");
        }
    }
    let mut out = rows
        .iter()
        .map(|row| row.join(","))
        .collect::<Vec<_>>()
        .join("\n");
    out.push('\n');
    fs::write(to, out).map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(needles)
}

fn decimal_column(rows: &[Vec<String>], target: Option<&str>) -> Option<usize> {
    let (header, body) = rows.split_first()?;
    let decimal = |column: usize| {
        let mut cells = body
            .iter()
            .map(|row| row.get(column).map_or("", String::as_str));
        let all = cells.clone().all(|cell| {
            cell.parse::<f64>().is_ok_and(f64::is_finite) && !cell.contains(['e', 'E'])
        });
        all && cells.any(|cell| cell.contains('.'))
    };
    (0..header.len()).find(|&column| {
        Some(header[column].as_str()) != target && header[column] != "id" && decimal(column)
    })
}

/// Rows whose value is a decimal away from the ends and the quartiles, evenly spread.
fn planting_rows(rows: &[Vec<String>], column: usize, most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (1..rows.len()).collect();
    let value = |row: usize| rows[row][column].parse::<f64>().unwrap_or_default();
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    let quarter = order.len() / 4;
    let ordinary = |rank: usize| {
        quarter >= 6 && (rank % quarter.max(1)).min(quarter - rank % quarter.max(1)) >= 3
    };
    let (first, last) = (
        order.first().map_or(0.0, |&row| value(row)),
        order.last().map_or(0.0, |&row| value(row)),
    );
    let inner =
        |row: usize| value(row) != first && value(row) != last && rows[row][column].contains('.');
    let mut chosen: Vec<usize> = order
        .iter()
        .enumerate()
        .filter(|&(rank, &row)| ordinary(rank) && inner(row))
        .map(|(_, &row)| row)
        .collect();
    chosen.sort_unstable();
    let stride = chosen.len().div_ceil(most.max(1)).max(1);
    chosen.into_iter().step_by(stride).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_values_are_close_to_the_old_and_distinct() {
        let dir = tempfile::tempdir().unwrap();
        let mut csv = String::from("n,x,y\n");
        for row in 0..60 {
            csv.push_str(&format!("{row},{}.{},a\n", row / 7, row % 10));
        }
        let from = dir.path().join("a.csv");
        fs::write(&from, &csv).unwrap();
        let to = dir.path().join("b.csv");
        let needles = plant(&from, &to, Some("y"), &PLANTED_DIGITS).unwrap();
        assert_eq!(needles.len(), MAX_PLANTED);
        let planted = fs::read_to_string(to).unwrap();
        for needle in &needles {
            assert_eq!(planted.matches(needle.as_str()).count(), 1, "{needle}");
            assert!(!csv.contains(needle.as_str()));
        }
        for (before, after) in csv.lines().zip(planted.lines()).skip(1) {
            let x = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
            assert!((x(before) - x(after)).abs() < 0.1);
        }
    }
}
