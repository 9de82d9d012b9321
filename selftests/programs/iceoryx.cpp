// SPDX-License-Identifier: GPL-2.0
/*
 * A publisher and a subscriber of iceoryx in one process each, with samples of 1 MiB: usage:
 * iceoryx, while iox-roudi runs. Ends with 0 when all samples came over unchanged.
 */

#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include "iceoryx_posh/popo/publisher.hpp"
#include "iceoryx_posh/popo/subscriber.hpp"
#include "iceoryx_posh/runtime/posh_runtime.hpp"

struct sample {
	unsigned int number;
	unsigned char data[1 << 20];
};

static const unsigned int nr = 20;
static const iox::capro::ServiceDescription service{ "zcpool", "selftest", "samples" };

static int publish()
{
	iox::runtime::PoshRuntime::initRuntime("zcpool-publisher");
	iox::popo::PublisherOptions options;

	// No sample may be lost.
	options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
	iox::popo::Publisher<sample> publisher(service, options);

	while (!publisher.hasSubscribers())
		usleep(10000);
	for (unsigned int i = 0; i < nr;) {
		publisher.loan()
			.and_then([&](auto &loaned) {
				loaned->number = i;
				memset(loaned->data, 'a' + i, sizeof(loaned->data));
				loaned.publish();
				i++;
			})
			.or_else([](auto &) { usleep(1000); });
	}
	// The samples go with their publisher.
	while (publisher.hasSubscribers())
		usleep(10000);
	return 0;
}

static int subscribe()
{
	iox::runtime::PoshRuntime::initRuntime("zcpool-subscriber");
	iox::popo::SubscriberOptions options;

	options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
	options.queueCapacity = 4;
	iox::popo::Subscriber<sample> subscriber(service, options);
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < nr;) {
		subscriber.take()
			.and_then([&](auto &taken) {
				if (taken->number != i || taken->data[0] != 'a' + i ||
				    taken->data[sizeof(taken->data) - 1] != 'a' + i)
					wrong++;
				i++;
			})
			.or_else([](auto &) { usleep(1000); });
	}
	if (wrong)
		printf("# %u samples of %u are wrong\n", wrong, nr);
	return wrong > 0;
}

int main()
{
	int status, published;
	pid_t pid = fork();

	if (pid == 0)
		return publish();
	int subscribed = subscribe();

	if (waitpid(pid, &status, 0) != pid)
		return 1;
	published = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	printf("# publisher %d, subscriber %d\n", published, subscribed);
	return published || subscribed;
}
