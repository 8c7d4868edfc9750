/*-------------------------------------------------------------------------
 *
 * access_check.h
 *	  May the owner of a subscription read a table?
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/access_check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_ACCESS_CHECK_H
#define CDC_ACCESS_CHECK_H

#include "nodes/pg_list.h"
#include "utils/rel.h"

/*
 * Raise ERROR unless role may read all rows of the relation, either from
 * itself or from one of these ancestors (OIDs of partitioned tables).
 * False, with a WARNING, if it may not and the relation was dropped since.
 */
extern bool access_check_relation(Oid role, Relation relation,
								  const List *ancestors);

#endif							/* CDC_ACCESS_CHECK_H */
