/*-------------------------------------------------------------------------
 *
 * hooks.h
 *	  Reactions of ordinary backends to DDL that concerns us.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/hooks.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_HOOKS_H
#define CDC_HOOKS_H

extern void hooks_install(void);

#endif							/* CDC_HOOKS_H */
