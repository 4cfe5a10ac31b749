//! Searches for runs, in the query language of the hub.

use std::collections::BTreeMap;

use mlhub_app::LOGGED_MODEL_TAG;
use mlhub_core::Name;
use mlhub_core::run::Experiment;

use super::artifact_uris::{self, Ids};
use super::error::{Answer, Refusal};
use super::filter::{self, Clause, How, Operand};
use super::view;

/// Runs of these kinds of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Active,
    Deleted,
    All,
}

impl View {
    pub(super) fn parse(text: Option<&str>) -> Answer<Self> {
        match text {
            None | Some("ACTIVE_ONLY") => Ok(Self::Active),
            Some("DELETED_ONLY") => Ok(Self::Deleted),
            Some("ALL") => Ok(Self::All),
            Some(other) => Err(Refusal::invalid(format!(
                "Invalid value \"{other}\" for parameter 'view_type' supplied: it is \
                 ACTIVE_ONLY, DELETED_ONLY or ALL"
            ))),
        }
    }
}

/// The tag that holds the name of a run as it was given.
pub(super) const NAME_TAG: &str = "mlflow.runName";
/// The tag that holds who made a run.
pub(super) const USER_TAG: &str = "mlflow.user";

/// Statuses and the states they stand for.
const STATUSES: [(&str, &[&str]); 5] = [
    ("RUNNING", &["running"]),
    ("SCHEDULED", &["queued"]),
    ("FINISHED", &["finished"]),
    ("FAILED", &["failed", "lost"]),
    ("KILLED", &["stopped"]),
];

/// What a search asks for.
pub(super) struct Wanted {
    /// The condition, in the query language.
    pub(super) query: String,
    /// What it asks of datasets, for which that language has no words.
    pub(super) datasets: Vec<Clause>,
}

/// An experiment that is searched.
pub(super) struct Place {
    pub(super) project: Name,
    pub(super) experiment: Name,
    /// Where the artifacts of its runs are.
    pub(super) location: String,
}

impl Place {
    pub(super) fn of(experiment: &Experiment) -> Self {
        Self {
            project: experiment.project.clone(),
            experiment: experiment.name.clone(),
            location: view::location(experiment),
        }
    }
}

/// What a search means.
pub(super) fn wanted(places: &[Place], text: &str, view: View) -> Answer<Wanted> {
    let mut parts = Vec::new();
    match view {
        View::Active => {}
        View::Deleted => parts.push("deleted is not null".to_owned()),
        View::All => parts.push("(deleted is null or deleted is not null)".to_owned()),
    }
    // Runs that are there for the files of a logged model are none to clients.
    parts.push(format!("tags.{} is null", quote(LOGGED_MODEL_TAG, '"')));
    parts.push(within(places));
    let mut datasets = Vec::new();
    for clause in filter::parse(text)? {
        match clause.entity.as_deref() {
            Some("dataset" | "datasets") => datasets.push(clause),
            _ => parts.push(condition(&clause, places)?),
        }
    }
    Ok(Wanted {
        query: parts.join(" and "),
        datasets,
    })
}

fn within<'p>(places: impl IntoIterator<Item = &'p Place>) -> String {
    let mut by_project: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for place in places {
        let of = by_project.entry(place.project.as_str()).or_default();
        of.push(quote(place.experiment.as_str(), '\''));
    }
    let of_project = |(project, experiments): (&str, Vec<String>)| {
        let project = quote(project, '\'');
        format!(
            "project = {project} and experiment in ({})",
            experiments.join(", ")
        )
    };
    let parts: Vec<String> = by_project.into_iter().map(of_project).collect();
    match parts.is_empty() {
        true => "id is null".to_owned(),
        false => format!("({})", parts.join(" or ")),
    }
}

/// A text in quotes of the query language.
pub(super) fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            same if same == mark => quoted.extend(['\\', same]),
            other if other.is_control() => {
                quoted.push_str(&format!("\\u{{{:X}}}", u32::from(other)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push(mark);
    quoted
}

fn literal(value: &Operand) -> String {
    match value {
        Operand::Number(number) => format!("{number:?}"),
        Operand::Text(text) => quote(text, '\''),
        Operand::Texts(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quote(text, '\'')).collect();
            format!("({})", texts.join(", "))
        }
        Operand::Nothing => String::new(),
    }
}

fn test(operand: &str, clause: &Clause) -> String {
    let text = format!(
        "{operand} {} {}",
        clause.how.symbol(),
        literal(&clause.value)
    );
    text.trim_end().to_owned()
}

fn condition(clause: &Clause, places: &[Place]) -> Answer<String> {
    let key = quote(&clause.key, '"');
    match clause.entity.as_deref() {
        Some("metric" | "metrics") => metric(clause, &key),
        Some("parameter" | "parameters" | "param" | "params") => label(clause, "params", &key),
        Some("tag" | "tags") => label(clause, "tags", &key),
        None | Some("attribute" | "attributes" | "attr" | "run") => attribute(clause, places),
        Some(other) => Err(Refusal::invalid(format!(
            "Invalid entity type '{other}'. Valid values are ['metric', 'parameter', 'tag', \
             'attribute', 'dataset']"
        ))),
    }
}

fn metric(clause: &Clause, key: &str) -> Answer<String> {
    if !matches!(clause.value, Operand::Number(_)) {
        return Err(Refusal::invalid(format!(
            "Expected numeric value type for metric. Found {}",
            literal(&clause.value)
        )));
    }
    refuse_text_tests(clause, "metric")?;
    Ok(test(&format!("metrics.{key}"), clause))
}

fn label(clause: &Clause, family: &str, key: &str) -> Answer<String> {
    let what = family.trim_end_matches('s');
    let plain = matches!(
        clause.how,
        How::Equal | How::NotEqual | How::Like | How::Ilike | How::IsNull | How::IsNotNull
    );
    if !plain {
        return Err(Refusal::invalid(format!(
            "Invalid comparator '{}' not one of '!=', '=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL' \
             for a {what}",
            clause.how.symbol().to_uppercase()
        )));
    }
    if let Operand::Number(number) = clause.value {
        return Err(Refusal::invalid(format!(
            "Expected a quoted string value for {what} (e.g. 'my-value'). Got value {number}"
        )));
    }
    Ok(test(&format!("{family}.{key}"), clause))
}

fn refuse_text_tests(clause: &Clause, what: &str) -> Answer<()> {
    match clause.how {
        How::Equal
        | How::NotEqual
        | How::Less
        | How::LessOrEqual
        | How::Greater
        | How::GreaterOrEqual => Ok(()),
        other => Err(Refusal::invalid(format!(
            "Invalid comparator '{}' not one of '>', '>=', '!=', '=', '<', '<=' for a {what}",
            other.symbol().to_uppercase()
        ))),
    }
}

fn attribute(clause: &Clause, places: &[Place]) -> Answer<String> {
    let key = clause.key.to_lowercase().replace(' ', "_");
    if matches!(clause.how, How::IsNull | How::IsNotNull) {
        return Err(Refusal::invalid(format!(
            "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' '{key}'"
        )));
    }
    match key.as_str() {
        "start_time" | "created" | "end_time" => moment(clause, &key),
        "run_id" | "run_name" | "user_id" | "status" | "artifact_uri" | "lifecycle_stage" => {
            text_attribute(clause, &key, places)
        }
        _ => Err(Refusal::invalid(format!(
            "Invalid attribute key '{}' specified. Valid keys are 'run_id', 'run_name', 'user_id', \
             'status', 'artifact_uri', 'start_time', 'end_time', 'created'",
            clause.key
        ))),
    }
}

/// Times are milliseconds there and dates here.
fn moment(clause: &Clause, key: &str) -> Answer<String> {
    let Operand::Number(ms) = clause.value else {
        return Err(Refusal::invalid(format!(
            "Expected numeric value type for numeric attribute: {key}. Found {}",
            literal(&clause.value)
        )));
    };
    refuse_text_tests(clause, "numeric attribute")?;
    let field = match key {
        "end_time" => "ended",
        _ => "started",
    };
    // Times are whole milliseconds, so that between two of them nothing is equal.
    let whole = ms.clamp(-6.0e13, 2.5e14);
    let (how, ms) = match clause.how {
        _ if whole.fract() == 0.0 => (clause.how, whole),
        How::Equal => return Ok("id is null".to_owned()),
        How::NotEqual => return Ok(format!("{field} is not null")),
        How::Less | How::LessOrEqual => (How::LessOrEqual, whole.floor()),
        _ => (How::GreaterOrEqual, whole.ceil()),
    };
    Ok(format!("{field} {} '{}'", how.symbol(), date(ms as i64)))
}

/// A time as a date, UTC.
fn date(ms: i64) -> String {
    let days = ms.div_euclid(86_400_000);
    let of_day = ms.rem_euclid(86_400_000);
    // Days since 1970 to a date: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = (month_shifted + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

fn text_attribute(clause: &Clause, key: &str, places: &[Place]) -> Answer<String> {
    if let Operand::Number(number) = clause.value {
        return Err(Refusal::invalid(format!(
            "Expected a quoted string value for attributes. Got value {number}"
        )));
    }
    if !matches!(
        clause.how,
        How::Equal | How::NotEqual | How::Like | How::Ilike | How::In | How::NotIn
    ) {
        return Err(Refusal::invalid(format!(
            "Invalid comparator '{}' not one of '!=', '=', 'LIKE', 'ILIKE', 'IN', 'NOT IN' for a \
             string attribute",
            clause.how.symbol()
        )));
    }
    if matches!(clause.how, How::In | How::NotIn) && key != "run_id" {
        return Err(Refusal::invalid(
            "Only ['run_id'] attributes support comparison with a list of quoted string values.",
        ));
    }
    match key {
        "run_id" => Ok(test("id", clause)),
        "run_name" => Ok(tagged(clause, NAME_TAG, "name")),
        "user_id" => Ok(tagged(clause, USER_TAG, "owner")),
        "status" => Ok(one_of("state", clause, &STATUSES)),
        "lifecycle_stage" => {
            let stages = [
                ("active", "deleted is null"),
                ("deleted", "deleted is not null"),
            ];
            let mut met = stages
                .iter()
                .filter(|(stage, _)| clause.how.texts(stage, &clause.value))
                .map(|(_, condition)| *condition);
            Ok(match (met.next(), met.next()) {
                (None, _) => "id is null".to_owned(),
                (Some(one), None) => one.to_owned(),
                (Some(_), Some(_)) => "id is not null".to_owned(),
            })
        }
        _ => artifact_uri(clause, places),
    }
}

/// A value that is in a tag where a client gave it, and otherwise in a field.
fn tagged(clause: &Clause, tag: &str, field: &str) -> String {
    let tag = format!("tags.{}", quote(tag, '"'));
    format!(
        "({} or ({tag} is null and {}))",
        test(&tag, clause),
        test(field, clause)
    )
}

/// A field that has one of a few values, which are called otherwise there.
fn one_of(field: &str, clause: &Clause, values: &[(&str, &[&str])]) -> String {
    let met: Vec<String> = values
        .iter()
        .filter(|(title, _)| clause.how.texts(title, &clause.value))
        .flat_map(|(_, here)| here.iter().map(|value| quote(value, '\'')))
        .collect();
    match met.is_empty() {
        true => "id is null".to_owned(),
        false => format!("{field} in ({})", met.join(", ")),
    }
}

/// The place of a run's artifacts is that of its experiment and its id.
fn artifact_uri(clause: &Clause, places: &[Place]) -> Answer<String> {
    let mut groups: BTreeMap<Ids, Vec<&Place>> = BTreeMap::new();
    for place in places {
        let ids = artifact_uris::ids(clause, &place.location)?;
        groups.entry(ids).or_default().push(place);
    }
    let met = groups.into_iter().filter(|(ids, _)| *ids != Ids::None);
    let parts: Vec<String> = met
        .map(|(ids, places)| format!("({} and {})", within(places), of_ids(&ids)))
        .collect();
    Ok(match parts.is_empty() {
        true => "id is null".to_owned(),
        false => format!("({})", parts.join(" or ")),
    })
}

fn of_ids(ids: &Ids) -> String {
    let any = |how: &str, patterns: &[String]| {
        let tests = patterns
            .iter()
            .map(|pattern| format!("id {how} {}", quote(pattern, '\'')));
        format!("({})", tests.collect::<Vec<_>>().join(" or "))
    };
    match ids {
        Ids::None => "id is null".to_owned(),
        Ids::All => "id is not null".to_owned(),
        Ids::Only(id) => format!("id = {}", quote(id, '\'')),
        Ids::Not(id) => format!("id != {}", quote(id, '\'')),
        Ids::Like(patterns) => any("like", patterns),
        Ids::Ilike(patterns) => any("ilike", patterns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(experiment: &str) -> Place {
        Place {
            project: "p".parse().expect("a name"),
            experiment: experiment.parse().expect("a name"),
            location: "mlflow-artifacts:/1".to_owned(),
        }
    }

    fn condition_of(filter: &str) -> Answer<String> {
        wanted(&[place("it's")], filter, View::Active).map(|wanted| {
            wanted
                .query
                .split_once(" and experiment")
                .map_or(String::new(), |(_, rest)| rest.to_owned())
        })
    }

    #[test]
    fn comparisons_are_written_in_the_query_language() {
        for (filter, wanted) in [
            ("", ""),
            ("metrics.`a b` >= 0.5", " and metrics.\"a b\" >= 0.5"),
            ("params.lr = '0.1'", " and params.\"lr\" = '0.1'"),
            ("tags.x LIKE 'a%'", " and tags.\"x\" like 'a%'"),
            ("tags.x IS NULL", " and tags.\"x\" is null"),
            ("status = 'FAILED'", " and state in ('failed', 'lost')"),
            (
                "status LIKE 'F%'",
                " and state in ('finished', 'failed', 'lost')",
            ),
            ("status = 'failed'", " and id is null"),
            (
                "start_time > 1704067200000",
                " and started > '2024-01-01T00:00:00.000Z'",
            ),
            (
                "end_time < 951782400000.5",
                " and ended <= '2000-02-29T00:00:00.000Z'",
            ),
            (
                "attributes.run_name = 'a'",
                " and (tags.\"mlflow.runName\" = 'a' or (tags.\"mlflow.runName\" is null and name = 'a'))",
            ),
            ("run_id NOT IN ('a')", " and id not in ('a')"),
            (
                "artifact_uri = 'mlflow-artifacts:/1/abcd/artifacts'",
                " and (((project = 'p' and experiment in ('it\\'s')) and id = 'abcd'))",
            ),
            (
                "artifact_uri = 'mlflow-artifacts:/2/abcd/artifacts'",
                " and id is null",
            ),
            (
                "artifact_uri ILIKE '%/1/AB%'",
                " and (((project = 'p' and experiment in ('it\\'s')) and (id ilike 'ab' or id ilike 'ab%')))",
            ),
        ] {
            let found = condition_of(filter).expect(filter);
            assert_eq!(found, format!(" in ('it\\'s')){wanted}"), "{filter}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for filter in [
            "metrics.a = 'x'",
            "metrics.a LIKE 1",
            "params.a > 'x'",
            "params.a = 1",
            "status > 'x'",
            "status IN ('FINISHED')",
            "start_time = 'x'",
            "run_id IS NULL",
            "nothing = 'x'",
            "model.a = 'x'",
        ] {
            assert!(condition_of(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn what_is_asked_of_datasets_stands_apart() {
        let filter = "datasets.name = 'a' AND params.p = 'x' AND dataset.digest IN ('b', 'c')";
        let wanted = wanted(&[place("e")], filter, View::Active).expect("a query");
        assert!(
            wanted.query.ends_with(" and params.\"p\" = 'x'"),
            "{}",
            wanted.query
        );
        let keys: Vec<&str> = wanted.datasets.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["name", "digest"]);
    }
}
