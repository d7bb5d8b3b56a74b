/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/json: what is refused and where, exact integers, clean text, trees that could not be built.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

static struct json *parsed(const char *text)
{
	char error[128] = "";
	struct json *json = json_parse(text, strlen(text), error, sizeof(error));

	if (!json)
		fail_msg("%s: %s", text, error);
	return json;
}

static void assert_prints(const struct json *json, const char *wanted)
{
	char *text = json_print(json);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void assert_refused(const char *text, size_t len, const char *wanted)
{
	char error[128] = "";

	if (json_parse(text, len, error, sizeof(error)))
		fail_msg("%s was taken", text);
	assert_string_equal(error, wanted);
}

static void parse_and_print_agree(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"null",
		"true",
		"-1",
		"0.5",
		"\"\"",
		"{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
		"[\"\\\"\\\\\\n\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"]",
		"[999999999999999,1000000000000000,9007199254740991,-9007199254740992]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = parsed(cases[i]);

		assert_prints(json, cases[i]);
		json_free(&json);
		assert_null(json);
	}
}

static void errors_name_the_place(void **state)
{
	static const char *const cases[][2] = {
		{ "", "line 1, column 1: unexpected end" },
		{ "{\n  \"a\": 1,\n  \"b\": tru\n}", "line 3, column 8: expected a value" },
		{ "{\"a\":1,}", "line 1, column 8: expected a key in double quotes" },
		{ "[1,]", "line 1, column 4: expected a value" },
		{ "[1 2]", "line 1, column 4: expected ',' or ']'" },
		{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}'" },
		{ "{\"a\" 1}", "line 1, column 6: expected ':'" },
		{ "{'a':1}", "line 1, column 2: expected a key in double quotes" },
		{ "{} {}", "line 1, column 4: unexpected text after the end" },
		{ "[01]", "line 1, column 3: a number may not begin with 0" },
		{ "[+1]", "line 1, column 2: expected a value" },
		{ "[-]", "line 1, column 3: expected a digit" },
		{ "[1.]", "line 1, column 4: expected a digit" },
		{ "[1e]", "line 1, column 4: expected a digit" },
		{ "[1e999]", "line 1, column 2: number out of range" },
		{ "[1111111111111111111111111111111111111111111111111111111111111111]",
		  "line 1, column 2: number too long" },
		{ "[\"ab", "line 1, column 5: string without end" },
		{ "[\"a\nb\"]", "line 1, column 4: string without end" },
		{ "[\"a\tb\"]", "line 1, column 4: control character in a string" },
		{ "[\"\\x\"]", "line 1, column 4: unknown escape" },
		{ "[\"\\u12g4\"]", "line 1, column 7: expected four hexadecimal digits" },
		{ "[\"\\u0000\"]", "line 1, column 3: NUL in a string" },
		{ "[\"\\ud800\"]", "line 1, column 3: half of a surrogate pair" },
		{ "[\"\\udc00\"]", "line 1, column 3: half of a surrogate pair" },
		{ "[\"\xc3\xa9\", x]", "line 1, column 7: expected a value" },
		{ "[\"\xff\"]", "line 1, column 3: invalid UTF-8" },
		{ "[\"\xc0\xaf\"]", "line 1, column 3: invalid UTF-8" },
		{ "{\"a\":[1,2", "line 1, column 10: expected ',' or ']'" },
		{ "NaN", "line 1, column 1: expected a value" },
		{ "// no\n{}", "line 1, column 1: expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
	assert_refused("[1]\0", 4, "line 1, column 4: unexpected text after the end");
	assert_refused("[\"a\0b\"]", 7, "line 1, column 4: NUL in a string");
	assert_refused("[\0]", 3, "line 1, column 2: expected a value");
}

static void duplicate_keys_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"a\":1,\n \"a\":2}", "line 2, column 2: duplicate key" },
		{ "{\"a\":1,\"\\u0061\":2}", "line 1, column 8: duplicate key" },
		{ "{\"x\":{\"b\":1},\"y\":[{\"c\":1,\n\"d\":2,\"c\":3}]}",
		  "line 2, column 7: duplicate key" },
		{ "{\"a\":1,\"b\":2,\"b\":3,\"a\":4}", "line 1, column 14: duplicate key" },
	};
	struct json *json = parsed("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}],\"A\":1}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
	json_free(&json);
}

static void depth_is_limited(void **state)
{
	char text[200];

	(void)state;
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_refused(text, 130, "line 1, column 66: nested too deep");
	struct json *json = json_parse(text + 1, 128, text + 150, 50);

	assert_non_null(json);
	json_free(&json);
}

/* The text ends where len says, without a NUL behind it. */
static void length_is_respected(void **state)
{
	char *exact = malloc(5);
	char error[64];
	struct json *json;
	int64_t value;

	(void)state;
	memcpy(exact, "12345", 5);
	json = json_parse(exact, 5, error, sizeof(error));
	assert_true(json_to_int(json, &value));
	assert_int_equal(value, 12345);
	json_free(&json);
	memcpy(exact, "[\"a\\u", 5);
	assert_null(json_parse(exact, 5, error, sizeof(error)));
	free(exact);
}

static void values_keep_their_types(void **state)
{
	struct json *json = parsed("{\"i\":7,\"big\":9007199254740993000,\"f\":1.5,\"e\":2e3,"
				   "\"max\":9007199254740991,\"b\":true,\"s\":\"x\",\"n\":null,"
				   "\"a\":[1,2,3],\"o\":{}}");
	int64_t value = -1;
	double number = -1;
	bool truth = false;

	(void)state;
	assert_true(json_to_int(json_get(json, "i"), &value) && value == 7);
	assert_true(json_to_int(json_get(json, "e"), &value) && value == 2000);
	assert_true(json_to_int(json_get(json, "max"), &value) && value == 9007199254740991);
	value = -1;
	assert_false(json_to_int(json_get(json, "f"), &value));
	assert_false(json_to_int(json_get(json, "big"), &value));
	assert_false(json_to_int(json_get(json, "s"), &value));
	assert_false(json_to_int(json_get(json, "b"), &value));
	assert_int_equal(value, -1);
	assert_true(json_to_double(json_get(json, "f"), &number) && number == 1.5);
	assert_true(json_to_double(json_get(json, "max"), &number) && number == 9007199254740991.0);
	assert_false(json_to_double(json_get(json, "s"), &number));
	assert_true(json_to_bool(json_get(json, "b"), &truth) && truth);
	assert_false(json_to_bool(json_get(json, "i"), &truth));
	assert_string_equal(json_to_string(json_get(json, "s")), "x");
	assert_null(json_to_string(json_get(json, "i")));
	assert_null(json_get(json, "I"));
	assert_null(json_get(json_get(json, "a"), "x"));
	assert_int_equal(json_size(json_get(json, "a")), 3);
	assert_int_equal(json_size(json), 10);
	json_free(&json);
}

static void types_have_names(void **state)
{
	static const struct {
		const char *text;
		enum json_type type;
		const char *name;
	} cases[] = {
		{ "null", JSON_NULL, "null" },	   { "false", JSON_BOOL, "boolean" },
		{ "1", JSON_NUMBER, "number" },	   { "1e15", JSON_NUMBER, "number" },
		{ "\"\"", JSON_STRING, "string" }, { "[]", JSON_ARRAY, "array" },
		{ "{}", JSON_OBJECT, "object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = parsed(cases[i].text);

		assert_int_equal(json_type(json), cases[i].type);
		assert_string_equal(json_type_name(json_type(json)), cases[i].name);
		json_free(&json);
	}
}

static void for_each_keeps_the_order(void **state)
{
	struct json *json = parsed("{\"z\":0,\"a\":1,\"m\":2}");
	static const char *const names[] = { "z", "a", "m" };
	int64_t seen = 0, value;

	(void)state;
	json_for_each (item, json) {
		assert_string_equal(json_name(item), names[seen]);
		assert_true(json_to_int(item, &value) && value == seen);
		seen++;
	}
	assert_int_equal(seen, 3);
	json_for_each (item, json_get(json, "z"))
		fail_msg("a number has no members: %s", json_name(item));
	json_free(&json);
}

static void builders_build(void **state)
{
	struct json *json = json_new_object(), *array = json_new_array(), *clone;

	(void)state;
	json_add_string(json, "s", "a\"b");
	json_add_int(json, "i", 1000000000000000);
	json_add_int(json, "max", INT64_MAX);
	json_add_int(json, "min", INT64_MIN);
	json_add_double(json, "d", 0.1);
	json_add_bool(json, "t", true);
	json_add_null(json, "n");
	json_append(array, json_new_int(-5));
	json_append(array, json_new_string("x"));
	json_append(array, json_clone(json_get(json, "t")));
	json_add(json, "a", array);
	clone = json_clone(json);
	json_free(&json);
	assert_prints(clone, "{\"s\":\"a\\\"b\",\"i\":1000000000000000,\"max\":9223372036854775807,"
			     "\"min\":-9223372036854775808,\"d\":0.1,\"t\":true,\"n\":null,"
			     "\"a\":[-5,\"x\",true]}");
	json_free(&clone);
}

/* What the builders do when memory runs out: a part is missing, so nothing is printed. */
static void broken_trees_are_not_printed(void **state)
{
	struct json *root = json_new_object(), *child = json_new_object(), *clone;

	(void)state;
	json_add(child, "lost", NULL);
	json_add_int(child, "kept", 1);
	assert_int_equal(json_size(child), 1);
	json_add(root, "child", child);
	assert_null(json_print(root));
	assert_null(json_print_pretty(root));
	clone = json_clone(root);
	assert_null(json_print(clone));
	json_free(&clone);
	json_free(&root);
	json_add_int(NULL, "nowhere", 1);
	json_add(NULL, "nowhere", json_new_string("freed"));
	assert_null(json_print(NULL));
}

static void text_is_repaired(void **state)
{
	static const char *const cases[][2] = {
		{ "plain", "\"plain\"" },
		{ "a\xff"
		  "b",
		  "\"a\xef\xbf\xbd"
		  "b\"" },
		{ "\xc3\xa9\xf0\x9f\x94\xa5", "\"\xc3\xa9\xf0\x9f\x94\xa5\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },			/* cut short */
		{ "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },			/* overlong */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\x01", "\"\\u0001\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = json_new_string(cases[i][0]);
		struct json *again;
		char *text = json_print(json);

		assert_string_equal(text, cases[i][1]);
		again = parsed(text);
		json_free(&again);
		json_free(&json);
		free(text);
	}
}

static void pretty_is_for_people(void **state)
{
	struct json *json =
		parsed("{\"list\":[1,2],\"none\":[],\"nothing\":{},\"limits\":[{\"count\":"
		       "20},{\"count\":60}],\"o\":{\"k\\\"\":\"v\"}}");
	struct json *array = json_new_array();
	char *text = json_print_pretty(json);

	(void)state;
	assert_string_equal(text, "{\n"
				  "  \"list\": [1, 2],\n"
				  "  \"none\": [],\n"
				  "  \"nothing\": {},\n"
				  "  \"limits\": [\n"
				  "    {\n"
				  "      \"count\": 20\n"
				  "    },\n"
				  "    {\n"
				  "      \"count\": 60\n"
				  "    }\n"
				  "  ],\n"
				  "  \"o\": {\n"
				  "    \"k\\\"\": \"v\"\n"
				  "  }\n"
				  "}");
	free(text);
	json_append(array, json_clone(json_first(json_get(json, "list"))));
	json_append(array,
		    json_clone(json_get(json, "none"))); /* a member's copy has a name still */
	text = json_print_pretty(array);
	assert_string_equal(text, "[\n  1,\n  []\n]");
	free(text);
	json_free(&array);
	json_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_print_agree),
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(length_is_respected),
		cmocka_unit_test(values_keep_their_types),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(for_each_keeps_the_order),
		cmocka_unit_test(builders_build),
		cmocka_unit_test(broken_trees_are_not_printed),
		cmocka_unit_test(text_is_repaired),
		cmocka_unit_test(pretty_is_for_people),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
