//! Every query that docs/query.md shows is one.

use mlhub_query::{parse, parse_operand};

const PAGE: &str = include_str!("../../../docs/query.md");

#[test]
fn every_documented_query_parses() {
    let mut count = 0;
    for block in PAGE.split("```query\n").skip(1) {
        let (block, _) = block.split_once("```").expect("the block ends");
        for line in block.lines() {
            let parsed = parse(line).unwrap_or_else(|error| {
                panic!("{}\n{}", error.message, error.pointer(line));
            });
            assert!(parsed.expr.is_some(), "{line}");
            count += 1;
        }
    }
    assert!(count >= 20, "the page shows its examples");
}

#[test]
fn every_attribute_is_documented() {
    for attribute in mlhub_query::Attribute::ALL {
        let name = attribute.as_str();
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
        parse_operand(name).expect("an operand");
    }
}

#[test]
fn the_documented_mistake_is_said_so() {
    let text = "metrcs.acc > 0.9";
    let error = parse(text).expect_err("a mistake");
    for line in error.pointer(text).lines() {
        assert!(PAGE.contains(line), "{line}");
    }
    assert!(PAGE.contains(&error.message) && PAGE.contains(&error.hint.expect("a hint")));
}
