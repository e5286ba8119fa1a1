#!/bin/sh
# SPDX-License-Identifier: MIT
# A program of somebody else is built with what pkg-config says, and runs:
#     consumer.sh uninstalled BUILD_ROOT SOURCE_FILE
#     consumer.sh installed BUILD_ROOT SOURCE_FILE
set -eu
kind=$1 build=$2 source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ "$kind" = uninstalled ]; then
	PKG_CONFIG_PATH=$build/meson-uninstalled
else
	DESTDIR=$work meson install -C "$build" --no-rebuild --quiet >/dev/null
	PKG_CONFIG_PATH=$(dirname "$(find "$work" -name rouse.pc)")
	PKG_CONFIG_SYSROOT_DIR=$work
	export PKG_CONFIG_SYSROOT_DIR
fi
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs rouse)
library=$(pkg-config --variable=libdir rouse 2>/dev/null)
[ "$kind" = installed ] && rpath=$library || rpath=$build

for compiler in gcc clang; do
	command -v "$compiler" >/dev/null || { echo "SKIP: no $compiler" >&2; continue; }
	# shellcheck disable=SC2086
	"$compiler" -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -o "$work/consumer" "$source" $flags \
		-Wl,-rpath,"$rpath"
	said=$(ROUSE_LISTEN=0 "$work/consumer")
	[ "$said" = "0 42" ] || { echo "FAILED: built by $compiler it said: $said" >&2; exit 1; }
done
