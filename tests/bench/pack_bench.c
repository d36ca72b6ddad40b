/* pack_bench.c - how fast a log file is packed, and how small it gets, beside
 * zstd level 1 over the whole file.
 *
 * usage: pack_bench FILE [FORMAT]     The best of five runs is told, CPU time.
 *        pack_bench --pack FILE...    Pack files of the format "syslog". */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "proto/log_line.h"
#include "proto/segment.h"
#include "sink/closer.h"

#define RUNS 5

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *
whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *b;

	if (f == NULL || fstat(fileno(f), &st) != 0 ||
	    (b = malloc((size_t)st.st_size + 1)) == NULL)
		return NULL;
	*n = fread(b, 1, (size_t)st.st_size, f);
	fclose(f);
	return b;
}

static size_t
one_frame(const char *b, size_t n, double *best)
{
	char *out = malloc(ZSTD_compressBound(n));
	size_t size = 0;

	for (int i = 0; out != NULL && i < RUNS; i++) {
		double t = cpu();

		size = ZSTD_compress(out, ZSTD_compressBound(n), b, n, 1);
		t = cpu() - t;
		*best = i == 0 || t < *best ? t : *best;
	}
	free(out);
	return size;
}

/* The size of what follows the frames: index and table. */
static uint64_t
index_size(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char footer[SEGMENT_FOOTER], table[1 << 20];
	uint64_t at, from;
	size_t len, n;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) != 0 || pread(fd, footer, sizeof footer,
	    st.st_size - SEGMENT_FOOTER) != SEGMENT_FOOTER ||
	    !segment_find_table(slice_of(footer, sizeof footer),
	    (uint64_t)st.st_size, &at, &len) || len > sizeof table ||
	    pread(fd, table, len, (off_t)at) != (ssize_t)len ||
	    !segment_find_index(slice_of(table, len), at, &from, &n))
		return 0;
	close(fd);
	return (uint64_t)st.st_size - from;
}

static int
pack_all(int argc, char **argv)
{
	struct closer_stats stats = { 0 };
	_Atomic bool stop = false;

	for (int i = 0; i < argc; i++)
		if (pack_file(AT_FDCWD, argv[i], 1, LOG_FORMAT_SYSLOG, &stop,
		    NULL, NULL, &stats) != 0)
			return perror(argv[i]), 1;
	printf("%" PRIu64 " of text, %" PRIu64 " packed\n", stats.text_bytes,
	    stats.packed_bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	char temp[] = "./pack_bench.XXXXXX";
	enum log_format format = LOG_FORMAT_SYSLOG;
	struct closer_stats stats = { 0 };
	_Atomic bool stop = false;
	double t_one = 0, t_pack = 0;
	uint64_t index = 0;
	size_t n, one;
	char *b;
	int dir;

	if (argc > 2 && strcmp(argv[1], "--pack") == 0)
		return pack_all(argc - 2, argv + 2);
	if (argc < 2 || (b = whole(argv[1], &n)) == NULL ||
	    (argc > 2 && !log_format_named(slice_str(argv[2]), &format)) ||
	    mkdtemp(temp) == NULL) {
		fputs("usage: pack_bench FILE [FORMAT]\n", stderr);
		return 2;
	}
	dir = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	one = one_frame(b, n, &t_one);
	for (int i = 0; i < RUNS; i++) {
		int fd = openat(dir, "a.log", O_WRONLY | O_CREAT | O_CLOEXEC,
		    0600);
		double t;

		for (size_t at = 0; at < n; ) {
			ssize_t w = write(fd, b + at, n - at);

			if (w <= 0)
				return 1;
			at += (size_t)w;
		}
		close(fd);
		stats = (struct closer_stats){ 0 };
		t = cpu();
		if (pack_file(dir, "a.log", 1, (uint8_t)format, &stop, NULL,
		    NULL, &stats) != 0)
			return perror("pack_file"), 1;
		t = cpu() - t;
		t_pack = i == 0 || t < t_pack ? t : t_pack;
		index = index_size(dir, "a.log.zst");
		unlinkat(dir, "a.log.zst", 0);
	}
	rmdir(temp);
	printf("text %zu\nwhole file, level 1: %zu, ratio %.3f, %.0f MB/s\n"
	    "packed: %" PRIu64 ", ratio %.3f, %.0f MB/s: %+.2f %%, of that "
	    "frames %+.2f %%, index %+.2f %%\n", n, one, (double)n /
	    (double)one, (double)n / t_one / 1e6, stats.packed_bytes,
	    (double)n / (double)stats.packed_bytes, (double)n / t_pack / 1e6,
	    100.0 * (double)stats.packed_bytes / (double)one - 100,
	    100.0 * (double)(stats.packed_bytes - index) / (double)one - 100,
	    100.0 * (double)index / (double)one);
	return 0;
}
