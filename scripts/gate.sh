#!/usr/bin/env bash
# The gate: everything that must hold before a change is done. CI runs exactly this.
#
#   ./scripts/gate.sh              all steps, stops at the first that fails
#   ./scripts/gate.sh --from STEP  from a step on
#   ./scripts/gate.sh --only STEP  one step (may be repeated)
#   ./scripts/gate.sh --list       the steps
#
# It changes no tracked file. What each step printed stays in target/gate/STEP.log.
# CI=true turns off incremental compilation, lints while it builds, and lets no test skip itself.
# MLHUB_GATE_ADVISORIES=1 also checks advisories, over the network.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STEPS=(setup format ui clippy deny build tests checks python smoke e2e)
declare -rA TITLES=(
  [setup]="Tools this machine lacks"
  [format]="Format of Rust code"
  [ui]="Web UI: format, lints, types, unit tests"
  [clippy]="Lints of Rust code"
  [deny]="Dependencies: licences, bans, sources"
  [build]="Build of everything, web UI included"
  [tests]="Rust tests"
  [checks]="Architecture, snapshots and documents"
  [python]="Python: format, lints, types, tests"
  [smoke]="Smoke runs of the real program"
  [e2e]="Web UI in a browser, against a real hub"
)
readonly LOGS=target/gate
readonly VENV=$PWD/target/venv-test
readonly PYTHON=$VENV/bin/python
# The frameworks that the SDK integrates with and that run people's own models;
# scripts/setup.sh makes it where it can.
readonly VENV_INTEGRATIONS=$PWD/target/venv-integrations
readonly MLHUB=$PWD/target/debug/mlhub
# Where smoke leaves its data directory for e2e.
readonly SMOKE_DATA=$PWD/$LOGS/data
# Keeps the environments of adapters from gate to gate: making them costs downloads.
readonly ADAPTERS_DATA=$PWD/target/adapters
readonly SERVER_PID=$LOGS/server.pid
readonly SERVER_START_SECONDS=60

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  readonly BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' DIM=$'\e[2m' PLAIN=$'\e[0m'
  export CARGO_TERM_COLOR=always
else
  readonly BOLD='' RED='' GREEN='' DIM='' PLAIN=''
fi
if [[ ${CI:-} == true ]]; then
  # Lints and build in one pass: the driver of the lints is a compiler. Who works on the code keeps
  # `cargo clippy`, since the two compilers do not use each other's artifacts.
  export CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER=clippy-driver
  # How `cargo clippy` hands `-D warnings` to the driver; the words between are the driver's own
  # separator. A driver of another mind refuses the option: it cannot pass unseen.
  export CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
fi
# Node.js of scripts/setup.sh, where the system has none that will do.
export PATH=$PWD/target/tools/bin:$PATH
export MLHUB_TEST_PYTHON=$PYTHON
# The gate's hubs are its own: nobody's settings reach them.
unset MLHUB_UI MLHUB_DATA_DIR MLHUB_URL MLHUB_TOKEN MLHUB_POSTGRES_URL

# --- steps ------------------------------------------------------------------

step_setup() { ./scripts/setup.sh; }

step_format() { cargo fmt --all --check; }

step_ui() {
  if [[ ! ui/node_modules/.package-lock.json -nt ui/package-lock.json ]]; then
    npm --prefix ui ci --no-audit --no-fund
  fi
  npm --prefix ui run check
}

step_clippy() {
  if [[ -n ${CLIPPY_ARGS:-} ]]; then step_build; else cargo clippy --workspace --all-targets -- -D warnings; fi
}

step_deny() {
  cargo deny --log-level error check licenses bans sources
  # The advisory database is fetched from outside, which not every machine may do.
  case ${MLHUB_GATE_ADVISORIES:-0} in
    1) cargo deny --log-level error check advisories ;;
    *) echo "advisories: not checked; MLHUB_GATE_ADVISORIES=1 checks them over the network" ;;
  esac
}

# All targets at once, so that every later step finds what it runs already built.
step_build() { cargo build --workspace --all-targets; }

step_tests() {
  if has_integrations; then export MLHUB_TEST_FRAMEWORKS=$VENV_INTEGRATIONS; fi
  cargo nextest run --workspace --profile ci
}

step_checks() { target/debug/xtask check; }

step_python() {
  local -r options=(--cache-dir target/ruff-cache --line-length 100)
  # What was written against version 1 of the protocol stays as it was.
  "$VENV/bin/ruff" check "${options[@]}" --extend-exclude adapter_version_1 adapters benches crates examples scripts ui/e2e
  "$VENV/bin/ruff" format --check "${options[@]}" adapters benches examples scripts ui/e2e
  "$VENV/bin/mypy" --strict --cache-dir target/mypy-cache --python-executable "$PYTHON" scripts/*.py
  step_python_adapters
  step_python_sdk
}

# Each adapter in Python, in the environment that the hub makes of its lock file, or in that
# of the frameworks. pytest is ours; the programs it starts are the adapter's.
step_python_adapters() {
  local own=()
  if has_integrations; then own=(--own "$VENV_INTEGRATIONS"); fi
  "$PYTHON" scripts/test_adapters.py --mlhub "$MLHUB" --data-dir "$ADAPTERS_DATA" "${own[@]}"
}

# Without the frameworks what needs them is left out, and said so; CI leaves out nothing.
has_integrations() {
  if [[ -x $VENV_INTEGRATIONS/bin/python ]]; then return; fi
  echo "frameworks: what needs $VENV_INTEGRATIONS is left out; scripts/setup.sh says why"
  if [[ ${CI:-} == true ]]; then exit 1; fi
  return 1
}

# The SDK as people get it: a wheel with the native module and the command in it.
step_python_sdk() {
  local wheel
  rm -rf target/wheels
  MLHUB_WHEEL_PROFILE=dev "$PYTHON" -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --wheel-dir target/wheels ./python
  wheel=$(echo target/wheels/mlhub-*.whl)
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
  # `pytest`, not `python -m pytest`: that would find the sources instead of what is installed.
  (
    cd python
    "$VENV/bin/ruff" check --cache-dir ../target/ruff-cache .
    "$VENV/bin/ruff" format --check --cache-dir ../target/ruff-cache .
    "$VENV/bin/mypy" --cache-dir ../target/mypy-cache --python-executable "$PYTHON"
    # The oldest Python that is promised: mypy no longer knows it, so its grammar and
    # library are checked by name.
    "$VENV/bin/vermin" --quiet --no-tips --target=3.9- --violations mlhub mlhub_adapter build_backend
    PYTHONDONTWRITEBYTECODE=1 "$VENV/bin/pytest" -q -p no:cacheprovider tests
  )
  if ! has_integrations; then return; fi
  "$VENV_INTEGRATIONS/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --force-reinstall "$wheel"
  (
    cd python
    MLHUB_TEST_INTEGRATIONS=all PYTHONDONTWRITEBYTECODE=1 \
      "$VENV_INTEGRATIONS/bin/pytest" -q -p no:cacheprovider tests/test_integrations.py \
      tests/test_documents.py
  )
}

step_smoke() {
  rm -rf "$SMOKE_DATA"
  mkdir -p "$SMOKE_DATA" "$ADAPTERS_DATA/environments"
  ln -s "$ADAPTERS_DATA/environments" "$SMOKE_DATA/environments"
  local leave_out=()
  if ! has_integrations; then leave_out=(--leave-out pytorch lightning huggingface); fi
  VIRTUAL_ENV=$VENV_INTEGRATIONS "$PYTHON" scripts/smoke.py --binary "$MLHUB" \
    --data-dir "$SMOKE_DATA" "${leave_out[@]}"
  # Every scenario of the benchmarks, tiny, of this hub alone; nothing is judged by time.
  BENCH_PROFILE=debug BENCH_PYTHON=$PYTHON "$PYTHON" benches/run.py --smoke --peers mlhub
  # The MLflow API as it is measured beside MLflow's own server.
  BENCH_PROFILE=debug "$PYTHON" benches/mlflow/compare.py --smoke
  # The metrics that are measured beside scikit-learn: that both have the same values.
  BENCH_PROFILE=debug "$PYTHON" benches/eval/compare.py --smoke
  # The soak itself has 10,000.
  "$PYTHON" scripts/soak_listeners.py "$MLHUB" 500
}

step_e2e() {
  local -r hub_file=$SMOKE_DATA/hub.json
  local deadline=$((SECONDS + SERVER_START_SECONDS)) url
  if [[ ! -d $SMOKE_DATA ]]; then
    echo "the smoke step leaves the runs this step looks at; run it first: $0 --from smoke" >&2
    return 1
  fi
  trap stop_server EXIT
  "$MLHUB" serve --data-dir "$SMOKE_DATA" --port 0 >"$LOGS/server.txt" 2>&1 </dev/null &
  echo $! >"$SERVER_PID"
  until [[ -s $hub_file ]] && url=$("$PYTHON" scripts/hub_url.py "$hub_file" "$(<"$SERVER_PID")"); do
    if ! kill -0 "$(<"$SERVER_PID")" 2>/dev/null || ((SECONDS > deadline)); then
      echo "the hub did not start:" >&2
      cat "$LOGS/server.txt" >&2
      return 1
    fi
    sleep 0.1
  done
  local browser=${MLHUB_E2E_CHROMIUM:-}
  [[ -n $browser ]] || browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
  MLHUB_E2E_URL=$url MLHUB_E2E_CHROMIUM=$browser npm --prefix ui run e2e
  # Every page, pixel by pixel, from hubs of its own.
  MLHUB_E2E_BINARY=$MLHUB MLHUB_E2E_CHROMIUM=$browser npm --prefix ui run e2e:snapshots
  # What is measured in a browser, tiny: that all of it is there, and that live updates keep no memory.
  MLHUB_E2E_CHROMIUM=$browser BENCH_PROFILE=debug BENCH_PYTHON=$PYTHON "$PYTHON" benches/ui/pages.py --smoke
}

# --- machinery --------------------------------------------------------------

stop_server() {
  [[ -s $SERVER_PID ]] || return 0
  local pid
  pid=$(<"$SERVER_PID")
  rm -f "$SERVER_PID"
  kill "$pid" 2>/dev/null || return 0
  wait "$pid" 2>/dev/null || true
}

usage() { sed -n '2,/^set /{s/^# \{0,1\}//p}' "$0"; }

is_step() { [[ -n ${TITLES[$1]:-} ]] || { echo "no step \`$1\`; the steps: ${STEPS[*]}" >&2; exit 2; }; }

selected=()
parse_arguments() {
  local step
  while (($#)); do
    case $1 in
      --list) printf '%s\n' "${STEPS[@]}"; exit 0 ;;
      --only) is_step "${2:-}"; selected+=("$2"); shift ;;
      --from)
        is_step "${2:-}"
        for step in "${STEPS[@]}"; do
          if [[ $step == "$2" ]] || ((${#selected[@]})); then selected+=("$step"); fi
        done
        shift
        ;;
      -h | --help) usage; exit 0 ;;
      *) echo "unknown option \`$1\`" >&2; usage >&2; exit 2 ;;
    esac
    shift
  done
  ((${#selected[@]})) || selected=("${STEPS[@]}")
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Adds up what the runners said of their tests (nextest, vitest, pytest,
# Playwright, and the lines `N passed, N failed` of our own checks).
counts() {
  sed 's/\x1b\[[0-9;]*m//g' "$LOGS"/*.log | awk '
    function before(word, text,   at) {
      if (!match(text, "[0-9]+ " word)) return 0
      return substr(text, RSTART, RLENGTH) + 0
    }
    /tests? run: [0-9]+ passed|^ *Tests  .*passed|[0-9]+ passed.* in [0-9.]+s|^ *[0-9]+ passed|^ *[0-9]+ failed|^ *[0-9]+ skipped *$/ {
      passed += before("passed", $0); failed += before("failed", $0)
    }
    END { printf "%d passed, %d failed\n", passed, failed }'
}

summary() {
  printf '\n%s== Summary%s\n' "$BOLD" "$PLAIN"
  printf '%s' "$report"
}

report=''
run_step() {
  local -r step=$1
  local -r begun=$SECONDS
  local status took
  printf '\n%s== %s: %s%s\n' "$BOLD" "$step" "${TITLES[$step]}" "$PLAIN"
  # A subshell outside any condition: there, and only there, its own -e works.
  set +e
  (
    set -Eeuo pipefail
    "step_$step"
  ) 2>&1 | tee "$LOGS/$step.log"
  status=${PIPESTATUS[0]}
  set -e
  took=$(clock $((SECONDS - begun)))
  if ((status == 0)); then
    printf '%s-- %s: ok%s %s(%s)%s\n' "$GREEN" "$step" "$PLAIN" "$DIM" "$took" "$PLAIN"
    report+=$(printf '  %-8s ok      %6s' "$step" "$took")$'\n'
    return
  fi
  report+=$(printf '  %-8s FAILED  %6s' "$step" "$took")$'\n'
  summary
  printf '%sThe gate failed at `%s`.%s Its output: %s\n' "$RED" "$step" "$PLAIN" "$LOGS/$step.log"
  printf 'Run it again: ./scripts/gate.sh --only %s   and go on from there: ./scripts/gate.sh --from %s\n' "$step" "$step"
  counts
  exit 1
}

parse_arguments "$@"
mkdir -p "$LOGS"
rm -f "$LOGS"/*.log
trap stop_server EXIT
for step in "${selected[@]}"; do run_step "$step"; done
summary
if ((${#selected[@]} == ${#STEPS[@]})); then passed='The gate is passed'; else passed='The steps asked for are passed'; fi
printf '%s%s%s in %s.\n' "$GREEN" "$passed" "$PLAIN" "$(clock "$SECONDS")"
counts
