//! Reads a source whole and writes nothing: what `--dry-run` shows.

use super::import::{ImportOptions, chosen, title};
use super::records::{Owner, Read, Run};
use super::report::{Counts, Report};
use super::source::Source;

/// Counts what there is.
pub(super) fn survey(
    source: &dyn Source,
    options: &ImportOptions,
    progress: &dyn Fn(&Counts),
) -> anyhow::Result<Report> {
    let mut counts = Counts::default();
    let problems = source.problems();
    for experiment in chosen(source, &options.experiments)? {
        if let Err(why) = title(options.project.as_deref(), &experiment.name) {
            problems.add(why);
        }
        counts.experiments += 1;
        counts.tags += experiment.tags.len() as u64;
        for id in source.runs(&experiment)? {
            counts.runs += 1;
            progress(&counts);
            let Some(run) = problems.noted(source.run(&experiment, &id))? else {
                continue;
            };
            run_counted(source, &run, &mut counts)?;
            if options.artifacts {
                problems.noted(files_counted(source, Owner::Run(&run), &mut counts))?;
            }
        }
        for model in source.models(&experiment)? {
            counts.logged_models += 1;
            if options.artifacts {
                problems.noted(files_counted(source, Owner::Model(&model), &mut counts))?;
            }
        }
    }
    if options.experiments.is_empty() {
        for registered in source.registered()? {
            counts.registered_models += 1;
            counts.versions += registered.versions.len() as u64;
        }
    }
    Ok(Report {
        source: counts,
        problems: problems.all(),
        ..Report::default()
    })
}

fn run_counted(source: &dyn Source, run: &Run, counts: &mut Counts) -> anyhow::Result<()> {
    let name_too = run.name.is_some() && !run.tags.contains_key("mlflow.runName");
    counts.params += run.params.len() as u64;
    counts.tags += run.tags.len() as u64 + u64::from(name_too);
    counts.datasets += run.inputs.len() as u64;
    for metric in &run.metrics {
        let points = source.problems().noted(source.history(run, metric))?;
        counts.points += points.map_or(0, |points| points.len() as u64);
    }
    Ok(())
}

fn files_counted(source: &dyn Source, owner: Owner<'_>, counts: &mut Counts) -> Read<()> {
    for file in source.files(owner)? {
        counts.files += 1;
        counts.bytes += file.size;
    }
    Ok(())
}
