/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded queue between the threads that decide and the one that writes. It never waits and
 * never grows past its bound; what it cannot hold it counts. It knows nothing of files or threads.
 */
#include <stdlib.h>
#include "record/queue.h"

static struct rule_record *as_rule(struct record *record)
{
	return (struct rule_record *)record;
}

void record_list_append(struct record_list *list, struct record *record)
{
	record->next = NULL;
	if (list->last)
		list->last->next = record;
	else
		list->first = record;
	list->last = record;
	list->count++;
}

static struct record *pop(struct record_list *list)
{
	struct record *record = list->first;

	if (!record)
		return NULL;
	list->first = record->next;
	if (!list->first)
		list->last = NULL;
	list->count--;
	record->next = NULL;
	return record;
}

/* list comes before the rest of to, and is empty then. */
static void prepend(struct record_list *to, struct record_list *list)
{
	if (!list->first)
		return;
	list->last->next = to->first;
	to->first = list->first;
	if (!to->last)
		to->last = list->last;
	to->count += list->count;
	*list = (struct record_list){ 0 };
}

uint64_t record_list_free(struct record_list *list)
{
	struct record *record;
	uint64_t calls = 0;

	while ((record = pop(list))) {
		calls += record->weight;
		free(record);
	}
	return calls;
}

static struct record **bucket_of(struct queue *queue, uint32_t rule_id)
{
	/* Ids are given in turn: they spread by themselves. */
	return &queue->rules[rule_id & (QUEUE_HASH - 1)];
}

static struct rule_record *find_rule(struct queue *queue, uint32_t rule_id)
{
	for (struct record *r = *bucket_of(queue, rule_id); r; r = r->chain) {
		if (as_rule(r)->change.rule.id == rule_id)
			return as_rule(r);
	}
	return NULL;
}

static void index_rule(struct queue *queue, struct record *record)
{
	struct record **bucket = bucket_of(queue, as_rule(record)->change.rule.id);

	record->chain = *bucket;
	*bucket = record;
}

static void unindex_rule(struct queue *queue, struct record *record)
{
	struct record **at = bucket_of(queue, as_rule(record)->change.rule.id);

	while (*at != record)
		at = &(*at)->chain;
	*at = record->chain;
	record->chain = NULL;
}

static void lose(struct queue *queue, struct record *record)
{
	queue->lost += record->weight;
	free(record);
}

/* A precious record takes the place of the oldest that is not. */
static bool make_room(struct queue *queue)
{
	struct record *victim = pop(&queue->waiting);

	if (!victim)
		victim = pop(&queue->fresh);
	if (!victim)
		return false;
	lose(queue, victim);
	queue->count--;
	return true;
}

static bool is_precious(const struct record *record)
{
	return record->kind == RECORD_RULE || record->kind == RECORD_AUDIT ||
	       record->kind == RECORD_ALLOWED;
}

bool queue_push(struct queue *queue, struct record *record)
{
	if (record->kind == RECORD_RULE) {
		struct rule_record *old = find_rule(queue, as_rule(record)->change.rule.id);

		if (old) {
			old->change = as_rule(record)->change;
			old->at = as_rule(record)->at;
			old->head.weight += record->weight;
			free(record);
			return true;
		}
	}
	if (queue->count >= queue->bound && !(is_precious(record) && make_room(queue))) {
		lose(queue, record);
		return false;
	}
	queue->count++;
	if (record->kind == RECORD_RULE)
		index_rule(queue, record);
	if (is_precious(record))
		record_list_append(&queue->precious, record);
	else if (record->kind == RECORD_EVENT)
		record_list_append(&queue->fresh, record);
	else
		record_list_append(&queue->waiting, record);
	return true;
}

struct record_list queue_take_fresh(struct queue *queue, size_t max)
{
	struct record_list list = { 0 };

	while (list.count < max && queue->fresh.first)
		record_list_append(&list, pop(&queue->fresh));
	return list;
}

void queue_logged(struct queue *queue, struct record_list *list)
{
	struct record *record;

	while ((record = pop(list)))
		record_list_append(&queue->waiting, record);
}

struct record_list queue_take(struct queue *queue, size_t max)
{
	struct record_list list = { 0 };

	while (list.count < max) {
		struct record *record = pop(&queue->precious);

		if (!record)
			record = pop(&queue->waiting);
		if (!record)
			break;
		if (record->kind == RECORD_RULE)
			unindex_rule(queue, record);
		record_list_append(&list, record);
	}
	return list;
}

void queue_done(struct queue *queue, const struct record_list *list)
{
	for (const struct record *r = list->first; r; r = r->next) {
		if (r->refused)
			queue->lost += r->weight;
		else
			queue->written += r->weight;
	}
	queue->count -= list->count;
}

void queue_put_back(struct queue *queue, struct record_list *list)
{
	struct record_list precious = { 0 }, waiting = { 0 };
	struct record *record;

	while ((record = pop(list))) {
		struct rule_record *later = NULL;

		if (record->kind == RECORD_RULE)
			later = find_rule(queue, as_rule(record)->change.rule.id);
		if (later) {
			later->head.weight += record->weight;
			queue->count--;
			free(record);
			continue;
		}
		if (record->kind == RECORD_RULE)
			index_rule(queue, record);
		record_list_append(is_precious(record) ? &precious : &waiting, record);
	}
	prepend(&queue->precious, &precious);
	prepend(&queue->waiting, &waiting);
}

bool queue_has_work(const struct queue *queue)
{
	return queue->precious.first || queue->waiting.first;
}

uint64_t queue_clear(struct queue *queue)
{
	uint64_t calls = record_list_free(&queue->precious);

	calls += record_list_free(&queue->waiting);
	calls += record_list_free(&queue->fresh);
	queue->count = 0;
	queue->lost += calls;
	return calls;
}
