/* SPDX-License-Identifier: MIT */
#include "base/atomic.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool rs_fence_asymmetric;
uint32_t rs_fence_dummy;

void rs_fence_init(void)
{
	rs_fence_asymmetric =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void rs_fence_heavy_slow(void)
{
	rs_fence(RS_SEQ_CST);
	if (rs_fence_asymmetric)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}
