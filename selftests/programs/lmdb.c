// SPDX-License-Identifier: GPL-2.0
/*
 * LMDB in a directory: usage: lmdb DIRECTORY. Prints "ok NAME" or "not ok NAME" for each test.
 *
 * Its map is longer than its file, which grows by writes, or, with MDB_WRITEMAP, is made as long
 * as the map and stored to; its lock file has robust mutexes.
 */

#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_SIZE (64UL << 20)
#define VALUE_SIZE 500

static int failures;

static void result(const char *name, bool passed)
{
	printf("%sok LMDB: %s\n", passed ? "" : "not ", name);
	fflush(stdout);
	failures += !passed;
}

/* What LMDB answers is its own error or an errno. */
static bool is_ok(int answer, int line)
{
	if (answer)
		printf("# line %d: %s\n", line, mdb_strerror(answer));
	return !answer;
}

static bool is_so(bool condition, const char *text, int line)
{
	if (!condition)
		printf("# line %d: not %s\n", line, text);
	return condition;
}

#define OK(call)	is_ok(call, __LINE__)
#define IS(condition)	is_so(condition, #condition, __LINE__)

static void fill(char value[VALUE_SIZE], unsigned int key)
{
	memset(value, 'a' + key % 26, VALUE_SIZE);
	memcpy(value, &key, sizeof(key));
}

static bool open_env(MDB_env **env, const char *path, unsigned int flags)
{
	if (!OK(mdb_env_create(env)))
		return false;
	if (!OK(mdb_env_set_mapsize(*env, MAP_SIZE)))
		return false;
	if (!OK(mdb_env_open(*env, path, flags | MDB_NOSUBDIR, 0600)))
		return false;
	return true;
}

static bool put(MDB_env *env, unsigned int from, unsigned int to)
{
	char value[VALUE_SIZE];
	MDB_txn *txn;
	MDB_dbi dbi;

	if (!OK(mdb_txn_begin(env, NULL, 0, &txn)))
		return false;
	if (!OK(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi)))
		return false;
	for (unsigned int key = from; key < to; key++) {
		MDB_val k = { sizeof(key), &key }, v = { sizeof(value), value };

		fill(value, key);
		if (!OK(mdb_put(txn, dbi, &k, &v, 0)))
			return false;
	}
	if (!OK(mdb_txn_commit(txn)))
		return false;
	return true;
}

/* All keys below nr are there with their values, and no other. */
static bool holds(MDB_env *env, unsigned int nr)
{
	char value[VALUE_SIZE];
	MDB_stat stat;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (!OK(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn)))
		return false;
	if (!OK(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi)))
		return false;
	if (!OK(mdb_stat(txn, dbi, &stat)))
		return false;
	if (!IS(stat.ms_entries == nr))
		return false;
	for (unsigned int key = 0; key < nr; key++) {
		MDB_val k = { sizeof(key), &key }, v;

		fill(value, key);
		if (!OK(mdb_get(txn, dbi, &k, &v)))
			return false;
		if (!IS(v.mv_size == sizeof(value)))
			return false;
		if (!IS(!memcmp(v.mv_data, value, sizeof(value))))
			return false;
	}
	mdb_txn_abort(txn);
	return true;
}

static bool in_child(bool (*function)(const char *path), const char *path, int wanted)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		bool passed = function(path);

		fflush(stdout);
		_exit(!passed);
	}
	if (!IS(pid > 0))
		return false;
	if (!IS(waitpid(pid, &status, 0) == pid))
		return false;
	if (!IS(status == wanted))
		return false;
	return true;
}

static bool read_6000(const char *path)
{
	MDB_env *env;

	return open_env(&env, path, 0) && holds(env, 6000);
}

static bool grow(const char *path)
{
	struct stat stat;
	MDB_env *env;

	if (!open_env(&env, path, 0))
		return false;
	for (unsigned int key = 0; key < 6000; key += 1000) {
		if (!put(env, key, key + 1000) || !holds(env, key + 1000))
			return false;
	}
	if (!OK(mdb_env_sync(env, 1)))
		return false;
	if (!IS(!lstat(path, &stat)))
		return false;
	if (!IS(stat.st_size > 6000 * VALUE_SIZE && stat.st_size < (off_t)MAP_SIZE / 2))
		return false;
	mdb_env_close(env);
	return in_child(read_6000, path, 0);
}

static bool write_map(const char *path)
{
	struct stat stat;
	MDB_env *env;

	if (!open_env(&env, path, MDB_WRITEMAP) || !put(env, 0, 6000) || !holds(env, 6000))
		return false;
	if (!OK(mdb_env_sync(env, 1)))
		return false;
	if (!IS(!lstat(path, &stat)))
		return false;
	if (!IS(stat.st_size == MAP_SIZE))
		return false;
	if (!IS(stat.st_blocks * 512 < (off_t)MAP_SIZE / 2))
		return false;
	mdb_env_close(env);
	return in_child(read_6000, path, 0);
}

/* Dies with the writers' mutex held, and what it wrote not committed */
static bool die_writing(const char *path)
{
	unsigned int key = 99999;
	MDB_val k = { sizeof(key), &key }, v = { 1, "x" };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (!open_env(&env, path, 0))
		return false;
	if (!OK(mdb_txn_begin(env, NULL, 0, &txn)))
		return false;
	if (!OK(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi)))
		return false;
	if (!OK(mdb_put(txn, dbi, &k, &v, 0)))
		return false;
	raise(SIGKILL);
	return false;
}

static bool robust(const char *path)
{
	MDB_env *env;

	/* Held open here, so that the mutex is not made anew. */
	if (!open_env(&env, path, 0) || !in_child(die_writing, path, SIGKILL) ||
	    !put(env, 6000, 6100) || !holds(env, 6100))
		return false;
	mdb_env_close(env);
	return true;
}

static bool copy(const char *path, const char *to)
{
	MDB_env *env;

	if (!open_env(&env, path, 0))
		return false;
	if (!OK(mdb_env_copy2(env, to, 0)))
		return false;
	if (!OK(mdb_env_copy2(env, "compact.mdb", MDB_CP_COMPACT)))
		return false;
	mdb_env_close(env);
	if (!open_env(&env, to, 0) || !holds(env, 6100))
		return false;
	mdb_env_close(env);
	if (!open_env(&env, "compact.mdb", 0) || !holds(env, 6100))
		return false;
	mdb_env_close(env);
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: lmdb DIRECTORY\n");
		return 2;
	}
	result("a file that grows by writes, in a longer map", grow("grows.mdb"));
	result("MDB_WRITEMAP", write_map("map.mdb"));
	result("a writer dies with the robust mutex", robust("grows.mdb"));
	result("copies of the whole, O_DIRECT", copy("grows.mdb", "copy.mdb"));
	return failures > 0;
}
