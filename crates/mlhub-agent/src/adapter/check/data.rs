//! The data of a check: the adapter's smoke dataset, split into train and test (in order for
//! adapters of ordered data), with recognisable values planted in it. Which and where is not
//! known here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mlhub_data::{Format, SplitSpec};
use mlhub_protocol::run_dir::{DatasetInput, SplitInput};

use super::plant::Planting;
use crate::adapter::files;
use crate::adapter::manifest::Adapter;

/// Rows of the smoke dataset used when the manifest does not say.
const DEFAULT_ROWS: u64 = 200;
/// Seed of the split.
const SPLIT_SEED: u64 = 7;
/// Share of the rows in `test`.
const TEST_FRACTION: f64 = 0.3;

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
        target.filter(|_| !adapter.manifest.dataset.ordered),
        &subset,
    )
    .map_err(data_error)?;
    let mut splits = split(&subset, format, adapter, &dir.join("splits")).map_err(data_error)?;
    let mut needles = Vec::new();
    if matches!(format, Format::Csv | Format::Jsonl) {
        // Planted once the rows are dealt out, when each split's extremes are known.
        for (name, input) in &mut splits {
            let to = dir.join(format!("{name}.{extension}"));
            let planting = Planting {
                format,
                target,
                regression: smoke.task.as_deref() == Some("regression"),
                is_test: name == TEST,
            };
            needles.extend(planting.copy(Path::new(&input.path), &to)?);
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
    let spec = if adapter.manifest.dataset.ordered {
        SplitSpec::Ordered {
            fractions,
            order: vec!["train".to_owned(), TEST.to_owned()],
        }
    } else {
        SplitSpec::Fractions {
            seed: SPLIT_SEED,
            fractions,
            stratify: smoke.target.clone().filter(|_| classes),
            group: None,
        }
    };
    let plan = mlhub_data::plan_split(dataset, format, &spec)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"protocol = 1
name = "ordered"
version = "1.0.0"
description = "Rows in order."
capabilities = ["train"]
tasks = ["binary"]
environment = { kind = "none" }
commands = { train = ["{mlhub}"] }
config = { schema = "schema.json" }
dataset = { ordered = true }
smoke = { dataset = "smoke.csv", target = "late", task = "binary", rows = 10 }
"#;

    #[test]
    fn data_in_order_is_split_in_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("adapter.toml"), MANIFEST).unwrap();
        fs::write(
            dir.path().join("schema.json"),
            r#"{"type": "object", "properties": {}}"#,
        )
        .unwrap();
        // The second class begins after the rows that a smoke run takes.
        let rows: String = (0..40)
            .map(|row| format!("{row},{}\n", u8::from(row >= 20)))
            .collect();
        fs::write(dir.path().join("smoke.csv"), format!("time,late\n{rows}")).unwrap();
        let adapter = Adapter::load(dir.path()).unwrap();
        let data = prepare(&adapter, &dir.path().join("work"))
            .unwrap()
            .unwrap();
        let times = |split: &str| -> Vec<String> {
            let text = fs::read_to_string(&data.input.splits[split].path).unwrap();
            let cells = text.lines().skip(1).filter_map(|line| line.split_once(','));
            cells.map(|(time, _)| time.to_owned()).collect()
        };
        assert_eq!(times("train"), ["0", "1", "2", "3", "4", "5", "6"]);
        assert_eq!(times(TEST), ["7", "8", "9"]);
    }
}
