/*-------------------------------------------------------------------------
 *
 * test_acks.c
 *	  Unit tests of the ack window.
 *
 * A program of its own without PostgreSQL.  Prints TAP; the exit status is 1
 * if a test failed.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/unit/test_acks.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acks.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/* Did all checks of the running test hold? */
static bool test_ok;

#define CHECK(condition) \
	check((condition), #condition, __LINE__)

static void
check(bool condition, const char *text, int line)
{
	if (condition)
		return;
	printf("# line %d: %s\n", line, text);
	test_ok = false;
}

/* A transaction of n messages; their token is returned. */
static uint32_t
transaction(AckWindow *window, int n, uint64_t end_lsn, int64_t commit_time)
{
	uint32_t	token = 0;

	for (int i = 0; i < n; i++)
		token = acks_add(window, commit_time);
	acks_close(window, end_lsn);
	return token;
}

static void
test_initial_state(void)
{
	AckSlot		slots[4];
	AckWindow	window;

	acks_init(&window, slots, 4, 100);
	CHECK(acks_is_empty(&window));
	CHECK(acks_has_room(&window));
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_oldest_commit_time(&window) == 0);
}

static void
test_in_order(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	first;
	uint32_t	second;

	acks_init(&window, slots, 4, 100);
	first = transaction(&window, 1, 110, 1);
	second = transaction(&window, 1, 120, 2);
	CHECK(first != second);
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_oldest_commit_time(&window) == 1);

	CHECK(acks_acknowledge(&window, first));
	CHECK(acks_safe_lsn(&window) == 110);
	CHECK(window.safe_time == 1);
	CHECK(acks_oldest_commit_time(&window) == 2);

	CHECK(acks_acknowledge(&window, second));
	CHECK(acks_safe_lsn(&window) == 120);
	CHECK(window.safe_time == 2);
	CHECK(acks_oldest_commit_time(&window) == 0);
	CHECK(acks_is_empty(&window));
}

static void
test_out_of_order(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	token[3];

	acks_init(&window, slots, 4, 100);
	for (int i = 0; i < 3; i++)
		token[i] = transaction(&window, 1, 110 + 10 * i, i);

	CHECK(acks_acknowledge(&window, token[2]));
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_acknowledge(&window, token[1]));
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_acknowledge(&window, token[0]));
	CHECK(acks_safe_lsn(&window) == 130);
	CHECK(acks_is_empty(&window));
}

static void
test_hole_holds_back(void)
{
	AckSlot		slots[8];
	AckWindow	window;
	uint32_t	hole;

	acks_init(&window, slots, 8, 100);
	CHECK(acks_acknowledge(&window, transaction(&window, 1, 110, 1)));
	hole = transaction(&window, 2, 120, 2);
	CHECK(acks_acknowledge(&window, hole));
	for (int i = 0; i < 6; i++)
		CHECK(acks_acknowledge(&window,
							   transaction(&window, 1, 130 + i, 3 + i)));
	CHECK(acks_safe_lsn(&window) == 110);
	CHECK(acks_oldest_commit_time(&window) == 2);
	acks_set_position(&window, 1000);
	CHECK(acks_safe_lsn(&window) == 110);
	CHECK(acks_acknowledge(&window, hole));
	CHECK(acks_safe_lsn(&window) == 1000);
}

/* Messages are acknowledged while their transaction is still decoded. */
static void
test_open_transaction(void)
{
	AckSlot		slots[2];
	AckWindow	window;
	uint32_t	token;

	acks_init(&window, slots, 2, 100);
	token = acks_add(&window, 7);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(!acks_is_empty(&window));
	CHECK(acks_add(&window, 7) == token);
	acks_close(&window, 110);
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 110);

	/* all acknowledged before the end is known */
	token = acks_add(&window, 8);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 110);
	acks_close(&window, 120);
	CHECK(acks_safe_lsn(&window) == 120);
	CHECK(acks_is_empty(&window));
}

static void
test_huge_transaction(void)
{
	const uint64_t nmessages = 5000000;
	AckSlot		slots[2];
	AckWindow	window;
	uint32_t	token = 0;
	bool		accepted = true;

	acks_init(&window, slots, 2, 100);
	for (uint64_t i = 0; i < nmessages; i++)
	{
		uint32_t	previous = token;

		token = acks_add(&window, 9);
		if (i > 0 && token != previous)
			accepted = false;
	}
	CHECK(slots[token].outstanding == nmessages);
	acks_close(&window, 200);
	for (uint64_t i = 0; i < nmessages - 1; i++)
		accepted = acks_acknowledge(&window, token) && accepted;
	CHECK(accepted);
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 200);

	/* more messages than 32 bits can count */
	token = acks_add(&window, 10);
	slots[token].outstanding = UINT64_C(5000000000);
	CHECK(acks_acknowledge(&window, token));
	CHECK(slots[token].outstanding == UINT64_C(4999999999));
}

static void
test_empty_transactions(void)
{
	AckSlot		slots[2];
	AckWindow	window;
	uint32_t	token;

	/* with an empty window they are safe at once, and occupy nothing */
	acks_init(&window, slots, 2, 100);
	for (uint64_t lsn = 101; lsn <= 110; lsn++)
	{
		acks_close(&window, lsn);
		CHECK(acks_safe_lsn(&window) == lsn);
	}
	CHECK(acks_is_empty(&window));

	/* behind one that is not acknowledged they have to wait */
	token = transaction(&window, 1, 120, 1);
	acks_close(&window, 130);
	acks_close(&window, 140);
	CHECK(acks_safe_lsn(&window) == 110);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 140);
}

/* An empty transaction between two others is not safe before the first. */
static void
test_interleaved(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	first;
	uint32_t	second;

	acks_init(&window, slots, 4, 100);
	first = transaction(&window, 2, 110, 1);
	acks_close(&window, 120);
	second = transaction(&window, 3, 130, 2);
	acks_set_position(&window, 140);

	CHECK(acks_acknowledge(&window, second));
	CHECK(acks_acknowledge(&window, first));
	CHECK(acks_acknowledge(&window, second));
	CHECK(acks_safe_lsn(&window) == 100);
	CHECK(acks_acknowledge(&window, first));
	CHECK(acks_safe_lsn(&window) >= 110 && acks_safe_lsn(&window) <= 120);
	CHECK(acks_acknowledge(&window, second));
	CHECK(acks_safe_lsn(&window) == 140);
	CHECK(acks_is_empty(&window));
}

/* Positions do not become safe while a later transaction is open. */
static void
test_position_then_transaction(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	token;

	acks_init(&window, slots, 4, 100);
	acks_set_position(&window, 105);
	CHECK(acks_safe_lsn(&window) == 105);
	token = acks_add(&window, 1);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 105);
	acks_close(&window, 110);
	CHECK(acks_safe_lsn(&window) == 110);
}

static void
test_full_ring(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	token[4];

	acks_init(&window, slots, 4, 100);
	for (int i = 0; i < 4; i++)
	{
		CHECK(acks_has_room(&window));
		token[i] = transaction(&window, 1, 110 + i, i);
	}
	CHECK(!acks_has_room(&window));

	/* not the oldest: still full */
	CHECK(acks_acknowledge(&window, token[2]));
	CHECK(!acks_has_room(&window));
	CHECK(acks_acknowledge(&window, token[0]));
	CHECK(acks_has_room(&window));
	CHECK(transaction(&window, 1, 120, 4) == token[0]);
	CHECK(!acks_has_room(&window));

	/* a transaction that is open already may go on in a full ring */
	CHECK(acks_acknowledge(&window, token[1]));
	CHECK(acks_has_room(&window));
	CHECK(acks_add(&window, 5) == token[1]);
	CHECK(acks_add(&window, 5) == token[1]);
}

static void
test_ring_of_one(void)
{
	AckSlot		slot;
	AckWindow	window;

	acks_init(&window, &slot, 1, 100);
	for (uint64_t lsn = 101; lsn <= 105; lsn++)
	{
		uint32_t	token = transaction(&window, 2, lsn, 1);

		CHECK(!acks_has_room(&window));
		CHECK(acks_acknowledge(&window, token));
		CHECK(acks_acknowledge(&window, token));
		CHECK(acks_has_room(&window));
		CHECK(acks_safe_lsn(&window) == lsn);
	}
}

/* Three transactions at every offset of a ring of four. */
static void
test_wrap(void)
{
	AckSlot		slots[4];
	AckWindow	window;

	acks_init(&window, slots, 4, 100);
	for (uint64_t lsn = 110; lsn < 10000; lsn += 30)
	{
		uint32_t	first = transaction(&window, 1, lsn, 1);
		uint32_t	second = transaction(&window, 2, lsn + 10, 2);
		uint32_t	third = transaction(&window, 1, lsn + 20, 3);

		CHECK(first < 4 && second < 4 && third < 4);
		CHECK(acks_acknowledge(&window, third));
		CHECK(acks_acknowledge(&window, second));
		CHECK(acks_acknowledge(&window, first));
		CHECK(acks_safe_lsn(&window) == lsn);
		CHECK(acks_oldest_commit_time(&window) == 2);
		CHECK(acks_acknowledge(&window, second));
		CHECK(acks_safe_lsn(&window) == lsn + 20);
		CHECK(!acks_acknowledge(&window, first));
	}
}

static void
test_wrong_tokens(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	token;

	acks_init(&window, slots, 4, 100);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(!acks_acknowledge(&window, i));
	CHECK(!acks_acknowledge(&window, 4));
	CHECK(!acks_acknowledge(&window, UINT32_MAX));

	/* twice */
	token = transaction(&window, 1, 110, 1);
	CHECK(acks_acknowledge(&window, token));
	CHECK(!acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 110);

	/* twice, while the slot is still in the window */
	(void) acks_add(&window, 2);
	acks_close(&window, 120);
	token = transaction(&window, 1, 130, 3);
	CHECK(acks_acknowledge(&window, token));
	CHECK(!acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 110);

	/* a slot next to the window */
	CHECK(!acks_acknowledge(&window, (token + 1) % 4));
	CHECK(acks_safe_lsn(&window) == 110);
}

static void
test_monotone(void)
{
	AckSlot		slots[4];
	AckWindow	window;
	uint32_t	token;

	acks_init(&window, slots, 4, 100);
	acks_set_position(&window, 50);
	CHECK(acks_safe_lsn(&window) == 100);
	acks_close(&window, 60);
	CHECK(acks_safe_lsn(&window) == 100);
	acks_set_position(&window, 200);
	acks_set_position(&window, 150);
	CHECK(acks_safe_lsn(&window) == 200);
	token = transaction(&window, 1, 180, 1);
	CHECK(acks_acknowledge(&window, token));
	CHECK(acks_safe_lsn(&window) == 200);
}

/*
 * The naive model: all transactions since the start in an array, the safe LSN
 * found by looking at all of them.
 */
#define MODEL_MAX	3000

typedef struct ModelTransaction
{
	uint64_t	end_lsn;
	int64_t		commit_time;
	uint32_t	token;
	int			outstanding;
	bool		closed;
} ModelTransaction;

typedef struct Model
{
	ModelTransaction transactions[MODEL_MAX];
	int			ntransactions;
	uint64_t	position;
	uint64_t	safe_lsn;
} Model;

static int
model_first_unsafe(const Model *model)
{
	int			i = 0;

	while (i < model->ntransactions && model->transactions[i].closed &&
		   model->transactions[i].outstanding == 0)
		i++;
	return i;
}

/* What has been safe once stays so, whatever is decoded later. */
static uint64_t
model_safe_lsn(Model *model)
{
	int			first = model_first_unsafe(model);
	uint64_t	lsn = 0;

	if (first > 0)
		lsn = model->transactions[first - 1].end_lsn;
	if (first == model->ntransactions && model->position > lsn)
		lsn = model->position;
	if (lsn > model->safe_lsn)
		model->safe_lsn = lsn;
	return model->safe_lsn;
}

/* A linear congruential generator: the same numbers on every platform. */
static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (uint32_t) (*state >> 33);
}

static void
model_step(Model *model, AckWindow *window, uint64_t *random, uint64_t *lsn,
		   bool *open)
{
	uint32_t	choice = next_random(random) % 100;

	*lsn += 1 + next_random(random) % 50;
	if (choice < 40)
	{
		ModelTransaction *txn;

		if (!*open)
		{
			if (!acks_has_room(window) || model->ntransactions == MODEL_MAX)
				return;
			txn = &model->transactions[model->ntransactions++];
			memset(txn, 0, sizeof(*txn));
			txn->commit_time = *lsn;
			*open = true;
		}
		txn = &model->transactions[model->ntransactions - 1];
		txn->token = acks_add(window, txn->commit_time);
		txn->outstanding++;
	}
	else if (choice < 55)
	{
		if (*open)
		{
			model->transactions[model->ntransactions - 1].closed = true;
			model->transactions[model->ntransactions - 1].end_lsn = *lsn;
			*open = false;
		}
		else
			model->position = *lsn;
		acks_close(window, *lsn);
	}
	else if (choice < 60)
	{
		if (*open)
			return;
		model->position = *lsn;
		acks_set_position(window, *lsn);
	}
	else
	{
		int			first = model_first_unsafe(model);
		int			n = model->ntransactions - first;
		ModelTransaction *txn;

		if (n == 0)
			return;
		txn = &model->transactions[first + next_random(random) % n];
		CHECK(acks_acknowledge(window, txn->token) == (txn->outstanding > 0));
		if (txn->outstanding > 0)
			txn->outstanding--;
	}
}

static void
test_random(void)
{
	static Model model;

	for (uint64_t seed = 1; seed <= 40 && test_ok; seed++)
	{
		AckSlot		slots[64];
		AckWindow	window;
		uint64_t	random = seed;
		uint64_t	lsn = 1000;
		uint64_t	previous = lsn;
		uint32_t	capacity = 1 << (next_random(&random) % 7);
		bool		open = false;

		memset(&model, 0, sizeof(model));
		model.safe_lsn = model.position = lsn;
		acks_init(&window, slots, capacity, lsn);

		for (int step = 0; step < 5000 && test_ok; step++)
		{
			int			first;

			model_step(&model, &window, &random, &lsn, &open);

			first = model_first_unsafe(&model);
			CHECK(acks_safe_lsn(&window) == model_safe_lsn(&model));
			CHECK(acks_safe_lsn(&window) >= previous);
			CHECK(acks_is_empty(&window) == (first == model.ntransactions));
			CHECK(acks_has_room(&window) ==
				  (model.ntransactions - first < (int) capacity));
			CHECK(acks_oldest_commit_time(&window) ==
				  (first == model.ntransactions ? 0 :
				   model.transactions[first].commit_time));
			previous = acks_safe_lsn(&window);
		}
		if (!test_ok)
			printf("# seed %d\n", (int) seed);
	}
}

static const struct
{
	const char *name;
	void		(*run) (void);
}			tests[] =
{
	{"initial state", test_initial_state},
	{"acknowledgements in order", test_in_order},
	{"acknowledgements out of order", test_out_of_order},
	{"a hole holds back all later transactions", test_hole_holds_back},
	{"acknowledgements of an open transaction", test_open_transaction},
	{"huge transaction", test_huge_transaction},
	{"empty transactions", test_empty_transactions},
	{"interleaved transactions", test_interleaved},
	{"position before a transaction", test_position_then_transaction},
	{"full ring", test_full_ring},
	{"ring of one slot", test_ring_of_one},
	{"wrap of the ring", test_wrap},
	{"wrong and repeated tokens are refused", test_wrong_tokens},
	{"safe LSN never goes back", test_monotone},
	{"random operations against a naive model", test_random},
};

int
main(void)
{
	int			nfailed = 0;

	printf("1..%d\n", (int) lengthof(tests));
	for (size_t i = 0; i < lengthof(tests); i++)
	{
		test_ok = true;
		tests[i].run();
		printf("%sok %d - %s\n", test_ok ? "" : "not ", (int) i + 1,
			   tests[i].name);
		if (!test_ok)
			nfailed++;
	}
	return nfailed > 0;
}
