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

#[test]
fn groups_of_every_page_have_their_own_statistics() {
    let mut table = RunTable::new();
    for seq in 1..=12 {
        put(&mut table, &with_lr(seq, &format!("0.{}", seq % 4 + 1)));
    }
    let mut request = by("params.lr");
    let seq = parse_operand("params.lr").expect("an operand");
    request.of = vec![
        seq.clone(),
        parse_operand("attempt").expect("an operand"),
        seq,
    ];
    request.limit = 3;
    let mut pages = Vec::new();
    loop {
        let page = table.groups(&request, Timestamp(NOW)).expect("groups");
        assert_eq!((page.total, page.runs), (4, 12));
        pages.push(page.groups.len());
        for group in page.groups {
            let lr = group.keys[0].number();
            assert_eq!(group.statistics.len(), 3);
            let [first, _, again] = &group.statistics[..] else {
                panic!("three of them");
            };
            assert_eq!((first.count, first.min, first.max), (3, lr, lr));
            assert_eq!(first, again);
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [3, 1]);
}

#[test]
fn a_column_asked_for_twice_is_there_twice() {
    let mut table = RunTable::new();
    for (seq, lr) in [(1, "0.2"), (2, "0.4")] {
        put(&mut table, &with_lr(seq, lr));
    }
    let column = |text: &str| parse_operand(text).expect("an operand");
    let search = Search {
        columns: vec![
            column("params.lr"),
            column("params.none"),
            column("params.lr"),
        ],
        limit: 10,
        ..Search::default()
    };
    let page = table.search(&search, Timestamp(NOW)).expect("a search");
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(page.values[0], [text("0.4"), Value::Missing, text("0.4")]);
    assert_eq!(page.values[1], [text("0.2"), Value::Missing, text("0.2")]);
}

#[test]
fn hints_are_given_for_a_few_names_only() {
    let mut table = RunTable::new();
    put(&mut table, &with_lr(1, "0.2"));
    let tests: Vec<String> = (0..30).map(|n| format!("params.lr{n} = 1")).collect();
    let query = parse(&tests.join(" and ")).expect("a query");
    let hints = table.hints(&query.mentions);
    assert_eq!(hints.len(), mlhub_query::limits::HINTS_MAX);
}

#[test]
fn a_question_that_takes_too_long_is_given_up() {
    let mut table = RunTable::new();
    put(&mut table, &with_lr(1, "0.2"));
    let column = parse_operand("params.lr").expect("an operand");
    let search = Search {
        filter: parse("seed is null or params.lr > 0")
            .expect("a query")
            .expr,
        columns: vec![column.clone(); 3],
        limit: 10,
        ..Search::default()
    };
    let mut grouping = by("params.lr");
    grouping.of = vec![column; 3];
    let looks = std::cell::Cell::new(0);
    let late = || {
        looks.set(looks.get() + 1);
        false
    };
    let page = table.search_until(&search, Timestamp(NOW), &late);
    assert_eq!(page.expect("in time").runs.len(), 1);
    assert!(looks.get() > 3, "it looks more than once");
    // Whenever it is late, nothing is answered.
    for patience in 0..looks.get() {
        looks.set(0);
        let late = || {
            looks.set(looks.get() + 1);
            looks.get() > patience
        };
        let error = table.search_until(&search, Timestamp(NOW), &late);
        assert!(error.expect_err("late").late);
    }
    let error = table.groups_until(&grouping, Timestamp(NOW), &|| true);
    assert!(error.expect_err("late").late);
}
