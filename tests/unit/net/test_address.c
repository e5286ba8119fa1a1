/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "net/address.h"

static void assert_name(const char *text, uint16_t port, const char *expected)
{
	struct rs_address address;
	char name[RS_ADDRESS_NAME_BYTES];

	assert_int_equal(rs_address_parse(text, port, &address), 0);
	assert_int_equal(rs_address_port(&address), port);
	rs_address_name(&address, name);
	assert_string_equal(name, expected);
}

static void addresses_are_shown_with_their_port(void **state)
{
	(void)state;
	assert_name("127.0.0.1", 51234, "127.0.0.1:51234");
	assert_name("255.255.255.255", 65535, "255.255.255.255:65535");
	assert_name("::1", 80, "[::1]:80");
	assert_name("::", 0, "[::]:0");
}

static void the_end_of_a_long_address_is_kept(void **state)
{
	(void)state;
	/* 23 characters fit, 24 do not */
	assert_name("2001:db8:85a3::7", 9999, "[2001:db8:85a3::7]:9999");
	assert_name("2001:db8:85a3::7", 51234, "..01:db8:85a3::7]:51234");
	assert_name("2001:db8:85a3:1234:5678:8a2e:370:7334", 51234, "..:8a2e:370:7334]:51234");
}

static void names_and_nonsense_are_refused(void **state)
{
	const char *const bad[] = { "", "localhost", "127.0.0.1:80", "256.0.0.1", "1.2.3", " 127.0.0.1", "::1%lo",
		"[::1]" };
	struct rs_address address;

	(void)state;
	memset(&address, 0xa5, sizeof address);
	struct rs_address before = address;
	assert_int_equal(rs_address_parse(NULL, 1, &address), -EINVAL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(rs_address_parse(bad[i], 1, &address), -EINVAL);
	assert_memory_equal(&address, &before, sizeof address);
}

TEST_MAIN(cmocka_unit_test(addresses_are_shown_with_their_port), cmocka_unit_test(the_end_of_a_long_address_is_kept),
	cmocka_unit_test(names_and_nonsense_are_refused));
