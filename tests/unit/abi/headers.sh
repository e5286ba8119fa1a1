#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public header is the first line somebody may write: each compiles
# alone, without a warning, as C11 and as C++17. One test a header.
#     headers.sh INCLUDE_DIR... -- HEADER...
set -u
includes=
while [ "$1" != -- ]; do
	includes="$includes -I$1"
	shift
done
shift

compile() { # COMPILER STANDARD LANGUAGE HEADER
	# The header twice: guards work. Not as the main file: no warning about the pragma.
	# shellcheck disable=SC2086
	printf '#include <rouse/%s>\n#include <rouse/%s>\nint rouse_header_is_not_empty;\n' "$4" "$4" |
		"$1" -std="$2" -x "$3" -fsyntax-only -Wall -Wextra -Wpedantic -Werror $includes -
}

failed=0
ran=0
for compiler in gcc:c11:c clang:c11:c g++:c++17:c++ clang++:c++17:c++; do
	program=${compiler%%:*}
	rest=${compiler#*:}
	command -v "$program" >/dev/null || { echo "SKIP: no $program" >&2; continue; }
	for header in "$@"; do
		ran=$((ran + 1))
		compile "$program" "${rest%%:*}" "${rest#*:}" "$(basename "$header")" ||
			{ echo "FAILED: $program ${rest%%:*} rouse/$(basename "$header")" >&2; failed=$((failed + 1)); }
	done
done
[ "$ran" -gt 0 ] || exit 77
exit "$failed"
