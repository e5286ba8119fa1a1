/* SPDX-License-Identifier: MIT */
/*
 * What `rouse probe` takes, for completions and the manual, also where rouse
 * is built without it. A test holds it against what each `--help` says.
 */
#ifndef CN_CLI_PROBE_TABLE_H
#define CN_CLI_PROBE_TABLE_H

/* name, text, what it shows */
#define CN_PROBE_MODES(X)                                                                                              \
	X(EVENTS, "events", "Spawns, wakes, polls and ends of tasks at the program's USDT probes, and where the time "  \
			    "of long polls went. With -- COMMAND the program is started, and nothing is missed.")      \
	X(SCHED, "sched", "Where the time of polls went: on a CPU, blocked, in the run queue, preempted, waiting for "  \
			  "a page; by task, spawn site and worker.")                                                   \
	X(SYSCALLS, "syscalls", "The system calls that polls made: how many, their time, the longest one.")             \
	X(BLOCKS, "blocks", "Each time a poll blocked its worker: in which call, behind whose mutex, who ended it, "    \
			    "with its stack.")                                                                         \
	X(FAULTS, "faults", "The page faults of polls, and for how long they blocked the worker.")                      \
	X(PROFILE, "profile", "In which functions polls are on the CPU.")
enum cn_probe_mode {
#define X(name, text, help) CN_PROBE_##name,
	CN_PROBE_MODES(X)
#undef X
	CN_PROBE_MODE_COUNT
};

#define CN_PROBE_IN(mode) (1u << CN_PROBE_##mode)
#define CN_PROBE_SUMS (CN_PROBE_IN(SCHED) | CN_PROBE_IN(SYSCALLS))
#define CN_PROBE_ALL ((1u << CN_PROBE_MODE_COUNT) - 1)

/* text, letter, argument, which modes, help */
#define CN_PROBE_OPTIONS(X)                                                                                            \
	X("for", 0, "SECONDS", CN_PROBE_ALL, "end after that time; else with Ctrl-C")                                  \
	X("count", 'n', "N", CN_PROBE_ALL, "so many rows; with --events, end after so many lines")                     \
	X("json", 0, NULL, CN_PROBE_ALL, "print JSON: one document, or with --events and --blocks one a line")         \
	X("long", 0, "MS", CN_PROBE_IN(EVENTS), "a poll is long from this time on (10)")                               \
	X("frames", 0, "FILE", CN_PROBE_IN(EVENTS), "write the frames of the protocol to FILE as well; - is standard output") \
	X("tasks", 0, "N", CN_PROBE_SUMS, "keep the sums of so many tasks (16384); more evict the oldest")             \
	X("verbose", 0, NULL, CN_PROBE_SUMS, "also what it costs: runs, and ns each")                                  \
	X("threshold", 0, "MS", CN_PROBE_IN(BLOCKS), "blocks that lasted so long at least (1)")                        \
	X("hz", 0, "N", CN_PROBE_IN(PROFILE), "samples a second of CPU time, and worker (99)")                         \
	X("folded", 0, "FILE", CN_PROBE_IN(PROFILE), "write folded stacks, for flame graphs; - is standard output")    \
	X("pprof", 0, "FILE", CN_PROBE_IN(PROFILE), "write what pprof reads, with the tasks as labels; - as above")    \
	X("help", 0, NULL, CN_PROBE_ALL, "what that mode shows, and its options")

#endif
