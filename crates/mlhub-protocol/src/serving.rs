//! The serving conversation: what hub and a model's program say to each other
//! over its standard input and output, one frame of JSON a line.
//!
//! The order of frames is in `adapters/SPEC.md`. Who starts the program, and
//! what happens when it breaks the rules, is not decided here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::adapter::Capability;

/// Bytes in one frame, its line end included.
pub const FRAME_MAX_BYTES: usize = 64 * 1024 * 1024;

/// What the hub asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestFrame {
    /// Comes back in the answer.
    pub id: u64,
    /// The question.
    #[serde(flatten)]
    pub ask: Ask,
}

/// A question to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Answers single inputs.
    Predict {
        /// The inputs, each as the model's description says.
        inputs: Vec<Value>,
        /// Settings of the adapter.
        options: Map<String, Value>,
    },
    /// Looks for what is most like each query.
    Search {
        /// The queries: `text`, `vector` or `image`.
        queries: Vec<Value>,
        /// Hits per query at most.
        k: u32,
        /// Settings of the adapter.
        options: Map<String, Value>,
    },
}

impl Ask {
    /// The capability that answers it.
    #[must_use]
    pub fn capability(&self) -> Capability {
        match self {
            Self::Predict { .. } => Capability::Predict,
            Self::Search { .. } => Capability::Search,
        }
    }

    /// How many answers it wants.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Predict { inputs, .. } => inputs.len(),
            Self::Search { queries, .. } => queries.len(),
        }
    }
}

/// What a model's program says. Exactly one of its parts is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerFrame {
    /// The model is loaded; the first frame, and only it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// The request that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// An output for each input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<Value>>,
    /// Hits for each query, best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<Vec<Vec<Value>>>,
    /// Why the request cannot be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RequestProblem>,
}

/// A program that has loaded its model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The adapter protocol it speaks.
    pub protocol: u32,
    /// What it answers.
    pub capabilities: Vec<Capability>,
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestProblem {
    /// Whose fault it is.
    pub code: ProblemCode,
    /// The part of the request to blame, dotted, such as `inputs.0.island`.
    #[serde(default)]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Whose fault a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The request's.
    Invalid,
    /// The model cannot do this.
    Unsupported,
    /// The program's; also codes of later versions.
    #[serde(other)]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_the_conversation_says() {
        let ask = Ask::Predict {
            inputs: vec![Value::from("a")],
            options: Map::new(),
        };
        let frame = serde_json::to_value(RequestFrame { id: 1, ask }).expect("written");
        let expected = serde_json::json!({"id": 1, "predict": {"inputs": ["a"], "options": {}}});
        assert_eq!(frame, expected);
    }

    #[test]
    fn answers_are_read() {
        let ready: WorkerFrame =
            serde_json::from_str(r#"{"ready":{"protocol":1,"capabilities":["predict"]}}"#)
                .expect("a frame");
        assert_eq!(
            ready.ready.expect("ready").capabilities,
            [Capability::Predict]
        );
        let refused: WorkerFrame = serde_json::from_str(
            r#"{"id":2,"error":{"code":"strange","field":"inputs.0","message":"no"}}"#,
        )
        .expect("a frame");
        assert_eq!(refused.error.expect("error").code, ProblemCode::Failed);
    }
}
