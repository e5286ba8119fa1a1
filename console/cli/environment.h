/* SPDX-License-Identifier: MIT */
/* The variables that a user may set, for the manual; a test holds it against ARCHITECTURE.md. */
#ifndef CN_CLI_ENVIRONMENT_H
#define CN_CLI_ENVIRONMENT_H

enum { CN_OF_CONSOLE = 1, CN_OF_AGENT = 2, CN_OF_RUNTIME = 4 };

/* name, who reads it, what it does */
#define CN_ENVIRONMENT(X)                                                                                              \
	X("ROUSE_WORKER_THREADS", CN_OF_RUNTIME, "how many workers, if the program does not say: 1 to 64; else one per CPU") \
	X("ROUSE_LEVEL", CN_OF_RUNTIME, "what is recorded, if the program does not say: 0, 1 (the default) or 2")      \
	X("ROUSE_LISTEN", CN_OF_AGENT,                                                                                 \
		"neither empty nor 0: the agent serves its socket; tcp:127.0.0.1:PORT: a port on loopback, too; not "    \
		"read in setuid programs")                                                                              \
	X("ROUSE_RECORD", CN_OF_AGENT,                                                                                 \
		"a folder: a program that dies by SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT leaves PROGRAM.PID.core "   \
		"there; not read in setuid programs")                                                                   \
	X("ROUSE_TOKEN", CN_OF_CONSOLE,                                                                                \
		"the token to show at such a port, where its file (tcp-PORT.token beside the socket) is not at hand")   \
	X("XDG_RUNTIME_DIR", CN_OF_AGENT | CN_OF_CONSOLE,                                                              \
		"where that socket is looked for first: in rouse/ there; not read in setuid programs")                  \
	X("ROUSE_CONFIG", CN_OF_CONSOLE, "the file of settings; empty: none is read")                                  \
	X("XDG_CONFIG_HOME", CN_OF_CONSOLE, "where that file is looked for: rouse/config.toml there")                  \
	X("HOME", CN_OF_CONSOLE, "without XDG_CONFIG_HOME: .config/rouse/config.toml there")                           \
	X("ROUSE_THEME", CN_OF_CONSOLE, "the theme, if no option says it")                                             \
	X("ROUSE_SCRIPT", CN_OF_CONSOLE, "a file of keys to press and frames to print, instead of a terminal")         \
	X("NO_COLOR", CN_OF_CONSOLE, "not empty: no colours")                                                          \
	X("TERM", CN_OF_CONSOLE, "which terminal it is, and so how many colours it has")                               \
	X("COLORTERM", CN_OF_CONSOLE, "set: it has 256 colours, for printed text")                                     \
	X("COLUMNS", CN_OF_CONSOLE, "width of printed text and of frames of top -b, if no option says it")             \
	X("LINES", CN_OF_CONSOLE, "height of frames of top -b")

#endif
