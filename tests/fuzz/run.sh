#!/usr/bin/env bash
# Fuzzes every service against its own OpenAPI document; ends with another code than 0 at any
# deviation. Installs schemathesis from PyPI, once, in a folder of its own. Names of services limit
# the run: tests/fuzz/run.sh wallets. FUZZ_SEED and FUZZ_EXAMPLES change what is generated. A run
# takes FUZZ_SECONDS (480) at most, of which a quiet machine needs the fewest.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"

if ! command -v python3 > /dev/null; then
  echo 'tests/fuzz/run.sh needs Python 3.10 or later with venv and pip; there is no python3 here' >&2
  exit 1
fi
venv="node_modules/.cache/caudal-fuzz"
if ! cmp -s tests/fuzz/requirements.txt "$venv/installed.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/fuzz/requirements.txt
  cp tests/fuzz/requirements.txt "$venv/installed.txt"
fi
exec node tests/fuzz/run.ts "$PWD/$venv/bin/schemathesis" "$@"
