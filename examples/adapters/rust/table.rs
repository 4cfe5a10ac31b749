//! A split of a CSV dataset as numbers. A bad cell is told by row and column, never by
//! its content. Missing cells are refused: this model has no use for them.

use std::fs;

/// A split as numbers.
pub struct Table {
    /// Names of the columns that enter the model.
    pub columns: Vec<String>,
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    /// The id of each row: the id column's cell, else its position.
    pub ids: Vec<String>,
}

impl Table {
    /// Reads a file. With `like`, columns of the training split, those are taken in
    /// that order. The error says what is wrong and where.
    pub fn read(
        path: &str,
        target: &str,
        id: Option<&str>,
        like: Option<&[String]>,
    ) -> Result<Self, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("the file cannot be read: {error}"))?;
        let mut records = records(&text).into_iter();
        let header = records.next().unwrap_or_default();
        let place = |name: &str| {
            let at = header.iter().position(|cell| cell == name);
            at.ok_or_else(|| format!("there is no column {name}"))
        };
        let target_at = place(target)?;
        let id_at = id.map(place).transpose()?;
        let columns = like.map_or_else(
            || {
                let features = header
                    .iter()
                    .filter(|name| *name != target && Some(name.as_str()) != id);
                features.cloned().collect()
            },
            <[String]>::to_vec,
        );
        let places = columns
            .iter()
            .map(|name| place(name))
            .collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() {
            return Err("there is no column but the target".to_owned());
        }
        let mut table = Table {
            columns,
            x: Vec::new(),
            y: Vec::new(),
            ids: Vec::new(),
        };
        for (row, cells) in records.enumerate() {
            let number = |at: usize| {
                let value = cells
                    .get(at)
                    .and_then(|cell| cell.trim().parse::<f64>().ok());
                value.filter(|value| value.is_finite()).ok_or_else(|| {
                    format!(
                        "row {} has no finite number in column {}",
                        row + 1,
                        header[at]
                    )
                })
            };
            table.x.push(
                places
                    .iter()
                    .map(|at| number(*at))
                    .collect::<Result<_, _>>()?,
            );
            table.y.push(number(target_at)?);
            let id = id_at.map(|at| cells.get(at).cloned().unwrap_or_default());
            table.ids.push(id.unwrap_or_else(|| row.to_string()));
        }
        if table.y.is_empty() {
            return Err("there are no rows".to_owned());
        }
        Ok(table)
    }
}

/// The records of a CSV text (RFC 4180): quoted cells may hold commas, quotes and line
/// ends. Empty lines are none.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().chain(['\n']).peekable();
    while let Some(character) = characters.next() {
        let cell = record.last_mut().expect("a record has a cell at least");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                let whole = std::mem::replace(&mut record, vec![String::new()]);
                if whole.len() > 1 || !whole[0].is_empty() {
                    records.push(whole);
                }
            }
            other => cell.push(other),
        }
    }
    records
}

/// A cell as CSV, quoted where it must be.
pub fn csv_cell(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
