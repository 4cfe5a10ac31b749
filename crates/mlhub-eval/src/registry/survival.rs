//! Definitions for survival.
//!
//! Text only; the arithmetic is in `metrics::survival`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Kind, SurvivalMetric};

/// From 0 to 1, larger is better.
fn row(
    metric: SurvivalMetric,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Survival(metric),
        name,
        tasks: &[Task::Survival],
        params: &[],
        direction: Direction::Maximize,
        range: (Some(0.0), Some(1.0)),
        unit: None,
        formula,
        source,
        undefined: "undefined: no two rows are comparable",
    }
}

/// The rule of the metrics that weight for censoring.
macro_rules! weighted_for_censoring {
    ($formula:expr) => {
        concat!(
            $formula,
            " G(t) is the Kaplan-Meier estimate of the probability to be followed past t, over \
             the evaluated rows themselves: product over times s <= t of 1 - C_s / (R_s - D_s), \
             with the weights of rows censored at s, of a time of at least s, and of an event at \
             s. Terms with a G of 0 are left out."
        )
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            SurvivalMetric::Concordance,
            "concordance_index",
            "Harrell's C: share of comparable pairs in which the row of the earlier event has the \
             larger y_score, equal ones counting one half. A pair is comparable when one has an \
             event (`event` = 1) and the other a later time (y_true), or the same time without an \
             event. Pairs count by the product of their weights. NaN when no pair is comparable.",
            "Harrell, Lee and Mark, Multivariable prognostic models, 1996; lifelines \
             concordance_index, scikit-survival concordance_index_censored",
        ),
        row(
            SurvivalMetric::ConcordanceIpcw,
            "concordance_index_ipcw",
            weighted_for_censoring!(
                "Uno's C: concordance_index with each pair counting by 1 / G(t)^2 too, t the time \
                 of the earlier event; no pair is left out for being late (tau: none). NaN when no \
                 pair is comparable."
            ),
            "Uno et al., On the C-statistics for evaluating overall adequacy of risk prediction \
             procedures with censored survival data, 2011; scikit-survival concordance_index_ipcw",
        ),
        Row {
            direction: Direction::Minimize,
            range: (Some(0.0), None),
            undefined: "undefined: the rows have no weight",
            ..row(
                SurvivalMetric::BrierMiddle,
                "survival_brier",
                weighted_for_censoring!(
                    "B(T) = sum_i w_i b_i / sum_i w_i, b = S^2 / G(y_true) for rows of an event \
                     at y_true <= T, (1 - S)^2 / G(T) for rows of y_true > T, 0 for rows censored \
                     by T, S = y_survival_T. T is the time in the middle of the columns, of an \
                     even number the earlier of two."
                ),
                "Graf et al., Assessment and comparison of prognostic classification schemes for \
                 survival data, 1999; scikit-survival brier_score",
            )
        },
        Row {
            direction: Direction::Minimize,
            range: (Some(0.0), None),
            undefined: "undefined: the rows have no weight",
            ..row(
                SurvivalMetric::IntegratedBrier,
                "survival_integrated_brier",
                weighted_for_censoring!(
                    "Area under B(T) (see survival_brier) between the first and the last time of \
                     the columns by the trapezoidal rule / time between these."
                ),
                "Graf et al., Assessment and comparison of prognostic classification schemes for \
                 survival data, 1999; scikit-survival integrated_brier_score",
            )
        },
    ]
}
