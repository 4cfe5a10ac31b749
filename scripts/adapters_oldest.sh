#!/usr/bin/env bash
# Tests adapters with the oldest releases they support; the gate tests those of the lock files.
#
#   ./scripts/adapters_oldest.sh [ADAPTER...]
#
# Environments are made in target/adapters-oldest, of adapters/ADAPTER/requirements-oldest.txt.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=$PWD/target/venv-test/bin/python
readonly ENVIRONMENTS=$PWD/target/adapters-oldest

adapters=("$@")
if ((${#adapters[@]} == 0)); then
  for file in adapters/*/requirements-oldest.txt; do
    adapters+=("$(basename "$(dirname "$file")")")
  done
fi
for adapter in "${adapters[@]}"; do
  environment=$ENVIRONMENTS/$adapter
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "adapters/$adapter/requirements-oldest.txt"
  echo "# $adapter"
  (cd "adapters/$adapter" && VIRTUAL_ENV=$environment PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest -q)
done
