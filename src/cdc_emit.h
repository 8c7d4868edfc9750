/*-------------------------------------------------------------------------
 *
 * cdc_emit.h
 *	  Names, limits and settings shared by all modules.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/cdc_emit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_EMIT_H
#define CDC_EMIT_H

/* Extension, library, schema, output plugin and foreign-data wrapper name. */
#define CDC_NAME			"cdc_emit"

/* Version written into the source block of events. */
#define CDC_VERSION			"1.0"

/* Server-wide settings (cdc_emit.c). */
extern bool cdc_enabled;		/* SIGHUP: run workers at all? */
extern int	cdc_max_subscriptions;	/* POSTMASTER: entries in shared memory */

#endif							/* CDC_EMIT_H */
