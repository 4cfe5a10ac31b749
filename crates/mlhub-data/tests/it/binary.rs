//! Parquet and NPZ as datasets.

use std::sync::Arc;

use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeListArray,
    Float32Array, Float64Array, Int32Array, Int64Array, LargeStringArray, ListArray, MapArray,
    StringArray, StructArray, UInt64Array,
};
use arrow_schema::{DataType, Field};
use mlhub_data::Format;
use proptest::prelude::*;

use crate::fixtures::{Folder, array, f64s, i64s, look, npy, refusal};

fn small_parquet(folder: &Folder, name: &str) -> std::path::PathBuf {
    folder.parquet(
        name,
        vec![
            ("i", array(Int32Array::from(vec![Some(1), None, Some(3)]))),
            ("f", array(Float32Array::from(vec![0.5, f32::NAN, 1.5]))),
            ("t", array(StringArray::from(vec!["SAMPLE", "b", "b"]))),
        ],
    )
}

#[test]
fn a_parquet_file_is_described() {
    let folder = Folder::new();
    let inspection = look(&small_parquet(&folder, "x.parquet")).unwrap();
    assert_eq!(
        (inspection.format, inspection.rows),
        (Format::Parquet, Some(3))
    );
    let columns: Vec<_> = inspection
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.dtype.as_str(),
                c.nulls,
                c.distinct,
                c.non_finite,
                c.min,
                c.max,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("i", "int", 1, 2, 0, Some(1.0), Some(3.0)),
            ("f", "float", 0, 3, 1, Some(0.5), Some(1.5)),
            ("t", "string", 0, 2, 0, None, None)
        ]
    );
}

#[test]
fn the_same_values_hash_the_same_in_other_widths_and_encodings() {
    let folder = Folder::new();
    let narrow = look(&small_parquet(&folder, "narrow.parquet")).unwrap();
    let words: DictionaryArray<Int32Type> = vec!["SAMPLE", "b", "b"].into_iter().collect();
    let wide = folder.parquet(
        "wide.parquet",
        vec![
            ("i", array(Int64Array::from(vec![Some(1), None, Some(3)]))),
            ("f", array(Float64Array::from(vec![0.5, f64::NAN, 1.5]))),
            ("t", array(words)),
        ],
    );
    assert_eq!(look(&wide).unwrap().row_hashes, narrow.row_hashes);
    let large = folder.parquet(
        "large.parquet",
        vec![
            ("i", array(Int64Array::from(vec![Some(1), None, Some(3)]))),
            ("f", array(Float64Array::from(vec![0.5, f64::NAN, 1.5]))),
            ("t", array(LargeStringArray::from(vec!["SAMPLE", "b", "b"]))),
        ],
    );
    assert_eq!(look(&large).unwrap().row_hashes, narrow.row_hashes);
}

/// Frozen, as row hashes are stored: every supported kind of column.
#[test]
fn nested_and_rare_types_are_hashed_and_frozen() {
    let folder = Folder::new();
    let lists = ListArray::from_iter_primitive::<Float32Type, _, _>([
        Some(vec![Some(1.0), Some(2.0)]),
        Some(vec![None]),
    ]);
    let vectors = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        [Some([1, 2].map(Some)), Some([3, 4].map(Some))],
        2,
    );
    let inner: arrow_array::ArrayRef = Arc::new(Date32Array::from(vec![1, 2]));
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("d", DataType::Date32, true)),
        inner,
    )]);
    let path = folder.parquet(
        "x.parquet",
        vec![
            ("list", array(lists)),
            ("vector", array(vectors)),
            ("struct", array(structs)),
            ("bytes", array(BinaryArray::from(vec![&b"a"[..], b"b"]))),
            (
                "decimal",
                array(
                    Decimal128Array::from(vec![100, 200])
                        .with_precision_and_scale(10, 2)
                        .unwrap(),
                ),
            ),
            ("date", array(Date32Array::from(vec![Some(5), None]))),
            ("big", array(UInt64Array::from(vec![u64::MAX, 1]))),
            ("bool", array(BooleanArray::from(vec![true, false]))),
        ],
    );
    let inspection = look(&path).unwrap();
    let dtypes: Vec<_> = inspection
        .columns
        .iter()
        .map(|c| (c.dtype.as_str(), c.shape.as_slice()))
        .collect();
    assert_eq!(
        dtypes,
        [
            ("list", &[][..]),
            ("float", &[2][..]),
            ("struct", &[][..]),
            ("binary", &[][..]),
            ("decimal", &[][..]),
            ("date", &[][..]),
            ("int", &[][..]),
            ("bool", &[][..])
        ]
    );
    assert_eq!(
        inspection.row_hashes.as_slice(),
        [16098710572653785821, 5981534806488599176]
    );
}

#[test]
fn bad_parquet_files_are_refused() {
    let folder = Folder::new();
    let good = std::fs::read(small_parquet(&folder, "good.parquet")).unwrap();
    let cut = refusal(&folder.write("cut.parquet", &good[..good.len() / 2]));
    assert!(
        cut.contains("cut.parquet: damaged: the Parquet footer is missing"),
        "{cut}"
    );
    let mut footer = good.clone();
    let length = footer.len();
    footer[length - 8..length - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(&folder.write("footer.parquet", &footer)).contains("damaged: Parquet footer"));
    assert!(
        refusal(&folder.write("text.parquet", "a,b\n1,2\n")).contains("does not start with PAR1")
    );
    let none = folder.parquet(
        "none.parquet",
        vec![("i", array(Int32Array::from(Vec::<i32>::new())))],
    );
    assert!(refusal(&none).contains("a schema but no rows"));
}

#[test]
fn unsupported_parquet_types_are_named() {
    let folder = Folder::new();
    let values = Int32Array::from(vec![1, 2]);
    let map = MapArray::new_from_strings(["k", "l"].into_iter(), &values, &[0, 1, 2]).unwrap();
    let message = refusal(&folder.parquet("map.parquet", vec![("tags", array(map))]));
    assert!(message.contains("column `tags` has type Map"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn damaged_binary_files_never_panic(position: prop::sample::Index, byte: u8, is_npz: bool) {
        let folder = Folder::new();
        let path = if is_npz { small_npz(&folder, "x.npz") } else { small_parquet(&folder, "x.parquet") };
        let mut bytes = std::fs::read(&path).unwrap();
        let at = position.index(bytes.len());
        bytes[at] = byte;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(inspection) = look(&path) {
            prop_assert_eq!(inspection.rows, Some(3));
        }
    }
}

fn small_npz(folder: &Folder, name: &str) -> std::path::PathBuf {
    folder.npz(
        name,
        &[
            ("y", npy("<i8", false, "(3,)", &i64s(&[0, 1, 1]))),
            (
                "x",
                npy(
                    "<f8",
                    false,
                    "(3, 2)",
                    &f64s(&[1.0, 2.0, 3.0, 4.0, 5.0, f64::NAN]),
                ),
            ),
        ],
    )
}

#[test]
fn an_npz_file_is_described() {
    let folder = Folder::new();
    let inspection = look(&small_npz(&folder, "x.npz")).unwrap();
    assert_eq!(inspection.rows, Some(3));
    let columns: Vec<_> = inspection
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.dtype.as_str(),
                c.shape.as_slice(),
                c.distinct,
                c.non_finite,
                c.max,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("x", "float64", &[2][..], 6, 1, Some(5.0)),
            ("y", "int64", &[][..], 2, 0, Some(1.0))
        ]
    );
    assert_eq!(
        inspection.row_hashes.as_slice(),
        [834208712062905503, 4653758662767572385, 6999784978385212845]
    );
}

#[test]
fn order_and_byte_order_do_not_change_row_hashes() {
    let folder = Folder::new();
    let plain = look(&small_npz(&folder, "c.npz")).unwrap();
    let columns = f64s(&[1.0, 3.0, 5.0, 2.0, 4.0, f64::NAN]);
    let big: Vec<u8> = [0i64, 1, 1]
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    let other = folder.npz(
        "f.npz",
        &[
            ("x", npy("<f8", true, "(3, 2)", &columns)),
            ("y", npy(">i8", false, "(3,)", &big)),
        ],
    );
    assert_eq!(look(&other).unwrap().row_hashes, plain.row_hashes);
}

#[test]
fn bad_npz_files_are_refused() {
    let folder = Folder::new();
    assert!(refusal(&folder.write("text.npz", "a,b\n")).contains("it is not a zip archive"));
    assert!(
        refusal(&folder.write("one.npz", npy("<f8", false, "(1,)", &f64s(&[1.0]))))
            .contains("a single .npy array; save it with numpy.savez")
    );
    let pickle = folder.npz(
        "pickle.npz",
        &[("x", npy("|O", false, "(1,)", b"cos\nsystem\n"))],
    );
    assert!(refusal(&pickle).contains("array `x`: an array of Python objects (a pickle)"));
    let disagree = folder.npz(
        "d.npz",
        &[
            ("x", npy("<f8", false, "(2,)", &f64s(&[1.0, 2.0]))),
            ("y", npy("<f8", false, "(1,)", &f64s(&[1.0]))),
        ],
    );
    assert!(refusal(&disagree).contains("first dimensions disagree: `x` has 2 rows, `y` has 1"));
    let short = folder.npz(
        "short.npz",
        &[("x", npy("<f8", false, "(3,)", &f64s(&[1.0])))],
    );
    assert!(refusal(&short).contains("array `x`: fewer bytes than its header says"));
    let long = folder.npz(
        "long.npz",
        &[("x", npy("<f8", false, "(1,)", &f64s(&[1.0, 2.0])))],
    );
    assert!(refusal(&long).contains("array `x`: more bytes than its header says"));
    let scalar = folder.npz(
        "scalar.npz",
        &[("x", npy("<f8", false, "()", &f64s(&[1.0])))],
    );
    assert!(refusal(&scalar).contains("array `x` is a single value without rows"));
    let empty = folder.npz("empty.npz", &[]);
    assert!(refusal(&empty).contains("the archive holds no arrays"));
    let good = std::fs::read(small_npz(&folder, "good.npz")).unwrap();
    assert!(
        refusal(&folder.write("cut.npz", &good[..good.len() - 30]))
            .contains("the file may be cut short")
    );
    let huge = folder.npz(
        "huge.npz",
        &[("x", npy("<f8", false, "(1, 18446744073709551615)", b""))],
    );
    assert!(refusal(&huge).contains("too large: bytes in one row of an array"));
    let many = folder.npz(
        "many.npz",
        &[("x", npy("<f8", false, "(18446744073709551615,)", b""))],
    );
    assert!(refusal(&many).contains("too large: rows"));
}
