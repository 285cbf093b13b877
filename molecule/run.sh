#!/bin/sh
# Run every scenario, or those named as arguments, on hosts of its own; whatever happens, nothing is left behind.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
MOLECULE_RUN=$(mktemp -d /dev/shm/molecule.XXXXXX)
ANSIBLE_HOME=$MOLECULE_RUN/ansible
MOLECULE_EPHEMERAL_DIRECTORY=$MOLECULE_RUN/state
umask 077
cp -R molecule/shared/fleet "$MOLECULE_RUN/fleet"
python -c 'import secrets; print(secrets.token_urlsafe(32))' > "$MOLECULE_RUN/vault-password"
export PATH MOLECULE_RUN ANSIBLE_HOME MOLECULE_EPHEMERAL_DIRECTORY

clean() {
    python molecule/shared/lab.py down "$MOLECULE_RUN" || echo "the hosts of the scenarios could not be removed" >&2
    rm -rf "$MOLECULE_RUN"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

scenarios=--all
if [ $# -gt 0 ]; then
    scenarios=
    for name in "$@"; do
        scenarios="$scenarios --scenario-name $name"
    done
fi
# A list of options, meant to be split.
# shellcheck disable=SC2086
molecule --base-config molecule/base.yml test --no-command-borders $scenarios
