/*-------------------------------------------------------------------------
 *
 * fuzz_acks.c
 *	  Fuzz target: the ack window against a model that keeps everything.
 *
 * The model is a list of all transactions that ever were; what is safe is
 * computed from the start each time.  Calls that the pre-conditions of acks.h
 * forbid are not made.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_acks.c
 *
 *-------------------------------------------------------------------------
 */
#include "acks.h"
#include "fuzz.h"

#define MAX_CAPACITY		8
#define MAX_TRANSACTIONS	512
#define START_LSN			1000

typedef struct ModelTransaction
{
	uint32_t	token;
	int			outstanding;
	bool		closed;
	uint64_t	end_lsn;
	int64_t		commit_time;
} ModelTransaction;

typedef struct Model
{
	ModelTransaction transactions[MAX_TRANSACTIONS];
	int			count;
	bool		open;			/* is the last one still open? */
	uint64_t	position;		/* of what was decoded without messages */
} Model;

/* The oldest transaction that is not complete; count if there is none. */
static int
first_incomplete(const Model *model)
{
	for (int i = 0; i < model->count; i++)
	{
		const ModelTransaction *transaction = &model->transactions[i];

		if (!transaction->closed || transaction->outstanding > 0)
			return i;
	}
	return model->count;
}

/*
 * A position becomes safe only while nothing is in the window, and what was
 * safe once stays so: previous is the answer to the last call.
 */
static uint64_t
model_safe_lsn(const Model *model, uint64_t previous)
{
	int			first = first_incomplete(model);
	uint64_t	safe = previous;

	for (int i = 0; i < first; i++)
	{
		if (model->transactions[i].end_lsn > safe)
			safe = model->transactions[i].end_lsn;
	}
	if (first == model->count && model->position > safe)
		safe = model->position;
	return safe;
}

static void
compare(const Model *model, const AckWindow *window, uint64_t *safe)
{
	int			first = first_incomplete(model);

	*safe = model_safe_lsn(model, *safe);
	REQUIRE(acks_safe_lsn(window) == *safe);
	REQUIRE(acks_is_empty(window) == (first == model->count));
	REQUIRE(acks_oldest_commit_time(window) ==
			(first == model->count ? 0 :
			 model->transactions[first].commit_time));
	REQUIRE(acks_has_room(window) ==
			(model->count - first < (int) window->capacity));
	REQUIRE(!model->open || !acks_is_empty(window));
}

static void
add(Model *model, AckWindow *window, int64_t commit_time)
{
	ModelTransaction *transaction;
	uint32_t	token;

	if (!model->open)
	{
		if (!acks_has_room(window) || model->count == MAX_TRANSACTIONS)
			return;
		transaction = &model->transactions[model->count++];
		transaction->token = UINT32_MAX;
		transaction->outstanding = 0;
		transaction->closed = false;
		transaction->commit_time = commit_time;
		model->open = true;
	}
	transaction = &model->transactions[model->count - 1];
	token = acks_add(window, commit_time);
	REQUIRE(transaction->token == UINT32_MAX || transaction->token == token);
	transaction->token = token;
	transaction->outstanding++;
}

static void
close_transaction(Model *model, AckWindow *window, uint64_t end_lsn)
{
	acks_close(window, end_lsn);
	if (model->open)
	{
		model->transactions[model->count - 1].closed = true;
		model->transactions[model->count - 1].end_lsn = end_lsn;
		model->open = false;
	}
	else if (end_lsn > model->position)
		model->position = end_lsn;
}

/*
 * Tokens are used again once their transaction has left the window, so a
 * token means the transaction in the window that has it.
 */
static void
acknowledge(Model *model, AckWindow *window, uint32_t token)
{
	ModelTransaction *owner = NULL;

	for (int i = first_incomplete(model); i < model->count; i++)
	{
		if (model->transactions[i].token == token)
			owner = &model->transactions[i];
	}
	REQUIRE(acks_acknowledge(window, token) ==
			(owner != NULL && owner->outstanding > 0));
	if (owner != NULL && owner->outstanding > 0)
		owner->outstanding--;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Model model;
	FuzzInput	input = {data, size};
	AckSlot		slots[MAX_CAPACITY];
	AckWindow	window;
	uint32_t	capacity = 1 << fuzz_choose(&input, 4);
	uint64_t	lsn = START_LSN;
	uint64_t	safe = START_LSN;

	model.count = 0;
	model.open = false;
	model.position = START_LSN;
	acks_init(&window, slots, capacity, START_LSN);

	while (input.size > 0)
	{
		uint8_t		op = fuzz_take(&input, 1);

		switch (op % 8)
		{
			case 0:
			case 1:
			case 2:
				add(&model, &window, op + 1);
				break;
			case 3:
				lsn += op / 8;
				close_transaction(&model, &window, lsn);
				break;
			case 4:
			case 5:
			case 6:
				acknowledge(&model, &window, op / 8 % (capacity + 1));
				break;
			case 7:
				if (model.open)
					break;
				lsn += op / 8;
				acks_set_position(&window, lsn);
				if (lsn > model.position)
					model.position = lsn;
				break;
		}
		compare(&model, &window, &safe);
	}
	return 0;
}
