// SPDX-License-Identifier: GPL-2.0
/*
 * Boost.Interprocess: usage: boost DIRECTORY, with /dev/shm the same file system. Prints
 * "ok NAME" or "not ok NAME" for each test.
 */

#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/named_mutex.hpp>
#include <boost/interprocess/sync/named_semaphore.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ipc = boost::interprocess;

static int failures;

#define CHECK(condition)							\
	do {									\
		if (!(condition))						\
			throw std::runtime_error("not " #condition);		\
	} while (0)

static bool runs(void (*function)())
{
	try {
		function();
		return true;
	} catch (const std::exception &error) {
		printf("# %s\n", error.what());
		return false;
	}
}

static void test(const char *name, void (*function)())
{
	bool passed = runs(function);

	printf("%sok Boost.Interprocess: %s\n", passed ? "" : "not ", name);
	failures += !passed;
	fflush(stdout);
}

static pid_t child(void (*function)())
{
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		bool passed = runs(function);

		fflush(stdout);
		_exit(!passed);
	}
	return pid;
}

static void join(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

using ints = ipc::vector<int, ipc::allocator<int, ipc::managed_mapped_file::segment_manager>>;

static void managed_file()
{
	{
		ipc::managed_mapped_file file(ipc::create_only, "managed", 4 << 20);
		ints *numbers = file.construct<ints>("numbers")(file.get_segment_manager());

		for (int i = 0; i < 100000; i++)
			numbers->push_back(i);
		file.flush();
	}
	join(child([] {
		ipc::managed_mapped_file file(ipc::open_only, "managed");
		ints *numbers = file.find<ints>("numbers").first;

		CHECK(numbers && numbers->size() == 100000 && numbers->at(99999) == 99999);
		numbers->at(0) = 7;
	}));
	// ftruncate up; what is there stays
	CHECK(ipc::managed_mapped_file::grow("managed", 8 << 20));
	{
		ipc::managed_mapped_file file(ipc::open_only, "managed");

		CHECK(file.get_size() == 12 << 20);
		CHECK(file.find<ints>("numbers").first->at(0) == 7);
		CHECK(file.allocate(7 << 20));
	}
}

// MAP_PRIVATE: the file does not change.
static void copy_on_write()
{
	{
		ipc::managed_mapped_file file(ipc::open_copy_on_write, "managed");
		ints *numbers = file.find<ints>("numbers").first;

		numbers->at(0) = 8;
		CHECK(numbers->at(0) == 8);
	}
	ipc::managed_mapped_file file(ipc::open_read_only, "managed");

	CHECK(file.find<ints>("numbers").first->at(0) == 7);
}

static void shrink()
{
	struct stat before, after;

	{
		ipc::managed_mapped_file file(ipc::create_only, "shrinks", 16 << 20);

		file.construct<int>("one")(1);
	}
	CHECK(!stat("shrinks", &before));
	CHECK(ipc::managed_mapped_file::shrink_to_fit("shrinks"));
	CHECK(!stat("shrinks", &after));
	CHECK(after.st_size < before.st_size / 2);
	ipc::managed_mapped_file file(ipc::open_only, "shrinks");

	CHECK(*file.find<int>("one").first == 1);
}

static void mapping()
{
	{
		ipc::file_mapping::remove("plain");
		std::FILE *file = fopen("plain", "w");

		CHECK(file && !fseek(file, (3 << 20) + 4, SEEK_SET) && fputc('z', file) != EOF);
		fclose(file);
	}
	ipc::file_mapping file("plain", ipc::read_write);
	ipc::mapped_region region(file, ipc::read_write, 4096, 3 << 20);

	CHECK(static_cast<char *>(region.get_address())[(3 << 20) + 4 - 4096] == 'z');
	CHECK(region.flush());
	CHECK(region.shrink_by(1 << 20));
}

struct box {
	ipc::interprocess_mutex mutex;
	ipc::interprocess_condition changed;
	int value = 0;
};

static void shared_memory()
{
	ipc::managed_shared_memory memory(ipc::create_only, "zcpool-boost", 3 << 20);
	box *shared = memory.construct<box>("box")();
	pid_t pid = child([] {
		ipc::managed_shared_memory memory(ipc::open_only, "zcpool-boost");
		box *shared = memory.find<box>("box").first;
		ipc::scoped_lock<ipc::interprocess_mutex> lock(shared->mutex);

		shared->value = 42;
		shared->changed.notify_one();
	});
	{
		ipc::scoped_lock<ipc::interprocess_mutex> lock(shared->mutex);

		while (!shared->value)
			shared->changed.wait(lock);
	}
	join(pid);
	CHECK(shared->value == 42);
	CHECK(ipc::shared_memory_object::remove("zcpool-boost"));
}

// sem_open
static void named()
{
	ipc::named_mutex mutex(ipc::create_only, "zcpool-mutex");
	ipc::named_semaphore semaphore(ipc::create_only, "zcpool-semaphore", 0);

	mutex.lock();
	join(child([] {
		ipc::named_mutex mutex(ipc::open_only, "zcpool-mutex");
		ipc::named_semaphore semaphore(ipc::open_only, "zcpool-semaphore");

		CHECK(!mutex.try_lock());
		semaphore.post();
	}));
	semaphore.wait();
	mutex.unlock();
	CHECK(mutex.try_lock());
	mutex.unlock();
	CHECK(ipc::named_mutex::remove("zcpool-mutex"));
	CHECK(ipc::named_semaphore::remove("zcpool-semaphore"));
}

static void queue()
{
	ipc::message_queue messages(ipc::create_only, "zcpool-queue", 10, sizeof(int));
	pid_t pid = child([] {
		ipc::message_queue messages(ipc::open_only, "zcpool-queue");

		for (int i = 0; i < 1000; i++)
			messages.send(&i, sizeof(i), 0);
	});

	for (int i = 0; i < 1000; i++) {
		ipc::message_queue::size_type size;
		unsigned int priority;
		int got;

		messages.receive(&got, sizeof(got), size, priority);
		CHECK(size == sizeof(got) && got == i);
	}
	join(pid);
	CHECK(ipc::message_queue::remove("zcpool-queue"));
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: boost DIRECTORY\n");
		return 2;
	}
	test("managed_mapped_file, grow", managed_file);
	test("open_copy_on_write", copy_on_write);
	test("shrink_to_fit", shrink);
	test("file_mapping, mapped_region", mapping);
	test("managed_shared_memory, mutex and condition", shared_memory);
	test("named_mutex, named_semaphore", named);
	test("message_queue", queue);
	return failures > 0;
}
