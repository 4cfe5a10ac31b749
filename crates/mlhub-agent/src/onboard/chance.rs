//! Places in Python source where chance may come in: generators without a seed, draws from a
//! global one that nothing seeds, orders that nothing fixes.
//!
//! Suspects, not proofs: what a program does with them is not followed.

use std::collections::BTreeSet;
use std::path::Path;

use super::Evidence;
use super::call::{Call, literal};
use super::lex::{Kind, Token, lex};
use super::scan::{TextFile, scan};

/// Suspects told at most.
const SUSPECTS_MAX: usize = 50;

/// Makes a generator, which has a seed only when one is given.
const GENERATORS: [&str; 4] = ["default_rng", "RandomState", "Random", "SeedSequence"];
/// Draws from the global generator of `numpy.random` or `random`.
const DRAWS: [&str; 22] = [
    "rand",
    "randn",
    "randint",
    "random",
    "random_sample",
    "choice",
    "choices",
    "sample",
    "shuffle",
    "permutation",
    "normal",
    "uniform",
    "standard_normal",
    "gauss",
    "randrange",
    "betavariate",
    "exponential",
    "poisson",
    "binomial",
    "multinomial",
    "beta",
    "gamma",
];
/// Of scikit-learn and its relatives: random unless `random_state` is given.
const ESTIMATORS: [&str; 24] = [
    "train_test_split",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "SGDClassifier",
    "SGDRegressor",
    "KMeans",
    "MiniBatchKMeans",
    "BaggingClassifier",
    "AdaBoostClassifier",
    "RandomizedSearchCV",
    "ShuffleSplit",
    "StratifiedShuffleSplit",
    "IsolationForest",
    "TruncatedSVD",
];
/// Give results in the order in which workers end.
const UNORDERED: [&str; 2] = ["as_completed", "imap_unordered"];
/// List files in no order.
const LISTINGS: [&str; 5] = ["listdir", "scandir", "iterdir", "glob", "rglob"];
/// Seeds of PyTorch and of the frameworks over it.
const TORCH_SEEDS: [&str; 3] = ["manual_seed", "seed_everything", "set_seed"];

/// What seeds a generator that everything draws from, over all files.
#[derive(Default)]
struct Seeded {
    numpy: bool,
    random: bool,
    torch: bool,
}

/// Where chance may come into the Python sources below a folder, in the order of files and
/// lines, at most fifty.
#[must_use]
pub fn chance_in(root: &Path) -> Vec<Evidence> {
    let files = scan(root).python;
    let lexed: Vec<(&TextFile, Vec<Token>)> =
        files.iter().map(|file| (file, lex(&file.text))).collect();
    let mut seeded = Seeded::default();
    for (_, tokens) in &lexed {
        for called in calls(tokens) {
            seeded.note(&called.name);
        }
    }
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for (file, tokens) in &lexed {
        for called in calls(tokens) {
            let Some(what) = suspect(&called, tokens, &seeded, &mut told) else {
                continue;
            };
            found.push(Evidence {
                file: file.path.clone(),
                line: called.line,
                what,
            });
            if found.len() >= SUSPECTS_MAX {
                return found;
            }
        }
    }
    found
}

/// A call by its dotted name.
struct Called<'t> {
    name: String,
    line: u32,
    /// Index of its first token.
    first: usize,
    call: Call<'t>,
}

fn calls(tokens: &[Token]) -> impl Iterator<Item = Called<'_>> {
    tokens.iter().enumerate().filter_map(|(open, token)| {
        if !token.is("(") || open == 0 {
            return None;
        }
        let mut first = open - 1;
        if tokens[first].kind != Kind::Name {
            return None;
        }
        while first >= 2 && tokens[first - 1].is(".") && tokens[first - 2].kind == Kind::Name {
            first -= 2;
        }
        // A definition is no call.
        if first > 0 && (tokens[first - 1].is("def") || tokens[first - 1].is("class")) {
            return None;
        }
        let name: String = tokens[first..open]
            .iter()
            .map(|of| of.text.as_str())
            .collect();
        Some(Called {
            name,
            line: tokens[first].line,
            first,
            call: Call::read(tokens, open)?,
        })
    })
}

fn is_numpy(name: &str) -> bool {
    name.starts_with("np.random.") || name.starts_with("numpy.random.")
}

impl Seeded {
    fn note(&mut self, name: &str) {
        let last = name.rsplit('.').next().unwrap_or(name);
        let all = matches!(last, "seed_everything" | "set_seed" | "set_random_seed");
        self.numpy |= all || (is_numpy(name) && last == "seed");
        self.random |= all || name == "random.seed";
        self.torch |= all || TORCH_SEEDS.contains(&last);
    }
}

fn suspect(
    called: &Called<'_>,
    tokens: &[Token],
    seeded: &Seeded,
    told: &mut BTreeSet<&'static str>,
) -> Option<String> {
    let name = called.name.as_str();
    let last = name.rsplit('.').next().unwrap_or(name);
    let call = &called.call;
    let nothing = |tokens: &[Token]| literal(tokens).is_some_and(|value| value.is_null());
    if GENERATORS.contains(&last) && !name.starts_with("torch.") {
        let given = call
            .positional
            .first()
            .copied()
            .or_else(|| call.get("seed"));
        let unseeded = given.is_none_or(nothing);
        return unseeded.then(|| format!("`{name}()` makes a generator without a seed"));
    }
    if last == "seed" || last == "manual_seed" {
        let of_time = |tokens: &[Token]| tokens.iter().any(|of| of.is("time") || of.is("urandom"));
        let timed = call.positional.iter().copied().any(of_time);
        let empty = call.positional.is_empty() && call.named.is_empty();
        return (timed || (empty && last == "seed"))
            .then(|| format!("`{name}` takes another seed each time"));
    }
    if ESTIMATORS.contains(&last) && call.get("random_state").is_none_or(nothing) {
        return Some(format!("`{last}` without `random_state`"));
    }
    if DRAWS.contains(&last) {
        if is_numpy(name) && !seeded.numpy {
            return Some(format!(
                "`{name}` draws from a generator that nothing seeds"
            ));
        }
        if name.starts_with("random.") && !seeded.random {
            return Some(format!(
                "`{name}` draws from a generator that nothing seeds"
            ));
        }
    }
    if UNORDERED.contains(&last) {
        return Some(format!(
            "`{name}` gives results in the order in which workers end"
        ));
    }
    if LISTINGS.contains(&last) && !is_sorted(called, tokens) {
        return Some(format!(
            "`{name}` lists files in no fixed order; put `sorted` around it"
        ));
    }
    let torch = name.starts_with("torch.") || name.starts_with("nn.");
    (torch && !seeded.torch && told.insert("torch"))
        .then(|| "PyTorch is used and nothing seeds it (`torch.manual_seed`)".to_owned())
}

/// Whether the call stands in the brackets of `sorted`.
fn is_sorted(called: &Called<'_>, tokens: &[Token]) -> bool {
    let before = |back: usize| called.first.checked_sub(back).and_then(|at| tokens.get(at));
    // `sorted(Path(x).glob(y))` is found by its line: the chain before `.glob` is no name.
    let same_line = |token: &&Token| token.line == called.line;
    before(1).is_some_and(|of| of.is("(")) && before(2).is_some_and(|of| of.is("sorted"))
        || tokens[..called.first]
            .iter()
            .rev()
            .take_while(same_line)
            .any(|of| of.is("sorted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<(u32, String)> {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("file");
        }
        let found = chance_in(folder.path()).into_iter();
        found.map(|of| (of.line, of.what)).collect()
    }

    #[test]
    fn what_nothing_seeds_is_named_with_its_line() {
        let source = "import numpy as np\nimport os, random, torch\n\
            rng = np.random.default_rng()\nx = np.random.rand(3)\nrandom.shuffle(y)\n\
            forest = RandomForestClassifier(\n    n_estimators=3)\nfor name in os.listdir('.'):\n    pass\n\
            net = torch.nn.Linear(2, 1)\nnp.random.seed(int(time.time()))\n";
        let lines: Vec<u32> = of(&[("train.py", source)]).iter().map(|of| of.0).collect();
        assert_eq!(lines, [3, 5, 6, 8, 10, 11]);
    }

    #[test]
    fn what_is_seeded_anywhere_is_no_suspect() {
        let main = "import numpy as np\nnp.random.seed(0)\nrandom.seed(3)\ntorch.manual_seed(1)\n\
            rng = np.random.default_rng(seed)\nfiles = sorted(os.listdir('.'))\n\
            for path in sorted(Path('x').glob('*')):\n    pass\n\
            tree = DecisionTreeClassifier(random_state=0)\n";
        let other = "x = np.random.rand(3)\ny = random.random()\nz = torch.rand(2)\n\
            def shuffle(x):\n    return x\n";
        assert_eq!(of(&[("main.py", main), ("model.py", other)]), []);
    }

    #[test]
    fn a_state_of_nothing_is_no_state() {
        let source =
            "KMeans(3, random_state=None)\nrandom.Random(None)\npool.imap_unordered(f, x)\n";
        assert_eq!(of(&[("a.py", source)]).len(), 3);
    }
}
