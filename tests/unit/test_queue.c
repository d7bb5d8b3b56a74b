/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of the record: its bound, what makes room for what, and what a failed batch leaves. */
#include "record_files.h"
#include "record/queue.h"

static struct queue *new_queue(size_t bound)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	assert_non_null(queue);
	queue->bound = bound;
	return queue;
}

static void free_queue(struct queue *queue)
{
	queue_clear(queue);
	free(queue);
}

static struct record *record_of(enum record_kind kind, size_t size)
{
	struct record *record = calloc(1, size);

	assert_non_null(record);
	record->kind = kind;
	record->weight = 1;
	return record;
}

static bool push_rule(struct queue *queue, uint32_t id, enum rule_change_kind kind)
{
	struct rule_record *rule =
		(struct rule_record *)record_of(RECORD_RULE, sizeof(struct rule_record));

	rule->change.rule.id = id;
	rule->change.kind = kind;
	return queue_push(queue, &rule->head);
}

static bool push_event(struct queue *queue, uint64_t id)
{
	struct event_record *event =
		(struct event_record *)record_of(RECORD_EVENT, sizeof(struct event_record));

	event->event.id = id;
	return queue_push(queue, &event->head);
}

/* What a batch holds: rules as their ids, events as 1000 and their ids. */
static const char *show(const struct record_list *list)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (const struct record *r = list->first; r; r = r->next) {
		long id = r->kind == RECORD_RULE
				  ? (long)((const struct rule_record *)r)->change.rule.id
				  : (long)((const struct event_record *)r)->event.id + 1000;

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%ld ", id);
	}
	return text;
}

static void log_all(struct queue *queue)
{
	struct record_list list = queue_take_fresh(queue, 1000);

	queue_logged(queue, &list);
}

static void rules_go_first_in_their_order(void **state)
{
	struct queue *queue = new_queue(100);
	struct record_list list;

	(void)state;
	push_event(queue, 1);
	push_rule(queue, 7, RULE_ADDED);
	push_event(queue, 2);
	push_rule(queue, 5, RULE_ADDED);
	list = queue_take(queue, 100);
	assert_string_equal(show(&list), "7 5 "); /* events only once they are logged */
	queue_put_back(queue, &list);
	log_all(queue);
	list = queue_take(queue, 3);
	assert_string_equal(show(&list), "7 5 1001 ");
	assert_int_equal(queue->count, 4); /* those in hand take up room too */
	queue_done(queue, &list);
	assert_int_equal(record_list_free(&list), 3);
	assert_int_equal(queue->count, 1);
	assert_int_equal(queue->written, 3);
	free_queue(queue);
}

static void failed_batch_is_as_before(void **state)
{
	struct queue *queue = new_queue(100);
	struct record_list list;

	(void)state;
	for (uint32_t i = 1; i <= 4; i++) {
		push_rule(queue, i, RULE_ADDED);
		push_event(queue, i);
	}
	log_all(queue);
	list = queue_take(queue, 6);
	push_rule(queue, 9, RULE_ADDED);
	queue_put_back(queue, &list);
	assert_null(list.first);
	list = queue_take(queue, 100);
	assert_string_equal(show(&list), "1 2 3 4 9 1001 1002 1003 1004 ");
	queue_done(queue, &list);
	record_list_free(&list);
	assert_int_equal(queue->count, 0);
	free_queue(queue);
}

static void later_change_replaces_one_that_failed(void **state)
{
	struct queue *queue = new_queue(100);
	const struct rule_record *rule;
	struct record_list list;

	(void)state;
	push_rule(queue, 1, RULE_ADDED);
	push_rule(queue, 1 + QUEUE_HASH, RULE_ADDED); /* the same hash, another rule */
	push_rule(queue, 1, RULE_RENEWED);
	assert_int_equal(queue->count, 2);
	list = queue_take(queue, 100);
	push_rule(queue, 1, RULE_REMOVED); /* while the batch is under way */
	assert_int_equal(queue->count, 3);
	queue_put_back(queue, &list);
	assert_int_equal(queue->count, 2);
	list = queue_take(queue, 100);
	assert_int_equal(list.count, 2);
	assert_int_equal(((struct rule_record *)list.first)->change.rule.id, 1 + QUEUE_HASH);
	rule = (const struct rule_record *)list.last;
	assert_int_equal(rule->change.rule.id, 1);
	assert_int_equal(rule->change.kind, RULE_REMOVED);
	queue_done(queue, &list);
	record_list_free(&list);
	assert_int_equal(queue->written, 4); /* calls, not rows */
	assert_int_equal(queue->count, 0);
	free_queue(queue);
}

static void full_queue_keeps_rules(void **state)
{
	struct queue *queue = new_queue(4);
	struct record_list list;

	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		assert_true(push_event(queue, i));
	assert_false(push_event(queue, 5));
	assert_int_equal(queue->lost, 1);
	assert_true(push_rule(queue, 1, RULE_ADDED)); /* instead of event 1 */
	log_all(queue);
	assert_true(push_rule(queue, 2, RULE_ADDED)); /* instead of event 2 */
	assert_int_equal(queue->lost, 3);
	list = queue_take(queue, 10);
	assert_string_equal(show(&list), "1 2 1003 1004 ");
	queue_put_back(queue, &list);
	assert_true(push_rule(queue, 3, RULE_ADDED));
	assert_true(push_rule(queue, 4, RULE_ADDED));
	assert_false(push_rule(queue, 5, RULE_ADDED)); /* nothing is left to push out */
	assert_true(push_rule(queue, 4, RULE_REMOVED));
	assert_false(push_event(queue, 6));
	assert_int_equal(queue->count, 4);
	assert_int_equal(queue->lost, 7);
	assert_int_equal(queue_clear(queue), 5);
	assert_int_equal(queue->lost, 12);
	free(queue);
}

static void refused_rows_are_lost_when_the_others_are_written(void **state)
{
	struct queue *queue = new_queue(10);
	struct record_list list;

	(void)state;
	push_rule(queue, 1, RULE_ADDED);
	push_rule(queue, 2, RULE_ADDED);
	list = queue_take(queue, 10);
	list.first->refused = true;
	queue_done(queue, &list);
	record_list_free(&list);
	assert_int_equal(queue->written, 1);
	assert_int_equal(queue->lost, 1);
	free_queue(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_go_first_in_their_order),
		cmocka_unit_test(failed_batch_is_as_before),
		cmocka_unit_test(later_change_replaces_one_that_failed),
		cmocka_unit_test(full_queue_keeps_rules),
		cmocka_unit_test(refused_rows_are_lost_when_the_others_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
