//! Metrics read from log lines by regular expression (linear time, bounded size).

use mlhub_protocol::number::Number;
use mlhub_protocol::run_dir::LogMetric;
use regex::bytes::{Regex, RegexBuilder};

use super::error::{Result, SupervisorError};

/// Bytes of one compiled expression at most.
const PATTERN_MAX_BYTES: usize = 4 * 1024 * 1024;
/// The group that gives the step.
const STEP: &str = "step";

/// The expressions of one stream, with their count of matches so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogMetrics {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    regex: Regex,
    names: Vec<String>,
    has_step: bool,
    matches: i64,
}

/// One value found in a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) step: i64,
    pub(crate) value: Number,
}

impl LogMetrics {
    /// Compiles the expressions of `stream`.
    pub(crate) fn compile(all: &[LogMetric], stream: &str) -> Result<Self> {
        let mut patterns = Vec::new();
        for (index, metric) in all.iter().enumerate() {
            let problem = |reason: String| SupervisorError::LogMetric {
                index,
                stream: metric.stream.clone(),
                reason,
            };
            if metric.stream != "stdout" && metric.stream != "stderr" {
                return Err(problem("the stream is `stdout` or `stderr`".to_owned()));
            }
            if metric.stream != stream {
                continue;
            }
            let regex = RegexBuilder::new(&metric.pattern)
                .size_limit(PATTERN_MAX_BYTES)
                .build()
                .map_err(|error| problem(error.to_string()))?;
            let names: Vec<String> = regex
                .capture_names()
                .flatten()
                .filter(|name| *name != STEP)
                .map(str::to_owned)
                .collect();
            if names.is_empty() {
                return Err(problem(
                    "it has no named group; write `(?P<loss>...)` to name a metric".to_owned(),
                ));
            }
            patterns.push(Pattern {
                has_step: regex.capture_names().flatten().any(|name| name == STEP),
                regex,
                names,
                matches: 0,
            });
        }
        Ok(Self { patterns })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Starts counting matches afresh.
    pub(crate) fn reset(&mut self) {
        for pattern in &mut self.patterns {
            pattern.matches = 0;
        }
    }

    /// Reads one line; text that is not a number gives nothing.
    pub(crate) fn read(&mut self, line: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        for pattern in &mut self.patterns {
            let Some(captures) = pattern.regex.captures(line) else {
                continue;
            };
            let group = |name: &str| {
                let bytes = captures.name(name)?.as_bytes();
                Some(std::str::from_utf8(bytes).ok()?.trim().to_owned())
            };
            let step = if pattern.has_step {
                let Some(step) = group(STEP).and_then(|text| text.parse().ok()) else {
                    continue;
                };
                step
            } else {
                let step = pattern.matches;
                pattern.matches += 1;
                step
            };
            for name in &pattern.names {
                let value = group(name).and_then(|text| text.parse::<f64>().ok());
                if let Some(value) = value {
                    found.push(Found {
                        name: name.clone(),
                        step,
                        value: Number(value),
                    });
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(pattern: &str) -> Result<LogMetrics> {
        let all = [LogMetric {
            stream: "stderr".to_owned(),
            pattern: pattern.to_owned(),
        }];
        LogMetrics::compile(&all, "stderr")
    }

    #[test]
    fn groups_are_metrics_and_step_is_the_step() {
        let mut metrics =
            compile(r"epoch (?P<step>\d+).*loss=(?P<loss>\S+)(?: acc=(?P<acc>\S+))?").expect("ok");
        let found = metrics.read(b"epoch 3: loss=0.25");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].step), ("loss", 3));
        assert_eq!(metrics.read(b"epoch 4: loss=nan acc=1e-3").len(), 2);
        assert!(metrics.read(b"epoch 5: loss=oops").is_empty());
        assert!(metrics.read(b"\xff\xfe").is_empty());
    }

    #[test]
    fn without_a_step_matches_are_counted() {
        let mut metrics = compile(r"loss=(?P<loss>\S+)").expect("ok");
        assert_eq!(metrics.read(b"loss=1")[0].step, 0);
        assert_eq!(metrics.read(b"loss=1")[0].step, 1);
        metrics.reset();
        assert_eq!(metrics.read(b"loss=1")[0].step, 0);
    }

    #[test]
    fn unusable_expressions_are_refused_with_the_reason() {
        for (pattern, word) in [
            ("(", "unclosed"),
            ("loss", "named group"),
            (r"\w{9999}{999}(?P<a>.)", "size"),
        ] {
            let error = compile(pattern).expect_err(pattern).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
