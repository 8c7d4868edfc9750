/*-------------------------------------------------------------------------
 *
 * producer_version.c
 *	  Which librdkafka is in use.
 *
 * Runs in any process; starts nothing.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/producer_version.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <librdkafka/rdkafka.h>

#include "producer_version.h"

const char *
producer_library_version(void)
{
	return rd_kafka_version_str();
}
