/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include <stdarg.h>
#include <stdio.h>

int cn_why_set(struct cn_why *why, int code, const char *format, ...)
{
	va_list args;

	why->code = code;
	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return code;
}
