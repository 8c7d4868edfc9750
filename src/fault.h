/*-------------------------------------------------------------------------
 *
 * fault.h
 *	  Points at which tests can make a process fail.
 *
 * Only a build with CDC_FAULT_POINTS has them; elsewhere they are nothing.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/fault.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FAULT_H
#define CDC_FAULT_H

#ifdef CDC_FAULT_POINTS
extern void fault_point(const char *name);

#define FAULT_POINT(name)	fault_point(name)
#else
#define FAULT_POINT(name)	((void) 0)
#endif

#endif							/* CDC_FAULT_H */
