//! The language: what parses, what it means as a tree, what is said of mistakes.

use mlhub_query::{
    Aggregate, Attribute, Comparison, Expr, GroupStatistic, Kind, Literal, Moment, Operand,
    Predicate, Test, parse, parse_group_order, parse_operand, parse_operands, parse_order,
};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9_/-]{0,8}",
        "[a-z]{1,4}\\.[a-z0-9]{1,4}",
        "\\PC{1,8}",
        any::<String>().prop_filter("names are not empty", |name| !name.is_empty()),
    ]
}

fn metric() -> impl Strategy<Value = Operand> {
    let aggregate = prop::sample::select(Aggregate::ALL.to_vec());
    (name(), aggregate).prop_map(|(name, aggregate)| Operand::Metric { name, aggregate })
}

fn operand() -> impl Strategy<Value = Operand> {
    let plain = prop_oneof![
        prop::sample::select(Attribute::ALL.to_vec()).prop_map(Operand::Attribute),
        name().prop_map(Operand::Param),
        name().prop_map(Operand::Tag),
        metric(),
        (name(), name()).prop_map(|(split, name)| Operand::Evaluated { split, name }),
    ];
    let statistic = prop::sample::select(GroupStatistic::ALL.to_vec());
    let group = (
        statistic,
        prop_oneof![metric(), name().prop_map(Operand::Param)],
    )
        .prop_map(|(statistic, of)| Operand::Group {
            statistic,
            of: Some(Box::new(of)),
        });
    prop_oneof![
        4 => plain,
        1 => group,
        1 => Just(Operand::Group { statistic: GroupStatistic::Count, of: None }),
    ]
}

fn literal(operand: &Operand, ordered: bool) -> BoxedStrategy<Literal> {
    match operand.kind() {
        Kind::Text if *operand == Operand::Attribute(Attribute::State) && !ordered => {
            prop::sample::select(vec!["running", "failed", "lost"])
                .prop_map(|state| Literal::Text(state.to_owned()))
                .boxed()
        }
        Kind::Text => any::<String>().prop_map(Literal::Text).boxed(),
        Kind::Number => any::<f64>().prop_map(Literal::Number).boxed(),
        Kind::Label => prop_oneof![
            any::<f64>().prop_map(Literal::Number),
            prop::num::f64::ANY.prop_map(Literal::Number),
            any::<String>().prop_map(Literal::Text),
            any::<bool>().prop_map(Literal::Bool),
        ]
        .boxed(),
        Kind::Moment => prop_oneof![
            (-62_167_219_200_000i64..253_402_300_800_000)
                .prop_map(|ms| Literal::Moment(Moment::Absolute(ms))),
            (-i64::MAX..i64::MAX).prop_map(|ms| Literal::Moment(Moment::Relative(ms))),
        ]
        .boxed(),
        Kind::Duration => (-i64::MAX..i64::MAX).prop_map(Literal::Duration).boxed(),
    }
}

fn test_of(operand: Operand) -> BoxedStrategy<Test> {
    let comparisons = prop::sample::select(vec![
        (Comparison::Equal, false),
        (Comparison::NotEqual, false),
        (Comparison::Less, true),
        (Comparison::GreaterOrEqual, true),
    ]);
    let kind = operand.kind();
    let of = operand.clone();
    let compare = comparisons.prop_flat_map(move |(comparison, ordered)| {
        literal(&of, ordered).prop_map(move |value| Test::Compare { comparison, value })
    });
    let list = (
        any::<bool>(),
        prop::collection::vec(literal(&operand, false), 1..4),
    )
        .prop_map(|(negated, values)| Test::In { negated, values });
    let plain = prop_oneof![
        Just(Test::Present),
        any::<bool>().prop_map(|negated| Test::Null { negated }),
    ];
    if !matches!(kind, Kind::Text | Kind::Label) {
        return prop_oneof![compare, list, plain].boxed();
    }
    let texts = prop_oneof![
        (any::<bool>(), any::<bool>(), any::<String>()).prop_map(
            |(negated, ignore_case, pattern)| Test::Like {
                negated,
                ignore_case,
                pattern
            }
        ),
        (
            any::<bool>(),
            prop::sample::select(vec!["^a.*\\d+$", "x|y", "\\\\'", "[\"']"])
        )
            .prop_map(|(negated, pattern)| Test::Matches {
                negated,
                pattern: pattern.to_owned()
            }),
        (any::<bool>(), any::<String>())
            .prop_map(|(negated, text)| Test::Contains { negated, text }),
    ];
    prop_oneof![compare, list, plain, texts].boxed()
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        6 => operand().prop_flat_map(|operand| {
            test_of(operand.clone()).prop_map(move |test| Expr::Test(Predicate { operand: operand.clone(), test }))
        }),
        1 => any::<String>().prop_map(Expr::Anywhere),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

/// Pieces that queries are made of, so that random ones get past the first word.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "metrics",
        ".",
        "acc",
        "params.lr",
        "tags.\"a b\"",
        "eval.test.f1",
        "(",
        ")",
        "and",
        "or",
        "not",
        "in",
        "like",
        "~",
        "!~",
        "is",
        "null",
        "=",
        "!=",
        "<",
        ">=",
        "0.5",
        "-7d",
        "'x'",
        "\"",
        "'",
        "`",
        "\\",
        ",",
        ":",
        "max",
        "group.mean",
        "group.count",
        "state",
        "created",
        "2026-01-01",
        "é",
        "\u{202e}",
        "\0",
        "nan",
        "-inf",
        "((((",
        "matches",
        "contains",
        "desc",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..24)
        .prop_flat_map(|pieces| prop_oneof![Just(pieces.join(" ")), Just(pieces.concat())])
}

fn try_everything(text: &str) -> Result<(), TestCaseError> {
    let errors = [
        parse(text).err(),
        parse_order(text).err(),
        parse_operand(text).err(),
        parse_operands(text).err(),
        parse_group_order(text).err(),
    ];
    for error in errors.into_iter().flatten() {
        prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
        let (at, length) = error.position(text);
        prop_assert!(at <= text.chars().count() && length >= 1);
        prop_assert_eq!(error.pointer(text).lines().count(), 2);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_printed_query_parses_to_itself(expr in expr()) {
        let text = expr.to_string();
        prop_assume!(text.len() <= mlhub_query::limits::QUERY_MAX_BYTES);
        let parsed = parse(&text).map_err(|error| {
            TestCaseError::fail(format!("{text:?}: {error}\n{}", error.pointer(&text)))
        })?;
        prop_assert_eq!(parsed.expr, Some(expr), "{}", text);
    }

    #[test]
    fn a_printed_operand_parses_to_itself(operand in operand()) {
        prop_assert_eq!(parse_operand(&operand.to_string()), Ok(operand.clone()));
        let order = parse_order(&format!("{operand} desc, {operand}")).expect("an order");
        prop_assert!(order[0].descending && !order[1].descending);
        prop_assert_eq!(&order[1].operand, &operand);
        let order = parse_order(&format!("{operand} text, {operand} text desc")).expect("an order");
        prop_assert!(order.iter().all(|key| key.as_text && key.operand == operand));
        prop_assert!(order[1].descending && !order[0].descending);
    }

    #[test]
    fn no_text_makes_a_panic(text: String) {
        try_everything(&text)?;
    }

    #[test]
    fn no_soup_makes_a_panic(text in soup()) {
        try_everything(&text)?;
        if let Ok(query) = parse(&text) && let Some(expr) = query.expr {
            let printed = expr.to_string();
            prop_assert_eq!(parse(&printed).map(|query| query.expr), Ok(Some(expr)), "{}", printed);
        }
    }
}

#[test]
fn words_bind_as_everywhere() {
    let same = [
        (
            "tags.a or tags.b and tags.c",
            "tags.a or (tags.b and tags.c)",
        ),
        ("not tags.a and tags.b", "(not tags.a) and tags.b"),
        ("NOT tags.a OR tags.b", "(not (tags.a)) or tags.b"),
        ("metrics.acc>0.9", "last(metrics.acc) > 0.9"),
        ("metric.acc == 1", "metrics.acc = 1.0"),
        ("params.a <> 'x'", "params.a != 'x'"),
        ("params.`a`.'b'", "params.a.b"),
        ("metrics.train/loss<1", "metrics.\"train/loss\" < 1"),
        ("state = running", "state = 'running'"),
        ("duration > 90m", "duration > 1h30m"),
        ("duration > 60", "duration > 1m"),
        ("created > -7d", "created > -1w"),
        ("params.lr matches '^1e'", "params.lr ~ \"^1e\""),
    ];
    for (a, b) in same {
        assert_eq!(
            parse(a).expect(a).expr,
            parse(b).expect(b).expr,
            "{a}  |  {b}"
        );
    }
    let different = [
        ("params.lr = 0.1", "params.lr = '0.1'"),
        ("not params.a in (1)", "params.a not in (1)"),
        ("params.a = true", "params.a = 'true'"),
    ];
    for (a, b) in different {
        assert_ne!(parse(a).expect(a).expr, parse(b).expect(b).expr);
    }
    assert_eq!(parse(" \n\t").expect("empty").expr, None);
}

/// Query, message, the piece of text it points at, a word of the hint.
const MISTAKES: [(&str, &str, &str, &str); 36] = [
    ("metric.acc >", "a value is missing here", "", ""),
    (
        "metrcs.acc > 1",
        "no field `metrcs`",
        "metrcs",
        "metrics.acc",
    ),
    ("stat = 'x'", "no field `stat`", "stat", "`state`"),
    ("status = failed", "no field `status`", "status", "`state`"),
    ("resnet", "no field `resnet`", "resnet", "params.resnet"),
    ("lr = 0.1", "no field `lr`", "lr", "params.lr"),
    (
        "attributes.state = failed",
        "no field `attributes`",
        "attributes",
        "`state`",
    ),
    ("state = runing", "no state `runing`", "runing", "running"),
    (
        "state in (failed, gone)",
        "no state `gone`",
        "gone",
        "states are",
    ),
    (
        "metrics.acc = 'high'",
        "a number must stand here",
        "'high'",
        "",
    ),
    ("metrics.acc like 'a'", "this tests texts", "like", "in"),
    ("metrics.", "a name is missing after the dot", ".", "quotes"),
    (
        "metrics",
        "a name is missing after `metrics`",
        "metrics",
        "metrics.NAME",
    ),
    (
        "eval.acc > 1",
        "an evaluated metric needs a split",
        "eval.acc",
        "eval.test",
    ),
    (
        "(tags.a or tags.b",
        "this parenthesis is not closed",
        "(",
        "",
    ),
    ("tags.a)", "this parenthesis was never opened", ")", ""),
    ("tags.a tags.b", "expected `and`, `or`", "tags.b", ""),
    (
        "tags.a & tags.b",
        "this character means nothing",
        "&",
        "and",
    ),
    ("tags.a = 'x", "the quote is not closed", "'", ""),
    ("params.a in 1", "expected `(`", "1", "in ("),
    ("params.a in (1 2)", "expected `,` or `)`", "2", ""),
    ("params.a is 3", "expected `null`", "3", "`=`"),
    ("params.a = null", "nothing equals null", "null", "is null"),
    (
        "params.a = metrics.b",
        "a value must stand here",
        "metrics.b",
        "values",
    ),
    ("params.a ~ '['", "not a regular expression", "'['", ""),
    (
        "params.a ~ '(a{1000}){1000}'",
        "the regular expression takes more",
        "'(a{1000}){1000}'",
        "",
    ),
    (
        "created > yesterday",
        "a date or a relative time",
        "yesterday",
        "-7d",
    ),
    ("created > 7d", "a date or a relative time", "7d", "-7d"),
    ("duration > long", "a length of time", "long", "1h30m"),
    (
        "mean(metrics.a) > 1",
        "no function `mean`",
        "mean",
        "group.mean",
    ),
    (
        "max(params.a) > 1",
        "`max` takes a logged metric",
        "params.a",
        "max(metrics",
    ),
    (
        "group.median(metrics.a)",
        "no statistic",
        "group.median",
        "group.mean",
    ),
    ("group.mean(state)", "not a number", "state", "metrics"),
    ("group.mean > 1", "expected `(`", ">", "group.mean("),
    ("0.9 < metrics.acc", "a test starts with a name", "0.9", ""),
    ("and tags.a", "no field `and`", "and", ""),
];

#[test]
fn mistakes_are_shown_where_they_are() {
    for (text, message, piece, hint) in MISTAKES {
        let error = parse(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {}", error.message);
        assert_eq!(
            &text[error.span.clone()],
            piece,
            "{text}: {}",
            error.message
        );
        let said = error.hint.as_deref().unwrap_or_default();
        assert!(said.contains(hint), "{text}: {said}");
    }
}

#[test]
fn the_caret_stands_under_the_mistake() {
    let text = "métrics.\"a b\" > 1 and stat = 'x'";
    let error = parse(text).expect_err("a mistake");
    assert_eq!(error.pointer(text), format!("{text}\n^^^^^^^"));
    let text = format!(
        "{} and stat = 'x' and {}",
        "tags.a and ".repeat(50) + "tags.a",
        "tags.b"
    );
    let error = parse(&text).expect_err("a mistake");
    let pointer = error.pointer(&text);
    let (line, carets) = pointer.split_once('\n').expect("two lines");
    let at = carets.find('^').expect("a caret");
    assert_eq!(&line[at..at + carets.matches('^').count()], "stat");
}

#[test]
fn every_bound_is_refused_and_not_passed() {
    let deep = format!("{}tags.a{}", "(".repeat(1000), ")".repeat(1000));
    let nots = "not ".repeat(1000) + "tags.a";
    let functions = "max(".repeat(4000);
    let groups = "group.mean(".repeat(1400);
    let wide = vec!["tags.a"; 1001].join(" or ");
    let list = format!("params.a in ({})", vec!["1"; 1001].join(","));
    let long = format!("tags.a = '{}'", "x".repeat(17_000));
    for text in [deep, nots, functions, groups, wide, list, long] {
        parse(&text).expect_err("refused");
    }
    let fits = format!("{}tags.a{}", "(".repeat(60), ")".repeat(60));
    parse(&fits).expect("within bounds");
    parse(&vec!["tags.a"; 1000].join(" or ")).expect("within bounds");
}

#[test]
fn a_like_takes_no_more_memory_than_a_regular_expression() {
    for sign in ["like", "ilike"] {
        let error = parse(&format!("tags.a {sign} '{}'", "_".repeat(12_000)))
            .expect_err("too large when compiled");
        assert!(error.message.contains("too long"), "{}", error.message);
        parse(&format!("tags.a {sign} '%{}%'", "a_b".repeat(20))).expect("an ordinary one");
    }
}
