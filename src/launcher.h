/*-------------------------------------------------------------------------
 *
 * launcher.h
 *	  The process that starts, stops and restarts all others.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/launcher.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_LAUNCHER_H
#define CDC_LAUNCHER_H

extern void launcher_register(void);

extern PGDLLEXPORT void launcher_main(Datum main_arg);

#endif							/* CDC_LAUNCHER_H */
