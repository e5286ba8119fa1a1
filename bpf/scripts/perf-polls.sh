#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The polls of a process, recorded by perf at the runtime's probes: one line as each begins and as it ends, with the
# thread, the time, and the arguments (task; number of the poll; 1 if the task has ended with it). Needs root, and
# tracefs at /sys/kernel/tracing. What it adds to perf's probes is taken away again.
#   perf-polls.sh PID [SECONDS]
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: ${0##*/} PID [SECONDS]" >&2; exit 2; }
pid=$1 seconds=${2:-5}
program=$(readlink -f "/proc/$pid/exe")
cache=$(mktemp -d)
events=()

forget() {
	for event in "${events[@]}"; do
		perf probe --quiet --del "$event" || true
	done
	rm -rf "$cache"
}
trap forget EXIT

# A runtime in librouse.so has its probes there.
library=$(awk '$6 ~ /librouse\.so/ { print $6; exit }' "/proc/$pid/maps")
perf --buildid-dir "$cache" buildid-cache --add "${library:-$program}"
for probe in task__poll__start task__poll__end; do
	perf --buildid-dir "$cache" probe --quiet "sdt_rouse:$probe"
	events+=("sdt_rouse:$probe")
done
perf --buildid-dir "$cache" record --quiet --pid "$pid" --output "$cache/data" \
	--event sdt_rouse:task__poll__start,sdt_rouse:task__poll__end -- sleep "$seconds"
perf --buildid-dir "$cache" script --input "$cache/data" --fields tid,time,event,trace
