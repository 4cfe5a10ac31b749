//! `mlhub metrics`.

use mlhub_eval::MetricDefinition;

use crate::cli::{Global, MetricsCommand};
use crate::exit::{OK, REFUSED, fail};
use crate::output;

/// Lists and shows metric definitions.
pub(crate) fn metrics(global: &Global, command: MetricsCommand) -> anyhow::Result<u8> {
    match command {
        MetricsCommand::List => list(global)?,
        MetricsCommand::Show { definition } => show(global, &definition)?,
    }
    Ok(OK)
}

fn list(global: &Global) -> anyhow::Result<()> {
    let definitions = mlhub_eval::definitions();
    if global.json {
        return output::json(&definitions);
    }
    let mut table = output::table(&["DEFINITION", "TASKS", "BETTER", "HASH"]);
    for definition in definitions {
        let tasks: Vec<&str> = definition.tasks.iter().map(|task| task.as_str()).collect();
        table.add_row([
            definition.id(),
            tasks.join(", "),
            output::serde_name(&definition.direction),
            definition.hash()[..12].to_owned(),
        ]);
    }
    output::print(&table)
}

fn show(global: &Global, reference: &str) -> anyhow::Result<()> {
    let definition = find(reference).ok_or_else(|| {
        fail(
            REFUSED,
            format!("there is no metric definition `{reference}`; `mlhub metrics list` names all"),
        )
    })?;
    if global.json {
        return output::json(definition);
    }
    output::line(format_args!("{}  {}", definition.id(), definition.hash()))?;
    output::line(&definition.formula)?;
    output::line(format_args!("source: {}", definition.source))
}

fn find(reference: &str) -> Option<&'static MetricDefinition> {
    if reference.contains('@') {
        return mlhub_eval::definition(reference);
    }
    mlhub_eval::definitions()
        .iter()
        .filter(|definition| definition.name == reference)
        .max_by_key(|definition| definition.version)
}
