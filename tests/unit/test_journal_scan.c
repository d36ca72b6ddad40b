/* What of a segment is believed, on images made by hand. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sink/journal_scan.h"

#define SALT UINT64_C(0x1234567890abcdef)
#define SIZE (64u << 10)

static uint8_t image[SIZE];
static struct journal_header header;
static uint32_t header_crc, prev;
static uint64_t at;

static void
begin(void)
{
	memset(image, 0, sizeof image);
	header = (struct journal_header){ .salt = SALT, .first_lsn = 1,
	    .size = SIZE };
	header_crc = journal_header_encode(&header, image);
	prev = header_crc;
	at = JOURNAL_PAGE;
}

static uint64_t
put(enum journal_type type, uint64_t lsn, uint64_t durable, uint8_t flags,
    const char *payload)
{
	struct journal_record r = {
		.type = type, .lsn = lsn, .flags = flags, .seq = lsn,
		.payload = slice_str(payload),
		.len = journal_record_len(0, 0, strlen(payload))
	};
	uint64_t where = at;

	journal_record_put(image + at, &r);
	prev = journal_record_seal(image + at, SALT, at, prev, durable);
	at += journal_pad(r.len);
	return where;
}

static const uint8_t *
fetch(void *ctx, uint64_t offset, size_t len)
{
	ck_assert_uint_le(offset + len, *(uint64_t *)ctx);
	return image + offset;
}

/* The walk as text: lsns of events, "!" damage, then lost and lsn. */
static const char *
walk(uint64_t size, uint64_t next_first)
{
	static struct buf out = BUF_INIT(10000);
	struct journal_source source = { fetch, &size, size };
	struct journal_scan s;
	struct journal_record r;
	enum journal_step step;

	buf_clear(&out);
	journal_scan_init(&s, &source, &header, header_crc, next_first);
	while ((step = journal_scan_next(&s, &r)) != JOURNAL_STEP_END) {
		if (step == JOURNAL_STEP_DAMAGE)
			buf_adds(&out, "! ");
		else if (r.type == JOURNAL_EVENT)
			buf_printf(&out, "%d ", (int)r.lsn);
		else if (r.type == JOURNAL_STREAM)
			buf_adds(&out, "s ");
		else
			buf_printf(&out, "-%d ", (int)r.seq);
	}
	buf_printf(&out, "lost %d next %d%s", (int)s.lost, (int)s.lsn,
	    s.torn > 0 ? " torn" : "");
	return buf_cstr(&out);
}

START_TEST(whole)
{
	begin();
	ck_assert_str_eq(walk(SIZE, 0), "lost 0 next 1");
	put(JOURNAL_STREAM, 1, 0, 0, "name");
	put(JOURNAL_EVENT, 1, 0, 0, "a");
	put(JOURNAL_EVENT, 2, 0, 0, "bb");
	put(JOURNAL_LOSS, 3, 2, 0, "");	/* of 3 events: .seq is the lsn */
	put(JOURNAL_EVENT, 6, 2, 0, "c");
	ck_assert_str_eq(walk(SIZE, 0), "s 1 2 -3 6 lost 0 next 7");
	put(JOURNAL_MARK, 7, 6, 0, "");
	ck_assert_str_eq(walk(SIZE, 0), "s 1 2 -3 6 lost 0 next 7");
	/* the next segment says where this one ends, whatever it holds */
	ck_assert_str_eq(walk(SIZE, 7), "s 1 2 -3 6 lost 0 next 7");
	ck_assert_str_eq(walk(SIZE, 2), "s 1 lost 0 next 2 torn");
	/* and that something between the two is missing */
	ck_assert_str_eq(walk(SIZE, 9), "s 1 2 -3 6 lost 0 next 7");
	ck_assert_str_eq(walk(JOURNAL_PAGE, 0), "lost 0 next 1");
	ck_assert_str_eq(walk(JOURNAL_PAGE + 3, 0), "lost 0 next 1");
}
END_TEST

/* What an earlier end cut off is not found again behind a new record of the
 * same length: each names the one before it. */
START_TEST(stale_records)
{
	uint64_t second, end;

	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	second = put(JOURNAL_EVENT, 2, 0, 0, "two");
	put(JOURNAL_EVENT, 3, 0, 0, "three");
	put(JOURNAL_EVENT, 4, 0, 0, "four");
	end = at;
	image[second + JOURNAL_HEAD] ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "1 lost 0 next 2 torn");
	/* the next process goes on behind 1 */
	prev = journal_get32(image + JOURNAL_PAGE + 4);
	at = second;
	put(JOURNAL_EVENT, 2, 1, 0, "TWO");
	ck_assert_uint_lt(at, end);
	ck_assert_str_eq(walk(SIZE, 0), "1 2 lost 0 next 3 torn");
}
END_TEST

START_TEST(damage_is_not_the_end)
{
	uint64_t bad;

	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	bad = put(JOURNAL_EVENT, 2, 0, 0, "two");
	put(JOURNAL_EVENT, 3, 0, 0, "three");	/* of the same batch */
	image[bad + 30] ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "1 lost 0 next 2 torn");
	/* a later one knows that 3 were durable */
	put(JOURNAL_EVENT, 4, 3, 0, "four");
	ck_assert_str_eq(walk(SIZE, 0), "1 ! 3 4 lost 1 next 5");
	/* only 1 was: all the rest may be torn */
	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	bad = put(JOURNAL_EVENT, 2, 1, 0, "two");
	put(JOURNAL_EVENT, 3, 1, 0, "three");
	image[bad + 30] ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "1 lost 0 next 2 torn");
	/* the mark knows */
	put(JOURNAL_MARK, 4, 3, 0, "");
	ck_assert_str_eq(walk(SIZE, 0), "1 ! 3 lost 1 next 4");
	/* so does the next segment */
	ck_assert_str_eq(walk(SIZE, 4), "1 ! 3 lost 1 next 4");
	/* the length itself is spoilt */
	image[bad] = 0xff;
	image[bad + 3] = 0x7f;
	ck_assert_str_eq(walk(SIZE, 4), "1 ! 3 lost 1 next 4");
}
END_TEST

START_TEST(damage_up_to_the_mark)
{
	uint64_t bad;

	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	bad = put(JOURNAL_EVENT, 2, 0, 0, "two");
	put(JOURNAL_MARK, 3, 2, 0, "");
	image[bad + 30] ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "1 ! lost 1 next 3");
}
END_TEST

START_TEST(half_a_group)
{
	uint64_t bad;

	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	put(JOURNAL_EVENT, 2, 0, JOURNAL_MORE, "two");
	put(JOURNAL_EVENT, 3, 0, JOURNAL_MORE, "three");
	ck_assert_str_eq(walk(SIZE, 0), "1 lost 0 next 2 torn");
	bad = put(JOURNAL_EVENT, 4, 0, 0, "four");
	put(JOURNAL_EVENT, 5, 0, 0, "five");
	ck_assert_str_eq(walk(SIZE, 0), "1 2 3 4 5 lost 0 next 6");
	image[bad + 16] ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "1 lost 0 next 2 torn");
	/* it had been durable: what is left of it is given */
	put(JOURNAL_EVENT, 6, 5, 0, "six");
	ck_assert_str_eq(walk(SIZE, 0), "1 2 3 ! 5 6 lost 1 next 7");
}
END_TEST

/* Not the salt of this use of the file; not the place it was written to. */
START_TEST(other_salt_other_place)
{
	begin();
	put(JOURNAL_EVENT, 1, 0, 0, "one");
	put(JOURNAL_EVENT, 2, 0, 0, "two");
	header.salt ^= 1;
	ck_assert_str_eq(walk(SIZE, 0), "lost 0 next 1");
	header.salt ^= 1;
	memmove(image + JOURNAL_PAGE + 8, image + JOURNAL_PAGE, 1000);
	ck_assert_str_eq(walk(SIZE, 0), "lost 0 next 1");
}
END_TEST

START_TEST(headers)
{
	struct journal_header h;
	uint32_t crc;

	begin();
	ck_assert(journal_header_decode(image, &h, &crc));
	ck_assert_uint_eq(crc, header_crc);
	ck_assert_uint_eq(h.salt, SALT);
	for (size_t i = 0; i < JOURNAL_PAGE; i += 61) {
		image[i] ^= 2;
		ck_assert(!journal_header_decode(image, &h, &crc));
		image[i] ^= 2;
	}
	/* sizes that no segment has, with a good checksum */
	header.size = 8191;
	journal_header_encode(&header, image);
	ck_assert(!journal_header_decode(image, &h, &crc));
	header.size = UINT64_C(1) << 40;
	journal_header_encode(&header, image);
	ck_assert(!journal_header_decode(image, &h, &crc));
}
END_TEST

START_TEST(names)
{
	uint64_t lsn = 0;
	char name[JOURNAL_NAME];

	journal_name(name, UINT64_C(0x123456789abcdef0));
	ck_assert_str_eq(name, "123456789abcdef0.seg");
	ck_assert(journal_name_parse(name, &lsn));
	ck_assert_uint_eq(lsn, UINT64_C(0x123456789abcdef0));
	ck_assert(!journal_name_parse("123456789abcdef0.seg.bad", &lsn));
	ck_assert(!journal_name_parse("123456789abcdef.seg", &lsn));
	ck_assert(!journal_name_parse("123456789ABCDEF0.seg", &lsn));
	ck_assert(!journal_name_parse("", &lsn));
	ck_assert(!journal_name_parse(".", &lsn));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("journal_scan");
	TCase *t = tcase_create("journal_scan");
	SRunner *r;
	int failed;

	tcase_add_test(t, whole);
	tcase_add_test(t, stale_records);
	tcase_add_test(t, damage_is_not_the_end);
	tcase_add_test(t, damage_up_to_the_mark);
	tcase_add_test(t, half_a_group);
	tcase_add_test(t, other_salt_other_place);
	tcase_add_test(t, headers);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
