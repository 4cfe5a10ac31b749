//! The metrics of adapters in an evaluation: each named one is found, its definition stored,
//! its programs run, and its value or the reason why there is none added to the result.
//!
//! Nothing here keeps the other metrics of the evaluation from being computed.

use std::sync::Arc;

use mlhub_core::{Error, ErrorKind, Result, limits};
use mlhub_eval::{MetricDefinition, MetricValue, Predictions, SkippedMetric, Targets};
use mlhub_protocol::custom_metric::{CUSTOM_METRIC_VERSION, MetricColumn, MetricPredictions};

use crate::Hub;
use crate::custom_metrics::{is_custom, stored};

/// What is said of every value beside how it was computed.
const NO_INTERVAL: &str = "no interval, as for every metric of an adapter";

/// Metrics of adapters, as an evaluation keeps them.
#[derive(Debug, Default)]
pub(super) struct Custom {
    pub(super) metrics: Vec<MetricValue>,
    pub(super) skipped: Vec<SkippedMetric>,
}

impl Custom {
    fn skip(&mut self, definition: &str, reason: impl Into<String>) {
        self.skipped.push(SkippedMetric {
            definition: definition.to_owned(),
            reason: reason.into(),
        });
    }
}

impl Hub {
    /// Computes those of `names` that are of adapters.
    ///
    /// # Errors
    /// Of the store, and when the hub is ending; a metric that cannot be computed is skipped.
    pub(super) async fn custom(
        &self,
        names: &[String],
        predictions: &Arc<Predictions>,
    ) -> Result<Custom> {
        let mut custom = Custom::default();
        let names: Vec<&String> = names.iter().filter(|name| is_custom(name)).collect();
        if names.is_empty() {
            return Ok(custom);
        }
        let here = self.definitions_here().await?;
        let mut wanted: Vec<MetricDefinition> = Vec::new();
        for (at, name) in names.into_iter().enumerate() {
            let found = match at < limits::CUSTOM_METRICS_MAX {
                true => find(&here, name, predictions),
                false => Err(format!(
                    "an evaluation has at most {} metrics of adapters",
                    limits::CUSTOM_METRICS_MAX
                )),
            };
            match found {
                Ok(found) if wanted.contains(found) => {}
                Ok(found) => match self.store.definitions_put(&[stored(found)?]).await {
                    Ok(()) => wanted.push(found.clone()),
                    Err(error) if error.kind() == ErrorKind::Conflict => custom.skip(
                        &found.id(),
                        format!(
                            "refused as a breaking change of `{}`: {}",
                            found.name,
                            error.public_message()
                        ),
                    ),
                    Err(error) => return Err(error),
                },
                Err(reason) => custom.skip(name, reason),
            }
        }
        if wanted.is_empty() {
            return Ok(custom);
        }
        self.run_custom(&mut custom, wanted, predictions).await?;
        Ok(custom)
    }

    async fn run_custom(
        &self,
        custom: &mut Custom,
        wanted: Vec<MetricDefinition>,
        predictions: &Arc<Predictions>,
    ) -> Result<()> {
        let programs = Arc::clone(&self.custom_metrics);
        let predictions = Arc::clone(predictions);
        let rows = predictions.rows() as u64;
        let work = move || {
            let values = match handed(&predictions) {
                Ok(handed) => programs.compute(&wanted, &handed)?,
                Err(reason) => wanted.iter().map(|_| Err(reason.clone())).collect(),
            };
            Ok::<_, Error>((wanted, values))
        };
        let (wanted, values) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|source| Error::internal("compute metrics of adapters", source))??;
        for (definition, value) in wanted.iter().zip(values) {
            match value {
                Ok(computed) => custom.metrics.push(MetricValue {
                    definition: definition.id(),
                    definition_hash: definition.hash(),
                    name: definition.name.clone(),
                    value: computed.value,
                    interval: None,
                    n: rows,
                    note: Some(format!("{}; {NO_INTERVAL}", computed.note)),
                    direction: Some(definition.direction),
                }),
                Err(reason) => custom.skip(&definition.id(), reason),
            }
        }
        Ok(())
    }
}

/// The definition that a name means, or why it cannot be computed.
fn find<'a>(
    here: &'a [MetricDefinition],
    name: &str,
    predictions: &Predictions,
) -> std::result::Result<&'a MetricDefinition, String> {
    let bare = name.split_once('@').map_or(name, |(bare, _)| bare);
    let Some(found) = here.iter().find(|of| of.name == bare) else {
        let known: Vec<&str> = here.iter().map(|of| of.name.as_str()).collect();
        return Err(format!(
            "no adapter of the hub's machine brings it (an adapter of a project is added with `mlhub adapter add`); metrics of its adapters: {}",
            match known.is_empty() {
                true => "none".to_owned(),
                false => known.join(", "),
            }
        ));
    };
    if name != bare && name != found.id() {
        return Err(format!("the hub's machine has `{}`", found.id()));
    }
    let task = predictions.task();
    if !found.tasks.contains(&task) {
        let known: Vec<&str> = found.tasks.iter().map(|task| task.as_str()).collect();
        return Err(format!(
            "not defined for the task {task}, only for: {}",
            known.join(", ")
        ));
    }
    Ok(found)
}

/// Predictions as programs get them.
fn handed(predictions: &Predictions) -> std::result::Result<MetricPredictions, String> {
    let labels = predictions.labels();
    let label = |class: u32| labels.get(class as usize).cloned().unwrap_or_default();
    let column = |targets: &Targets| match targets {
        Targets::Classes(classes) => Ok(MetricColumn::Texts(
            classes.iter().map(|class| label(*class)).collect(),
        )),
        Targets::Values(values) => Ok(MetricColumn::Numbers(values.clone())),
        Targets::Texts(texts) => Ok(MetricColumn::Texts(texts.clone())),
        Targets::LabelSets(sets) => Ok(MetricColumn::LabelSets(
            sets.iter()
                .map(|set| set.iter().map(|class| label(*class)).collect())
                .collect(),
        )),
        Targets::Boxes(_) | Targets::Masks(_) => {
            Err("predictions of images cannot be handed to a program".to_owned())
        }
    };
    let width = predictions.score_columns().max(1);
    Ok(MetricPredictions {
        version: CUSTOM_METRIC_VERSION,
        task: predictions.task().as_str().to_owned(),
        labels: labels.to_vec(),
        id: predictions.ids().to_vec(),
        y_true: column(predictions.y_true())?,
        y_pred: predictions.y_pred().map(column).transpose()?,
        y_score: predictions
            .y_score()
            .map(|scores| scores.chunks(width).map(<[f64]>::to_vec).collect()),
        weight: predictions.weight().map(<[f64]>::to_vec),
        group: predictions.group().map(<[String]>::to_vec),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlhub_eval::{PredictionsInput, Task};

    fn predictions(task: Task) -> Predictions {
        let classes = task == Task::Binary;
        Predictions::new(PredictionsInput {
            ids: vec!["a".into(), "b".into()],
            task,
            labels: match classes {
                true => vec!["no".into(), "yes".into()],
                false => Vec::new(),
            },
            y_true: match classes {
                true => Targets::Classes(vec![0, 1]),
                false => Targets::Values(vec![1.0, 2.0]),
            },
            y_pred: match classes {
                true => None,
                false => Some(Targets::Values(vec![1.5, 2.5])),
            },
            y_score: classes.then(|| vec![0.75, 0.25, 0.5, 0.5]),
            weight: Some(vec![1.0, 2.0]),
            group: None,
            numbers: Vec::new(),
        })
        .expect("predictions")
    }

    #[test]
    fn classes_are_handed_over_by_name_and_scores_by_row() {
        let handed = handed(&predictions(Task::Binary)).expect("handed over");
        let text = serde_json::to_value(&handed).expect("written");
        assert_eq!(text["y_true"], serde_json::json!(["no", "yes"]));
        assert_eq!(
            text["y_score"],
            serde_json::json!([[0.75, 0.25], [0.5, 0.5]])
        );
        assert_eq!(text["y_pred"], serde_json::Value::Null);
    }

    #[test]
    fn a_name_means_the_version_that_is_here_and_another_version_is_refused() {
        let mut definition = mlhub_eval::definitions()[0].clone();
        definition.name = "mine.cost".into();
        definition.version = 2;
        definition.tasks = vec![Task::Binary];
        let here = [definition];
        let binary = predictions(Task::Binary);
        assert!(find(&here, "mine.cost", &binary).is_ok());
        assert!(find(&here, "mine.cost@2", &binary).is_ok());
        let refused =
            |name: &str, predictions: &Predictions| find(&here, name, predictions).expect_err(name);
        assert!(refused("mine.cost@1", &binary).contains("`mine.cost@2`"));
        assert!(refused("mine.gain", &binary).contains("mine.cost"));
        let numbers = predictions(Task::Regression);
        assert!(refused("mine.cost", &numbers).contains("only for: binary"));
    }
}
