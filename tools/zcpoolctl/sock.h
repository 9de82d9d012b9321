/* SPDX-License-Identifier: GPL-2.0 */
/* The Unix socket that sender and receiver meet at. */
#ifndef SOCK_H
#define SOCK_H

/*
 * Waits for one connection on a socket made at path. The path is gone again
 * when this returns: it exists only while there is somebody to wait for.
 */
int sock_accept_one(const char *path);

/* Connects, waiting some seconds for a receiver that is not there yet. */
int sock_connect(const char *path);

#endif /* SOCK_H */
