/*-------------------------------------------------------------------------
 *
 * connect_check.h
 *	  Does a payload fit its schema, as Kafka Connect's JSON converter reads
 *	  them?
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/connect_check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_CONNECT_CHECK_H
#define CDC_FUZZ_CONNECT_CHECK_H

#include "json_check.h"

/*
 * Is message an object of a schema and a payload that fits it?  If so sets
 * *payload.  Fields of structs must come in the schema's order, and defaults
 * fit too.
 */
extern bool connect_check(const JsonNode *message, const JsonNode **payload);

#endif							/* CDC_FUZZ_CONNECT_CHECK_H */
