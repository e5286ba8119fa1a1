/* SPDX-License-Identifier: MIT */
#ifndef CN_CLI_PROBE_H
#define CN_CLI_PROBE_H

/* rouse probe; argv[0] is the verb. Answers the exit code. */
int cn_probe_main(int argc, char **argv);

#endif
