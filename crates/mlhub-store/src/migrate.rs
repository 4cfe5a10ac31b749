//! Schema versions: one list of migrations for both dialects.
//!
//! Migrations only append. A database that a newer program has migrated is
//! refused before anything is written. All pending migrations run in one
//! transaction, so a program killed half-way leaves the old schema.

use mlhub_core::{Error, ErrorKind, Result};
use refinery::{Migration, Runner};

use crate::sql::Dialect;

/// Name and text of each migration, oldest first.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__base", include_str!("../migrations/V1__base.sql")),
    ("V2__engine", include_str!("../migrations/V2__engine.sql")),
    (
        "V3__deletion",
        include_str!("../migrations/V3__deletion.sql"),
    ),
    (
        "V4__artifact_use",
        include_str!("../migrations/V4__artifact_use.sql"),
    ),
    (
        "V5__artifact_version",
        include_str!("../migrations/V5__artifact_version.sql"),
    ),
    (
        "V6__document",
        include_str!("../migrations/V6__document.sql"),
    ),
    (
        "V7__registry",
        include_str!("../migrations/V7__registry.sql"),
    ),
    (
        "V8__experiment",
        include_str!("../migrations/V8__experiment.sql"),
    ),
    (
        "V9__logged_model",
        include_str!("../migrations/V9__logged_model.sql"),
    ),
    ("V10__trace", include_str!("../migrations/V10__trace.sql")),
];

/// Where applied migrations are remembered.
pub(crate) const HISTORY_TABLE: &str = "refinery_schema_history";

/// The newest schema version this program knows.
pub(crate) fn newest_version() -> i64 {
    MIGRATIONS.last().map_or(0, |(name, _)| version_of(name))
}

/// The number in `V7__name`.
fn version_of(name: &str) -> i64 {
    let number = name.split("__").next().and_then(|head| head.get(1..));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Refuses a database that was migrated by a newer program.
pub(crate) fn check_version(place: &str, found: i64) -> Result<()> {
    let newest = newest_version();
    if found <= newest {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{place} has schema version {found}, and this program knows versions up to {newest}: \
             a newer mlhub has used it. Nothing was changed. Install that version or a newer one, \
             or name another data directory or database"
        ),
    ))
}

/// The migrations in `dialect`.
pub(crate) fn runner(dialect: Dialect) -> Result<Runner> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, &translate(dialect, sql)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::internal("read the embedded migrations", error))?;
    Ok(Runner::new(&migrations).set_grouped(true))
}

fn translate(dialect: Dialect, sql: &str) -> String {
    let types = match dialect {
        Dialect::Sqlite => [
            ("@text@", "TEXT"),
            ("@int@", "INTEGER"),
            ("@real@", "REAL"),
            ("@blob@", "BLOB"),
            ("@key@", "INTEGER PRIMARY KEY"),
            ("@serial@", "INTEGER PRIMARY KEY"),
        ],
        // Bytes are compared, never a language's rules: both dialects sort alike.
        Dialect::Postgres => [
            ("@text@", "TEXT COLLATE \"C\""),
            ("@int@", "BIGINT"),
            ("@real@", "DOUBLE PRECISION"),
            ("@blob@", "BYTEA"),
            ("@key@", "BIGINT PRIMARY KEY"),
            (
                "@serial@",
                "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            ),
        ],
    };
    types
        .into_iter()
        .fold(sql.to_owned(), |sql, (word, name)| sql.replace(word, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_in_order_and_fully_translated() {
        let mut before = 0;
        for (name, sql) in MIGRATIONS {
            assert!(version_of(name) > before, "{name}");
            before = version_of(name);
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let sql = translate(dialect, sql);
                let code = sql
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("--"));
                assert!(code.into_iter().all(|line| !line.contains('@')));
            }
        }
    }

    #[test]
    fn a_newer_schema_is_refused_with_both_versions() {
        let newest = newest_version();
        assert!(check_version("the database", newest).is_ok());
        let error = check_version("the database", newest + 1).expect_err("newer");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let message = error.public_message();
        assert!(
            message.contains(&format!("version {}", newest + 1)),
            "{message}"
        );
        assert!(message.contains(&format!("up to {newest}")), "{message}");
    }

    fn schema(connection: &rusqlite::Connection) -> Vec<String> {
        let sql = "SELECT type || name || coalesce(sql, '') FROM sqlite_master ORDER BY 1";
        let mut statement = connection.prepare(sql).expect("prepare");
        let rows = statement.query_map([], |row| row.get(0)).expect("query");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    fn memory() -> rusqlite::Connection {
        rusqlite::Connection::open_in_memory().expect("open")
    }

    #[test]
    fn a_migrated_database_is_as_a_fresh_one() {
        let runner = || runner(Dialect::Sqlite).expect("migrations");
        let mut fresh = memory();
        runner().run(&mut fresh).expect("all at once");
        let mut migrated = memory();
        for (name, _) in MIGRATIONS {
            let version = version_of(name);
            let target = refinery::Target::Version(i32::try_from(version).expect("small"));
            runner()
                .set_target(target)
                .run(&mut migrated)
                .expect("one by one");
        }
        runner().run(&mut migrated).expect("nothing left");
        assert_eq!(schema(&migrated), schema(&fresh));
        assert!(schema(&fresh).len() > 20);
    }

    #[test]
    fn artifacts_that_were_there_become_versions() {
        let runner = || runner(Dialect::Sqlite).expect("migrations");
        let mut database = memory();
        let before = refinery::Target::Version(4);
        runner()
            .set_target(before)
            .run(&mut database)
            .expect("an older schema");
        let run = |seq: i64, project: &str| {
            format!(
                "INSERT INTO run (seq, id, project, experiment, name, state, owner, attempt, \
                 created_at, stop_requested, changed_at, event_seq) VALUES ({seq}, 'run-{seq}', \
                 '{project}', 'e', 'n', 'finished', 'me', 1, 1, 0, 1, 0);"
            )
        };
        let artifact = |run: i64, path: &str, hash: &str, time: i64| {
            format!(
                "INSERT INTO artifact VALUES ({run}, x'0{path}', '{path}', '{hash}', 1, 'model', \
                 1, {time});"
            )
        };
        let rows = [
            "INSERT INTO project VALUES ('p', '', 1), ('q', '', 1);".to_owned(),
            "INSERT INTO experiment VALUES ('p', 'e', 1, '', 1), ('q', 'e', 2, '', 1);".to_owned(),
            run(1, "p") + &run(2, "p") + &run(3, "p") + &run(4, "q"),
            artifact(1, "1", "a", 10) + &artifact(2, "1", "a", 20) + &artifact(3, "1", "b", 15),
            artifact(1, "2", "x", 10) + &artifact(4, "1", "b", 5),
        ];
        database.execute_batch(&rows.concat()).expect("rows");
        runner().run(&mut database).expect("migrated");
        let sql = "SELECT n.project || n.name || ':' || v.version || v.hash || v.run || n.versions \
                   FROM artifact_name n JOIN artifact_version v USING (project, name_hash) ORDER BY 1";
        let mut statement = database.prepare(sql).expect("prepare");
        let found = statement.query_map([], |row| row.get(0)).expect("query");
        let found: Vec<String> = found.collect::<Result<_, _>>().expect("rows");
        // By the time they were stored, which is not the order of the runs.
        assert_eq!(
            found,
            [
                "p1:0arun-13",
                "p1:1brun-33",
                "p1:2arun-23",
                "p2:0xrun-11",
                "q1:0brun-41"
            ]
        );
    }

    #[test]
    fn a_migration_that_breaks_off_leaves_the_old_schema() {
        let mut database = memory();
        runner(Dialect::Sqlite)
            .expect("migrations")
            .run(&mut database)
            .expect("base");
        database
            .execute_batch("INSERT INTO project VALUES ('p', '', 1)")
            .expect("data");
        let before = schema(&database);
        let mut migrations = runner(Dialect::Sqlite)
            .expect("migrations")
            .get_migrations()
            .clone();
        let texts = [
            "CREATE TABLE later (x INTEGER); DELETE FROM project;",
            "CREATE TABLE more (x INTEGER); CREATE TABLE run (broken);",
        ];
        for (later, text) in (1..).zip(texts) {
            let name = format!("V{}__later", newest_version() + later);
            migrations.push(Migration::unapplied(&name, text).expect("migration"));
        }
        let result = Runner::new(&migrations)
            .set_grouped(true)
            .run(&mut database);
        assert!(result.is_err());
        assert_eq!(schema(&database), before);
        let count: i64 = database
            .query_row("SELECT count(*) FROM project", [], |row| row.get(0))
            .expect("count");
        assert_eq!(count, 1);
    }
}
