/*-------------------------------------------------------------------------
 *
 * capture_transaction.c
 *	  The transaction being decoded, and the place of events in it.
 *
 * A transaction begins with its first event, so one without any leaves no
 * trace.  For formats that tell how many events of which table it has, these
 * are counted; memory for that grows with the number of tables, not of
 * events.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_transaction.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "capture_internal.h"
#include "replication/origin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Name under which logical messages are counted; tables have a schema. */
#define MESSAGE_COLLECTION	"message"

/* schema.table */
#define COLLECTION_NAME_SIZE	(2 * NAMEDATALEN)

typedef struct CountEntry
{
	char		name[COLLECTION_NAME_SIZE]; /* hash key */
	CollectionCount *count;
} CountEntry;

static void
set_origin_name(CaptureState *state)
{
	TransactionInfo *transaction = &state->transaction;
	char	   *name;

	if (transaction->origin)
		pfree((char *) transaction->origin);
	transaction->origin = NULL;
	if (state->origin_id != CdcInvalidOriginId &&
		replorigin_by_oid(state->origin_id, true, &name))
		transaction->origin = MemoryContextStrdup(state->context, name);
}

/* The message that announces a transaction, or tells what it had */
static void
emit_boundary(CaptureState *state)
{
	Encoder    *encoder = state->encoder;

	if (encoder->transaction_key == NULL)
		return;
	headers_reset(&state->headers);
	resetStringInfo(&state->other_key);
	encoder->transaction_key(encoder, &state->transaction, &state->other_key);
	resetStringInfo(&state->value);
	encoder->transaction_value(encoder, &state->transaction, state->counts,
							   &state->value);
	capture_emit_special(state, &state->transaction_topic, &state->other_key,
						 &state->value);
}

static void
begin_counts(CaptureState *state)
{
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = COLLECTION_NAME_SIZE;
	control.entrysize = sizeof(CountEntry);
	control.hcxt = state->count_context;
	state->counts_by_name = hash_create("cdc_emit events of tables", 16,
										&control,
										HASH_ELEM | HASH_STRINGS |
										HASH_CONTEXT);
}

static void
begin_transaction(CaptureState *state)
{
	capture_prepare(state);
	set_origin_name(state);
	state->encoder->begin(state->encoder, &state->transaction);
	state->begun = true;
	state->transaction_number++;
	capture_counts.transactions++;
	if (state->encoder->orders_collections)
		begin_counts(state);
	emit_boundary(state);
}

static CollectionCount *
find_count(CaptureState *state, const char *name)
{
	bool		found;
	CountEntry *entry = hash_search(state->counts_by_name, name, HASH_ENTER,
									&found);
	MemoryContext old;

	if (found)
		return entry->count;
	old = MemoryContextSwitchTo(state->count_context);
	entry->count = palloc(sizeof(CollectionCount));
	entry->count->name = entry->name;
	entry->count->events = 0;
	state->counts = lappend(state->counts, entry->count);
	MemoryContextSwitchTo(old);
	return entry->count;
}

/* The relation knows its count as long as the transaction lasts. */
static CollectionCount *
relation_count(CaptureState *state, RelationInfo *relation)
{
	char		name[COLLECTION_NAME_SIZE];

	if (relation->counted_in != state->transaction_number)
	{
		snprintf(name, sizeof(name), "%s.%s", relation->schema,
				 relation->table);
		relation->count = find_count(state, name);
		relation->counted_in = state->transaction_number;
	}
	return relation->count;
}

void
capture_place(CaptureState *state, RelationInfo *relation,
			  EventPosition *position)
{
	CollectionCount *count;

	if (!state->begun)
		begin_transaction(state);
	position->transaction = &state->transaction;
	position->index = state->next_index++;
	if (!state->encoder->orders_collections)
		return;
	count = relation ? relation_count(state, relation) :
		find_count(state, MESSAGE_COLLECTION);
	position->collection_order = ++count->events;
}

void
capture_end_transaction(CaptureState *state)
{
	if (!state->begun)
		return;
	if (state->encoder->orders_collections)
	{
		emit_boundary(state);
		state->counts = NIL;
		MemoryContextReset(state->count_context);
	}
}
