//! Going on with an ended run from a checkpoint.

use mlhub_agent::supervisor::RunDir;
use mlhub_protocol::rest::{AttemptCreate, RecordView, RunDetail};
use mlhub_protocol::run_dir::ResumePoint;

use crate::connect::Connection;
use crate::exit::{ADAPTER, REFUSED, USAGE, fail};
use crate::{hub, paths};

/// Records of checkpoints looked through, newest first.
const CHECKPOINTS_MAX: usize = 1000;

/// Queues another attempt of `RUN` or `RUN@STEP` and starts the agent on it.
pub(crate) fn resume(
    reference: &str,
    connection: &Connection,
    slots: usize,
) -> anyhow::Result<String> {
    let (run, step) = match reference.split_once('@') {
        Some((run, step)) => {
            let step = step.parse::<i64>().map_err(|_| {
                fail(
                    USAGE,
                    format!(
                        "`{reference}` is not RUN or RUN@STEP: the step must be a whole number"
                    ),
                )
            })?;
            (run, Some(step))
        }
        None => (reference, None),
    };
    let detail = connection.client.run_get(run)?;
    check(&detail)?;
    let id = detail.summary.id.clone();
    let point = checkpoint(&detail, step, connection)?;
    let old = RunDir::open(&RunDir::attempt_path(
        &connection.data_dir,
        &id,
        detail.summary.attempt,
    ))
    .map_err(|error| {
        fail(
            REFUSED,
            format!("run `{id}` cannot go on: its directory is gone from this machine ({error})"),
        )
    })?;
    let attempt = connection.client.attempt_create(
        &id,
        &AttemptCreate {
            host: Some(paths::host_name()),
            resumed_from_step: Some(point.step),
        },
    )?;
    let path = RunDir::attempt_path(&connection.data_dir, &id, attempt.number);
    let mut file = old.run().clone();
    file.attempt = attempt.number;
    file.resume = Some(point);
    let mut launch = old.launch().clone();
    let (before, after) = (old.path().to_string_lossy(), path.to_string_lossy());
    let moved = |text: &mut String| *text = text.replace(before.as_ref(), after.as_ref());
    launch.argv.iter_mut().for_each(moved);
    launch.env.values_mut().for_each(moved);
    moved(&mut launch.cwd);
    RunDir::create_with_files(&path, &file, &launch, &config_files(&old)?)?;
    hub::ensure_agent(&connection.data_dir, slots)?;
    Ok(id)
}

/// The written config of the old attempt, for the new one.
fn config_files(old: &RunDir) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for name in ["config.json", "config.yaml", "config.toml"] {
        let file = old.path().join(name);
        if file.is_file() {
            files.push((name.to_owned(), std::fs::read(file)?));
        }
    }
    Ok(files)
}

fn check(detail: &RunDetail) -> anyhow::Result<()> {
    let can_resume = detail.snapshot.adapter["capabilities"]
        .as_array()
        .is_some_and(|capabilities| capabilities.iter().any(|capability| capability == "resume"));
    if can_resume {
        return Ok(());
    }
    Err(fail(
        ADAPTER,
        format!(
            "run `{}` cannot go on: its adapter `{}` cannot resume from a checkpoint",
            detail.summary.id,
            detail.summary.adapter.as_deref().unwrap_or("none")
        ),
    ))
}

fn checkpoint(
    detail: &RunDetail,
    step: Option<i64>,
    connection: &Connection,
) -> anyhow::Result<ResumePoint> {
    let id = &detail.summary.id;
    let records = connection
        .client
        .record_list(id, Some("checkpoint"), Some(CHECKPOINTS_MAX))?
        .records;
    let there = |record: &RecordView| -> Option<(u32, ResumePoint)> {
        let found = record.body["step"].as_i64()?;
        let relative = record.body["path"].as_str()?;
        let path = RunDir::attempt_path(&connection.data_dir, id, record.attempt).join(relative);
        path.exists().then(|| {
            (
                record.attempt,
                ResumePoint {
                    step: found,
                    checkpoint: path.to_string_lossy().into_owned(),
                },
            )
        })
    };
    records
        .iter()
        .filter_map(there)
        .filter(|(_, point)| step.is_none_or(|step| point.step == step))
        .max_by_key(|(attempt, point)| (*attempt, point.step))
        .map(|(_, point)| point)
        .ok_or_else(|| {
            let which = step
                .map(|step| format!(" of step {step}"))
                .unwrap_or_default();
            fail(
                REFUSED,
                format!("run `{id}` cannot go on: no checkpoint{which} of it is on this machine"),
            )
        })
}
