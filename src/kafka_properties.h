/*-------------------------------------------------------------------------
 *
 * kafka_properties.h
 *	  Options of the foreign-data wrapper: Kafka clusters and credentials.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/kafka_properties.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_KAFKA_PROPERTIES_H
#define CDC_KAFKA_PROPERTIES_H

#include "nodes/pg_list.h"

/*
 * The librdkafka properties (list of NameValue, names with dots) of a server
 * and of the user mapping that serves the role, if there is one.  Needs a
 * transaction.  ERROR if the server does not exist, is not of our wrapper, may
 * not be used by the role, or has neither bootstrap_servers nor
 * test_mock_num_brokers.
 */
extern List *kafka_properties_for_server(const char *server, Oid role);

#endif							/* CDC_KAFKA_PROPERTIES_H */
