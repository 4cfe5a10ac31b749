//! What a query says, typed: an operand decides what its test may be.

use std::ops::Range;

/// A query and where in its text it names what.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The condition; absent when the text is empty, which every run meets.
    pub expr: Option<Expr>,
    /// The operands it names, in order.
    pub mentions: Vec<Mention>,
}

/// An operand and the bytes of the text that name it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// The operand.
    pub operand: Operand,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// A condition. `And` and `Or` have at least two parts.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// Not this: true also where a value is missing.
    Not(Box<Expr>),
    /// A test of one operand.
    Test(Predicate),
    /// The text stands in id, name, experiment, adapter or a tag's value, whatever
    /// its ASCII case.
    Anywhere(String),
}

/// A test of one operand. A missing value passes no test but `is null`.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// What is tested.
    pub operand: Operand,
    /// How.
    pub test: Test,
}

/// A test.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is a value, and it is not the text `false`.
    Present,
    /// There is no value (or there is one).
    Null {
        /// `is not null`.
        negated: bool,
    },
    /// Compares with a value.
    Compare {
        /// How.
        comparison: Comparison,
        /// With what.
        value: Literal,
    },
    /// Is one of these.
    In {
        /// `not in`.
        negated: bool,
        /// The values.
        values: Vec<Literal>,
    },
    /// Matches a pattern with `%` and `_`.
    Like {
        /// `not like`.
        negated: bool,
        /// `ilike`.
        ignore_case: bool,
        /// The pattern.
        pattern: String,
    },
    /// A regular expression is found in it.
    Matches {
        /// `not matches`.
        negated: bool,
        /// The regular expression.
        pattern: String,
    },
    /// A text is found in it.
    Contains {
        /// `not contains`.
        negated: bool,
        /// The text.
        text: String,
    },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value in a query.
#[derive(Debug, Clone)]
pub enum Literal {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// `true` or `false`, for params and tags.
    Bool(bool),
    /// A point in time.
    Moment(Moment),
    /// A length of time in milliseconds.
    Duration(i64),
}

impl PartialEq for Literal {
    /// By bits for numbers (NaN equals itself), so that a printed query equals its source.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Moment(a), Self::Moment(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            _ => false,
        }
    }
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Milliseconds since the Unix epoch, from year 0 to 9999.
    Absolute(i64),
    /// Milliseconds from now, usually before it.
    Relative(i64),
}

/// What a run has that can be tested, sorted, grouped or shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operand {
    /// Something every run has, or may have.
    Attribute(Attribute),
    /// A param.
    Param(String),
    /// A tag.
    Tag(String),
    /// A logged metric.
    Metric {
        /// Its name.
        name: String,
        /// Which value of its history.
        aggregate: Aggregate,
    },
    /// An evaluated metric.
    Evaluated {
        /// The split.
        split: String,
        /// The metric's name.
        name: String,
    },
    /// A statistic over the run's seed group; a run without a group is one of its own.
    Group {
        /// Which.
        statistic: GroupStatistic,
        /// Of what; absent only for the count of all runs.
        of: Option<Box<Operand>>,
    },
}

/// What every run has, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// The identifier.
    Id,
    /// The name.
    Name,
    /// The project.
    Project,
    /// The experiment.
    Experiment,
    /// The state.
    State,
    /// The adapter.
    Adapter,
    /// The adapter's version.
    AdapterVersion,
    /// `name@version` of the dataset.
    Dataset,
    /// The seed.
    Seed,
    /// The seed group.
    Group,
    /// Who made it.
    Owner,
    /// Free text.
    Notes,
    /// When it was made.
    Created,
    /// When its newest attempt started.
    Started,
    /// When its newest attempt ended.
    Ended,
    /// From start to end, or until now.
    Duration,
    /// The number of its newest attempt.
    Attempt,
    /// When it was deleted. A query that names it sees deleted runs too.
    Deleted,
}

/// What kind of values an operand has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Number,
    /// Texts.
    Text,
    /// Texts that may be numbers: params and tags.
    Label,
    /// Points in time.
    Moment,
    /// Lengths of time.
    Duration,
}

impl Attribute {
    /// All of them, as they are documented.
    pub const ALL: [Self; 18] = [
        Self::Id,
        Self::Name,
        Self::Project,
        Self::Experiment,
        Self::State,
        Self::Adapter,
        Self::AdapterVersion,
        Self::Dataset,
        Self::Seed,
        Self::Group,
        Self::Owner,
        Self::Notes,
        Self::Created,
        Self::Started,
        Self::Ended,
        Self::Duration,
        Self::Attempt,
        Self::Deleted,
    ];

    /// Its name in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Project => "project",
            Self::Experiment => "experiment",
            Self::State => "state",
            Self::Adapter => "adapter",
            Self::AdapterVersion => "adapter_version",
            Self::Dataset => "dataset",
            Self::Seed => "seed",
            Self::Group => "group",
            Self::Owner => "owner",
            Self::Notes => "notes",
            Self::Created => "created",
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Duration => "duration",
            Self::Attempt => "attempt",
            Self::Deleted => "deleted",
        }
    }

    /// The kind of its values.
    pub fn kind(self) -> Kind {
        match self {
            Self::Seed | Self::Attempt => Kind::Number,
            Self::Created | Self::Started | Self::Ended | Self::Deleted => Kind::Moment,
            Self::Duration => Kind::Duration,
            _ => Kind::Text,
        }
    }
}

/// Which value of a metric's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aggregate {
    /// The last logged.
    Last,
    /// The smallest finite.
    Min,
    /// The largest finite.
    Max,
    /// How many were logged.
    Count,
}

impl Aggregate {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Last, Self::Min, Self::Max, Self::Count];

    /// Its name in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
        }
    }
}

/// A statistic over a seed group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupStatistic {
    /// The mean of the values there are.
    Mean,
    /// Their sample standard deviation; missing below two values.
    Std,
    /// The smallest, NaN left out.
    Min,
    /// The largest, NaN left out.
    Max,
    /// How many there are.
    Count,
}

impl GroupStatistic {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mean, Self::Std, Self::Min, Self::Max, Self::Count];

    /// Its name in a query, after `group.`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Std => "std",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
        }
    }
}

impl Operand {
    /// The kind of its values.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Attribute(attribute) => attribute.kind(),
            Self::Param(_) | Self::Tag(_) => Kind::Label,
            Self::Metric { .. } | Self::Evaluated { .. } | Self::Group { .. } => Kind::Number,
        }
    }

    /// The last value of a metric.
    pub fn metric(name: impl Into<String>) -> Self {
        Self::Metric {
            name: name.into(),
            aggregate: Aggregate::Last,
        }
    }

    /// Itself, or what it is a statistic of.
    pub(crate) fn innermost(&self) -> &Self {
        match self {
            Self::Group { of: Some(of), .. } => of.innermost(),
            other => other,
        }
    }
}

impl Expr {
    /// All of the parts; none means no condition.
    pub fn all(mut parts: Vec<Self>) -> Option<Self> {
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(Self::And(parts)),
        }
    }

    /// That an operand equals a value.
    pub fn equal(operand: Operand, value: Literal) -> Self {
        Self::Test(Predicate {
            operand,
            test: Test::Compare {
                comparison: Comparison::Equal,
                value,
            },
        })
    }

    /// Whether any test passes `found`.
    pub(crate) fn any_test(&self, found: &mut impl FnMut(&Predicate) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.any_test(found)),
            Self::Not(part) => part.any_test(found),
            Self::Test(predicate) => found(predicate),
            Self::Anywhere(_) => false,
        }
    }

    /// Whether it names `attribute`.
    pub fn names(&self, attribute: Attribute) -> bool {
        self.any_test(&mut |test| *test.operand.innermost() == Operand::Attribute(attribute))
    }
}
