#!/bin/sh
# Run a command with what it prints in a log. A command that fails shows the last lines, names the
# log, and ends as the command did.
set -eu

log=${0%/*}/../../.venv/install.log
mkdir -p "${log%/*}"
log=$(cd "${log%/*}" && pwd)/install.log
echo "\$ $*" >>"$log"
before=$(wc -l <"$log")
status=0
"$@" >>"$log" 2>&1 || status=$?
[ $status -ne 0 ] || exit 0
{
  tail -n +$((before + 1)) "$log" | tail -n 15
  echo "This failed: $*"
  echo "All that it printed: $log"
} >&2
exit $status
