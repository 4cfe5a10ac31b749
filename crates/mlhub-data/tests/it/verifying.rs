//! Verification: what changed since a dataset was registered.

use arrow_array::Int64Array;
use mlhub_data::{Changed, Expected, RowChanges, VerifyError, verify};
use proptest::prelude::*;

use crate::fixtures::{Folder, array, look};

fn changed(path: &std::path::Path, expected: &Expected) -> Changed {
    match verify(path, expected) {
        Err(VerifyError::Changed(changed)) => *changed,
        other => panic!("expected a change, got {other:?}"),
    }
}

#[test]
fn an_unchanged_dataset_passes() {
    let folder = Folder::new();
    let path = folder.write("x.csv", "a,b\n1,2\n3,4\n");
    let expected = Expected::from(&look(&path).unwrap());
    verify(&path, &expected).unwrap();
    let json = serde_json::to_string(&expected).unwrap();
    verify(&path, &serde_json::from_str(&json).unwrap()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn one_flipped_byte_is_named_with_its_row(rows in 1usize..40, pick: prop::sample::Index) {
        let folder = Folder::new();
        let text: String = (0..rows).map(|row| format!("{row:04},x\n")).collect();
        let path = folder.write("x.csv", format!("a,b\n{text}"));
        let expected = Expected::from(&look(&path).unwrap());
        let row = pick.index(rows);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4 + row * 7 + 5] = b'y';
        std::fs::write(&path, bytes).unwrap();
        let report = changed(&path, &expected);
        prop_assert_eq!(&report.changed, &["x.csv"]);
        let rows_now = rows as u64;
        prop_assert_eq!(
            report.rows,
            Some(RowChanges { rows_before: rows_now, rows_now, rows_added: 1, rows_removed: 1, changed: 1, first_changed: vec![row as u64] })
        );
    }
}

#[test]
fn the_message_names_file_row_and_remedy() {
    let folder = Folder::new();
    let path = folder.write("x.csv", "a,b\n1,2\n3,4\n");
    let expected = Expected::from(&look(&path).unwrap());
    folder.write("x.csv", "a,b\n1,2\n3,SAMPLE\n5,6\n");
    let message = changed(&path, &expected).to_string();
    assert!(message.contains("changed `x.csv`; 2 row(s) differ, first 1, 2 (counted from 0), 2 new, 1 gone, 3 rows where 2 were expected"), "{message}");
    assert!(
        message.contains("register it again") && !message.contains("SAMPLE"),
        "{message}"
    );
    folder.write("x.csv", "a,b\n1,2,3\n");
    let invalid = changed(&path, &expected);
    assert!(invalid.rows.is_none());
    assert!(
        invalid.to_string().contains("no longer valid") && invalid.to_string().contains("ragged"),
        "{invalid}"
    );
    folder.write("x.csv", "a,b\r\n1,2\r\n3,4\r\n");
    assert!(
        changed(&path, &expected)
            .to_string()
            .contains("all 2 rows hold the same values")
    );
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        verify(&path, &expected),
        Err(VerifyError::Unreadable(_))
    ));
}

#[test]
fn changed_parquet_rows_are_named() {
    let folder = Folder::new();
    let path = folder.parquet(
        "x.parquet",
        vec![("a", array(Int64Array::from(vec![1, 2, 3])))],
    );
    let expected = Expected::from(&look(&path).unwrap());
    folder.parquet(
        "x.parquet",
        vec![("a", array(Int64Array::from(vec![1, 2, 4])))],
    );
    assert_eq!(changed(&path, &expected).rows.unwrap().first_changed, [2]);
}

#[test]
fn files_of_a_folder_are_named() {
    let folder = Folder::new();
    for name in ["d/same", "d/gone", "d/other"] {
        folder.write(name, name);
    }
    let root = folder.path("d");
    let expected = Expected::from(&look(&root).unwrap());
    std::fs::remove_file(folder.path("d/gone")).unwrap();
    folder.write("d/other", "d/othes");
    folder.write("d/new", "");
    let report = changed(&root, &expected);
    assert_eq!(
        (report.added, report.removed, report.changed),
        (
            vec!["new".to_owned()],
            vec!["gone".to_owned()],
            vec!["other".to_owned()]
        )
    );
}
