#!/bin/sh
# One ssh per host, so many at once: parallel-ssh.sh FORKS PORTS SCRIPT IDENTITY KNOWN_HOSTS. PORTS is a file with one port a line.
set -eu
forks=$1 ports=$2
export script="$3" identity="$4" known_hosts="$5"
# The variables are those of the shell that xargs starts.
# shellcheck disable=SC2016
exec xargs -P "$forks" -n 1 -a "$ports" sh -c 'exec ssh -F /dev/null -i "$identity" -o IdentitiesOnly=yes -o BatchMode=yes \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$known_hosts" -o PreferredAuthentications=publickey \
    -p "$1" deploy@127.0.0.1 "sudo -n sh -s" < "$script"' sh
