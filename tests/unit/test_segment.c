/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: bodies come back as they were; damage is noticed; a crash leaves the next start untouched. */
#include "tests/unit/tmpdir.h"

#include "base/limits.h"
#include "store/segment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct fixture {
    struct tmpdir tmp;
    int dir;
    struct segments *s;
    struct arena a;
};

static void open_segments(struct fixture *f)
{
    const char *why = NULL;
    f->s = segments_open(f->dir, &why);
    if (!f->s)
        fail_msg("%s", why);
}

static void start(struct fixture *f)
{
    f->tmp = tmpdir_make();
    f->dir = open(f->tmp.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->dir >= 0);
    arena_init(&f->a, 64 * MIB);
    open_segments(f);
}

static void end(struct fixture *f)
{
    segments_close(f->s);
    arena_done(&f->a);
    close(f->dir);
    tmpdir_remove(&f->tmp);
}

static struct record_body body_of(struct str s)
{
    return (struct record_body){(char *)(uintptr_t)s.p, s.n};
}

static void expect(struct fixture *f, const struct body_place *p, struct str request, struct str response)
{
    struct str got[2];
    assert_int_equal(segment_read(f->dir, p, &f->a, &got[0], &got[1]), E_OK);
    assert_str(got[0], request);
    assert_str(got[1], response);
    assert_true(!got[0].p == !request.p && !got[1].p == !response.p);
}

static const struct str none = {NULL, 0};

static void bodies_come_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct body_place p[5];
    p[0] = segments_add(f.s, body_of(STR("request one")), body_of(STR("response one")));
    p[1] = segments_add(f.s, body_of(STR("only a request")), body_of(none));
    p[2] = segments_add(f.s, body_of(none), body_of(STR("only a response")));
    p[3] = segments_add(f.s, body_of(STR("")), body_of(STR("after an empty one")));
    p[4] = segments_add(f.s, body_of(STR("")), body_of(none));
    assert_int_equal(segments_commit(f.s, true), E_OK);
    expect(&f, &p[0], STR("request one"), STR("response one"));
    expect(&f, &p[1], STR("only a request"), none);
    expect(&f, &p[2], none, STR("only a response"));
    expect(&f, &p[3], STR(""), STR("after an empty one"));
    expect(&f, &p[4], STR(""), none);
    struct body_place nothing = segments_add(f.s, body_of(none), body_of(none));
    assert_int_equal(nothing.request, -1);
    assert_int_equal(nothing.response, -1);
    end(&f);
}

/* Bodies around and beyond the length of a frame, each with bytes of its own. */
static void long_bodies_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {
        SEGMENT_FRAME_BYTES - 1, SEGMENT_FRAME_BYTES, SEGMENT_FRAME_BYTES + 1, 3, 700000, 700000, 5 * MIB};
    struct fixture f;
    start(&f);
    struct body_place p[countof(lengths)];
    char *bytes = mem_alloc(5 * MIB);
    random_bytes(bytes, 5 * MIB);
    for (size_t i = 0; i < countof(lengths); i++) {
        bytes[0] = (char)i;
        p[i] = segments_add(f.s, (struct record_body){bytes, lengths[i]}, (struct record_body){bytes, 10});
    }
    assert_int_equal(segments_commit(f.s, false), E_OK);
    for (size_t i = 0; i < countof(lengths); i++) {
        bytes[0] = (char)i;
        expect(&f, &p[i], str_of(bytes, lengths[i]), str_of(bytes, 10));
    }
    assert_true(segments_bytes(f.s) > 5 * MIB);
    mem_free(bytes);
    end(&f);
}

static void repeated_bodies_share_bytes(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    char prompt[2048];
    random_bytes(prompt, sizeof(prompt));
    for (int i = 0; i < 500; i++)
        segments_add(f.s, (struct record_body){prompt, sizeof(prompt)}, body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    assert_true(segments_bytes(f.s) < 3 * sizeof(prompt));
    end(&f);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    char *bytes = mem_alloc(12 * MIB);
    random_bytes(bytes, 12 * MIB);
    struct body_place p[7];
    for (size_t i = 0; i < countof(p); i++) {
        p[i] = segments_add(f.s, (struct record_body){bytes + i, 12 * MIB - i}, body_of(STR("x")));
        assert_int_equal(segments_commit(f.s, false), E_OK);
    }
    assert_int_equal(p[0].segment, 1);
    assert_int_equal(p[5].segment, 1);
    assert_int_equal(p[6].segment, 2);
    assert_int_equal(p[6].frame, 0);
    expect(&f, &p[6], str_of(bytes + 6, 12 * MIB - 6), STR("x"));
    expect(&f, &p[5], str_of(bytes + 5, 12 * MIB - 5), STR("x"));
    mem_free(bytes);
    end(&f);
}

static void each_start_opens_a_new_segment(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct body_place p = segments_add(f.s, body_of(STR("before the crash")), body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    /* a torn end, as a crash leaves it: nothing refers to it */
    int fd = openat(f.dir, "bodies/00000001.seg", O_WRONLY | O_APPEND);
    assert_true(write(fd, "WSF1garbage", 11) == 11);
    close(fd);
    segments_close(f.s);
    open_segments(&f);
    struct body_place q = segments_add(f.s, body_of(STR("after it")), body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    assert_int_equal(q.segment, 2);
    expect(&f, &p, STR("before the crash"), none);
    expect(&f, &q, STR("after it"), none);
    end(&f);
}

/* Every byte of a segment changed, and every length it could be cut to. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct body_place p =
        segments_add(f.s, body_of(STR("a body that somebody will read")), body_of(STR("and this")));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    int fd = openat(f.dir, "bodies/00000001.seg", O_RDWR);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    struct str got[2];
    for (off_t i = 0; i < st.st_size; i++) {
        char was, is;
        assert_true(pread(fd, &was, 1, i) == 1);
        is = (char)(was ^ 0x41);
        assert_true(pwrite(fd, &is, 1, i) == 1);
        assert_int_equal(segment_read(f.dir, &p, &f.a, &got[0], &got[1]), E_IO);
        assert_true(pwrite(fd, &was, 1, i) == 1);
    }
    expect(&f, &p, STR("a body that somebody will read"), STR("and this"));
    for (off_t n = st.st_size - 1; n >= 0; n--) {
        assert_int_equal(ftruncate(fd, n), 0);
        assert_int_equal(segment_read(f.dir, &p, &f.a, &got[0], &got[1]), E_IO);
    }
    close(fd);
    assert_int_equal(unlinkat(f.dir, "bodies/00000001.seg", 0), 0);
    assert_int_equal(segment_read(f.dir, &p, &f.a, &got[0], &got[1]), E_NOT_FOUND);
    end(&f);
}

static void wrong_places_are_refused(void **state)
{
    (void)state;
    static const int64_t frames[] = {-1, 1, 33, 1000, INT64_MAX, INT64_MIN, INT64_MAX - 31};
    static const int64_t lengths[] = {100, 1 << 20, (int64_t)1 << 40, INT64_MAX};
    struct fixture f;
    start(&f);
    struct body_place p = segments_add(f.s, body_of(STR("some request")), body_of(STR("some response")));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    struct str got[2];
    for (size_t i = 0; i < countof(frames); i++) {
        struct body_place q = p;
        q.frame = frames[i];
        assert_int_equal(segment_read(f.dir, &q, &f.a, &got[0], &got[1]), E_IO);
    }
    for (size_t i = 0; i < countof(lengths); i++) {
        struct body_place q = p, r = p, at = p;
        q.request = r.response = at.at = lengths[i];
        assert_int_equal(segment_read(f.dir, &q, &f.a, &got[0], &got[1]), E_IO);
        assert_int_equal(segment_read(f.dir, &r, &f.a, &got[0], &got[1]), E_IO);
        assert_int_equal(segment_read(f.dir, &at, &f.a, &got[0], &got[1]), E_IO);
    }
    struct arena tiny;
    arena_init(&tiny, 8);
    assert_int_equal(segment_read(f.dir, &p, &tiny, &got[0], &got[1]), E_FULL);
    arena_done(&tiny);
    end(&f);
}

/* A batch that cannot be written does not count; the next one goes to another file. */
static void a_refused_batch_does_not_count(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct body_place p = segments_add(f.s, body_of(STR("first")), body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    segments_close(f.s);
    open_segments(&f);
    assert_int_equal(mkdirat(f.dir, "bodies/00000002.seg", 0700), 0); /* in the way */
    segments_add(f.s, body_of(STR("second")), body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_IO);
    struct body_place q = segments_add(f.s, body_of(STR("third")), body_of(none));
    assert_int_equal(segments_commit(f.s, true), E_OK);
    assert_int_equal(q.segment, 3);
    expect(&f, &p, STR("first"), none);
    expect(&f, &q, STR("third"), none);
    end(&f);
}

/* A full disk: what was begun is taken back, and the same file goes on once there is room. */
static void a_full_disk_leaves_no_litter(void **state)
{
    (void)state;
    struct fixture f;
    struct rlimit limit;
    static char bytes[50000];
    random_bytes(bytes, sizeof(bytes));
    start(&f);
    struct body_place p = segments_add(f.s, body_of(STR("first")), body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    uint64_t before = segments_bytes(f.s);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t was = limit.rlim_cur;
    limit.rlim_cur = sizeof(bytes) / 2;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 5; i++) {
        segments_add(f.s, (struct record_body){bytes, sizeof(bytes)}, body_of(none));
        assert_int_equal(segments_commit(f.s, false), E_IO);
    }
    limit.rlim_cur = was;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct body_place q = segments_add(f.s, (struct record_body){bytes, sizeof(bytes)}, body_of(none));
    assert_int_equal(segments_commit(f.s, false), E_OK);
    assert_int_equal(q.segment, 1);
    assert_int_equal(q.frame, before);
    expect(&f, &p, STR("first"), none);
    expect(&f, &q, str_of(bytes, sizeof(bytes)), none);
    end(&f);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_come_back),
        cmocka_unit_test(long_bodies_come_back),
        cmocka_unit_test(repeated_bodies_share_bytes),
        cmocka_unit_test(a_full_segment_is_followed_by_the_next),
        cmocka_unit_test(each_start_opens_a_new_segment),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(wrong_places_are_refused),
        cmocka_unit_test(a_refused_batch_does_not_count),
        cmocka_unit_test(a_full_disk_leaves_no_litter),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
