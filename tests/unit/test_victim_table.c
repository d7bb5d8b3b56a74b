/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounded table of flooded hosts: who makes room for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/address.h"
#include "detect/victim_table.h"

static struct address number_address(uint32_t number)
{
	return address_from_ipv4(__builtin_bswap32(0xc6120000u + number));
}

static void test_table_makes_room(void **state)
{
	struct victim_table table;
	struct victim *victim;
	struct address address;

	(void)state;
	assert_int_equal(victim_table_init(&table, 64), 0);
	for (uint32_t i = 0; i < 64; i++) {
		address = number_address(i);
		assert_int_equal(victim_make(&table, &address, VICTIM_UDP, i, &victim), 0);
		victim->mean = (float)(i + 1);
		victim->flooded = i == 1;
	}
	/* 0 is loud again, 1 is flooded, 2 has the least that is usual of the oldest */
	address = number_address(0);
	victim_touch(&table, victim_find(&table, &address, VICTIM_UDP), 100);
	for (uint32_t i = 64; i < 80; i++) {
		address = number_address(i);
		assert_int_equal(victim_make(&table, &address, VICTIM_UDP, 100, &victim), 0);
		victim->mean = 1000;
		for (uint32_t j = 0; j <= i; j++) {
			address = number_address(j);
			victim = victim_find(&table, &address, VICTIM_UDP);
			if (j >= 2 && j <= i - 62)
				assert_null(victim);
			else
				assert_non_null(victim);
		}
	}
	assert_int_equal(table.evicted, 16);
	/* another kind is another record */
	address = number_address(0);
	assert_null(victim_find(&table, &address, VICTIM_SYN));
	/* the flooded one is in the way of nobody else */
	victim_table_sweep(&table, 101);
	assert_int_equal(table.pool.used, 64);
	address = number_address(1);
	victim_find(&table, &address, VICTIM_UDP)->flooded = false;
	victim_table_sweep(&table, 101);
	assert_int_equal(table.pool.used, 0);
	assert_int_equal(table.newest, 0);
	assert_int_equal(table.oldest, 0);
	victim_table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
