// SPDX-License-Identifier: GPL-2.0
/*
 * zcpool-fuzz: a coverage-guided fuzzer of the module's system calls. scripts/fuzz runs
 * it in the test machine.
 */
#include <getopt.h>

#include "fuzz.h"
#include "session.h"

static int help(FILE *to)
{
	fputs("usage: zcpool-fuzz run --corpus DIR [--seconds N] [--seed N] [--out DIR]\n"
	      "       zcpool-fuzz replay [--repeat N] [--verbose] FILE\n"
	      "       zcpool-fuzz reduce --out DIR [--repeat N] [--known] FILE\n"
	      "       zcpool-fuzz distil --corpus DIR FILE\n"
	      "       zcpool-fuzz to-c FILE\n", to);
	return to == stdout ? 0 : 2;
}

int fuzz_replay(const struct options *options)
{
	static struct session session;
	static struct round round;
	unsigned int i;

	if (!round_load(&round, options->file) || !session_init(&session, NULL))
		return 2;
	for (i = 0; i < ROUND_WORKERS; i++)
		session.worker[i].verbose = options->verbose;
	for (i = 0; i < options->repeat; i++)
		if (!session_run(&session, &round))
			break;
	if (i < options->repeat || !session_end(&session)) {
		printf("# wrong in turn %u: %s\n", i + 1, session.wrong);
		return 1;
	}
	printf("# nothing wrong in %u turns, edges %u\n", i, session.shared->edges);
	return 0;
}

static bool parse_options(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "corpus", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "out", required_argument, NULL, 'o' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "known", no_argument, NULL, 'k' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->corpus = optarg;
			break;
		case 's':
			options->seconds = strtoul(optarg, NULL, 0);
			break;
		case 'S':
			options->seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			options->out = optarg;
			break;
		case 'r':
			options->repeat = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			options->known = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		default:
			return false;
		}
	}
	options->file = optind < argc ? argv[optind] : NULL;
	return true;
}

int main(int argc, char **argv)
{
	struct options options = { .seconds = 60, .seed = 1, .repeat = 1 };
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "--help"))
		return help(stdout);
	if (argc < 2 || !parse_options(&options, argc - 1, argv + 1))
		return help(stderr);
	if (!strcmp(verb, "run") && options.corpus)
		return fuzz_run(&options);
	if (!strcmp(verb, "replay") && options.file)
		return fuzz_replay(&options);
	if (!strcmp(verb, "reduce") && options.file && options.out)
		return fuzz_reduce(&options);
	if (!strcmp(verb, "distil") && options.file && options.corpus)
		return fuzz_distil(&options);
	if (!strcmp(verb, "to-c") && options.file)
		return fuzz_to_c(&options);
	return help(stderr);
}
