/*-------------------------------------------------------------------------
 *
 * fault.c
 *	  Points at which tests can make a process fail.
 *
 * The file cdc_emit.fault in the data directory has the name of a point, what
 * is to happen there, and how often the point is to be passed before:
 *
 *		before_confirm crash 3
 *
 * "crash" is kill -9 of the process itself, which makes the server restart;
 * "error" is an ERROR.  The file is removed first, so it happens once.
 *
 * Runs in all processes of a build with CDC_FAULT_POINTS; other builds have
 * nothing of this.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/fault.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fault.h"

#ifdef CDC_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include "storage/fd.h"

#define FAULT_FILE		"cdc_emit.fault"
#define WORD_SIZE		64

/* Passes of the point in the file, by this process */
static int	npasses = 0;

/* Read the file; false if there is none, or it is for another point. */
static bool
is_armed(const char *name, char *action, int *skip)
{
	FILE	   *file = AllocateFile(FAULT_FILE, "r");
	char		point[WORD_SIZE];
	bool		armed;

	if (file == NULL)
	{
		npasses = 0;
		return false;
	}
	armed = fscanf(file, "%63s %63s %d", point, action, skip) == 3 &&
		strcmp(point, name) == 0;
	FreeFile(file);
	return armed;
}

void
fault_point(const char *name)
{
	char		action[WORD_SIZE];
	int			skip;

	if (!is_armed(name, action, &skip) || npasses++ < skip)
		return;
	npasses = 0;
	(void) unlink(FAULT_FILE);
	if (strcmp(action, "crash") == 0)
		kill(getpid(), SIGKILL);
	ereport(ERROR, errmsg("fault at point \"%s\"", name));
}

#endif							/* CDC_FAULT_POINTS */
