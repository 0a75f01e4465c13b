/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of changes: all or nothing, in order, noted in the audit log without secrets. */
#include "tests/unit/store_fixture.h"

#include "base/clock.h"
#include "base/crypto.h"

#include <sqlite3.h>
#include <stdio.h>

static struct fixture fixture;
static struct audit_page *page;

static int setup(void **state)
{
    (void)state;
    fixture_start(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

static struct change object(enum change_what what, const char *name, struct uuid id, const char *settings)
{
    return (struct change){.what = what,
                           .kind = KIND_DATASET,
                           .account = str_c(fixture.first.account),
                           .gateway = STR("default"),
                           .uuid = id,
                           .name = str_c(name),
                           .settings = str_c(settings)};
}

static enum err apply(const struct change *changes, size_t n)
{
    struct change_set set = {changes,
                             n,
                             {.type = STR("token"),
                              .id = STR("t-1"),
                              .name = STR("ci"),
                              .ip = STR("192.0.2.1"),
                              .interface = STR("API")}};
    store_change(fixture.s, &set, fixture.loop, fixture_on_change, &fixture);
    fixture_wait(&fixture);
    return fixture.result;
}

static size_t count(void)
{
    struct catalog *c = store_catalog(fixture.s);
    size_t n = 0;
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_DATASET, str_c(fixture.first.account), -1, o)) != NULL;)
        n++;
    catalog_unref(c);
    return n;
}

static void on_audit(void *arg, struct audit_page *p)
{
    page = p;
    fixture_answered(arg);
}

/* The caller frees it. */
static struct audit_page *audit(void)
{
    struct audit_query q = {.account = str_c(fixture.first.account),
                            .resource = STR("ai_gateway.dataset"),
                            .page = 1,
                            .per_page = 100,
                            .ascending = true};
    store_list_audit(fixture.s, &q, fixture.loop, on_audit, &fixture);
    fixture_wait(&fixture);
    assert_int_equal(page->err, E_OK);
    return page;
}

static size_t count_audit(void)
{
    struct audit_page *p = audit();
    size_t n = p->n;
    audit_page_free(p);
    return n;
}

static void a_set_happens_whole_or_not_at_all(void **state)
{
    (void)state;
    struct uuid a = uuid_v7(&fixture.ids), b = uuid_v7(&fixture.ids), none = uuid_v7(&fixture.ids);
    struct change taken[] = {object(CHANGE_CREATE, "one", a, "{}"), object(CHANGE_CREATE, "one", b, "{}")};
    assert_int_equal(apply(taken, 2), E_AGAIN);
    assert_int_equal(count(), 0);
    struct change missing[] = {object(CHANGE_CREATE, "one", a, "{}"), object(CHANGE_DELETE, "x", none, NULL)};
    assert_int_equal(apply(missing, 2), E_NOT_FOUND);
    assert_int_equal(count(), 0);
    assert_int_equal(count_audit(), 0);
    struct change good[] = {object(CHANGE_CREATE, "one", a, "{}"), object(CHANGE_CREATE, "two", b, "{}")};
    assert_int_equal(apply(good, 2), E_OK);
    assert_int_equal(count(), 2);
    assert_int_equal(count_audit(), 2);
    struct change swap[] = {object(CHANGE_UPDATE, "three", a, NULL), object(CHANGE_UPDATE, "one", b, NULL)};
    assert_int_equal(apply(swap, 2), E_OK);
    struct catalog *c = store_catalog(fixture.s);
    const struct object *o = catalog_object_uuid(c, KIND_DATASET, b);
    assert_str(o->name, STR("one"));
    assert_ptr_equal(catalog_object(c, KIND_DATASET, o->account, o->gateway, STR("one")), o);
    assert_null(catalog_object(c, KIND_DATASET, o->account, o->gateway, STR("two")));
    assert_null(catalog_object(c, KIND_ROUTE, o->account, o->gateway, STR("one")));
    assert_ptr_equal(catalog_object_id(c, o->id), o);
    assert_null(catalog_object_id(c, o->id + 1));
    assert_null(catalog_object_uuid(c, KIND_ROUTE, b));
    catalog_unref(c);
}

static void what_changed_meanwhile_is_not_overwritten(void **state)
{
    (void)state;
    struct uuid id = uuid_v7(&fixture.ids);
    struct change made = object(CHANGE_CREATE, "one", id, "{\"n\":1}");
    assert_int_equal(apply(&made, 1), E_OK);
    struct catalog *c = store_catalog(fixture.s);
    int64_t first = catalog_object_uuid(c, KIND_DATASET, id)->modified_ms;
    catalog_unref(c);
    struct change update = object(CHANGE_UPDATE, "one", id, "{\"n\":2}");
    update.if_modified = first;
    assert_int_equal(apply(&update, 1), E_OK); /* its time moves on, also within a millisecond */
    assert_int_equal(apply(&update, 1), E_STALE);
    struct change gone = object(CHANGE_DELETE, "", id, NULL);
    gone.if_modified = first;
    assert_int_equal(apply(&gone, 1), E_STALE);
    gone.if_modified = 0;
    assert_int_equal(apply(&gone, 1), E_OK);
    assert_int_equal(apply(&gone, 1), E_NOT_FOUND);
}

static void the_audit_log_says_who_and_what_but_no_secret(void **state)
{
    (void)state;
    struct uuid id = uuid_v7(&fixture.ids);
    struct change made =
        object(CHANGE_CREATE, "one", id,
               "{\"n\":1,\"authorization\":\"Bearer hidden-1\",\"otel\":[{\"Headers\":{\"a\":\"hidden-2\"}}],"
               "\"token\":false,\"secret\":null}");
    struct arena a;
    arena_init(&a, 1 << 16);
    made.secret = store_seal(fixture.s, &a, &id, secret_of(STR("hidden-3")));
    struct change update = object(CHANGE_UPDATE, "one", id, "{\"n\":2}"), quiet = update;
    quiet.quiet = true;
    assert_int_equal(apply(&made, 1), E_OK);
    arena_done(&a);
    assert_int_equal(apply(&quiet, 1), E_OK);
    assert_int_equal(apply(&update, 1), E_OK);
    struct audit_page *p = audit();
    assert_int_equal(p->n, 2);
    const struct audit_row *r = &p->rows[0];
    assert_str(r->action, STR("create"));
    assert_str(r->name, STR("one"));
    assert_str(r->gateway, STR("default"));
    assert_str(r->interface, STR("API"));
    assert_true(str_has(r->actor, STR("192.0.2.1")) && str_has(r->actor, STR("\"ci\"")));
    assert_memory_equal(&r->resource_id, &id, sizeof(id));
    assert_str(r->after, STR("{\"n\":1,\"authorization\":\"(hidden)\",\"otel\":[{\"Headers\":\"(hidden)\"}],"
                             "\"token\":false,\"secret\":null}"));
    assert_str(p->rows[1].action, STR("update"));
    assert_str(p->rows[1].before, STR("{\"n\":2}"));
    audit_page_free(p);
}

static void what_belongs_to_an_object_or_a_gateway_goes_with_it(void **state)
{
    (void)state;
    struct uuid parent = uuid_v7(&fixture.ids), child = uuid_v7(&fixture.ids);
    struct change both[] = {object(CHANGE_CREATE, "parent", parent, "{}"),
                            object(CHANGE_CREATE, "child", child, "{}")};
    both[1].parent = parent;
    assert_int_equal(apply(both, 2), E_OK);
    struct change gone = object(CHANGE_DELETE, "", parent, NULL);
    assert_int_equal(apply(&gone, 1), E_OK);
    assert_int_equal(count(), 0);
    assert_int_equal(apply(both, 1), E_OK);
    struct change orphan = both[1];
    orphan.parent = uuid_v7(&fixture.ids);
    assert_int_not_equal(apply(&orphan, 1), E_OK); /* its parent is not there */
    struct change gateway = {.what = CHANGE_DELETE,
                             .kind = KIND_GATEWAY,
                             .account = str_c(fixture.first.account),
                             .name = STR("default")};
    assert_int_equal(apply(&gateway, 1), E_OK);
    assert_int_equal(count(), 0);
}

/* ---- a directory from before there were objects ---- */

static void run(struct sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static void write_old_directory(const char *dir)
{
    static const char tables[] =
        "CREATE TABLE account (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
        "CREATE TABLE gateway (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL,"
        " account TEXT NOT NULL REFERENCES account (id), slug TEXT NOT NULL, authentication INTEGER NOT NULL,"
        " collect_logs INTEGER NOT NULL, settings TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER "
        "NOT"
        " NULL, cache_generation INTEGER NOT NULL DEFAULT 0, UNIQUE (account, slug));"
        "CREATE TABLE token (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL REFERENCES account "
        "(id),"
        " name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, permissions INTEGER NOT NULL, created INTEGER NOT "
        "NULL,"
        " expires INTEGER NOT NULL); PRAGMA user_version = 2;"
        "INSERT INTO account VALUES (1, '0123456789abcdef0123456789abcdef', 5);"
        "INSERT INTO gateway VALUES (3, randomblob(16), '0123456789abcdef0123456789abcdef', 'default', 1, 1,"
        " '{\"authentication\":true,\"cache_ttl\":60}', 6, 7, 8);"
        "INSERT INTO token VALUES (9, '0123456789abcdef0123456789abcdef', 'gone', x'00', 1, 1, 0);"
        "DELETE FROM token;";
    char path[300], insert[512], hex[65] = "";
    unsigned char hash[SHA256_BYTES];
    struct sqlite3 *db;
    snprintf(path, sizeof(path), "%s/weir.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run(db, tables);
    sha256(STR("an old token"), hash);
    hex_encode(hex, hash, sizeof(hash));
    snprintf(insert, sizeof(insert),
             "INSERT INTO token VALUES (4, '0123456789abcdef0123456789abcdef', 'ci', x'%s', 8, 10, 2000)",
             hex);
    run(db, insert);
    sqlite3_close(db);
}

static void tokens_of_an_older_directory_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_prepare(&f);
    write_old_directory(f.tmp.path);
    fixture_open(&f);
    assert_string_equal(f.first.account, ""); /* nothing was made */
    struct catalog *c = store_catalog(f.s);
    const struct token *t = catalog_token(c, STR("an old token"), 1999);
    assert_non_null(t);
    assert_null(catalog_token(c, STR("an old token"), 2000));
    assert_int_equal(t->id, 4);
    assert_int_equal(t->permissions, PERM_RUN);
    assert_int_equal(t->created_ms, 10);
    assert_str(t->name, STR("ci"));
    const struct gateway *g = catalog_gateway(c, t->account, STR("default"));
    assert_int_equal(g->id, 3);
    assert_true(g->authentication && g->policy.cache_ttl_s == 60);
    assert_int_equal(g->cache_generation, 8);
    catalog_unref(c);
    struct change fresh = {.what = CHANGE_CREATE,
                           .kind = KIND_DATASET,
                           .account = STR("0123456789abcdef0123456789abcdef"),
                           .uuid = uuid_v7(&f.ids),
                           .name = STR("x"),
                           .settings = STR("{}")};
    assert_int_equal(fixture_change(&f, fresh), E_OK);
    c = store_catalog(f.s);
    assert_true(catalog_object_uuid(c, KIND_DATASET, fresh.uuid)->id >
                9); /* ids of tokens are not used twice */
    catalog_unref(c);
    fixture_end(&f);
}

/* Once it is set, each change takes away lines that are older; what is not old enough stays. */
static void old_lines_of_the_audit_log_go(void **state)
{
    (void)state;
    static const int64_t day = 86400000, start = 1792000000000;
    struct uuid_source ids = {0};
    clock_fake(1, start);
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "d%d", i);
        struct change c = object(CHANGE_CREATE, name, uuid_v7(&ids), "{}");
        assert_int_equal(apply(&c, 1), E_OK);
        clock_fake(1, start + (i + 1) * day);
    }
    assert_int_equal(count_audit(), 3); /* at day 0, 1 and 2; audit_days 0: for ever */
    fixture.o.audit_days = 2;
    store_reload(fixture.s, &fixture.o);
    struct change gone = object(CHANGE_GONE, "", uuid_v7(&ids), "{\"query\":\"x\"}");
    assert_int_equal(apply(&gone, 1), E_OK);
    struct audit_page *p = audit();
    assert_int_equal(p->n, 3); /* what happened 3 days ago is gone, this one is new */
    assert_str(p->rows[0].name, STR("d1"));
    assert_str(p->rows[2].action, STR("delete"));
    assert_str(p->rows[2].before, STR("{\"query\":\"x\"}"));
    assert_str(p->rows[2].after, STR(""));
    audit_page_free(p);
    assert_int_equal(count(), 3); /* the objects themselves are still there */
    clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_set_happens_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changed_meanwhile_is_not_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(the_audit_log_says_who_and_what_but_no_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(what_belongs_to_an_object_or_a_gateway_goes_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(old_lines_of_the_audit_log_go, setup, teardown),
        cmocka_unit_test(tokens_of_an_older_directory_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
