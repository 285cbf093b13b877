#!/bin/sh
# Put an env file where the fleet has it, as the fleet has it: usage env-file.sh NAME PATH
set -eu
install -d -o mycosoft -g mycosoft "$(dirname "$2")"
install -o mycosoft -g mycosoft -m "${3:-0644}" "/opt/lab/env/$1" "$2"
