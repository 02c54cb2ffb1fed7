#!/usr/bin/env bash
# The step of action.yml: runs httpdest, shows its summary on the page of the
# job, and ends with its exit status.
set -uo pipefail
binary=$HTTPDEST_BINARY
if [ -z "$binary" ]; then
	binary=${RUNNER_TEMP:-/tmp}/httpdest
	(cd "$HTTPDEST_SOURCE" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$binary" ./cmd/httpdest) || exit 2
fi
# Arguments are words and are never evaluated: text of a pull request that a
# workflow passes on cannot run a command.
read -r -d '' -a arguments <<<"$HTTPDEST_ARGUMENTS" || true
"$binary" "${arguments[@]}" --out "$HTTPDEST_OUT"
status=$?
if [ -f "$HTTPDEST_OUT/summary.md" ]; then
	cat "$HTTPDEST_OUT/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
verdict=
case $status in 0) verdict=pass ;; 1) verdict=fail ;; 3) verdict=inconclusive ;; esac
[ -f "$HTTPDEST_OUT/report.json" ] || verdict=
{
	echo "verdict=$verdict"
	echo "report=$HTTPDEST_OUT"
} >>"$GITHUB_OUTPUT"
exit "$status"
