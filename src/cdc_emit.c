/*-------------------------------------------------------------------------
 *
 * cdc_emit.c
 *	  Entry point of the library: settings, hooks and the launcher.
 *
 * Runs in the postmaster when preloaded.  Without preloading only the output
 * plugin works, through the SQL and walsender interface of logical decoding.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/cdc_emit.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "cdc_emit.h"
#include "compat.h"
#include "hooks.h"
#include "launcher.h"
#include "shmem.h"

CDC_MODULE_MAGIC(CDC_NAME, CDC_VERSION);

bool		cdc_enabled = true;
int			cdc_max_subscriptions = 16;

PGDLLEXPORT void _PG_init(void);

static void
define_settings(void)
{
	DefineCustomBoolVariable("cdc_emit.enabled",
							 "Runs the workers of enabled subscriptions.",
							 "When off, all workers of the cluster stop; slots and subscriptions stay.",
							 &cdc_enabled,
							 true,
							 PGC_SIGHUP,
							 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("cdc_emit.max_subscriptions",
							"Sets the maximum number of subscriptions of the cluster.",
							"Every one takes about 36 kB of shared memory.",
							&cdc_max_subscriptions,
							16,
							1, 1024,
							PGC_POSTMASTER,
							0,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved(CDC_NAME);
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	define_settings();
	shmem_install_hooks();
	hooks_install();

	/* pg_upgrade wants to be alone with the cluster */
	if (!IsBinaryUpgrade)
		launcher_register();
}
