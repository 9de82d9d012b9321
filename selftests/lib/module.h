/* SPDX-License-Identifier: GPL-2.0 */
/* Loading and unloading the module without another program, which would take longer to start. */
#ifndef ZCPOOL_TEST_MODULE_H
#define ZCPOOL_TEST_MODULE_H

/* The one that ZCPOOL_KO names; 0 or -errno. Then the pool can be opened. */
int module_load(const char *params);

/* 0 or -errno; it does not wait. */
int module_unload(void);

#endif /* ZCPOOL_TEST_MODULE_H */
