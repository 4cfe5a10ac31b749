//! Predictions from NPZ: arrays instead of columns, `y_score` of shape `n` or `n x k`, optional
//! `labels` naming the `k` classes.

use std::path::Path;

use crate::column::label;
use crate::error::{DataError, Place, Result};
use crate::npz::{Array, Npz};
use crate::predictions::PredictionTable;
use crate::predictions_build::{Builder, Role};
use crate::predictions_values::Form;
use crate::rows::Cell;

const LABELS: &str = "labels";

pub(crate) fn read(
    path: &Path,
    file: &str,
    (form, numbers): (Form, &[&str]),
) -> Result<PredictionTable> {
    let mut npz = Npz::open(path, file)?;
    let labels = npz
        .arrays
        .iter()
        .find(|array| array.name == LABELS)
        .cloned();
    npz.arrays.retain(|array| array.name != LABELS);
    let mut builder = Builder::new(file, form, numbers);
    let arrays = npz.arrays.clone();
    builder.assign(arrays.iter().map(|array| array.name.as_str()))?;
    if let Some(array) = arrays
        .iter()
        .find(|array| builder.role_of(&array.name) == Role::ClassScore)
    {
        let problem = format!(
            "array `{}`: in NPZ, scores are one array `y_score` of shape rows x classes",
            array.name
        );
        return Err(DataError::refused(file, problem));
    }
    npz.arrays
        .retain(|array| builder.role_of(&array.name) != Role::Ignored);
    let rows = npz.rows()?;
    if let Some(score) = arrays
        .iter()
        .find(|array| builder.role_of(&array.name) == Role::Score)
    {
        set_score_shape(&mut npz, &mut builder, score, labels.as_ref())?;
    }
    builder.check_size(rows)?;
    for (position, array) in arrays.iter().enumerate() {
        let role = builder.role_of(&array.name);
        if role == Role::Ignored {
            continue;
        }
        if let (Role::Numbers, [_, width]) = (role, &array.header.shape[..]) {
            let width = usize::try_from(*width).unwrap_or(usize::MAX);
            let (numbers, column) = builder.numbers(position);
            numbers.set_width(column, Place::Row(0), width)?;
            builder.check_size(rows)?;
            let (numbers, column) = builder.numbers(position);
            npz.for_each_cells(array, &mut |row, _, cell| {
                numbers.push_element(column, Place::Row(row), cell)
            })?;
            continue;
        }
        if role != Role::Score && array.header.shape.len() != 1 {
            let problem = format!(
                "array `{}` has shape {:?}; one value per row is needed",
                array.name, array.header.shape
            );
            return Err(DataError::refused(file, problem));
        }
        npz.for_each_cells(array, &mut |row, _, cell| {
            let place = Place::Row(row);
            if role != Role::Score {
                return builder.push(position, place, cell);
            }
            builder.push_score(match *cell {
                Cell::Int(value) => value as f64,
                Cell::UInt(value) => value as f64,
                Cell::Float(value) => value,
                _ => {
                    return Err(DataError::NotANumber {
                        file: file.to_owned(),
                        place,
                        column: array.name.clone(),
                    });
                }
            });
            Ok(())
        })?;
    }
    builder.finish()
}

/// Sets scores per row and class labels from the shape of `y_score` and from `labels`.
fn set_score_shape(
    npz: &mut Npz,
    builder: &mut Builder<'_>,
    score: &Array,
    labels: Option<&Array>,
) -> Result<()> {
    let file = npz.file.clone();
    let refused = |problem: String| DataError::refused(&file, problem);
    let classes = match score.header.shape[..] {
        [_] => None,
        [_, 0] => return Err(refused("array `y_score` has no columns".to_owned())),
        [_, classes] => Some(usize::try_from(classes).unwrap_or(usize::MAX)),
        _ => {
            return Err(refused(format!(
                "array `y_score` has shape {:?}; rows or rows x classes is needed",
                score.header.shape
            )));
        }
    };
    builder.set_scores_per_row(classes.unwrap_or(1))?;
    let Some(classes) = classes else {
        return Ok(());
    };
    let Some(labels) = labels else {
        builder.score_labels = (0..classes).map(|class| class.to_string()).collect();
        return Ok(());
    };
    if labels.header.shape != [classes as u64] {
        return Err(refused(format!(
            "array `labels` has shape {:?}, but `y_score` has {classes} classes",
            labels.header.shape
        )));
    }
    let mut names = Vec::with_capacity(classes);
    npz.for_each_cells(labels, &mut |row, _, cell| {
        let name = label(cell).ok().flatten();
        let name = name.ok_or_else(|| {
            DataError::malformed(
                &file,
                Place::Row(row),
                "array `labels`: a class without a name",
            )
        })?;
        names.push(name.into_owned());
        Ok(())
    })?;
    builder.score_labels = names;
    Ok(())
}
