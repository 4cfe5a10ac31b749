//! Serde for floats that JSON cannot write: NaN and the infinities travel as the
//! strings `"NaN"`, `"Infinity"`, `"-Infinity"`; all other values as numbers.
//!
//! Use `#[serde(with = "crate::non_finite")]` on an `f64` and
//! `#[serde(with = "crate::non_finite::list")]` on a `Vec<f64>`.
//! The payload and sign of a NaN are not kept.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One float in its wire form.
struct WireFloat(f64);

impl Serialize for WireFloat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for WireFloat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() {
        serializer.serialize_str("NaN")
    } else if *value == f64::INFINITY {
        serializer.serialize_str("Infinity")
    } else if *value == f64::NEG_INFINITY {
        serializer.serialize_str("-Infinity")
    } else {
        serializer.serialize_f64(*value)
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(FloatVisitor)
}

struct FloatVisitor;

impl Visitor<'_> for FloatVisitor {
    type Value = f64;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<f64, E> {
        match value {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
        }
    }
}

/// The same for a list of floats.
pub(crate) mod list {
    use super::WireFloat;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().copied().map(WireFloat))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<WireFloat>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "crate::non_finite")]
        one: f64,
        #[serde(with = "crate::non_finite::list")]
        many: Vec<f64>,
    }

    #[test]
    fn non_finite_values_are_strings() {
        let holder = Holder {
            one: f64::NAN,
            many: vec![f64::INFINITY, f64::NEG_INFINITY, 1.5],
        };
        let text = serde_json::to_string(&holder).unwrap();
        assert_eq!(text, r#"{"one":"NaN","many":["Infinity","-Infinity",1.5]}"#);
    }

    #[test]
    fn other_strings_are_refused() {
        let read = serde_json::from_str::<Holder>(r#"{"one":"nan","many":[]}"#);
        assert!(read.is_err());
    }

    proptest! {
        #[test]
        fn every_value_comes_back(one in any::<f64>(), many in proptest::collection::vec(any::<f64>(), 0..8)) {
            let text = serde_json::to_string(&Holder { one, many: many.clone() }).unwrap();
            let read: Holder = serde_json::from_str(&text).unwrap();
            for (before, after) in many.iter().chain([&one]).zip(read.many.iter().chain([&read.one])) {
                prop_assert!(before.to_bits() == after.to_bits() || (before.is_nan() && after.is_nan()));
            }
        }
    }
}
