/* SPDX-License-Identifier: MIT */
/* Numbers as people read them in a column: three digits that matter, then the unit. */
#ifndef CN_WIDGET_FORMAT_H
#define CN_WIDGET_FORMAT_H

#include <stdint.h>

enum { CN_FORMAT_BYTES = 16 };

/* At most 6 columns: "0", "999ns", "1.25us", "12.5ms", "3.20s", "1m05s", "3h02m", "2d04h", "102d". */
const char *cn_format_ns(char out[CN_FORMAT_BYTES], uint64_t ns);
/* At most 5 columns: "0" to "9999", "12.3k", "1.23M", "123M", "1.84G". */
const char *cn_format_count(char out[CN_FORMAT_BYTES], uint64_t count);
/* At most 4 columns, "-" where there is nothing to divide by: "0%", "<1%", "37%", ">99%", "100%". */
const char *cn_format_share(char out[CN_FORMAT_BYTES], uint64_t part, uint64_t whole);

#endif
