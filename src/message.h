/*-------------------------------------------------------------------------
 *
 * message.h
 *	  What capture hands to a sink: one message of a Kafka topic.
 *
 * A sink is either the producer (in a worker) or text rows (the SQL and
 * walsender interface of logical decoding).  Data flows one way: capture
 * calls the sink, the sink never calls back.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/message.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_MESSAGE_H
#define CDC_MESSAGE_H

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"

typedef struct MessageHeader
{
	const char *name;
	const char *value;			/* NULL is a null header */
	int			value_len;
} MessageHeader;

typedef struct Message
{
	int			topic;			/* what Sink.open_topic returned */
	const char *topic_name;
	const char *key;			/* NULL is a null key */
	int			key_len;
	const char *value;			/* NULL is a tombstone */
	int			value_len;
	bool		json;			/* are key and value JSON text? */
	bool		truncated;		/* the value lacks its end, as that of a dead
								 * letter may */
	int			nheaders;
	const MessageHeader *headers;	/* names and values are UTF-8 text */

	/*
	 * The partition is this hash modulo their number, if one is given; else
	 * the key decides.  A message without a key always has one, so that
	 * changes of one table stay in order.
	 */
	bool		has_partition_hash;
	uint32		partition_hash;
	int64		timestamp_ms;	/* since 1970-01-01 UTC */
} Message;

typedef struct Sink Sink;

struct Sink
{
	/*
	 * Make a topic known; called once per relation cache entry.  Returns an
	 * id for Message.topic.  May wait; raises ERROR if the topic cannot be
	 * used.
	 */
	int			(*open_topic) (Sink *sink, const char *topic_name);

	/*
	 * Bytes of value that can be sent with a message's key and headers;
	 * negative if these alone are too large.  NULL: there is no limit.
	 */
	int			(*value_room) (Sink *sink, const Message *message);

	/* Hand over one message.  May wait for room; copies what it needs. */
	void		(*emit) (Sink *sink, const Message *message,
						 TimestampTz commit_time);

	/*
	 * A transaction begins, of which there may be no message.  commit_lsn is
	 * the start of its commit record.  May be NULL.
	 */
	void		(*begin) (Sink *sink, XLogRecPtr commit_lsn);

	/*
	 * All messages of a transaction were handed over, perhaps none.  end_lsn
	 * is the end of its commit record.
	 */
	void		(*commit) (Sink *sink, XLogRecPtr end_lsn,
						   TimestampTz commit_time);

	/*
	 * Called after every change, with its LSN, also for those that emit
	 * nothing: so a long transaction cannot starve the process, and can be
	 * resumed in the middle, after so many changes.  Which changes there are
	 * must not depend on options or publications, therefore.  May be NULL.
	 */
	void		(*progress) (Sink *sink, XLogRecPtr lsn);
};

#endif							/* CDC_MESSAGE_H */
