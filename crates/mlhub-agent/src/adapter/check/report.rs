//! A check's findings for other tools: JUnit XML, which continuous integration shows,
//! and a badge as SVG for a README. It judges nothing.

use std::fmt::Write as _;

use super::{CheckReport, Step, StepStatus};

/// The protocol that the badge names.
const PROTOCOL: u32 = 1;
/// Width of a character of the badge, and of the space around each part, in pixels.
const CHARACTER_WIDTH: usize = 7;
const PART_MARGIN: usize = 12;
/// Characters of a part at most.
const PART_CHARACTERS: usize = 80;

/// What a step's promise is, in a sentence; empty for a step that is not known.
pub fn promise(step: &str) -> &'static str {
    match step {
        "manifest" => "adapter.toml keeps the rules of the protocol",
        "schema" => "every param is described, and its default allowed",
        "environment" => "what the programs need can be had on this machine",
        "smoke data" => "the smoke dataset can be read and split",
        "smoke run" => "the adapter trains for real and leaves metrics or predictions",
        "entry event" => "what goes into the model is told as shapes and types",
        "same seed, same result" => "two runs of one seed are the same to the bit",
        "kill and resume" => "a killed run goes on from a checkpoint as if nothing had happened",
        "ends on SIGTERM" => "a run ends in time when it is asked to",
        "bad config refused by schema" => "the hub refuses wrong params by the name of the field",
        "bad config refused by program" => "the program refuses wrong params itself",
        "no samples or secrets in logs" => {
            "neither data nor secrets reach events, output or file names"
        }
        "serves single inputs" => "a trained model answers single inputs as its description says",
        "exports" => "a trained model is exported, compared with the original, to every format",
        "tells defaults" => "what the libraries take by default is told the same twice",
        "computes its metrics" => {
            "every metric it defines is the same to the bit twice and within its range"
        }
        _ => "",
    }
}

impl CheckReport {
    /// The findings as JUnit XML, one test case per promise.
    pub fn junit(&self) -> String {
        let count = |status| {
            let steps = self.steps.iter();
            steps.filter(|step| step.status == status).count()
        };
        let seconds: f64 = self.steps.iter().map(|step| step.seconds).sum();
        let suite = escaped(self.adapter.as_deref().unwrap_or("adapter"));
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{suite}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"0\" time=\"{seconds:.3}\">\n",
            self.steps.len(),
            count(StepStatus::Failed),
            count(StepStatus::NotApplicable),
        );
        for step in &self.steps {
            test_case(&mut xml, &suite, step);
        }
        xml.push_str("</testsuite>\n");
        xml
    }

    /// A badge: the adapter with its version, the protocol, and whether it passed.
    pub fn badge(&self) -> String {
        let name = short(self.adapter.as_deref().unwrap_or("adapter"));
        let said = format!(
            "protocol {PROTOCOL}: {}",
            if self.passed { "passed" } else { "failed" }
        );
        let colour = if self.passed { "#2e7d32" } else { "#c62828" };
        let width = |text: &str| text.chars().count() * CHARACTER_WIDTH + PART_MARGIN;
        let (left, right) = (width(&name), width(&said));
        let (whole, left_middle, right_middle) = (left + right, left / 2, left + right / 2);
        let (name, said) = (escaped(&name), escaped(&said));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{name}, {said}\">\n\
             <title>{name}, {said}</title>\n\
             <rect width=\"{left}\" height=\"20\" fill=\"#424242\"/>\n\
             <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/>\n\
             <g fill=\"#ffffff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\n\
             <text x=\"{left_middle}\" y=\"14\">{name}</text>\n\
             <text x=\"{right_middle}\" y=\"14\">{said}</text>\n\
             </g>\n</svg>\n"
        )
    }
}

fn test_case(xml: &mut String, suite: &str, step: &Step) {
    let (name, detail) = (escaped(&step.name), escaped(&step.detail));
    let inner = match step.status {
        StepStatus::Passed => format!("<system-out>{detail}</system-out>"),
        StepStatus::Failed => format!("<failure message=\"{detail}\"/>"),
        StepStatus::NotApplicable => format!("<skipped message=\"{detail}\"/>"),
    };
    // Writing to a text cannot fail.
    let _ = writeln!(
        xml,
        "  <testcase classname=\"{suite}\" name=\"{name}\" time=\"{:.3}\">{inner}</testcase>",
        step.seconds
    );
}

fn short(text: &str) -> String {
    text.chars().take(PART_CHARACTERS).collect()
}

/// Text for XML. Characters that XML cannot hold become the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: StepStatus, detail: &str) -> CheckReport {
        let step = |name: &str, status, detail: &str| Step {
            name: name.to_owned(),
            status,
            detail: detail.to_owned(),
            seconds: 0.5,
        };
        CheckReport {
            dir: "mine".into(),
            adapter: Some("mine@1.2.0".to_owned()),
            digest: None,
            steps: vec![
                step("manifest", StepStatus::Passed, "read"),
                step("smoke run", status, detail),
            ],
            passed: status != StepStatus::Failed,
        }
    }

    #[test]
    fn junit_counts_and_escapes() {
        let xml = report(StepStatus::Failed, "a \"<b>\" & \u{7} c\nd").junit();
        assert!(
            xml.contains("tests=\"2\" failures=\"1\" skipped=\"0\""),
            "{xml}"
        );
        assert!(xml.contains("time=\"1.000\""), "{xml}");
        let message = "<failure message=\"a &quot;&lt;b&gt;&quot; &amp; \u{fffd} c&#10;d\"/>";
        assert!(xml.contains(message), "{xml}");
        let xml = report(StepStatus::NotApplicable, "none").junit();
        assert!(xml.contains("<skipped message=\"none\"/>"), "{xml}");
    }

    #[test]
    fn the_badge_says_name_version_protocol_and_result() {
        let passed = report(StepStatus::Passed, "").badge();
        assert!(passed.contains(">mine@1.2.0</text>"), "{passed}");
        assert!(passed.contains(">protocol 1: passed</text>"), "{passed}");
        let failed = report(StepStatus::Failed, "").badge();
        assert!(failed.contains(">protocol 1: failed</text>"), "{failed}");
    }
}
