//! Groups: their pages while runs arrive, and what odd times do.

#[expect(dead_code, reason = "the random runs are for the oracle")]
mod support;

use mlhub_core::Timestamp;
use mlhub_query::{GroupBy, GroupOrder, RunTable, Search, Value, parse, parse_operand};
use support::{Known, NOW, put, simple};

fn by(text: &str) -> GroupBy {
    GroupBy {
        filter: None,
        by: vec![parse_operand(text).expect("an operand")],
        of: Vec::new(),
        order: None,
        after: None,
        limit: 1000,
    }
}

fn with_lr(seq: i64, lr: &str) -> Known {
    let mut run = simple(seq, 0.5);
    run.params.insert("lr".to_owned(), lr.to_owned());
    run
}

/// The learning rates of the groups of a page, and where the next one starts.
fn page(table: &RunTable, request: &mut GroupBy) -> Vec<f64> {
    let page = table.groups(request, Timestamp(NOW)).expect("groups");
    request.after = page.next;
    let number = |group: mlhub_query::GroupRow| group.keys[0].number().expect("a number");
    page.groups.into_iter().map(number).collect()
}

#[test]
fn a_page_of_groups_goes_on_where_the_one_before_ended() {
    let mut table = RunTable::new();
    for (seq, lr) in [(1, "0.2"), (2, "0.4"), (3, "0.6"), (4, "0.8")] {
        put(&mut table, &with_lr(seq, lr));
    }
    let mut request = by("params.lr");
    let operand = request.by[0].clone();
    request.order = Some((GroupOrder::Operand(operand), false));
    request.limit = 2;
    assert_eq!(page(&table, &mut request), [0.2, 0.4]);
    // Groups before the place come and go; none after it is passed over or met again.
    put(&mut table, &with_lr(5, "0.1"));
    put(&mut table, &with_lr(6, "0.3"));
    table.remove(&support::id(1));
    assert_eq!(page(&table, &mut request), [0.6, 0.8]);
    assert_eq!(request.after, None);
}

#[test]
fn a_place_of_another_grouping_is_refused() {
    let mut table = RunTable::new();
    for seq in 1..4 {
        put(&mut table, &with_lr(seq, &format!("0.{seq}")));
    }
    let mut request = by("params.lr");
    request.limit = 1;
    page(&table, &mut request);
    request.by.push(parse_operand("seed").expect("an operand"));
    assert!(table.groups(&request, Timestamp(NOW)).is_err());
}

/// Runs that the condition of each group finds.
fn found(table: &RunTable, request: &GroupBy) -> Vec<(u64, u64)> {
    let page = table.groups(request, Timestamp(NOW)).expect("groups");
    let count = |group: mlhub_query::GroupRow| {
        let text = group.condition.expect("a condition").to_string();
        let search = Search {
            filter: parse(&text)
                .unwrap_or_else(|error| panic!("{text}: {error:?}"))
                .expr,
            limit: 10,
            ..Search::default()
        };
        let found = table.search(&search, Timestamp(NOW)).expect("a search");
        (group.runs, found.total)
    };
    page.groups.into_iter().map(count).collect()
}

#[test]
fn runs_made_in_one_moment_are_one_group() {
    let mut table = RunTable::new();
    for (seq, created) in [(1, 5000), (2, 5000), (3, 6000)] {
        put(
            &mut table,
            &Known {
                created,
                ..simple(seq, 0.5)
            },
        );
    }
    assert_eq!(found(&table, &by("created")), [(2, 2), (1, 1)]);
    let keys = table
        .groups(&by("created"), Timestamp(NOW))
        .expect("groups");
    assert_eq!(keys.groups[0].keys, [Value::Moment(5000)]);
}

#[test]
fn a_group_of_a_time_beyond_all_dates_is_found_by_its_query() {
    let mut table = RunTable::new();
    for (seq, started) in [(1, i64::MAX), (2, i64::MIN + 1), (3, 0)] {
        put(
            &mut table,
            &Known {
                started: Some(started),
                ..simple(seq, 0.5)
            },
        );
    }
    assert_eq!(found(&table, &by("started")), [(1, 1), (1, 1), (1, 1)]);
}
