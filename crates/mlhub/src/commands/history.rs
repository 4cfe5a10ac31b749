//! `mlhub history`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use mlhub_client::Client;
use mlhub_protocol::rest::{HistoryQuery, SeriesAxis, TableFormat};

use crate::cli::{Global, HistoryArgs, HistoryAxis, HistoryFormat};
use crate::connect::connect;
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// What is appended to a file's name while it is not whole.
const PARTIAL: &str = ".part";

/// Writes every point of runs to standard output or into a file.
pub(crate) fn history(global: &Global, arguments: &HistoryArgs) -> anyhow::Result<u8> {
    let format = format_of(global, arguments);
    let binary = matches!(format, TableFormat::Parquet | TableFormat::Arrow);
    if binary && arguments.out.is_none() && std::io::stdout().is_terminal() {
        return Err(fail(
            USAGE,
            "this format is not for a terminal; name a file with `--out FILE`, or send the output on",
        ));
    }
    let query = HistoryQuery {
        runs: arguments.runs.clone(),
        patterns: arguments.metric.clone(),
        axis: match arguments.axis {
            HistoryAxis::Step => SeriesAxis::Step,
            HistoryAxis::Relative => SeriesAxis::Relative,
            HistoryAxis::Wall => SeriesAxis::Wall,
        },
        from: arguments.from,
        to: arguments.to,
        superseded: arguments.superseded,
        format: Some(format),
        ..HistoryQuery::default()
    };
    let connection = connect(global)?;
    match &arguments.out {
        Some(path) => {
            let size = into_file(&connection.client, &query, path)?;
            if !global.json {
                output::line(format_args!(
                    "wrote {} ({})",
                    path.display(),
                    output::size(size)
                ))?;
            }
        }
        None => {
            let mut stdout = Output {
                inner: std::io::stdout().lock(),
                failed: None,
            };
            let written = connection.client.series_history(&query, &mut stdout);
            match stdout.failed {
                // A reader that has gone is no failure of ours; see `exit::report`.
                Some(error) => return Err(error.into()),
                None => written?,
            };
            stdout.inner.flush()?;
        }
    }
    Ok(OK)
}

/// A writer that keeps why it failed, which the client's error cannot carry.
struct Output<W> {
    inner: W,
    failed: Option<std::io::Error>,
}

impl<W: std::io::Write> std::io::Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.inner.write(bytes).map_err(|error| {
            let told = std::io::Error::from(error.kind());
            self.failed = Some(error);
            told
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a file that is whole or not there.
fn into_file(client: &Client, query: &HistoryQuery, path: &Path) -> anyhow::Result<u64> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(PARTIAL);
    let partial = PathBuf::from(partial);
    let written = write_partial(client, query, &partial);
    match written {
        Ok(size) => {
            std::fs::rename(&partial, path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(size)
        }
        Err(error) => {
            // What is left of it helps nobody; the first error is the one to tell.
            drop(std::fs::remove_file(&partial));
            Err(error)
        }
    }
}

fn write_partial(client: &Client, query: &HistoryQuery, path: &Path) -> anyhow::Result<u64> {
    let cannot = || format!("cannot write {}", path.display());
    let file = File::create(path).with_context(cannot)?;
    let mut file = BufWriter::new(file);
    let size = client.series_history(query, &mut file)?;
    file.flush().with_context(cannot)?;
    Ok(size)
}

fn format_of(global: &Global, arguments: &HistoryArgs) -> TableFormat {
    let by_name = || {
        let extension = arguments.out.as_ref()?.extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(TableFormat::Csv),
            "json" | "jsonl" | "ndjson" => Some(TableFormat::Json),
            "parquet" => Some(TableFormat::Parquet),
            "arrow" | "arrows" => Some(TableFormat::Arrow),
            _ => None,
        }
    };
    match arguments.format {
        Some(HistoryFormat::Csv) => TableFormat::Csv,
        Some(HistoryFormat::Json) => TableFormat::Json,
        Some(HistoryFormat::Parquet) => TableFormat::Parquet,
        Some(HistoryFormat::Arrow) => TableFormat::Arrow,
        None => by_name().unwrap_or(if global.json {
            TableFormat::Json
        } else {
            TableFormat::Csv
        }),
    }
}
