#!/bin/sh
# SPDX-License-Identifier: MIT
# The screen in tmux, a terminal that people use: the pane must equal the golden
# files cell by cell, at two sizes, and give the shell back.
set -eu

command -v tmux >/dev/null || {
	echo "SKIP: tmux is not installed" >&2
	exit 77
}
root=$ROUSE_SOURCE_ROOT/tests/tui
dir=$(mktemp -d)
export TERM=xterm-256color LC_ALL=C.UTF-8 TMUX_TMPDIR="$dir"
unset TMUX NO_COLOR ROUSE_SCRIPT LINES COLUMNS || true

mux() {
	tmux -L rouse -f /dev/null "$@"
}
trap 'mux kill-server 2>/dev/null || true; rm -rf "$dir"' EXIT

# The text part of a golden file, as a pane shows it.
golden() {
	sed '/^-- styles$/,$d' "$root/golden/$1.txt"
}

# Waits until the pane equals the golden file; says how it differs when it never does.
expect_golden() {
	golden "$1" >"$dir/want"
	tries=0
	while :; do
		mux capture-pane -p | sed 's/ *$//' >"$dir/have"
		if cmp -s "$dir/want" "$dir/have"; then
			echo "ok $1"
			return
		fi
		tries=$((tries + 1))
		if [ $tries -gt 200 ]; then
			echo "not ok $1" >&2
			diff -u "$dir/want" "$dir/have" >&2
			exit 1
		fi
		sleep 0.05
	done
}

mux new-session -d -x 80 -y 24 "'$ROUSE_BUILD_ROOT/tests/tui/screen_player' '$root/trouble.frames'; echo status \$? >'$dir/status'; cat"
expect_golden tasks-end
mux send-keys Enter
expect_golden task-end
mux send-keys Escape
mux resize-window -x 40 -y 10
expect_golden tasks-end-small
mux resize-window -x 80 -y 24
expect_golden tasks-end
mux send-keys C-l
expect_golden tasks-end
mux send-keys q
tries=0
until [ -s "$dir/status" ]; do
	tries=$((tries + 1))
	[ $tries -le 200 ] || {
		echo "not ok: q does not quit" >&2
		exit 1
	}
	sleep 0.05
done
[ "$(cat "$dir/status")" = "status 0" ]
# The alternate screen is gone, and nothing of it is left.
if mux capture-pane -p | grep -q trouble; then
	echo "not ok: the screen was left behind" >&2
	exit 1
fi
echo "ok the shell is back"
