#!/bin/sh
# Make .venv with exactly the versions of requirements.lock; works on a bare Debian 12.
set -eu
cd "$(dirname "$0")/.."
find_python() { command -v python3.11 || command -v python3; }
if ! "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
fi
[ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
