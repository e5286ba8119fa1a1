/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mini_redis/store.h"

static struct store_slice slice(const char *text)
{
	return (struct store_slice){ text, strlen(text) };
}

static int set(struct store *store, struct store_slice key, struct store_slice value)
{
	const uint64_t hash = store_hash(store, key);
	int rc;

	store_lock(store, store_shard(hash));
	rc = store_set_locked(store, hash, key, value);
	store_unlock(store, store_shard(hash));
	return rc;
}

static bool del(struct store *store, struct store_slice key)
{
	const uint64_t hash = store_hash(store, key);
	bool there;

	store_lock(store, store_shard(hash));
	there = store_delete_locked(store, hash, key);
	store_unlock(store, store_shard(hash));
	return there;
}

/* The value is `expected`; NULL: there is none. */
static void expect(struct store *store, struct store_slice key, const struct store_slice *expected)
{
	const uint64_t hash = store_hash(store, key);
	struct store_slice value;
	bool there;

	store_lock(store, store_shard(hash));
	there = store_get_locked(store, hash, key, &value);
	assert_int_equal(there, expected != NULL);
	if (expected) {
		assert_int_equal(value.n, expected->n);
		assert_memory_equal(value.bytes, expected->bytes, value.n);
	}
	store_unlock(store, store_shard(hash));
}

static void a_value_is_what_was_set_last(void **state)
{
	struct store *store = store_new();

	(void)state;
	assert_non_null(store);
	expect(store, slice("a"), NULL);
	assert_int_equal(set(store, slice("a"), slice("1")), 0);
	expect(store, slice("a"), &(struct store_slice){ "1", 1 });
	assert_int_equal(set(store, slice("a"), (struct store_slice){ "x\0y", 3 }), 0);
	expect(store, slice("a"), &(struct store_slice){ "x\0y", 3 });
	expect(store, slice("A"), NULL);
	expect(store, (struct store_slice){ "a\0", 2 }, NULL);
	assert_true(del(store, slice("a")));
	assert_false(del(store, slice("a")));
	expect(store, slice("a"), NULL);
	store_free(store);
}

/* Keys and values of random length, against a plain array that holds the same. */
static void it_agrees_with_an_array_over_a_long_life(void **state)
{
	enum { KEYS = 500, ROUNDS = 60000, MOST = 300 };
	static char values[KEYS][MOST];
	static size_t lengths[KEYS];
	static bool there[KEYS];
	struct store *store = store_new();
	uint64_t random = test_seed();
	char name[16];

	(void)state;
	assert_non_null(store);
	for (int round = 0; round < ROUNDS; round++) {
		const unsigned i = (unsigned)(test_random(&random) % KEYS);
		struct store_slice key = { name, (size_t)snprintf(name, sizeof name, "key:%u", i) };

		switch (test_random(&random) % 4) {
		case 0:
			assert_int_equal(del(store, key), there[i]);
			there[i] = false;
			break;
		case 1:
		case 2:
			lengths[i] = test_random(&random) % MOST;
			memset(values[i], (int)(test_random(&random) & 0xff), lengths[i]);
			there[i] = true;
			assert_int_equal(set(store, key, (struct store_slice){ values[i], lengths[i] }), 0);
			break;
		default:
			expect(store, key, there[i] ? &(struct store_slice){ values[i], lengths[i] } : NULL);
			break;
		}
	}
	store_free(store);
}

static void a_full_shard_refuses_and_keeps_what_it_has(void **state)
{
	const size_t bytes = 1u << 20;
	char *value = calloc(1, bytes);
	struct store *store = store_new();
	unsigned fits = 0, tried = 0;
	char name[16];
	int rc = 0;

	(void)state;
	assert_true(value && store);
	/* Keys of one shard only, until it is full. */
	for (; rc == 0; tried++) {
		struct store_slice key = { name, (size_t)snprintf(name, sizeof name, "%u", tried) };

		if (store_shard(store_hash(store, key)) != 1)
			continue;
		rc = set(store, key, (struct store_slice){ value, bytes });
		fits += rc == 0;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(fits, (STORE_MAX_BYTES / STORE_SHARDS) / bytes - 1);
	expect(store, slice(name), NULL);
	assert_int_equal(set(store, slice(name), slice("small")), 0);
	rc = set(store, slice(name), (struct store_slice){ value, bytes });
	assert_int_equal(rc, -ENOSPC);
	expect(store, slice(name), &(struct store_slice){ "small", 5 });
	store_free(store);
	free(value);
}

static void two_stores_hash_by_different_secrets(void **state)
{
	struct store *a = store_new(), *b = store_new();

	(void)state;
	assert_true(a && b);
	assert_int_not_equal(store_hash(a, slice("key")), store_hash(b, slice("key")));
	assert_int_not_equal(store_hash(a, slice("key")), store_hash(a, slice("kex")));
	assert_int_not_equal(store_hash(a, slice("")), store_hash(a, (struct store_slice){ "\0", 1 }));
	store_free(a);
	store_free(b);
}

/* ----------------------------------------------------------------- atomic */

enum { TOGETHER = 8, TURNS = 4000 };

static uint64_t all_keys(struct store *store, char names[TOGETHER][16], uint64_t hashes[TOGETHER])
{
	uint64_t shards = 0;

	for (int i = 0; i < TOGETHER; i++) {
		snprintf(names[i], sizeof names[i], "k%d", i);
		hashes[i] = store_hash(store, slice(names[i]));
		shards |= store_shard(hashes[i]);
	}
	return shards;
}

/* Sets all keys to one and the same number, again and again. */
static void *set_together(void *arg)
{
	struct store *store = arg;
	char names[TOGETHER][16], number[16];
	uint64_t hashes[TOGETHER];
	const uint64_t shards = all_keys(store, names, hashes);

	for (int turn = 0; turn < TURNS; turn++) {
		snprintf(number, sizeof number, "%d", turn);
		store_lock(store, shards);
		for (int i = 0; i < TOGETHER; i++)
			if (store_set_locked(store, hashes[i], slice(names[i]), slice(number)))
				abort();
		store_unlock(store, shards);
	}
	return NULL;
}

static void keys_set_together_are_seen_together(void **state)
{
	struct store *store = store_new();
	char names[TOGETHER][16];
	uint64_t hashes[TOGETHER], shards;
	pthread_t threads[2];

	(void)state;
	assert_non_null(store);
	shards = all_keys(store, names, hashes);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, set_together, store), 0);
	for (int turn = 0; turn < TURNS; turn++) {
		struct store_slice first = { "", 0 }, value = { "", 0 };
		unsigned there = 0, same = 0;

		store_lock(store, shards);
		store_get_locked(store, hashes[0], slice(names[0]), &first);
		for (int i = 0; i < TOGETHER; i++) {
			there += store_get_locked(store, hashes[i], slice(names[i]), &value);
			same += value.n == first.n && !memcmp(value.bytes, first.bytes, first.n);
		}
		store_unlock(store, shards);
		assert_true(there == 0 || there == TOGETHER);
		assert_int_equal(same, TOGETHER);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	store_free(store);
}

TEST_MAIN(cmocka_unit_test(a_value_is_what_was_set_last), cmocka_unit_test(it_agrees_with_an_array_over_a_long_life),
	cmocka_unit_test(a_full_shard_refuses_and_keeps_what_it_has),
	cmocka_unit_test(two_stores_hash_by_different_secrets), cmocka_unit_test(keys_set_together_are_seen_together));
