/*-------------------------------------------------------------------------
 *
 * capture_row.c
 *	  Changes of rows to events.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  Rows are deformed into arrays of the state, which are reused;
 * the datums point into the tuples of core.  No locks.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/capture_row.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "capture_internal.h"
#include "row_filter.h"
#include "utils/memutils.h"

/* Room for the rows of a relation with this many attributes */
static void
reserve_rows(CaptureState *state, int natts)
{
	if (natts <= state->natts)
		return;

	natts = Max(natts, 2 * state->natts);
	if (state->natts > 0)
	{
		pfree(state->old_row.values);
		pfree(state->old_row.nulls);
		pfree(state->new_row.values);
		pfree(state->new_row.nulls);
		state->natts = 0;
	}
	state->old_row.values = MemoryContextAlloc(state->context,
											   natts * sizeof(Datum));
	state->old_row.nulls = MemoryContextAlloc(state->context,
											  natts * sizeof(bool));
	state->new_row.values = MemoryContextAlloc(state->context,
											   natts * sizeof(Datum));
	state->new_row.nulls = MemoryContextAlloc(state->context,
											  natts * sizeof(bool));
	state->natts = natts;
}

/*
 * Values that the new row lacks, because they are unchanged TOAST, are taken
 * from the old row if it has them: all with REPLICA IDENTITY FULL, else
 * those of key columns.  Columns that are not published count too: a row
 * filter may look at them.
 */
static void
fill_unchanged(TupleDesc desc, RowImage *row, const RowImage *old)
{
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attlen == -1 &&
			!row->nulls[i] && !old->nulls[i] &&
			VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row->values[i])))
			row->values[i] = old->values[i];
	}
}

/* Take the rows of a change from its tuples, as before and after. */
static void
read_rows(CaptureState *state, TupleDesc desc, const RowChange *change,
		  ChangeEvent *event)
{
	HeapTuple	old_tuple = change->old_tuple;
	HeapTuple	new_tuple = change->new_tuple;

	reserve_rows(state, desc->natts);
	if (old_tuple)
	{
		heap_deform_tuple(old_tuple, desc, state->old_row.values,
						  state->old_row.nulls);
		event->before = &state->old_row;
	}
	if (new_tuple)
	{
		heap_deform_tuple(new_tuple, desc, state->new_row.values,
						  state->new_row.nulls);
		event->after = &state->new_row;
		event->incomplete = HeapTupleHasExternal(new_tuple) ||
			state->options->max_value_bytes > 0;
	}
	if (old_tuple && new_tuple && HeapTupleHasExternal(new_tuple))
		fill_unchanged(desc, &state->new_row, &state->old_row);
}

static void
emit(CaptureState *state, RelationInfo *info, ChangeEvent *event,
	 const StringInfo key)
{
	capture_place(state, info, &event->position);
	if (!capture_emit(state, info, event, key))
		capture_counts.filtered++;
}

static void
capture_insert(CaptureState *state, RelationInfo *info, ChangeEvent *event)
{
	event->op = EVENT_CREATE;
	event->before = NULL;
	emit(state, info, event,
		 capture_key(state, info, event->after, &state->key));
	capture_counts.inserts++;
}

static void
capture_delete(CaptureState *state, RelationInfo *info, ChangeEvent *event)
{
	event->op = EVENT_DELETE;
	event->after = NULL;
	emit(state, info, event,
		 capture_key(state, info, event->before, &state->key));
	capture_counts.deletes++;
}

/*
 * An update that changed the key: the old key ends, the new one begins.  If
 * the first event became a dead letter only the second is left.
 */
static void
capture_key_change(CaptureState *state, RelationInfo *info, ChangeEvent *event)
{
	CurrentChange *current = &state->current;

	if (current->key_change != KEY_CHANGE_CREATE)
	{
		current->key_change = KEY_CHANGE_DELETE;
		event->op = EVENT_DELETE;
		event->before = &state->old_row;
		event->after = NULL;
		event->new_key = &state->new_row;
		emit(state, info, event, &state->old_key);
	}

	current->key_change = KEY_CHANGE_CREATE;
	event->op = EVENT_CREATE;
	event->before = NULL;
	event->after = &state->new_row;
	event->new_key = NULL;
	event->old_key = &state->old_row;
	emit(state, info, event, &state->key);
}

static bool
same_key(const StringInfo a, const StringInfo b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void
capture_update(CaptureState *state, RelationInfo *info, ChangeEvent *event)
{
	StringInfo	old_key = NULL;
	StringInfo	key;

	if (event->before)
		old_key = capture_key(state, info, event->before, &state->old_key);
	key = capture_key(state, info, event->after, &state->key);
	if (old_key && !same_key(old_key, key))
		capture_key_change(state, info, event);
	else
	{
		event->op = EVENT_UPDATE;
		if (!info->identity_full)
			event->before = NULL;
		emit(state, info, event, key);
	}
	capture_counts.updates++;
}

/* Topic and encoder parts of a relation that is published */
static void
prepare_relation(CaptureState *state, RelationInfo *info)
{
	state->current.relation = info;
	capture_prepare(state);
	route_relation(state->router, info);
	info->topic = state->sink->open_topic(state->sink, info->topic_name);
	state->encoder->relation(state->encoder, info);
	info->prepared = true;
}

static bool
is_published(const RelationInfo *info, const RowChange *change)
{
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return info->publish_inserts && change->new_tuple;
		case REORDER_BUFFER_CHANGE_UPDATE:
			return info->publish_updates && change->new_tuple;
		case REORDER_BUFFER_CHANGE_DELETE:
			/* Without a replica identity the row is not known. */
			return info->publish_deletes && change->old_tuple;
		default:
			return false;
	}
}

void
capture_row(CaptureState *state, Relation relation, const RowChange *change)
{
	RelationInfo *info = relation_cache_lookup(state->relations, relation);
	ReorderBufferChangeType action = change->action;
	ChangeEvent event;

	if (!is_published(info, change))
	{
		capture_counts.filtered++;
		return;
	}
	memset(&event, 0, sizeof(event));
	event.relation = info;
	event.position.lsn = change->lsn;
	read_rows(state, RelationGetDescr(relation), change, &event);
	if (info->filter &&
		!row_filter_apply(info->filter, &action, event.before, event.after))
	{
		capture_counts.filtered++;
		return;
	}

	if (!info->prepared)
		prepare_relation(state, info);
	switch (action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			capture_insert(state, info, &event);
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			capture_update(state, info, &event);
			break;
		default:
			capture_delete(state, info, &event);
			break;
	}
}

void
capture_truncate(CaptureState *state, Relation relation, XLogRecPtr lsn)
{
	RelationInfo *info = relation_cache_lookup(state->relations, relation);
	ChangeEvent event;

	if (!info->publish_truncates || !state->options->truncate)
	{
		capture_counts.filtered++;
		return;
	}
	if (!info->prepared)
		prepare_relation(state, info);

	memset(&event, 0, sizeof(event));
	event.op = EVENT_TRUNCATE;
	event.relation = info;
	event.position.lsn = lsn;
	emit(state, info, &event, NULL);
	capture_counts.truncates++;
}
