//! Watching runs until they end and are evaluated.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar};
use mlhub_client::ClientError;
use mlhub_protocol::rest::{RunDetail, RunSummary};

use super::adapter::style;
use crate::connect::Connection;
use crate::output;

/// How often the hub is asked.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// Metrics shown beside a running run.
const METRICS_SHOWN: usize = 3;

/// Whether nothing more will happen to a run by itself.
fn settled(detail: &RunDetail) -> bool {
    let ended = !matches!(detail.summary.state.as_str(), "queued" | "running");
    ended
        && detail
            .evaluations
            .iter()
            .all(|evaluation| evaluation.state != "pending")
}

/// Times in a row the hub is looked for before giving up.
const RECONNECTS_MAX: u32 = 20;

/// Asks for a run; a hub that has gone away is found again or served from here.
fn get(connection: &mut Connection, id: &str) -> anyhow::Result<RunDetail> {
    let mut tries = 0;
    loop {
        let error: ClientError = match connection.client.run_get(id) {
            Ok(detail) => return Ok(detail),
            Err(error) => error,
        };
        // An answer with a status is an answer; anything else is no hub.
        if error.status.is_some() || tries == RECONNECTS_MAX {
            return Err(error.into());
        }
        tries += 1;
        connection.reconnect()?;
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Exit code of a command ended by Ctrl-C, as shells have it.
const INTERRUPTED: i32 = 130;

/// From here on Ctrl-C ends the command only, and says that the runs go on.
pub(crate) fn leave_on_interrupt(ids: &[String]) -> anyhow::Result<()> {
    let stop = format!("mlhub stop {}", ids.join(" "));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
                eprintln!("\nthe runs go on without this command; `mlhub runs` shows them, `{stop}` stops them");
                std::process::exit(INTERRUPTED);
            }
        })?;
    Ok(())
}

/// Waits until all runs have ended and are evaluated; shows how they go.
pub(crate) fn follow(
    connection: &mut Connection,
    ids: &[String],
) -> anyhow::Result<Vec<RunDetail>> {
    let bars = MultiProgress::new();
    let lines: Vec<ProgressBar> = ids
        .iter()
        .map(|_| bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}"))))
        .collect();
    let plain = bars.is_hidden();
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    let mut settled_runs: BTreeMap<String, RunDetail> = BTreeMap::new();
    while settled_runs.len() < ids.len() {
        for (id, bar) in ids.iter().zip(&lines) {
            if settled_runs.contains_key(id) {
                continue;
            }
            let detail = get(connection, id)?;
            bar.set_message(describe(&detail.summary));
            bar.tick();
            let state = &detail.summary.state;
            if plain && shown.insert(id.clone(), state.clone()).as_ref() != Some(state) {
                eprintln!("{} {id} {state}", detail.summary.name);
            }
            if settled(&detail) {
                bar.finish();
                settled_runs.insert(id.clone(), detail);
            }
        }
        if settled_runs.len() < ids.len() {
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
    Ok(ids
        .iter()
        .filter_map(|id| settled_runs.remove(id))
        .collect())
}

fn describe(run: &RunSummary) -> String {
    let metrics: Vec<String> = run
        .metrics
        .iter()
        .take(METRICS_SHOWN)
        .map(|(name, value)| format!("{name} {}", output::number(*value)))
        .collect();
    let time = match (run.started_at, run.ended_at) {
        (Some(start), Some(end)) => output::duration(end - start),
        (Some(start), None) => output::duration(jiff::Timestamp::now().as_millisecond() - start),
        _ => String::new(),
    };
    format!(
        "{:<24} {:<12} {:<9} {:>8}  {}",
        run.name,
        run.id,
        run.state,
        time,
        metrics.join("  ")
    )
}
