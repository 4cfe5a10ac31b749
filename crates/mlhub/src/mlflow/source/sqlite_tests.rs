//! The database read from one made by hand, with the schema that 2.x had.

use super::*;

const SCHEMA: &str = "
    CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
    CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
    CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
    CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN, run_uuid TEXT);
    CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
    CREATE TABLE datasets (dataset_uuid TEXT, name TEXT, digest TEXT, dataset_source_type TEXT, dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
    CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
    INSERT INTO experiments VALUES (1, 'é', '/x/1', 'active'), (2, 'gone', '/x/2', 'deleted');
    INSERT INTO experiment_tags VALUES ('k', NULL, 1);
    INSERT INTO runs VALUES ('abcd', 'n', 'u', 'KILLED', 3, NULL, 'deleted', '/x/1/abcd/artifacts', 1);
    INSERT INTO params VALUES ('p', '1', 'abcd');
    INSERT INTO tags VALUES ('t', 'x', 'abcd');
    INSERT INTO metrics VALUES ('m', 0, 5, 1, 1, 'abcd'), ('m', 1.7976931348623157e308, 6, 2, 0, 'abcd'), ('m', 0.5, 4, 0, 0, 'abcd'), ('m', 0.5, -4, 0, 0, 'abcd');
    INSERT INTO inputs VALUES ('i', 'DATASET', 'd', 'RUN', 'abcd');
    INSERT INTO datasets VALUES ('d', 'iris', 'x1', 'code', '{}', NULL, NULL);
    INSERT INTO input_tags VALUES ('i', 'mlflow.data.context', 'train');
";

fn database(more: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mlflow.db");
    let connection = Connection::open(&path).expect("a database");
    connection.execute_batch(SCHEMA).expect("made");
    connection.execute_batch(more).expect("changed");
    (folder, path)
}

#[test]
fn a_database_of_2_x_is_read_whole() {
    let (_folder, path) = database("");
    let source = Sqlite::open(&path, &[]).expect("a source");
    let all = source.experiments().expect("read");
    assert_eq!((all[0].name.as_str(), all[0].tags["k"].as_str()), ("é", ""));
    assert!(all[1].deleted);
    assert_eq!(source.runs(&all[0]).expect("read"), ["abcd"]);
    let run = source.run(&all[0], "abcd").expect("read");
    assert_eq!(
        (run.status.as_str(), run.ended, run.deleted),
        ("KILLED", None, true)
    );
    assert_eq!(
        (run.params["p"].as_str(), run.tags["t"].as_str()),
        ("1", "x")
    );
    assert_eq!(run.inputs[0]["dataset"]["name"], "iris");
    assert_eq!(run.inputs[0]["tags"][0]["key"], "mlflow.data.context");
    assert_eq!(run.metrics, ["m"]);
    let points = source.history(&run, "m").expect("read");
    let told: Vec<String> = points
        .iter()
        .map(|p| format!("{} {} {:e}", p.step, p.time, p.value))
        .collect();
    assert_eq!(told, ["0 4 5e-1", "1 5 NaN", "2 6 1.7976931348623157e308"]);
    assert!(source.problems().all()[0].contains("before 1970"));
    assert!(source.models(&all[0]).expect("read").is_empty());
    assert!(source.registered().expect("read").is_empty());
    assert!(source.files(Owner::Run(&run)).expect("read").is_empty());
}

#[test]
fn damage_is_told_with_its_table_and_ends_nothing_else() {
    let (_folder, path) = database(
        "INSERT INTO metrics VALUES ('bad', 1.0, 'soon', 0, 0, 'abcd');
         INSERT INTO runs VALUES ('odd1', 'n', 'u', 'SLEEPING', 3, NULL, 'active', '', 1);
         INSERT INTO runs VALUES ('odd2', 'n', 'u', 'FINISHED', x'00', NULL, 'active', '', 1);",
    );
    let source = Sqlite::open(&path, &[]).expect("a source");
    let all = source.experiments().expect("read");
    for (run, table) in [
        ("odd1", "`runs`: the field `status`"),
        ("odd2", "table `runs`"),
    ] {
        let Err(Trouble::Damaged(why)) = source.run(&all[0], run) else {
            panic!("{run} was read");
        };
        assert!(why.contains(table) && why.contains(run), "{why}");
    }
    let run = source.run(&all[0], "abcd").expect("read");
    let Err(Trouble::Damaged(why)) = source.history(&run, "bad") else {
        panic!("a damaged point was read");
    };
    assert!(
        why.contains("table `metrics`") && why.contains("`bad`"),
        "{why}"
    );
    assert_eq!(source.history(&run, "m").expect("read").len(), 3);
}

#[test]
fn what_is_no_database_of_mlflow_is_refused_and_views_are_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("x.db");
    std::fs::write(&text, "no database at all, but a long text").expect("written");
    let refused = |path: &Path| Sqlite::open(path, &[]).err().expect("refused").to_string();
    assert!(refused(&text).contains("x.db"));
    let empty = folder.path().join("empty.db");
    drop(Connection::open(&empty).and_then(|db| db.execute_batch("CREATE TABLE x (a)")));
    assert!(refused(&empty).contains("no table `experiments`"));
    // A view that never ends.
    let (_folder, path) = database(
        "DROP TABLE tags; CREATE VIEW tags AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key FROM n) SELECT key, key AS value, key AS run_uuid FROM n;",
    );
    assert!(refused(&path).contains("no table `tags`"));
}
