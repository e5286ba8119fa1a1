/* SPDX-License-Identifier: MIT */
/* libFuzzer's entry, and an assertion that also holds with NDEBUG. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ASSERT(CONDITION) ((CONDITION) ? (void)0 : abort())

#endif
