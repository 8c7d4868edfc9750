/*-------------------------------------------------------------------------
 *
 * acks.h
 *	  The ack window: which LSN is safe to confirm to the slot.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/acks.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ACKS_H
#define CDC_ACKS_H

#include <stdbool.h>
#include <stdint.h>

/* One transaction that has at least one message. */
typedef struct AckSlot
{
	uint64_t	end_lsn;		/* end of its commit record, once closed */
	int64_t		commit_time;	/* caller's unit; for lag */
	uint64_t	outstanding;	/* messages not acknowledged yet */
	bool		closed;			/* all messages of it were added */
} AckSlot;

typedef struct AckWindow
{
	AckSlot    *slots;			/* ring; owned by the caller */
	uint32_t	capacity;		/* power of two */
	uint64_t	head;			/* number of the oldest slot in the window */
	uint64_t	tail;			/* number of the next slot to use */
	bool		open;			/* is slot tail-1 open? */
	uint64_t	safe_lsn;		/* end of the newest transaction such that it
								 * and all before it are acknowledged */
	uint64_t	position;		/* everything before it has been decoded */
	int64_t		safe_time;		/* commit time of that transaction */
} AckWindow;

extern void acks_init(AckWindow *window, AckSlot *slots, uint32_t capacity,
					  uint64_t start_lsn);

/* Can a further transaction be opened?  False is back-pressure. */
extern bool acks_has_room(const AckWindow *window);

/*
 * Count a message of the transaction that is being decoded and return the
 * token that identifies it in its delivery report.  Opens the transaction at
 * its first message: pre-condition acks_has_room() there.
 */
extern uint32_t acks_add(AckWindow *window, int64_t commit_time);

/* The transaction has no further messages.  Also right if it had none. */
extern void acks_close(AckWindow *window, uint64_t end_lsn);

/* A message was acknowledged.  False if the token is not outstanding. */
extern bool acks_acknowledge(AckWindow *window, uint32_t token);

/*
 * All WAL before lsn has been decoded.  With an empty window this LSN is safe
 * itself: what lies before it needs no acknowledgement.  Must not be called
 * between acks_add() and acks_close().
 */
extern void acks_set_position(AckWindow *window, uint64_t lsn);

/* LSN that may be confirmed; never goes back. */
extern uint64_t acks_safe_lsn(const AckWindow *window);

extern bool acks_is_empty(const AckWindow *window);

/* Commit time of the oldest transaction not acknowledged; 0 if none. */
extern int64_t acks_oldest_commit_time(const AckWindow *window);

#endif							/* CDC_ACKS_H */
