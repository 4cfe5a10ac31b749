//! Metric definitions as data, and their computation over stored predictions.
//!
//! The crate is pure: it opens no file, reads no clock and draws no random
//! number but from the seed it is handed. The same predictions and options give
//! bit-identical results on any machine and on any number of threads:
//!
//! - sums run in a fixed order (`sum`: fixed blocks, compensated);
//! - logarithms come from the portable `libm` crate, never from the platform;
//! - resample `i` of a bootstrap is stream `i` of a counter-based generator, so
//!   it does not matter which thread draws it;
//! - sorting breaks ties by row number.
//!
//! Code map: `definition` and `registry` say what a metric is; `predictions`
//! is the checked input; `metrics` holds one kernel per family (label counts,
//! rankings, probabilities, regression, queries, texts, sets of labels,
//! partitions, anomalies, forecasts, times until an event, boxes, maps of segments), each written
//! once for any row weights
//! (`weights`), which is how point values and bootstrap resamples share code;
//! `draws` says which rows a resample holds; `bootstrap` and `curves` build on these;
//! `evaluate` is the entry point, of rows that are all there and of rows that come in batches.
//!
//! `significance` compares groups of runs by numbers that were computed before, and two
//! sets of predictions of the same examples row by row; of it nothing is stored.
//!
//! Not here: reading prediction files, storage.

mod bootstrap;
mod curves;
mod definition;
mod draws;
mod evaluate;
mod metrics;
mod non_finite;
mod normal;
mod predictions;
mod ranking;
mod reference;
mod registry;
mod significance;
mod sum;
mod weights;

pub use bootstrap::{
    Bootstrap, DEFAULT_SAMPLES, Interval, IntervalMethod, MAX_JACKKNIFE, MAX_SAMPLES, METHOD_BCA,
    METHOD_PERCENTILE, Resampling,
};
pub use curves::{
    ClassScores, ConfusionMatrix, CurveBand, Curves, DENSITY_BINS, DensityGrid, Histogram,
    MAX_BAND_CELLS, MAX_BAND_CURVES, MAX_BAND_SAMPLES, MAX_CONFUSION_LABELS, MAX_CURVE_LABELS,
    MAX_CURVE_POINTS, METHOD_VERTICAL, PrecisionRecallCurve, RELIABILITY_BINS, RESIDUAL_BINS,
    ReliabilityBin, ReliabilityCurve, RocCurve,
};
pub use definition::{Direction, Implementation, MetricDefinition, Task};
pub use evaluate::{
    EVALUATION_VERSION, EvaluateError, EvaluateOptions, Evaluation, EvaluationFold,
    MAX_DETECTION_DRAWS, MAX_THREADS, MetricValue, SkippedMetric, evaluate,
};
pub use metrics::best_f1_threshold;
pub use predictions::{
    ExpectedIds, IdCheck, ImageBox, ImageColumns, MAX_BOX_CATEGORIES, MAX_BOX_COORDINATE,
    MAX_BOXES, MAX_IMAGE_BOXES, MAX_IMAGE_PIXELS, MAX_LABEL_CELLS, MAX_LABELS, MAX_MASK_RUNS,
    MAX_NUMBER_COLUMNS, MAX_RELEVANCE, MAX_ROWS, MAX_TEXT_CHARS, MAX_TEXT_ROWS,
    MAX_TEXT_TOTAL_CHARS, MaskSegment, NAMED_IN_ERRORS, NumberColumn, Predictions,
    PredictionsError, PredictionsInput, SegmentMap, Targets, VOID_SEGMENT, encode_label_sets,
    encode_labels, number_columns, parse_boxes, parse_label_lists, parse_masks,
};
pub use reference::reference_markdown;
pub use registry::{definition, definitions, definitions_for};
pub use significance::{
    DEFAULT_PAIRED_SAMPLES, DeLongTest, DifferenceInterval, Dominance, Effect,
    MANN_WHITNEY_EXACT_VALUES, MAX_ALL_FLIPS, MAX_DOMINANCE_VALUES, MCNEMAR_EXACT_ROWS,
    MIN_BOOTSTRAP_SEEDS, MIN_BOOTSTRAP_UNITS, MIN_DELONG_CLASS_ROWS, MIN_DOMINANCE_VALUES,
    MannWhitneyTest, McNemarTest, MeanInterval, NoPairedTest, NoTest, PairError, PairedMethod,
    PairedOptions, PairedPredictions, PairedTest, WILCOXON_EXACT_PAIRS, WelchTest, WilcoxonTest,
    almost_stochastic_order, bootstrap_interval, delong, hedges_g, holm, mann_whitney, mcnemar,
    paired_test, student_interval, welch_test, wilcoxon,
};
