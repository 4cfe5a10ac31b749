//! Plants recognisable values in a copy of a split, to be searched for in all that an
//! adapter writes.
//!
//! A planted number is an ordinary value of its row with further digits, so it changes
//! no statistic noticeably and is neither a minimum, a maximum nor near a quartile,
//! which may be logged. A planted text is a cell of free text with a word more. A column
//! of few different texts is a category, whose names may be logged: it gets none.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use mlhub_data::Format;
use serde_json::{Map, Value};

/// Most values planted in one column.
const MAX_PLANTED: usize = 8;
/// Digits added to planted values; a needle is a value's text with a zero and the first three,
/// which single precision still prints.
const PLANTED_DIGITS: [&str; MAX_PLANTED] = [
    "3141593", "2718283", "1618034", "5772157", "4142136", "7320508", "2360679", "6457513",
];
/// Digits added to values of a target that is a quantity.
const TARGET_DIGITS: [&str; MAX_PLANTED] = [
    "8284271", "6933614", "9428091", "5497787", "3166248", "6055513", "8729833", "1231056",
];
const NEEDLE_DIGITS: usize = 3;
/// How many of them are planted in `train`; the others in `test`.
const PLANTED_IN_TRAIN: usize = 6;
/// Words added to cells of free text, in `train` and in `test`.
const TEXT_WORDS: [[&str; 2]; 2] = [
    ["zqcanaryalpha", "zqcanarybravo"],
    ["zqcanarycharlie", "zqcanarydelta"],
];

/// What to plant where.
pub(super) struct Planting<'a> {
    pub(super) format: Format,
    pub(super) target: Option<&'a str>,
    /// Whether the target is a quantity, which is a sample like any other.
    pub(super) regression: bool,
    pub(super) is_test: bool,
}

impl Planting<'_> {
    /// Copies a CSV or JSONL file with planted values; returns the needles.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<Vec<String>, String> {
        let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let text = fs::read_to_string(from).map_err(|error| failed(from, error))?;
        let (copied, needles) = match self.format {
            Format::Jsonl => self.lines(&text),
            _ => self.csv(&text),
        };
        fs::write(to, copied).map_err(|error| failed(to, error))?;
        Ok(needles)
    }

    fn csv(&self, text: &str) -> (String, Vec<String>) {
        // Quoted fields may hold commas; such a file is used without planted values.
        if text.contains('"') {
            return (text.to_owned(), Vec::new());
        }
        let mut rows: Vec<Vec<String>> = text
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect();
        let needles = self.plant(&mut rows);
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        (lines.join("\n") + "\n", needles)
    }

    /// JSON lines whose objects have the fields of the first; others are used as they are.
    fn lines(&self, text: &str) -> (String, Vec<String>) {
        let objects: Option<Vec<Map<String, Value>>> = text
            .lines()
            .map(|line| serde_json::from_str(line).ok())
            .collect();
        let Some(mut objects) = objects else {
            return (text.to_owned(), Vec::new());
        };
        let names: Vec<String> = objects
            .first()
            .map(|first| first.keys().cloned().collect())
            .unwrap_or_default();
        let cell = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut rows = vec![names.clone()];
        rows.extend(objects.iter().map(|object| {
            let cells = names.iter().map(|name| cell(object.get(name)));
            cells.collect::<Vec<_>>()
        }));
        let before = rows.clone();
        let needles = self.plant(&mut rows);
        for (row, object) in objects.iter_mut().enumerate() {
            for (column, name) in names.iter().enumerate() {
                let planted = &rows[row + 1][column];
                if *planted == before[row + 1][column] {
                    continue;
                }
                let value = match object.get(name) {
                    Some(Value::Number(_)) => serde_json::from_str(planted).unwrap_or(Value::Null),
                    _ => Value::from(planted.as_str()),
                };
                object.insert(name.clone(), value);
            }
        }
        let lines: Vec<String> = objects
            .into_iter()
            .map(|object| Value::Object(object).to_string())
            .collect();
        (lines.join("\n") + "\n", needles)
    }

    /// Plants values in rows, the first of which holds the names of columns.
    fn plant(&self, rows: &mut [Vec<String>]) -> Vec<String> {
        let mut needles = Vec::new();
        let mine = |all: &'static [&'static str; MAX_PLANTED]| {
            if self.is_test {
                &all[PLANTED_IN_TRAIN..]
            } else {
                &all[..PLANTED_IN_TRAIN]
            }
        };
        if let Some(column) = decimal_column(rows, self.target) {
            numbers(rows, column, mine(&PLANTED_DIGITS), &mut needles);
        }
        if let Some(column) = self.quantity(rows) {
            numbers(rows, column, mine(&TARGET_DIGITS), &mut needles);
        }
        if let Some(column) = text_column(rows, self.target) {
            let words = TEXT_WORDS[usize::from(self.is_test)];
            let stride = (rows.len() / (words.len() + 1)).max(1);
            for (index, word) in words.into_iter().enumerate() {
                if let Some(cell) = rows
                    .get_mut(stride * (index + 1))
                    .and_then(|row| row.get_mut(column))
                {
                    cell.push(' ');
                    cell.push_str(word);
                    needles.push(word.to_owned());
                }
            }
        }
        needles
    }

    /// The column of a target that is a quantity with decimals.
    fn quantity(&self, rows: &[Vec<String>]) -> Option<usize> {
        let target = self.target.filter(|_| self.regression)?;
        let column = rows.first()?.iter().position(|name| name == target)?;
        is_decimal(&rows[1..], column).then_some(column)
    }
}

fn numbers(rows: &mut [Vec<String>], column: usize, digits: &[&str], needles: &mut Vec<String>) {
    let chosen = planting_rows(rows, column, digits.len());
    for (row, digits) in chosen.into_iter().zip(digits) {
        let cell = &mut rows[row][column];
        needles.push(format!("{cell}0{}", &digits[..NEEDLE_DIGITS]));
        *cell = format!("{cell}0{digits}");
    }
}

fn is_decimal(body: &[Vec<String>], column: usize) -> bool {
    let mut cells = body
        .iter()
        .map(|row| row.get(column).map_or("", String::as_str));
    let all = cells
        .clone()
        .all(|cell| cell.parse::<f64>().is_ok_and(f64::is_finite) && !cell.contains(['e', 'E']));
    all && cells.any(|cell| cell.contains('.'))
}

fn decimal_column(rows: &[Vec<String>], target: Option<&str>) -> Option<usize> {
    let (header, body) = rows.split_first()?;
    (0..header.len()).find(|&column| {
        Some(header[column].as_str()) != target
            && header[column] != "id"
            && is_decimal(body, column)
    })
}

/// The first column of free text: words with blanks, most of them different.
fn text_column(rows: &[Vec<String>], target: Option<&str>) -> Option<usize> {
    let (header, body) = rows.split_first()?;
    (0..header.len()).find(|&column| {
        let cells = body.iter().filter_map(|row| row.get(column));
        let different: HashSet<&String> = cells.clone().collect();
        Some(header[column].as_str()) != target
            && header[column] != "id"
            && different.len() * 2 > body.len()
            && cells.clone().any(|cell| cell.trim().contains(' '))
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

    fn planting(format: Format, regression: bool) -> Planting<'static> {
        Planting {
            format,
            target: Some("y"),
            regression,
            is_test: false,
        }
    }

    #[test]
    fn planted_values_are_close_to_the_old_and_distinct() {
        let mut csv = String::from("n,x,y\n");
        for row in 0..60 {
            csv.push_str(&format!("{row},{}.{},a\n", row / 7, row % 10));
        }
        let (planted, needles) = planting(Format::Csv, false).csv(&csv);
        assert_eq!(needles.len(), PLANTED_IN_TRAIN);
        for needle in &needles {
            assert_eq!(planted.matches(needle.as_str()).count(), 1, "{needle}");
            assert!(!csv.contains(needle.as_str()));
        }
        for (before, after) in csv.lines().zip(planted.lines()).skip(1) {
            let x = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
            assert!((x(before) - x(after)).abs() < 0.1);
        }
    }

    #[test]
    fn quantities_and_free_text_of_json_lines_are_planted_and_categories_are_not() {
        let mut text = String::new();
        for row in 0..60 {
            text.push_str(&format!(
                "{{\"kind\": \"one of two {}\", \"note\": \"row {row} says so\", \"y\": {}.{}}}\n",
                row % 2,
                row / 7,
                row % 10
            ));
        }
        let (planted, needles) = planting(Format::Jsonl, true).lines(&text);
        assert_eq!(needles.len(), PLANTED_IN_TRAIN + 2);
        for needle in &needles {
            assert_eq!(planted.matches(needle.as_str()).count(), 1, "{needle}");
        }
        for line in planted.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(row["y"].is_number());
            assert!(!row["kind"].as_str().unwrap().contains("zqcanary"));
        }
        let (_, needles) = planting(Format::Jsonl, false).lines(&text);
        assert_eq!(needles.len(), 2, "a class is no secret");
    }
}
