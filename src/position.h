/*-------------------------------------------------------------------------
 *
 * position.h
 *	  The position record of exactly-once delivery: what is in Kafka already.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/position.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_POSITION_H
#define CDC_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a record as text, with its terminator. */
#define POSITION_SIZE	400

typedef struct Position
{
	uint64_t	system_identifier;
	uint32_t	timeline;		/* of the server that wrote the record */
	uint64_t	lsn;			/* transactions whose commit record starts
								 * before it are in Kafka */

	/*
	 * Of the transaction whose commit record starts at lsn so many changes,
	 * counted as they are decoded, are in Kafka, too; change_lsn is that of
	 * the last of them.
	 */
	uint64_t	changes;
	uint64_t	change_lsn;

	/*
	 * The last transaction before lsn that has events: where its commit record
	 * starts, and its time; 0: not known.  Servers whose WAL is the same up to
	 * lsn have it there.
	 */
	uint64_t	commit_lsn;
	uint64_t	commit_time;

	uint64_t	writer;			/* random number of the server that wrote it */
} Position;

typedef enum PositionStatus
{
	POSITION_USABLE,
	POSITION_OTHER_SYSTEM,		/* of another cluster */
	POSITION_OTHER_HISTORY,		/* of a timeline that is not part of this
								 * server's history */
	POSITION_AHEAD				/* beyond the WAL this server has of it */
} PositionStatus;

/* Write the record as text; returns its length. */
extern size_t position_format(const Position *position,
							  char buf[POSITION_SIZE]);

/* Read it; false if it is not a record as we write them. */
extern bool position_parse(const char *text, size_t len, Position *position);

/*
 * Can a server with this system identifier resume at the position?  end is
 * where its history leaves the position's timeline (the end of its WAL, if it
 * still is on it); 0 if that timeline is not part of its history.
 */
extern PositionStatus position_check(const Position *position,
									 uint64_t system_identifier, uint64_t end);

#endif							/* CDC_POSITION_H */
