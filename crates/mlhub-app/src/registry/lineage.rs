//! What a version stands on: its run, the data, the evaluations, and how it is
//! ranked. Nothing of it is copied; it is read from the run each time.

use mlhub_core::evaluation::EvaluationRecord;
use mlhub_core::registry::{ModelChoice, ModelName, ModelVersion};
use mlhub_core::{Caller, Result};

use crate::Hub;
use crate::leaderboard::LeaderboardRequest;
use crate::receipt::Receipt;
use crate::runs::RunRow;

/// A version with what it stands on.
#[derive(Debug, Clone)]
pub struct ModelLineage {
    /// The version.
    pub version: ModelVersion,
    /// The run it came from.
    pub run: Option<RunRow>,
    /// The run's evaluations with their receipts, without curves.
    pub evaluations: Vec<(EvaluationRecord, Receipt)>,
    /// Where the run stands on the boards of the metric that was asked for.
    pub standings: Vec<ModelStanding>,
}

/// A place on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStanding {
    /// `split/name`.
    pub metric: String,
    /// `name@version` of the dataset.
    pub dataset: String,
    /// The place, from 1.
    pub rank: u32,
    /// Places on the board.
    pub total: u64,
}

impl Hub {
    /// A version with what it stands on; with `metric` (`split/name`) also where its
    /// run stands among the verified results of its project.
    ///
    /// # Errors
    /// `NotFound`; with `metric` as [`Hub::leaderboard`].
    pub async fn model_lineage(
        &self,
        caller: &Caller,
        name: &ModelName,
        choice: &ModelChoice,
        metric: Option<&str>,
    ) -> Result<ModelLineage> {
        let version = self.model_version_get(caller, name, choice).await?;
        let Some(id) = version.run.clone() else {
            return Ok(ModelLineage {
                version,
                run: None,
                evaluations: Vec::new(),
                standings: Vec::new(),
            });
        };
        let run = self.row(&id).await?;
        let evaluations = self.evaluation_list(caller, id.as_str()).await?;
        let mut standings = Vec::new();
        if let Some(metric) = metric {
            let request = LeaderboardRequest {
                metric: metric.to_owned(),
                project: Some(run.run.project.clone()),
                ..LeaderboardRequest::default()
            };
            let ranked = self.leaderboard(caller, &request).await?;
            for board in ranked.boards {
                let entry = board
                    .entries
                    .iter()
                    .find(|entry| entry.runs.iter().any(|row| row.run.id == id));
                standings.extend(entry.map(|entry| ModelStanding {
                    metric: format!("{}/{}", ranked.split, ranked.metric),
                    dataset: board.dataset.clone(),
                    rank: entry.rank,
                    total: board.total,
                }));
            }
        }
        Ok(ModelLineage {
            version,
            run: Some(run),
            evaluations,
            standings,
        })
    }
}
