//! CSV and JSONL as datasets.

use mlhub_data::{DataError, Format, Progress, describe, inspect, row_ids};
use proptest::prelude::*;

use crate::fixtures::{Folder, look, refusal};

const IRIS_LIKE: &str = "id,width,species,count\na,1.5,setosa,1\nb,2.5,virginica,2\nc,,setosa,3\n";

#[test]
fn a_csv_file_is_described_without_samples() {
    let folder = Folder::new();
    let path = folder.write("iris.csv", IRIS_LIKE);
    let inspection = look(&path).unwrap();
    assert_eq!(
        (inspection.format, inspection.rows, inspection.size_bytes),
        (Format::Csv, Some(3), IRIS_LIKE.len() as u64)
    );
    let dtypes: Vec<_> = inspection
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.dtype.as_str(), c.nulls, c.distinct))
        .collect();
    assert_eq!(
        dtypes,
        [
            ("id", "string", 0, 3),
            ("width", "float", 1, 2),
            ("species", "string", 0, 2),
            ("count", "int", 0, 3)
        ]
    );
    assert_eq!(inspection.columns[1].mean, Some(2.0));
    assert_eq!(
        inspection.files[0].hash,
        blake3::hash(IRIS_LIKE.as_bytes()).to_hex().to_string()
    );
    assert_eq!(inspection.row_hashes.len(), 3);
    let facts = describe(&path, None).unwrap();
    let all = format!(
        "{facts}{}{}",
        serde_json::to_string(&facts).unwrap(),
        serde_json::to_string(&inspection).unwrap()
    );
    assert!(!all.contains("setosa"), "{all}");
    assert!(
        facts
            .to_string()
            .contains("width float[] nulls=1 distinct=2 min=1.5 max=2.5"),
        "{facts}"
    );
}

#[test]
fn inspections_survive_json() {
    let folder = Folder::new();
    let inspection = look(&folder.write("iris.csv", IRIS_LIKE)).unwrap();
    let json = serde_json::to_string(&inspection).unwrap();
    assert_eq!(
        serde_json::from_str::<mlhub_data::Inspection>(&json).unwrap(),
        inspection
    );
}

/// Frozen: a registered dataset version must keep its fingerprint for ever.
#[test]
fn fingerprints_and_row_hashes_are_frozen() {
    let folder = Folder::new();
    let csv = look(&folder.write("iris.csv", IRIS_LIKE)).unwrap();
    let jsonl = "{\"b\":[1,2.5],\"a\":\"x\"}\n{\"a\":null,\"b\":{\"k\":true}}\n";
    let jsonl = look(&folder.write("x.jsonl", jsonl)).unwrap();
    assert_eq!(
        (
            csv.fingerprint.as_str(),
            csv.row_hashes.as_slice(),
            jsonl.row_hashes.as_slice()
        ),
        (
            "v1:bc99768ddb27721816ca2c6eee946bfbe843b99074cd0b3a07a84c21091ba645",
            &[
                17484681747937094290,
                4452643082209857704,
                10338430846061045855
            ][..],
            &[18360823222504621156, 3165266366282168240][..]
        )
    );
}

#[test]
fn fingerprint_depends_on_content_not_on_name_or_time() {
    let folder = Folder::new();
    let a = folder.write("a.csv", IRIS_LIKE);
    let b = folder.write("sub/b.csv", IRIS_LIKE);
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options()
        .append(true)
        .open(&b)
        .unwrap()
        .set_modified(past)
        .unwrap();
    assert_eq!(look(&a).unwrap().fingerprint, look(&b).unwrap().fingerprint);
    let other = folder.write("c.csv", IRIS_LIKE.replace("2.5", "2.6"));
    assert_ne!(
        look(&a).unwrap().fingerprint,
        look(&other).unwrap().fingerprint
    );
}

#[test]
fn the_same_values_have_the_same_row_hashes_however_they_are_written() {
    let folder = Folder::new();
    let plain = look(&folder.write("plain.csv", "a,b\n1,x y\n2,z\n")).unwrap();
    let dressed =
        look(&folder.write("dressed.csv", "\u{feff}\"a\",b\r\n\"1\",\"x y\"\r\n\r\n2,z")).unwrap();
    assert_eq!(plain.row_hashes, dressed.row_hashes);
    assert_eq!(
        dressed.columns[0].name, "a",
        "no byte order mark in the name"
    );
    let one = look(&folder.write("one.jsonl", "{\"a\":1,\"b\":{\"x\":1,\"y\":2}}\n")).unwrap();
    let two = look(&folder.write("two.jsonl", "{ \"b\" : {\"y\":2,\"x\":1}, \"a\":1 }")).unwrap();
    assert_eq!(one.row_hashes, two.row_hashes);
}

#[test]
fn jsonl_columns_have_types_and_shapes() {
    let folder = Folder::new();
    let path = folder.write("x.jsonl", "{\"v\":[1,2,3],\"n\":1,\"t\":\"SAMPLE\",\"o\":{\"k\":1}}\n{\"v\":[4,5,NaN],\"n\":null,\"t\":\"u\",\"o\":{}}\n");
    let inspection = look(&path).unwrap();
    let columns: Vec<_> = inspection
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.dtype.as_str(),
                c.shape.as_slice(),
                c.nulls,
                c.non_finite,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("n", "int", &[][..], 1, 0),
            ("o", "object", &[][..], 0, 0),
            ("t", "string", &[][..], 0, 0),
            ("v", "float", &[3][..], 0, 1)
        ]
    );
}

#[test]
fn bad_text_files_are_refused_with_place_and_remedy() {
    let folder = Folder::new();
    let cases: [(&str, &[u8], &str); 10] = [
        (
            "ragged.csv",
            b"a,b\nSAMPLE,2\nSAMPLE\n",
            "ragged.csv: 1 ragged record(s): line 3 has 1 field(s) where the header has 2",
        ),
        (
            "utf8.csv",
            b"a,b\nSAMPLE,\xff\n",
            "utf8.csv: line 2: invalid UTF-8 at byte 8",
        ),
        ("empty.csv", b"", "empty.csv: empty: the file has no bytes"),
        ("header.csv", b"a,b\n", "a header but no rows"),
        (
            "twice.csv",
            b"a,a\n1,2\n",
            "columns 1 and 2 are both named `a`",
        ),
        (
            "utf16.csv",
            b"\xff\xfea\0,\0",
            "UTF-16 text; save it as UTF-8",
        ),
        ("zip.csv", b"PK\x03\x04abcd", "starts like a zip archive"),
        (
            "bad.jsonl",
            b"{\"a\":\"SAMPLE\"}\n{\"a\":SAMPLE}\n",
            "bad.jsonl: line 2, column 6: invalid JSON",
        ),
        (
            "list.jsonl",
            b"[\"SAMPLE\"]\n",
            "list.jsonl: line 1: not a JSON object",
        ),
        (
            "keys.jsonl",
            b"{\"a\":\"SAMPLE\"}\n{\"b\":1}\n",
            "keys.jsonl: line 2: keys differ from those of line 1: lacks `a` and adds `b`",
        ),
    ];
    for (name, bytes, expected) in cases {
        let message = refusal(&folder.write(name, bytes));
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn formats_are_told_by_name_and_bytes() {
    let folder = Folder::new();
    assert_eq!(
        Format::detect(&folder.write("a.NDJSON", "{\"a\":1}")).unwrap(),
        Format::Jsonl
    );
    let unknown = folder.write("a.dat", "a,b\n1,2\n");
    assert!(matches!(
        Format::detect(&unknown),
        Err(DataError::UnknownFormat { .. })
    ));
    let stated = inspect(&unknown, Some(Format::Csv), &mut |_| {}).unwrap();
    assert_eq!(stated.rows, Some(1));
    let kind = inspect(&folder.path(""), Some(Format::Csv), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        kind.contains("is a folder, but format csv needs a file"),
        "{kind}"
    );
}

#[cfg(unix)]
#[test]
fn a_device_is_refused_instead_of_read() {
    let error = inspect(
        std::path::Path::new("/dev/null"),
        Some(Format::Csv),
        &mut |_| {},
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("neither a file nor a folder"),
        "{error}"
    );
}

#[test]
fn progress_runs_from_nothing_to_everything() {
    let folder = Folder::new();
    let text = format!("a,b\n{}", "1234567,7654321\n".repeat(1_500_000));
    let path = folder.write("big.csv", &text);
    let mut seen: Vec<Progress> = Vec::new();
    inspect(&path, None, &mut |progress| seen.push(progress)).unwrap();
    assert!(seen.len() >= 4, "{seen:?}");
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].bytes_done <= pair[1].bytes_done)
    );
    assert_eq!(
        (seen[0].bytes_done, seen[seen.len() - 1].bytes_done),
        (0, text.len() as u64)
    );
}

#[test]
fn row_ids_are_a_column_or_positions() {
    let folder = Folder::new();
    let path = folder.write("iris.csv", IRIS_LIKE);
    assert_eq!(
        row_ids(&path, Format::Csv, Some("id")).unwrap(),
        ["a", "b", "c"]
    );
    assert_eq!(row_ids(&path, Format::Csv, None).unwrap(), ["0", "1", "2"]);
    let missing = row_ids(&path, Format::Csv, Some("width"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("column `width`: 1 missing value(s), first at line 4"),
        "{missing}"
    );
    let unknown = row_ids(&path, Format::Csv, Some("specis"))
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("no column `specis`, did you mean `species`?"),
        "{unknown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn one_changed_field_changes_that_row_hash_only(
        rows in prop::collection::vec(prop::collection::vec("[a-c\"\n,é]{0,3}", 2), 2..6),
        pick: prop::sample::Index,
    ) {
        let folder = Folder::new();
        let write = |name: &str, rows: &[Vec<String>]| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["x", "y"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            look(&folder.write(name, writer.into_inner().unwrap())).unwrap().row_hashes
        };
        let before = write("before.csv", &rows);
        let row = pick.index(rows.len());
        let mut changed = rows.clone();
        changed[row][0].push('!');
        let after = write("after.csv", &changed);
        for (index, (old, new)) in before.as_slice().iter().zip(after.as_slice()).enumerate() {
            prop_assert_eq!(old != new, index == row);
        }
    }
}
