/* SPDX-License-Identifier: GPL-2.0 */
/* What send and recv print at the end. */
#ifndef REPORT_H
#define REPORT_H

#include "file.h"
#include "measure.h"

enum report_form {
	REPORT_HUMAN,
	REPORT_JSON,
	REPORT_QUIET,	/* the digest alone */
};

/* role is "send" or "recv"; digest is NULL for the sender. */
void report(enum report_form form, const char *role, const struct transfer *t,
	    const struct measure *m, const struct file *f, const char *digest);

#endif /* REPORT_H */
