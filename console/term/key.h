/* SPDX-License-Identifier: MIT */
/*
 * A key is the code point it types; keys that type none are numbered past
 * Unicode. Names are those of scripts and of the help.
 */
#ifndef CN_TERM_KEY_H
#define CN_TERM_KEY_H

#include <stdint.h>

#define CN_CTRL(letter) ((uint32_t)(letter) & 0x1f)
#define CN_KEY_ENTER 0x0du
#define CN_KEY_TAB 0x09u
#define CN_KEY_ESC 0x1bu
#define CN_KEY_BACKSPACE 0x7fu

/*  name    in scripts  in curses */
#define CN_KEYS(X)                                                                                                     \
	X(UP, "Up", KEY_UP)                                                                                            \
	X(DOWN, "Down", KEY_DOWN)                                                                                      \
	X(LEFT, "Left", KEY_LEFT)                                                                                      \
	X(RIGHT, "Right", KEY_RIGHT)                                                                                   \
	X(HOME, "Home", KEY_HOME)                                                                                      \
	X(END, "End", KEY_END)                                                                                         \
	X(PAGE_UP, "PgUp", KEY_PPAGE)                                                                                  \
	X(PAGE_DOWN, "PgDn", KEY_NPAGE)                                                                                \
	X(BACK_TAB, "S-Tab", KEY_BTAB)                                                                                 \
	X(DELETE, "Del", KEY_DC)                                                                                       \
	X(F1, "F1", KEY_F(1))                                                                                          \
	X(F2, "F2", KEY_F(2))                                                                                          \
	X(F3, "F3", KEY_F(3))                                                                                          \
	X(F4, "F4", KEY_F(4))                                                                                          \
	X(F5, "F5", KEY_F(5))                                                                                          \
	X(F6, "F6", KEY_F(6))                                                                                          \
	X(F7, "F7", KEY_F(7))                                                                                          \
	X(F8, "F8", KEY_F(8))                                                                                          \
	X(F9, "F9", KEY_F(9))                                                                                          \
	X(F10, "F10", KEY_F(10))

enum cn_key {
	CN_KEY_BASE = 0x110000,
#define X(name, text, curses) CN_KEY_##name,
	CN_KEYS(X)
#undef X
	CN_KEY_END_OF_LIST
};

/*
 * The mouse is a key, too: what it did, and at which cell. In scripts
 * "Click@ROW,COL", "WheelUp@ROW,COL".
 */
enum cn_mouse { CN_MOUSE_CLICK, CN_MOUSE_WHEEL_UP, CN_MOUSE_WHEEL_DOWN, CN_MOUSE_COUNT };
enum { CN_MOUSE_SIDE = 1 << 14 };
#define CN_KEY_MOUSE 0x80000000u
static inline uint32_t cn_key_of_mouse(enum cn_mouse what, uint32_t row, uint32_t col)
{
	return CN_KEY_MOUSE | (uint32_t)what << 28 | (row & (CN_MOUSE_SIDE - 1)) << 14 | (col & (CN_MOUSE_SIDE - 1));
}
static inline enum cn_mouse cn_mouse_what(uint32_t key)
{
	return (enum cn_mouse)(key >> 28 & 7);
}
static inline int cn_mouse_row(uint32_t key)
{
	return (int)(key >> 14 & (CN_MOUSE_SIDE - 1));
}
static inline int cn_mouse_col(uint32_t key)
{
	return (int)(key & (CN_MOUSE_SIDE - 1));
}

/* "j", "Enter", "C-d", "PgUp", "Space": 0 or -EINVAL. */
int cn_key_parse(const char *text, uint32_t *ret_key);

#endif
