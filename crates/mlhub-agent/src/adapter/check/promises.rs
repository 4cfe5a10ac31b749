//! The promises about training: it works, repeats, resumes and ends when asked.

use mlhub_protocol::adapter::Capability;
use mlhub_protocol::run_dir::ResumePoint;

use super::output;
use super::program::{Bench, GRACE_SECONDS, Job, Outcome};
use super::{Verdict, not_applicable, passed};
use crate::supervisor::Signal;

/// Number of the signal that asks to end.
const SIGTERM: i32 = 15;

/// The smoke run ends well, with metrics or valid predictions.
pub(super) fn smoke(bench: &mut Bench<'_>) -> Result<(Outcome, String), String> {
    let job = bench.smoke_job();
    let outcome = bench.run("smoke", &job, None)?;
    if !outcome.finished() {
        return Err(format!("the smoke run failed: {}", outcome.end()));
    }
    let metrics = output::series(&outcome.events);
    let found = output::predictions(&outcome)?;
    let mut rows = 0;
    if let (Some(data), Some(task)) = (&bench.data, &bench.adapter.manifest.smoke.task) {
        for (split, (path, _)) in &found {
            rows += output::judge_predictions(&outcome, path, split, task, data)?;
        }
    }
    if bench.predicts() && found.is_empty() && !bench.adapter.is_declarative() {
        return Err("no predictions event, although smoke.task names a task and run.json asks for split `test`; write the file below predictions/ and then the event".to_owned());
    }
    if metrics.is_empty() && found.is_empty() {
        return Err("the smoke run ended well but gave neither a metric nor predictions; write event lines, or name regular expressions in output.log_metrics".to_owned());
    }
    let values: usize = metrics.values().map(Vec::len).sum();
    let detail = format!(
        "{} metrics with {values} values, {rows} predictions",
        metrics.len()
    );
    Ok((outcome, detail))
}

/// What goes in is told at pipeline entry: shapes and dtypes.
pub(super) fn entry(bench: &Bench<'_>, first: &Outcome) -> Verdict {
    match first.events.iter().find_map(|event| event.entry.as_ref()) {
        Some(entry) => {
            output::judge_entry(entry)?;
            passed("shapes and dtypes are told, no values")
        }
        None if bench.adapter.is_declarative() => not_applicable("a declarative adapter has no code that could tell"),
        None if bench.data.is_none() => not_applicable("the adapter takes no dataset"),
        None => Err("no entry event; write {\"entry\": {\"train\": {\"shape\": [rows, columns], \"dtype\": \"...\"}}} once the data is read".to_owned()),
    }
}

/// The same seed gives the same metrics and the same prediction bytes.
pub(super) fn determinism(bench: &mut Bench<'_>, first: &Outcome) -> Verdict {
    let job = bench.smoke_job();
    let second = bench.run("again", &job, None)?;
    if !second.finished() {
        return Err(format!("the second run failed: {}", second.end()));
    }
    let (one, two) = (
        output::series(&first.events),
        output::series(&second.events),
    );
    if let Some(difference) = output::difference(&one, &two) {
        return Err(format!(
            "{difference}; seed every generator from run.json's seed, and put measurements of time below `time/`"
        ));
    }
    let predictions = output::predictions(first)?;
    if predictions != output::predictions(&second)? {
        return Err("the prediction files differ; seed every generator from run.json's seed and write rows in a fixed order".to_owned());
    }
    passed(format!(
        "{} metrics and {} prediction files are identical to the bit",
        one.len(),
        predictions.len()
    ))
}

/// Killed after a checkpoint and resumed, a run ends as if nothing had happened.
pub(super) fn resume(bench: &mut Bench<'_>, first: &Outcome) -> Verdict {
    if !bench.adapter.can(Capability::Resume) {
        return not_applicable("the adapter does not name the capability `resume`");
    }
    let job = bench.smoke_job();
    let killed = bench.run(
        "killed",
        &job,
        Some(|event| event.checkpoint.is_some().then_some(Signal::KILL)),
    )?;
    let Some(checkpoint) = killed
        .events
        .iter()
        .find_map(|event| event.checkpoint.as_ref())
    else {
        return Err(format!(
            "no checkpoint event in the smoke run, so there is nothing to resume from; let the smoke params write one ({})",
            killed.end()
        ));
    };
    let path = killed.dir.join(&checkpoint.path);
    if !path.exists() {
        return Err(format!(
            "the checkpoint event names `{}`, which is not there; write the event only once the file is whole",
            checkpoint.path
        ));
    }
    let point = ResumePoint {
        step: checkpoint.step,
        checkpoint: path.to_string_lossy().into_owned(),
    };
    let step = point.step;
    let resumed = bench.run(
        "resumed",
        &Job {
            capability: Capability::Resume,
            resume: Some(point),
            ..job
        },
        None,
    )?;
    if !resumed.finished() {
        return Err(format!(
            "the run resumed from step {step} failed: {}",
            resumed.end()
        ));
    }
    let same = output::predictions(first)? == output::predictions(&resumed)?;
    let (whole, rest) = (
        output::after(&output::series(&first.events), step),
        output::after(&output::series(&resumed.events), step),
    );
    let how = if killed.finished() {
        "it ended before the kill, and was resumed from its first checkpoint"
    } else {
        "killed and resumed"
    };
    match (same, output::difference(&whole, &rest)) {
        (true, None) => passed(format!(
            "{how} at step {step}: metrics and predictions as without the kill"
        )),
        (true, Some(difference)) if bench.predicts() => passed(format!(
            "{how} at step {step}: predictions as without the kill; note that {difference}"
        )),
        (true, Some(difference)) => Err(format!(
            "resumed at step {step}, {difference}; a checkpoint must hold all that later steps depend on, generators included"
        )),
        (false, _) => Err(format!(
            "resumed at step {step}, the predictions are not those of an uninterrupted run; a checkpoint must hold all that later steps depend on, generators included"
        )),
    }
}

/// SIGTERM ends the program within the grace period.
pub(super) fn terminate(bench: &mut Bench<'_>) -> Verdict {
    let job = bench.smoke_job();
    let outcome = bench.run("terminated", &job, Some(|_| Some(Signal::TERM)))?;
    let Some(took) = outcome.signalled else {
        return not_applicable(
            "the run ended without an event, so there was no moment to signal it",
        );
    };
    if took.as_secs() >= u64::from(GRACE_SECONDS) {
        return Err(format!(
            "it was still running {GRACE_SECONDS} s after SIGTERM; let SIGTERM end it, or catch it, write a checkpoint and exit"
        ));
    }
    match (outcome.exit.code, outcome.exit.signal) {
        (Some(0), _) => passed("it ended by itself with exit code 0"),
        (Some(code), _) => passed(format!("it ended with exit code {code}")),
        (None, Some(SIGTERM)) => passed("it ended by the signal"),
        (None, Some(signal)) => Err(format!(
            "it ended by signal {signal} instead: {}",
            outcome.end()
        )),
        (None, None) => Err(outcome.end()),
    }
}
