/*-------------------------------------------------------------------------
 *
 * acks.c
 *	  The ack window: which LSN is safe to confirm to the slot.
 *
 * Runs in the worker.  Pure C: no PostgreSQL, no Kafka, no memory allocation
 * and no locks, so that it can be tested by itself.
 *
 * Transactions with messages occupy the slots head .. tail-1 of a ring, in
 * commit order.  A message only knows the slot of its transaction, so every
 * operation is O(1) (leaving the window is amortized: each slot leaves once)
 * and a huge transaction costs no more than a small one.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/acks.c
 *
 *-------------------------------------------------------------------------
 */
#include "acks.h"

#include <assert.h>
#include <stddef.h>

static AckSlot *
slot_at(const AckWindow *window, uint64_t number)
{
	return &window->slots[number & (window->capacity - 1)];
}

static void
raise_safe_lsn(AckWindow *window, uint64_t lsn)
{
	if (lsn > window->safe_lsn)
		window->safe_lsn = lsn;
}

/*
 * Let finished transactions at the head leave.  Once nothing is left, what was
 * decoded without producing messages is safe as well.
 */
static void
advance(AckWindow *window)
{
	while (window->head != window->tail)
	{
		const AckSlot *slot = slot_at(window, window->head);

		if (!slot->closed || slot->outstanding > 0)
			return;
		raise_safe_lsn(window, slot->end_lsn);
		window->safe_time = slot->commit_time;
		window->head++;
	}
	raise_safe_lsn(window, window->position);
}

/* capacity must be a power of two. */
void
acks_init(AckWindow *window, AckSlot *slots, uint32_t capacity,
		  uint64_t start_lsn)
{
	assert(capacity > 0 && (capacity & (capacity - 1)) == 0);

	window->slots = slots;
	window->capacity = capacity;
	window->head = 0;
	window->tail = 0;
	window->open = false;
	window->safe_lsn = start_lsn;
	window->position = start_lsn;
	window->safe_time = 0;
}

bool
acks_has_room(const AckWindow *window)
{
	return window->tail - window->head < window->capacity;
}

uint32_t
acks_add(AckWindow *window, int64_t commit_time)
{
	AckSlot    *slot;

	if (!window->open)
	{
		assert(acks_has_room(window));

		slot = slot_at(window, window->tail);
		slot->end_lsn = 0;
		slot->commit_time = commit_time;
		slot->outstanding = 0;
		slot->closed = false;
		window->tail++;
		window->open = true;
	}

	slot = slot_at(window, window->tail - 1);
	slot->outstanding++;
	return (uint32_t) (slot - window->slots);
}

/*
 * A transaction without messages occupies no slot: its end is a position like
 * any other.
 */
void
acks_close(AckWindow *window, uint64_t end_lsn)
{
	if (window->open)
	{
		AckSlot    *slot = slot_at(window, window->tail - 1);

		slot->end_lsn = end_lsn;
		slot->closed = true;
		window->open = false;
	}
	else if (end_lsn > window->position)
		window->position = end_lsn;

	advance(window);
}

/*
 * Only the slot of the token is looked at, so a second report for a message is
 * noticed only when nothing is outstanding in its transaction.
 */
bool
acks_acknowledge(AckWindow *window, uint32_t token)
{
	uint64_t	distance;
	AckSlot    *slot;

	if (token >= window->capacity)
		return false;

	/* how far from the head the token's slot is, around the ring */
	distance = (token - window->head) & (window->capacity - 1);
	if (distance >= window->tail - window->head)
		return false;

	slot = &window->slots[token];
	if (slot->outstanding == 0)
		return false;

	slot->outstanding--;
	if (slot->outstanding == 0 && distance == 0)
		advance(window);
	return true;
}

/* With a window that is not empty the LSN becomes safe when it has drained. */
void
acks_set_position(AckWindow *window, uint64_t lsn)
{
	assert(!window->open);

	if (lsn > window->position)
		window->position = lsn;
	if (acks_is_empty(window))
		raise_safe_lsn(window, window->position);
}

uint64_t
acks_safe_lsn(const AckWindow *window)
{
	return window->safe_lsn;
}

bool
acks_is_empty(const AckWindow *window)
{
	return window->head == window->tail;
}

int64_t
acks_oldest_commit_time(const AckWindow *window)
{
	if (acks_is_empty(window))
		return 0;
	return slot_at(window, window->head)->commit_time;
}
