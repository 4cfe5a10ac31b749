#!/usr/bin/env bash
# Tests adapters with the oldest releases they support, or with the newest there are; the gate
# tests those of the lock files.
#
#   ./scripts/adapters_releases.sh oldest|current [ADAPTER...]
#
# Environments are made in target/adapters-oldest of adapters/ADAPTER/requirements-oldest.txt,
# or in target/adapters-current of requirements.in. PyTorch from PyPI is some gigabytes.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=$PWD/target/venv-test/bin/python

case ${1:-} in
  oldest) file=requirements-oldest.txt ;;
  current) file=requirements.in ;;
  *) sed -n '2,/^set /{s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
readonly file environments=$PWD/target/adapters-$1
shift

adapters=("$@")
if ((${#adapters[@]} == 0)); then
  for found in adapters/*/"$file"; do
    adapters+=("$(basename "$(dirname "$found")")")
  done
fi
for adapter in "${adapters[@]}"; do
  if [[ ! -f adapters/$adapter/$file ]]; then
    echo "$adapter has no $file" >&2
    exit 2
  fi
  environment=$environments/$adapter
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "adapters/$adapter/$file"
  echo "# $adapter"
  (cd "adapters/$adapter" && VIRTUAL_ENV=$environment PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest -q)
done
