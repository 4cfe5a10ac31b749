//! Copying rows of a dataset into several new ones of the same format in one pass. It writes
//! where it is told; making that atomic is [`crate::materialise`]'s.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::BooleanArray;
use arrow_select::filter::filter_record_batch;

use crate::csv::Records;
use crate::error::{DataError, Result, display};
use crate::files::{BUFFER_BYTES, open_buffered};
use crate::format::Format;
use crate::jsonl::Lines;
use crate::npz::{Npz, NpzWriter};
use crate::parquet::{Batches, write_error, writer};

/// Marks a row that goes nowhere.
pub(crate) const NOWHERE: u16 = u16::MAX;

/// Where every row of a dataset goes: an index into `outs`, or [`NOWHERE`].
pub(crate) struct Routing<'a> {
    pub(crate) routes: &'a [u16],
    pub(crate) outs: &'a [PathBuf],
}

impl Routing<'_> {
    fn of(&self, row: u64, file: &str) -> Result<u16> {
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        self.routes
            .get(row)
            .copied()
            .ok_or_else(|| self.wrong_rows(file, "more"))
    }

    /// Refuses to go on when the dataset had fewer rows than the plan knows.
    fn check_all_seen(&self, rows: u64, file: &str) -> Result<()> {
        if rows == self.routes.len() as u64 {
            Ok(())
        } else {
            Err(self.wrong_rows(file, "fewer"))
        }
    }

    fn wrong_rows(&self, file: &str, how: &str) -> DataError {
        let problem = format!(
            "it has {how} rows than the {} that the split was planned for; plan the split again",
            self.routes.len()
        );
        DataError::refused(file, problem)
    }

    fn count(&self, out: usize) -> u64 {
        self.routes
            .iter()
            .filter(|route| usize::from(**route) == out)
            .count() as u64
    }
}

/// Copies rows to `routing.outs`, which must not exist yet.
pub(crate) fn copy_rows(path: &Path, format: Format, routing: &Routing<'_>) -> Result<()> {
    let file = display(path);
    match format {
        Format::Csv => copy_csv(path, &file, routing),
        Format::Jsonl => copy_jsonl(path, &file, routing),
        Format::Parquet => copy_parquet(path, &file, routing),
        Format::Npz => copy_npz(path, &file, routing),
        Format::ImageFolder => copy_images(path, &file, routing),
        Format::Folder => Err(DataError::refused(
            &file,
            "a plain folder has no rows to copy",
        )),
    }
}

/// Text outputs with the file name for errors.
struct TextOuts(Vec<(String, BufWriter<File>)>);

impl TextOuts {
    fn create(outs: &[PathBuf]) -> Result<Self> {
        let create = |path: &PathBuf| {
            let name = display(path);
            let file = File::create(path).map_err(|e| DataError::io(&name, "create", e))?;
            Ok((name, BufWriter::with_capacity(BUFFER_BYTES, file)))
        };
        outs.iter().map(create).collect::<Result<_>>().map(Self)
    }

    fn write(&mut self, out: usize, bytes: &[u8]) -> Result<()> {
        let (name, writer) = &mut self.0[out];
        writer
            .write_all(bytes)
            .map_err(|e| DataError::io(name, "write", e))
    }

    fn finish(self) -> Result<()> {
        for (name, mut writer) in self.0 {
            writer
                .flush()
                .map_err(|e| DataError::io(&name, "write", e))?;
        }
        Ok(())
    }
}

/// Keeps every byte of a record; adds the line break that the file's last record may lack.
fn copy_csv(path: &Path, file: &str, routing: &Routing<'_>) -> Result<()> {
    let mut records = Records::new(open_buffered(path, file)?, file);
    let mut outs = TextOuts::create(routing.outs)?;
    if records.advance()?.is_none() {
        return Err(DataError::Empty {
            file: file.to_owned(),
            problem: "no header and no rows",
        });
    }
    let line_break: &[u8] = if records.raw().ends_with(b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    for out in 0..routing.outs.len() {
        outs.write(out, records.raw())?;
    }
    let mut rows = 0;
    while records.advance()?.is_some() {
        let route = routing.of(rows, file)?;
        rows += 1;
        if route != NOWHERE {
            outs.write(route.into(), records.raw())?;
            if !records.raw().ends_with(b"\n") {
                outs.write(route.into(), line_break)?;
            }
        }
    }
    routing.check_all_seen(rows, file)?;
    outs.finish()
}

fn copy_jsonl(path: &Path, file: &str, routing: &Routing<'_>) -> Result<()> {
    let mut lines = Lines::new(open_buffered(path, file)?, file);
    let mut outs = TextOuts::create(routing.outs)?;
    let mut rows = 0;
    while lines.advance()?.is_some() {
        let route = routing.of(rows, file)?;
        rows += 1;
        if route != NOWHERE {
            // A byte order mark belongs to the file's start, not to its first row.
            let raw = lines.raw();
            let raw = if rows == 1 {
                raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw)
            } else {
                raw
            };
            outs.write(route.into(), raw)?;
            if !raw.ends_with(b"\n") {
                outs.write(route.into(), b"\n")?;
            }
        }
    }
    routing.check_all_seen(rows, file)?;
    outs.finish()
}

fn copy_parquet(path: &Path, file: &str, routing: &Routing<'_>) -> Result<()> {
    let mut batches = Batches::open(path, file)?;
    let mut writers = Vec::new();
    for out in routing.outs {
        let name = display(out);
        writers.push((writer(out, &name, batches.schema().clone())?, name));
    }
    let mut rows = 0;
    while let Some(batch) = batches.advance()? {
        let mut routes = Vec::with_capacity(batch.num_rows());
        for _ in 0..batch.num_rows() {
            routes.push(routing.of(rows, file)?);
            rows += 1;
        }
        for (out, (writer, name)) in writers.iter_mut().enumerate() {
            let chosen: BooleanArray = routes
                .iter()
                .map(|route| Some(usize::from(*route) == out))
                .collect();
            if chosen.true_count() > 0 {
                let part = filter_record_batch(&batch, &chosen)
                    .map_err(|e| DataError::corrupt(file, format!("Parquet data: {e}")))?;
                writer.write(&part).map_err(|e| write_error(name, e))?;
            }
        }
    }
    routing.check_all_seen(rows, file)?;
    for (writer, name) in writers {
        writer.close().map_err(|e| write_error(&name, e))?;
    }
    Ok(())
}

fn copy_npz(path: &Path, file: &str, routing: &Routing<'_>) -> Result<()> {
    let mut npz = Npz::open(path, file)?;
    routing.check_all_seen(npz.rows()?, file)?;
    let mut writers: Vec<NpzWriter> = routing
        .outs
        .iter()
        .map(|out| NpzWriter::create(out, &display(out)))
        .collect::<Result<_>>()?;
    for array in npz.arrays.clone() {
        for (out, writer) in writers.iter_mut().enumerate() {
            writer.start(&array.name, &array.header.with_rows(routing.count(out)))?;
        }
        npz.for_each_row(&array, &mut |row, bytes| match routing.of(row, file)? {
            NOWHERE => Ok(()),
            route => writers[usize::from(route)].row(bytes),
        })?;
    }
    writers.into_iter().try_for_each(NpzWriter::finish)
}

fn copy_images(path: &Path, file: &str, routing: &Routing<'_>) -> Result<()> {
    let images = crate::images::list(path)?;
    routing.check_all_seen(images.len() as u64, file)?;
    for (row, image) in images.iter().enumerate() {
        let route = routing.of(row as u64, file)?;
        if route == NOWHERE {
            continue;
        }
        let to = routing.outs[usize::from(route)].join(&image.relative);
        let name = display(&to);
        let folder = to.parent().expect("an image lies in its class folder");
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::copy(&image.path, &to))
            .map_err(|e| DataError::io(&name, "copy an image to", e))?;
    }
    Ok(())
}
