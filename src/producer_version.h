/*-------------------------------------------------------------------------
 *
 * producer_version.h
 *	  Which librdkafka is in use.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_version.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_PRODUCER_VERSION_H
#define CDC_PRODUCER_VERSION_H

/* The library that is loaded, for example "2.0.2". */
extern const char *producer_library_version(void);

#endif							/* CDC_PRODUCER_VERSION_H */
