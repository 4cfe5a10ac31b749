//! The table against a plain list of runs that is searched row by row.

mod plain;
mod support;

use std::collections::BTreeMap;

use mlhub_core::Timestamp;
use mlhub_query::{
    Expr, Fields, GroupBy, GroupOrder, GroupRow, GroupStatistic, OrderKey, RunTable, Search, Value,
    parse, parse_operand,
};
use plain::{Plain, as_number, meets, order, plain, rank, statistic_of, visible};
use proptest::prelude::*;
use support::{Known, NOW};

const OPERANDS: [&str; 18] = [
    "name",
    "state",
    "seed",
    "group",
    "created",
    "started",
    "duration",
    "deleted",
    "params.lr",
    "params.opt",
    "tags.\"a b\"",
    "tags.flag",
    "metrics.acc",
    "max(metrics.acc)",
    "min(metrics.loss)",
    "count(metrics.loss)",
    "eval.test.f1",
    "metrics.none",
];
const GROUP_OPERANDS: [&str; 6] = [
    "group.mean(metrics.acc)",
    "group.std(metrics.acc)",
    "group.count",
    "group.count(metrics.loss)",
    "group.max(params.lr)",
    "group.min(max(metrics.acc))",
];

fn operands() -> impl Strategy<Value = String> {
    let texts = OPERANDS
        .iter()
        .chain(&GROUP_OPERANDS)
        .map(ToString::to_string);
    prop::sample::select(texts.collect::<Vec<_>>())
}

fn test_text() -> impl Strategy<Value = String> + Clone {
    let comparison = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let number = prop::sample::select(vec![
        "0", "0.5", "-0.0", "1", "2", "nan", "inf", "-inf", "1e-2",
    ]);
    let word = prop::sample::select(vec![
        "'adam'", "'0.01'", "''", "'True'", "true", "false", "'sgd'", "'A'",
    ]);
    let pattern = prop::sample::select(vec!["'a%'", "'%A%'", "'_d_m'", "''", "'%'", "'0.0_'"]);
    let part = prop::sample::select(vec!["'a'", "'ru'", "'1'", "''"]);
    let not = prop::sample::select(vec!["", "not "]);
    let number_operand = prop::sample::select(
        OPERANDS[12..]
            .iter()
            .chain(&GROUP_OPERANDS)
            .copied()
            .chain(["seed"])
            .collect::<Vec<_>>(),
    );
    let label = prop::sample::select(vec![
        "params.lr",
        "params.opt",
        "tags.\"a b\"",
        "tags.flag",
        "tags.none",
    ]);
    let text = prop::sample::select(vec![
        "params.opt",
        "tags.flag",
        "name",
        "group",
        "params.lr",
    ]);
    let time = prop::sample::select(vec!["created", "started", "deleted"]);
    let moment = prop::sample::select(vec!["-7d", "now", "1970-01-12", "-1h"]);
    prop_oneof![
        (number_operand.clone(), comparison.clone(), number.clone())
            .prop_map(|(o, c, n)| format!("{o} {c} {n}")),
        (number_operand, not.clone(), number.clone(), number.clone())
            .prop_map(|(o, not, a, b)| format!("{o} {not}in ({a}, {b})")),
        (
            label.clone(),
            comparison.clone(),
            prop_oneof![number.clone(), word.clone()]
        )
            .prop_map(|(o, c, v)| format!("{o} {c} {v}")),
        (label, not.clone(), number, word)
            .prop_map(|(o, not, a, b)| format!("{o} {not}in ({a}, {b})")),
        (
            text.clone(),
            not.clone(),
            prop::sample::select(vec!["like", "ilike"]),
            pattern
        )
            .prop_map(|(o, not, l, p)| format!("{o} {not}{l} {p}")),
        (
            text,
            not.clone(),
            prop::sample::select(vec!["matches", "contains"]),
            part.clone()
        )
            .prop_map(|(o, not, m, p)| format!("{o} {not}{m} {p}")),
        (time, comparison.clone(), moment).prop_map(|(o, c, m)| format!("{o} {c} {m}")),
        (comparison, prop::sample::select(vec!["0s", "2h", "1h30m"]))
            .prop_map(|(c, d)| format!("duration {c} {d}")),
        operands(),
        (operands(), not).prop_map(|(o, not)| format!("{o} is {not}null")),
        part.prop_map(str::to_owned),
        Just("state in (running, failed)".to_owned()),
    ]
}

fn query_text() -> impl Strategy<Value = String> {
    test_text().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not {a}")),
        ]
    })
}

fn orders() -> impl Strategy<Value = Vec<OrderKey>> {
    let key = (operands(), any::<bool>(), any::<bool>());
    let key = key.prop_map(|(text, descending, as_text)| OrderKey {
        operand: parse_operand(&text).expect("an operand"),
        descending,
        as_text,
    });
    prop::collection::vec(key, 0..3)
}

/// Walks all pages, checking each against the others.
fn walk(table: &RunTable, filter: Option<Expr>, keys: Vec<OrderKey>, limit: usize) -> Vec<String> {
    let mut search = Search {
        filter,
        order: keys,
        limit,
        ..Search::default()
    };
    let mut found = Vec::new();
    loop {
        let page = table.search(&search, Timestamp(NOW)).expect("a page");
        assert!(page.runs.len() <= limit);
        found.extend(page.runs);
        match page.next {
            Some(next) => search.after = Some(next),
            None => {
                assert_eq!(page.total, found.len() as u64);
                return found;
            }
        }
    }
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            // A spread around an infinity is NaN in both, by different ways.
            a == b
                || (a.is_nan() && b.is_nan())
                || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
        }
        _ => false,
    }
}

/// All groups, two on a page.
fn walk_groups(table: &RunTable, request: &GroupBy) -> Vec<GroupRow> {
    let mut request = GroupBy {
        limit: 2,
        ..request.clone()
    };
    let mut groups = Vec::new();
    loop {
        let page = table.groups(&request, Timestamp(NOW)).expect("groups");
        groups.extend(page.groups);
        match page.next {
            None => return groups,
            after => request.after = after,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_table_finds_what_a_list_finds(
        steps in support::steps(),
        text in query_text(),
        keys in orders(),
        limit in 1usize..9,
    ) {
        let (table, all) = support::play(steps);
        let expr = parse(&text).expect("parses").expr;
        let seen = visible(&all, expr.as_ref());
        let mut expected: Vec<&Known> = seen
            .iter()
            .copied()
            .filter(|run| expr.as_ref().is_none_or(|expr| meets(run, &seen, expr)))
            .collect();
        expected.sort_by(|a, b| order(a, b, &seen, &keys));
        let expected: Vec<String> = expected.into_iter().map(|run| run.id.clone()).collect();
        // Any place is reached at once, and goes on from there.
        for offset in [0, 1, limit, expected.len().saturating_sub(1), expected.len() + 3] {
            let mut search = Search {
                filter: expr.clone(),
                order: keys.clone(),
                offset,
                limit,
                ..Search::default()
            };
            let page = table.search(&search, Timestamp(NOW)).expect("a page");
            let from = offset.min(expected.len());
            let to = (from + limit).min(expected.len());
            prop_assert_eq!(&page.runs, &expected[from..to], "{} from {}", text, offset);
            prop_assert_eq!(page.total, expected.len() as u64);
            prop_assert_eq!(page.next.is_some(), to < expected.len());
            if let Some(next) = page.next {
                (search.offset, search.after) = (0, Some(next));
                let after = table.search(&search, Timestamp(NOW)).expect("a page");
                prop_assert_eq!(&after.runs, &expected[to..(to + limit).min(expected.len())]);
                search.offset = 1;
                prop_assert!(table.search(&search, Timestamp(NOW)).is_err(), "two places");
            }
        }
        prop_assert_eq!(walk(&table, expr, keys, limit), expected, "{}", text);
    }

    #[test]
    fn groups_are_those_of_a_list(
        steps in support::steps(),
        by in prop::collection::vec(prop::sample::select(vec!["params.lr", "params.opt", "group", "state", "seed", "tags.flag"]), 1..3),
        text in query_text(),
        sorted in prop::option::of((prop::bool::ANY, prop::bool::ANY)),
    ) {
        let (table, all) = support::play(steps);
        let expr = parse(&text).expect("parses").expr;
        let seen = visible(&all, expr.as_ref());
        let of = parse_operand("metrics.acc").expect("an operand");
        let request = GroupBy {
            filter: expr.clone(),
            by: by.iter().map(|text| parse_operand(text).expect("an operand")).collect(),
            of: vec![of.clone()],
            order: Some((GroupOrder::Runs, true)),
            after: None,
            limit: 1000,
        };
        let page = table.groups(&request, Timestamp(NOW)).expect("groups");
        let mut expected: BTreeMap<String, Vec<&Known>> = BTreeMap::new();
        for run in seen.iter().filter(|run| expr.as_ref().is_none_or(|expr| meets(run, &seen, expr))) {
            let key: Vec<String> = request.by.iter().map(|operand| {
                let (rank, number, text) = rank(&plain(run, &seen, operand), operand);
                format!("{rank} {:?} {text:?}", number + 0.0)
            }).collect();
            expected.entry(key.join("|")).or_default().push(run);
        }
        prop_assert_eq!(page.total, expected.len() as u64);
        prop_assert_eq!(page.next, None);
        // Page by page they are the same groups in the same order, whatever the order is.
        let order = sorted.map(|(by_key, descending)| {
            let operand = if by_key { request.by[0].clone() } else { of.clone() };
            (GroupOrder::Operand(operand), descending)
        });
        let paged = GroupBy { order, ..request.clone() };
        let whole = table.groups(&paged, Timestamp(NOW)).expect("groups").groups;
        prop_assert_eq!(format!("{:?}", walk_groups(&table, &paged)), format!("{whole:?}"));
        let mut sizes: Vec<u64> = expected.values().map(|runs| runs.len() as u64).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        prop_assert_eq!(page.groups.iter().map(|group| group.runs).collect::<Vec<_>>(), sizes);
        for group in &page.groups {
            // The condition of a group finds its runs: no more, no fewer.
            let parts = [expr.clone(), group.condition.clone()].into_iter().flatten().collect();
            let found = walk(&table, Expr::all(parts), Vec::new(), 100);
            let runs = expected.values().find(|runs| {
                let mut ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
                let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
                ids.sort_unstable();
                found.sort_unstable();
                ids == found
            });
            let Some(runs) = runs else {
                return Err(TestCaseError::fail(format!("no group of {found:?}")));
            };
            let values: Vec<f64> = runs.iter().filter_map(|run| as_number(&plain(run, &seen, &of))).collect();
            let got = group.statistics[0];
            prop_assert_eq!(got.count, values.len() as u64);
            for (statistic, got) in [
                (GroupStatistic::Mean, got.mean), (GroupStatistic::Std, got.std),
                (GroupStatistic::Min, got.min), (GroupStatistic::Max, got.max),
            ] {
                prop_assert!(close(got, statistic_of(statistic, &values)), "{:?} {:?}", statistic, values);
            }
        }
    }

    #[test]
    fn columns_carry_what_a_list_has(steps in support::steps(), text in operands()) {
        let (table, all) = support::play(steps);
        let operand = parse_operand(&text).expect("an operand");
        let seen = visible(&all, None);
        let search = Search { limit: 1000, columns: vec![operand.clone()], ..Search::default() };
        let page = table.search(&search, Timestamp(NOW)).expect("a page");
        for (id, values) in page.runs.iter().zip(&page.values) {
            let run = seen.iter().find(|run| run.id == *id).expect("known");
            let expected = plain(run, &seen, &operand);
            let same = match (&values[0], &expected) {
                (Value::Missing, Plain::None) => true,
                (Value::Number(a), Plain::Number(b)) => close(Some(*a), Some(*b)),
                (Value::Text(a), Plain::Text(b)) => a == b,
                (Value::Moment(a) | Value::Duration(a), Plain::Number(b)) => *a as f64 == *b,
                _ => false,
            };
            prop_assert!(same, "{}: {:?} and {:?}", text, values[0], expected);
        }
    }

    #[test]
    fn fields_are_counted_as_a_list_counts_them(steps in support::steps(), text in query_text()) {
        let (table, all) = support::play(steps);
        let expr = parse(&text).expect("parses").expr;
        let seen = visible(&all, expr.as_ref());
        let runs: Vec<&Known> = seen
            .iter()
            .copied()
            .filter(|run| expr.as_ref().is_none_or(|expr| meets(run, &seen, expr)))
            .collect();
        let asked = Fields { filter: expr, limit: 1000, ..Fields::default() };
        let page = table.fields_until(&asked, Timestamp(NOW), &|| false).expect("fields");
        prop_assert_eq!(page.total, page.fields.len());
        let order = |field: &mlhub_query::Field| (std::cmp::Reverse(field.runs), field.operand.to_string());
        prop_assert!(page.fields.is_sorted_by_key(order));
        for operand in OPERANDS.iter().filter(|text| text.contains('.') && !text.contains('(')) {
            let operand = parse_operand(operand).expect("an operand");
            let has = |run: &&&Known| !matches!(plain(run, &seen, &operand), Plain::None);
            let expected = runs.iter().filter(has).count();
            let found = page.fields.iter().find(|field| field.operand == operand);
            prop_assert_eq!(found.map_or(0, |field| field.runs), expected, "{}", operand);
        }
        let few = Fields { limit: 1, ..asked };
        let few = table.fields_until(&few, Timestamp(NOW), &|| false).expect("fields");
        prop_assert_eq!(few.total, page.total);
        prop_assert_eq!(few.fields.as_slice(), &page.fields[..page.fields.len().min(1)]);
    }

    #[test]
    fn an_emptied_table_keeps_nothing(steps in support::steps()) {
        let (mut table, all) = support::play(steps);
        for run in &all {
            prop_assert!(table.remove(&run.id));
            prop_assert!(!table.remove(&run.id));
        }
        prop_assert!(table.is_empty());
        prop_assert_eq!(table.memory().text_bytes, 0);
        prop_assert!(table.keys_like("", 10).is_empty());
    }
}

#[test]
fn a_page_goes_on_where_it_ended_while_runs_come_and_go() {
    let make = |seq: i64, acc: f64| support::simple(seq, acc);
    let mut table = RunTable::new();
    for seq in 1..=20 {
        support::put(&mut table, &make(seq, (seq % 5) as f64));
    }
    let mut search = Search {
        order: mlhub_query::parse_order("metrics.acc desc").expect("an order"),
        limit: 6,
        ..Search::default()
    };
    let first = table.search(&search, Timestamp(NOW)).expect("a page");
    search.after = first.next.clone();
    // The row that the page ended with goes, a better and a worse one come.
    table.remove(first.runs.last().expect("rows"));
    support::put(&mut table, &make(21, 9.0));
    support::put(&mut table, &make(22, 0.5));
    let mut rest = Vec::new();
    loop {
        let page = table.search(&search, Timestamp(NOW)).expect("a page");
        rest.extend(page.runs);
        match page.next {
            Some(next) => search.after = Some(next),
            None => break,
        }
    }
    assert!(
        first.runs.iter().all(|run| !rest.contains(run)),
        "a row came twice"
    );
    assert_eq!(rest.len(), 15, "20 - 6, and the worse one");
    assert!(rest.contains(&support::id(22)) && !rest.contains(&support::id(21)));
}

#[test]
fn fields_are_found_by_the_start_of_a_part_of_their_name() {
    let mut table = RunTable::new();
    support::put(&mut table, &support::simple(1, 0.5));
    let found = |prefix: &str| -> Vec<String> {
        let fields = Fields {
            prefix: prefix.to_owned(),
            limit: 100,
            ..Fields::default()
        };
        let page = table.fields_until(&fields, Timestamp(NOW), &|| false);
        let fields = page.expect("fields").fields.into_iter();
        fields.map(|field| field.operand.to_string()).collect()
    };
    assert_eq!(found("metrics.ac"), ["metrics.acc"]);
    assert_eq!(found("ACC"), ["metrics.acc"]);
    assert!(found("cc").is_empty());
    let late = table.fields_until(&Fields::default(), Timestamp(NOW), &|| true);
    assert!(late.expect_err("late").late);
}
