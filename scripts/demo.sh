#!/bin/sh
# The whole story on one machine: boot the lab, deploy it, rotate a quarter on it while every service is asked, and tell about it.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export PATH MYCOOPS_FLEET=inventory/lab
began=$(date +%s)

say() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

say '$ mycoops lab up'
mycoops lab up

say '$ mycoops deploy'
mycoops deploy

if mycoops status --json | grep -q '"next": "mycoops \(resume\|abort\)"'; then
    say '$ mycoops resume     # an earlier run was interrupted'
    mycoops resume
fi

say '$ mycoops rotate --quarter Q2 --yes     # while every service is asked 24 times a second, half of it over new connections'
echo '(what a person has to do, lab/load/person.py does at the consoles of the lab: at the prompts first, then what is left)'
status=0
python lab/load/traffic.py --fleet inventory/lab -- python lab/load/person.py --fleet inventory/lab -- \
    mycoops rotate --quarter Q2 --yes || status=$?
[ "$status" -eq 0 ] || { say "The rotation ended with status $status; what to do next stands above."; exit "$status"; }

say '$ mycoops log verify'
mycoops log verify

say "Done in $(($(date +%s) - began)) s. The lab stays up. Try next:"
cat <<'NEXT'
  . .venv/bin/activate             so that `mycoops` is found
  mycoops status                   where every credential stands
  mycoops plan --quarter Q3        what the next quarter would do, and where there is no way back
  mycoops rotate redis_mas         one credential, all the way
  mycoops redeploy postgresql_mas  the current value again, restarted and proven by the running process
  mycoops log                      the evidence
  mycoops lab ssh mas              look around on a host
  mycoops lab down                 when you are done
NEXT
