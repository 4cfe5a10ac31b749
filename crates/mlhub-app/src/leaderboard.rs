//! Leaderboards: verified results of one metric in order, one board per dataset and split.
//!
//! What is not comparable is never in one list: another dataset version or split is another
//! board, another version of the metric is refused. What does not stand on everything a
//! receipt names, or on rows that were trained on, is on no board, with the reason.

use std::collections::BTreeMap;

use mlhub_core::evaluation::EvaluationState;
use mlhub_core::metric::Direction;
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result, limits};
use mlhub_eval::{holm, welch_test};
use mlhub_protocol::rest::{LeakageAcceptance, Snapshot};

use crate::Hub;
use crate::compare::{CONFIDENCE, SeedStatistics, seed_statistics};
use crate::custom_metrics::CustomDefinitions;
use crate::paired::{ResultHead, ResultMetric, same_definition};
use crate::receipt::receipt;
use crate::run_search::{RunFilter, RunListRequest};
use crate::runs::RunRow;
use crate::significance::LEVEL;

/// The split whose results are ranked unless another is named.
const DEFAULT_SPLIT: &str = "test";
/// The tag of a tiny run that only shows that all parts work.
const SMOKE_TAG: &str = "smoke";
/// The tag of a run whose reproduction was judged.
const REPRODUCED_TAG: &str = "reproduced";

/// What to rank.
#[derive(Debug, Clone, Default)]
pub struct LeaderboardRequest {
    /// `split/name`, or a name for the split `test`.
    pub metric: String,
    /// Only this project.
    pub project: Option<Name>,
    /// Only runs that meet this condition of the query language.
    pub query: Option<String>,
    /// Entries per board at most.
    pub limit: Option<usize>,
}

/// Results in order.
#[derive(Debug, Clone)]
pub struct Leaderboard {
    /// The metric's name.
    pub metric: String,
    /// The split.
    pub split: String,
    /// `name@version`; absent when no run has the metric.
    pub definition: Option<String>,
    /// Direction in which it gets better.
    pub direction: Direction,
    /// Newest first.
    pub boards: Vec<Board>,
    /// Runs on no board, with their value and the reason; the newest of them.
    pub left_out: Vec<(RunRow, f64, String)>,
    /// How many those are.
    pub left_out_total: u64,
}

/// Results on the same examples.
#[derive(Debug, Clone)]
pub struct Board {
    /// `name@version`.
    pub dataset: String,
    /// Fingerprint of the split's file.
    pub split_fingerprint: String,
    /// Best first.
    pub entries: Vec<BoardEntry>,
    /// Entries before the limit.
    pub total: u64,
    /// Who accepted rows that are trained on, too.
    pub accepted_leakage: Option<LeakageAcceptance>,
}

/// A run, or runs that differ only in their seed.
#[derive(Debug, Clone)]
pub struct BoardEntry {
    /// Place, from 1.
    pub rank: u32,
    /// Its runs, newest first.
    pub runs: Vec<RunRow>,
    /// Over the runs.
    pub statistics: SeedStatistics,
    /// Of a single run, over its rows.
    pub run_interval: Option<(f64, f64)>,
    /// Against the first; absent of the first.
    pub against_first: Option<AgainstFirst>,
    /// What the newest reproduction of one of its runs showed.
    pub reproduced: Option<String>,
}

/// How an entry stands to the first of its board.
#[derive(Debug, Clone, PartialEq)]
pub enum AgainstFirst {
    /// Worse by more than seeds explain, with the adjusted probability.
    Behind(f64),
    /// No difference was shown, with the adjusted probability.
    NoDifference(f64),
    /// Nothing can be said, and why.
    NoVerdict(String),
}

/// A result that may be ranked.
struct Candidate {
    row: RunRow,
    value: f64,
    interval: Option<(f64, f64)>,
    split_fingerprint: String,
    accepted: Option<LeakageAcceptance>,
}

impl Hub {
    /// Ranks the verified results of a metric.
    ///
    /// # Errors
    /// `Invalid` for a metric without a direction or that does not exist, and for more runs
    /// than a board looks at; `Conflict` with both definitions when runs were evaluated by
    /// different versions of the metric.
    pub async fn leaderboard(
        &self,
        caller: &Caller,
        request: &LeaderboardRequest,
    ) -> Result<Leaderboard> {
        caller.require(Permission::Read)?;
        let definitions = self.custom_definitions().await?;
        let (split, metric) = split_and_name(&request.metric, &definitions)?;
        let _alone = self.ranking.lock().await;
        let rows = self.runs_with(caller, request, &split, &metric).await?;
        let mut left_out = Vec::new();
        let mut boards: BTreeMap<(String, String), Vec<Candidate>> = BTreeMap::new();
        let mut definition: Option<ResultMetric> = None;
        for row in rows {
            let (value, outcome) = self
                .candidate(row, &split, &metric, &mut definition)
                .await?;
            match outcome {
                Ok(candidate) => {
                    let dataset = candidate.row.run.dataset.clone().unwrap_or_default();
                    let key = (dataset, candidate.split_fingerprint.clone());
                    boards.entry(key).or_default().push(candidate);
                }
                Err((row, reason)) => left_out.push((*row, value, reason)),
            }
        }
        let definition = definition.map(|of| of.definition);
        let direction = definition
            .as_deref()
            .map_or(Direction::None, |id| definitions.direction(id));
        if definition.is_some() && direction == Direction::None {
            return Err(Error::invalid(format!(
                "`{metric}` has no better direction, so there is no order"
            )));
        }
        let limit = request.limit.unwrap_or(limits::LEADERBOARD_ENTRIES_MAX);
        let left_out_total = left_out.len() as u64;
        left_out.truncate(limits::LEADERBOARD_LEFT_OUT_MAX);
        let mut boards: Vec<Board> = boards
            .into_iter()
            .map(|((dataset, fingerprint), of)| board(dataset, fingerprint, of, direction, limit))
            .collect();
        let newest = |board: &Board| {
            let runs = board.entries.iter().flat_map(|entry| &entry.runs);
            runs.map(|row| row.run.created_at.0).max()
        };
        boards.sort_by_key(|board| std::cmp::Reverse(newest(board)));
        Ok(Leaderboard {
            metric,
            split,
            definition,
            direction,
            boards,
            left_out,
            left_out_total,
        })
    }

    /// All runs that have the metric, newest first.
    async fn runs_with(
        &self,
        caller: &Caller,
        request: &LeaderboardRequest,
        split: &str,
        metric: &str,
    ) -> Result<Vec<RunRow>> {
        let mut rows = Vec::new();
        let mut list = RunListRequest {
            filter: RunFilter {
                project: request.project.clone(),
                ..RunFilter::default()
            },
            query: request.query.clone(),
            limit: Some(limits::PAGE_MAX_ROWS),
            ..RunListRequest::default()
        };
        loop {
            let page = self.run_list(caller, list.clone()).await?;
            let has = |row: &RunRow| of_split(row, split, metric).is_some();
            rows.extend(page.rows.into_iter().filter(has));
            if rows.len() > limits::LEADERBOARD_RUNS_MAX {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!(
                        "more than {} runs have `{split}/{metric}`; narrow them with `query` or `project`",
                        limits::LEADERBOARD_RUNS_MAX
                    ),
                ));
            }
            if page.next_cursor.is_none() {
                return Ok(rows);
            }
            list.cursor = page.next_cursor;
        }
    }

    /// The value of a run, and the run as it may be ranked or why it may not.
    async fn candidate(
        &self,
        row: RunRow,
        split: &str,
        metric: &str,
        definition: &mut Option<ResultMetric>,
    ) -> Result<(f64, std::result::Result<Candidate, (Box<RunRow>, String)>)> {
        let evaluated = of_split(&row, split, metric)
            .cloned()
            .ok_or_else(|| Error::not_found("metric", metric))?;
        let value = evaluated.value;
        let snapshot = self.snapshot(&row.run.id).await?;
        if row.tags.get(SMOKE_TAG).is_some_and(|told| told == "true") {
            return Ok((value, Err((Box::new(row), "it is a smoke run".to_owned()))));
        }
        if let Some(of) = &snapshot.reproduces {
            let reason = format!("it was started to reproduce `{}`", of.run);
            return Ok((value, Err((Box::new(row), reason))));
        }
        let stands_on = self.stands_on(&row, &snapshot, split, metric).await?;
        let (found, fingerprint) = match stands_on {
            Ok(found) => found,
            Err(reason) => return Ok((value, Err((Box::new(row), reason)))),
        };
        match definition {
            Some(first) => same_definition(&format!("{split}/{metric}"), first, &found)?,
            None => *definition = Some(found),
        }
        let leak = self.leak(&snapshot, split).await?;
        let refusal = match &leak {
            Some(leak) if leak.accepted.is_none() => Some(format!(
                "{}: nobody accepted that (`mlhub dataset accept`)",
                leak.message
            )),
            _ if !value.is_finite() => Some("its value is not finite".to_owned()),
            _ => None,
        };
        if let Some(reason) = refusal {
            return Ok((value, Err((Box::new(row), reason))));
        }
        let candidate = Candidate {
            row,
            value,
            interval: evaluated.low.zip(evaluated.high),
            split_fingerprint: fingerprint,
            accepted: leak.and_then(|leak| leak.accepted),
        };
        Ok((value, Ok(candidate)))
    }

    /// The definition and the split's fingerprint of a verified result, or what is missing.
    async fn stands_on(
        &self,
        row: &RunRow,
        snapshot: &Snapshot,
        split: &str,
        metric: &str,
    ) -> Result<std::result::Result<(ResultMetric, String), String>> {
        let records = self
            .store
            .evaluation_list(std::slice::from_ref(&row.run.id))
            .await?;
        let done = |record: &&_| {
            let record: &mlhub_core::evaluation::EvaluationRecord = record;
            record.split == split && record.state == EvaluationState::Done
        };
        let Some(record) = records.iter().find(done) else {
            return Ok(Err("it is being evaluated again".to_owned()));
        };
        let artifacts = self.store.artifact_list(&row.run.id).await?;
        let receipt = receipt(record, snapshot, &artifacts, row.run.dataset.as_deref());
        if !receipt.missing.is_empty() {
            return Ok(Err(format!(
                "unverified: no {}",
                receipt.missing.join(", no ")
            )));
        }
        let head: ResultHead = serde_json::from_value(record.result.clone().unwrap_or_default())
            .map_err(|source| Error::internal("read an evaluation", source))?;
        let found = head.metrics.into_iter().find(|of| of.name == metric);
        Ok(found
            .zip(receipt.split_fingerprint)
            .ok_or_else(|| "its evaluation does not hold the metric".to_owned()))
    }
}

fn of_split<'a>(
    row: &'a RunRow,
    split: &str,
    metric: &str,
) -> Option<&'a mlhub_core::evaluation::EvaluatedMetric> {
    row.evaluated
        .iter()
        .find(|of| of.split == split && of.name == metric)
}

/// `test/accuracy` or `accuracy`, of a metric that exists.
fn split_and_name(text: &str, definitions: &CustomDefinitions) -> Result<(String, String)> {
    let (split, name) = text.split_once('/').unwrap_or((DEFAULT_SPLIT, text));
    if !definitions.knows(name) || split.is_empty() {
        return Err(Error::invalid(format!(
            "`{text}` is no evaluated metric; name one as SPLIT/NAME, such as test/accuracy (`mlhub metrics list`)"
        )));
    }
    Ok((split.to_owned(), name.to_owned()))
}

fn board(
    dataset: String,
    split_fingerprint: String,
    candidates: Vec<Candidate>,
    direction: Direction,
    limit: usize,
) -> Board {
    let accepted_leakage = candidates.iter().find_map(|of| of.accepted.clone());
    let mut groups: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        let run = &candidate.row.run;
        let group = run.group.as_ref();
        let key = group.map_or_else(|| run.id.to_string(), ToString::to_string);
        groups.entry(key).or_default().push(candidate);
    }
    let mut entries: Vec<(Vec<f64>, BoardEntry)> = groups.into_values().filter_map(entry).collect();
    entries.sort_by(|(_, a), (_, b)| {
        let order = a.statistics.mean.total_cmp(&b.statistics.mean);
        match direction {
            Direction::Minimize => order,
            _ => order.reverse(),
        }
    });
    let total = entries.len() as u64;
    entries.truncate(limit.min(limits::LEADERBOARD_ENTRIES_MAX));
    Board {
        dataset,
        split_fingerprint,
        entries: ranked(entries, direction),
        total,
        accepted_leakage,
    }
}

fn entry(of: Vec<Candidate>) -> Option<(Vec<f64>, BoardEntry)> {
    let values: Vec<f64> = of.iter().map(|candidate| candidate.value).collect();
    let run_interval = match of.as_slice() {
        [single] => single.interval,
        _ => None,
    };
    let reproduced = of
        .iter()
        .find_map(|candidate| candidate.row.tags.get(REPRODUCED_TAG).cloned());
    let entry = BoardEntry {
        rank: 0,
        statistics: seed_statistics(&values)?,
        run_interval,
        against_first: None,
        reproduced,
        runs: of.into_iter().map(|candidate| candidate.row).collect(),
    };
    Some((values, entry))
}

/// Places, and how each stands to the first.
fn ranked(mut entries: Vec<(Vec<f64>, BoardEntry)>, direction: Direction) -> Vec<BoardEntry> {
    let Some(first) = entries.first().map(|(values, _)| values.clone()) else {
        return Vec::new();
    };
    let tests: Vec<_> = entries[1..]
        .iter()
        .map(|(values, _)| welch_test(&first, values, CONFIDENCE))
        .collect();
    let p_values: Vec<f64> = tests.iter().flatten().map(|test| test.p_value).collect();
    let mut adjusted = holm(&p_values).into_iter();
    for ((_, entry), test) in entries[1..].iter_mut().zip(&tests) {
        entry.against_first = Some(match test {
            Ok(_) => match adjusted.next() {
                Some(p) if p < LEVEL => AgainstFirst::Behind(p),
                p => AgainstFirst::NoDifference(p.unwrap_or(1.0)),
            },
            Err(mlhub_eval::NoTest::TooFew) => AgainstFirst::NoVerdict(
                "one seed: a difference of single runs cannot be told from chance; run more seeds, or test the two row by row".to_owned(),
            ),
            Err(mlhub_eval::NoTest::NoSpread) => {
                AgainstFirst::NoVerdict("no spread between seeds".to_owned())
            }
            Err(mlhub_eval::NoTest::NotFinite) => {
                AgainstFirst::NoVerdict("the values are too great to be compared".to_owned())
            }
        });
    }
    debug_assert!(direction != Direction::None || entries.is_empty());
    let mut place = 0;
    let mut last = f64::NAN;
    for (at, (_, entry)) in entries.iter_mut().enumerate() {
        if entry.statistics.mean.to_bits() != last.to_bits() {
            place = u32::try_from(at + 1).unwrap_or(u32::MAX);
        }
        last = entry.statistics.mean;
        entry.rank = place;
    }
    entries.into_iter().map(|(_, entry)| entry).collect()
}
