//! `mlhub retention`.

use clap::{Subcommand, ValueEnum};
use mlhub_protocol::rest::{KeepBest, RetentionApply, RetentionRule, RetentionSet};

use super::deletions::print_report;
use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60 * 1000;

/// What `retention` does.
#[derive(Subcommand)]
pub(crate) enum RetentionCommand {
    /// Set a rule; one of the same name is replaced
    Set {
        /// The rule's name
        name: String,
        /// Which runs, in the query language [default: all]
        #[arg(long, default_value = "")]
        query: String,
        /// What is done to them
        #[arg(long, value_enum)]
        action: Action,
        /// Only runs that ended, or were deleted, at least so long ago: 90m, 12h, 30d, 8w
        #[arg(long, value_name = "AGE")]
        after: Option<String>,
        /// The newest runs of each experiment that are left alone
        #[arg(long, value_name = "N", default_value_t = 0)]
        keep_last: u32,
        /// The best runs of each experiment that are left alone too; needs --by
        #[arg(long, value_name = "N", requires = "by")]
        keep_best: Option<u32>,
        /// What is best is said by this number, such as metrics.acc or eval.test.accuracy
        #[arg(long, value_name = "KEY", requires = "keep_best")]
        by: Option<String>,
        /// Less is better
        #[arg(long, requires = "keep_best")]
        minimize: bool,
    },
    /// List the rules
    List,
    /// Remove a rule
    Remove {
        /// The rule's name
        name: String,
    },
    /// Apply one rule, or all, now; the hub does it every hour
    Apply {
        /// The rule's name
        name: Option<String>,
        /// Only print what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

/// What a rule does.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Action {
    /// Hide the runs
    Delete,
    /// Remove the runs for good
    Purge,
    /// Remove their artifacts for good
    DropArtifacts,
    /// Remove their captured output for good
    DropLogs,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Purge => "purge",
            Self::DropArtifacts => "drop_artifacts",
            Self::DropLogs => "drop_logs",
        }
    }
}

/// Runs the command.
pub(crate) fn retention(global: &Global, command: RetentionCommand) -> anyhow::Result<u8> {
    match command {
        RetentionCommand::Set {
            name,
            query,
            action,
            after,
            keep_last,
            keep_best,
            by,
            minimize,
        } => {
            let direction = if minimize { "minimize" } else { "maximize" };
            let rule = RetentionSet {
                query,
                action: action.as_str().to_owned(),
                after_ms: after.as_deref().map(age).transpose()?,
                keep_last,
                keep_best: keep_best.zip(by).map(|(count, by)| KeepBest {
                    count,
                    by,
                    direction: direction.to_owned(),
                }),
            };
            let rule = connect(global)?.client.retention_set(&name, &rule)?;
            match global.json {
                true => output::json(&rule)?,
                false => print_rules(&[rule])?,
            }
        }
        RetentionCommand::List => {
            let rules = connect(global)?.client.retention_list()?.rules;
            match (global.json, rules.is_empty()) {
                (true, _) => output::json(&rules)?,
                (false, true) => output::line("no retention rules; nothing is deleted by itself")?,
                (false, false) => print_rules(&rules)?,
            }
        }
        RetentionCommand::Remove { name } => {
            connect(global)?.client.retention_remove(&name)?;
            if !global.json {
                output::line(format_args!("removed the rule {name}"))?;
            }
        }
        RetentionCommand::Apply { name, dry_run } => {
            let request = RetentionApply { name, dry_run };
            let report = connect(global)?.client.retention_apply(&request)?;
            if global.json {
                output::json(&report)?;
                return Ok(OK);
            }
            for outcome in &report.rules {
                output::line(format_args!("{}:", outcome.rule.name))?;
                print_report(&outcome.report)?;
            }
            if report.rules.is_empty() {
                output::line("no retention rules")?;
            }
        }
    }
    Ok(OK)
}

fn print_rules(rules: &[RetentionRule]) -> anyhow::Result<()> {
    let mut table = output::table(&[
        "NAME",
        "ACTION",
        "AFTER",
        "KEEP LAST",
        "KEEP BEST",
        "QUERY",
        "APPLIED",
    ]);
    let best = |best: &KeepBest| {
        let which = if best.direction == "minimize" {
            "smallest"
        } else {
            "greatest"
        };
        format!("{} {which} {}", best.count, best.by)
    };
    for rule in rules {
        table.add_row([
            rule.name.clone(),
            rule.action.clone(),
            rule.after_ms.map(output::duration).unwrap_or_default(),
            rule.keep_last.to_string(),
            rule.keep_best.as_ref().map(best).unwrap_or_default(),
            rule.query.clone(),
            rule.applied_at.map(output::moment).unwrap_or_default(),
        ]);
    }
    output::print(&table)
}

/// Milliseconds of `90m`, `12h`, `30d` or `8w`.
fn age(text: &str) -> anyhow::Result<i64> {
    let refuse = || {
        fail(
            USAGE,
            format!("`{text}` is no age; write 90m, 12h, 30d or 8w"),
        )
    };
    let unit = text.chars().last().ok_or_else(refuse)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(refuse()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| refuse())?;
    i64::from(count)
        .checked_mul(minutes * MINUTE_MS)
        .ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_in_their_units() {
        for (text, minutes) in [("90m", 90), ("12h", 720), ("30d", 43_200), ("8w", 80_640)] {
            assert_eq!(age(text).expect("an age"), minutes * MINUTE_MS);
        }
        for text in ["", "d", "1", "-1d", "1.5h", "3y", "9999999999999d", "é"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
