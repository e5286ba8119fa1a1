/* SPDX-License-Identifier: MIT */
#ifndef CN_CLI_PROBE_H
#define CN_CLI_PROBE_H

/* rouse probe; argv[0] is the verb. Answers the exit code. */
int cn_probe_main(int argc, char **argv);

/* Of one group each: see probe_kernel.h. */
int cn_probe_blocks_main(int argc, char **argv);
int cn_probe_faults_main(int argc, char **argv);
int cn_probe_profile_main(int argc, char **argv);

#endif
