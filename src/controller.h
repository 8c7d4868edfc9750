/*-------------------------------------------------------------------------
 *
 * controller.h
 *	  The process that reads the catalog of one database.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/controller.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_CONTROLLER_H
#define CDC_CONTROLLER_H

extern PGDLLEXPORT void controller_main(Datum main_arg);

#endif							/* CDC_CONTROLLER_H */
