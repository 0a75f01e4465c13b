/* SPDX-License-Identifier: Apache-2.0 */
/* oidc: when keys are fetched, from where, and what holds meanwhile; on a clock that the test moves. */
#include "tests/unit/http_end.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "gateway/oidc.h"

#include <stdio.h>

#define ISSUER "https://issuer.example"
#define HEADER "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"

enum { FETCHES = 8, NOW = 1792000000, HOUR = 3600 };

/* A worker with what oidc.c wants of one, and an issuer whose answers the test writes. */
static struct scene {
    struct stage stage;
    struct listener *listener;
    struct end at[FETCHES];
    unsigned n, wanted, ready;
    struct worker w;
    struct view view;
    struct client_limits limits;
    struct oidc *oidc;
    struct arena arena;
    struct str keys;
    int64_t s; /* since the start */
} scene;

static void on_conn(void *arg, struct conn *c)
{
    struct scene *s = arg;
    must(s->n < FETCHES);
    end_open(&s->stage, &s->at[s->n++], c);
    poke(&s->stage);
}

static void move_clock(int64_t seconds)
{
    scene.s += seconds;
    clock_fake((uint64_t)(1 + scene.s) * 1000 * 1000, (NOW + scene.s) * 1000);
}

static struct str file(const char *path)
{
    struct buf b;
    buf_init(&b, MIB);
    assert_int_equal(file_read(path, &b), E_OK);
    struct str s = arena_dup(&scene.arena, buf_str(&b));
    buf_done(&b);
    return s;
}

/* The text with every '$' replaced by the issuer's port. */
static struct str with_port(const char *text)
{
    struct str out = STR(""), rest = str_c(text);
    while (rest.p) {
        struct str piece = str_cut(&rest, '$');
        out = arena_printf(&scene.arena, "%.*s%.*s", STR_FMT(out), STR_FMT(piece));
        if (rest.p)
            out = arena_printf(&scene.arena, "%.*s%d", STR_FMT(out), listener_port(scene.listener));
    }
    return out;
}

static struct settings *settings_of(const char *text, const char **ret_why)
{
    static const char *const no_env[] = {NULL};
    static const struct conf_options no_options;
    struct conf *conf = conf_parse(with_port(text), "weir.jsonc", &no_options, no_env, ret_why);
    assert_non_null(conf);
    return settings_new(conf, ret_why);
}

static int open_scene(void **state)
{
    (void)state;
    static const struct egress nothing_private;
    struct addr here;
    const char *why;
    memset(&scene, 0, sizeof(scene));
    scene.limits = (struct client_limits){5000, 5000, 5000, 5000, 4, 2, 4096};
    stage_open(&scene.stage);
    arena_init(&scene.arena, (size_t)16 * MIB);
    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &here), E_OK);
    assert_int_equal(
        listener_new(scene.stage.l, &here, NULL, 100, 1000, on_conn, &scene, &scene.listener, &why), E_OK);
    scene.w.loop = scene.stage.l;
    scene.w.client = client_new(scene.stage.l, &scene.limits, NULL, &nothing_private);
    scene.w.view = &scene.view;
    scene.keys = file(TEST_DATA "/golden/jwt/keys.json");
    move_clock(0);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    oidc_free(scene.oidc);
    client_free(scene.w.client);
    listener_close(scene.listener);
    for (unsigned i = 0; i < scene.n; i++)
        end_close(&scene.at[i]);
    stage_close(&scene.stage);
    settings_unref(scene.view.settings);
    arena_done(&scene.arena);
    clock_real();
    return 0;
}

static void configure(const char *text)
{
    const char *why = NULL;
    scene.view.settings = settings_of(text, &why);
    if (!scene.view.settings)
        fail_msg("%s", why);
    scene.oidc = oidc_new(&scene.w);
    assert_non_null(scene.oidc);
}

static void configure_keys(void)
{
    configure("{\"oidc\":{\"issuer\":\"" ISSUER "\",\"audience\":\"weir\","
              "\"jwks_url\":\"http://127.0.0.1:$/keys/?p=1\"}}");
}

/* ---- tokens ---- */

static struct str token_of(const char *header, const char *issuer, int64_t expires_s)
{
    struct str h = base64url_encode(&scene.arena, str_c(header));
    struct str claims =
        arena_printf(&scene.arena, "{\"iss\":\"%s\",\"aud\":\"weir\",\"sub\":\"ada\",\"exp\":%lld}", issuer,
                     (long long)expires_s);
    struct str c = base64url_encode(&scene.arena, claims), signature;
    struct str input = arena_printf(&scene.arena, "%.*s.%.*s", STR_FMT(h), STR_FMT(c));
    struct secret key = secret_of(file(TEST_DATA "/golden/jwt/key.pem"));
    assert_int_equal(rsa_sha256_sign(&scene.arena, key, input, &signature), E_OK);
    struct str s = base64url_encode(&scene.arena, signature);
    return arena_printf(&scene.arena, "%.*s.%.*s", STR_FMT(input), STR_FMT(s));
}

static struct str token(void)
{
    return token_of(HEADER, ISSUER, NOW + 100 * HOUR);
}

static enum oidc_verdict judge(struct str text)
{
    struct identity id = {.user = S("untouched")};
    enum oidc_verdict v = oidc_judge(scene.oidc, &scene.arena, text, &id);
    assert_str(id.user, v == OIDC_ACCEPTED ? STR("ada") : STR("untouched"));
    return v;
}

/* ---- the issuer ---- */

static bool has_conns(struct stage *stage)
{
    struct scene *s = container_of(stage, struct scene, stage);
    return s->n >= s->wanted;
}

/* The n-th fetch from 0, when its request is whole. */
static struct str await_fetch(unsigned n)
{
    scene.wanted = n + 1;
    assert_true(run_until(&scene.stage, has_conns, 5000));
    await_text(&scene.stage, &scene.at[n], "\r\n\r\n");
    return buf_str(&scene.at[n].got);
}

static void answer(unsigned n, const char *status, const char *lines, struct str body)
{
    struct str head =
        arena_printf(&scene.arena, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                     status, body.n, lines);
    (void)conn_write(scene.at[n].c, head);
    (void)conn_write(scene.at[n].c, body);
    await_end(&scene.stage, &scene.at[n]);
    run_on(&scene.stage);
}

static void answer_keys(unsigned n)
{
    (void)await_fetch(n);
    answer(n, "200 OK", "", scene.keys);
}

/* A set without the key that tokens are signed with. */
static void answer_other_keys(unsigned n)
{
    (void)await_fetch(n);
    answer(n, "200 OK", "",
           STR("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"new\","
               "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"));
}

static void assert_no_fetch(unsigned n)
{
    run_on(&scene.stage);
    assert_int_equal(scene.n, n);
}

static void count_ready(void *arg)
{
    ((struct scene *)arg)->ready++;
    poke(&scene.stage);
}

static struct issuer_wait *await_keys(void)
{
    return oidc_await(scene.oidc, count_ready, &scene);
}

static void start_with_keys(void)
{
    configure_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_keys();
    answer_keys(0);
    assert_int_equal(scene.ready, 1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
}

/* ---- fetching ---- */

static void the_first_token_waits_for_the_keys(void **state)
{
    (void)state;
    configure_keys();
    assert_no_fetch(0); /* nobody has asked yet */
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_keys();
    struct issuer_wait *gone = await_keys();
    assert_int_equal(scene.ready, 0);
    struct str request = await_fetch(0);
    assert_true(str_starts(request, STR("GET /keys/?p=1 HTTP/1.1\r\n")));
    assert_true(str_has(request, STR("\r\nAccept: application/json\r\n")));
    issuer_cancel(gone);
    answer(0, "200 OK", "", scene.keys);
    assert_int_equal(scene.ready, 2);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_no_fetch(1);
}

static void cancel_other(void *arg)
{
    issuer_cancel(*(struct issuer_wait **)arg);
    poke(&scene.stage);
}

static void a_wait_can_be_cancelled_when_its_turn_has_come(void **state)
{
    (void)state;
    struct issuer_wait *second;
    configure_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)oidc_await(scene.oidc, cancel_other, &second);
    second = await_keys();
    answer_keys(0);
    assert_int_equal(scene.ready, 0);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
}

static void a_token_that_no_key_could_mend_fetches_nothing(void **state)
{
    (void)state;
    configure_keys();
    assert_int_equal(judge(token_of(HEADER, "https://other.example", NOW + HOUR)), OIDC_REFUSED);
    assert_int_equal(judge(token_of(HEADER, ISSUER, NOW)), OIDC_REFUSED);
    assert_int_equal(judge(token_of("{\"alg\":\"HS256\",\"kid\":\"rsa\"}", ISSUER, NOW + HOUR)),
                     OIDC_REFUSED);
    assert_int_equal(judge(STR("sk-proj-1")), OIDC_REFUSED);
    assert_int_equal(judge((struct str){NULL, 0}), OIDC_REFUSED);
    assert_no_fetch(0);
}

static void a_remembered_token_ends_with_its_time(void **state)
{
    (void)state;
    start_with_keys();
    struct str brief = token_of(HEADER, ISSUER, NOW + 10);
    assert_int_equal(judge(brief), OIDC_ACCEPTED);
    move_clock(9);
    assert_int_equal(judge(brief), OIDC_ACCEPTED);
    move_clock(1);
    assert_int_equal(judge(brief), OIDC_REFUSED);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
}

static void an_unknown_key_is_looked_for_every_thirty_seconds(void **state)
{
    (void)state;
    configure_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    answer_other_keys(0);
    for (unsigned n = 1; n < 3; n++) {
        assert_int_equal(judge(token()), OIDC_LATER);
        (void)await_keys();
        answer_other_keys(n);
        assert_int_equal(scene.ready, n);
        assert_int_equal(judge(token()), OIDC_REFUSED);
        move_clock(29);
        assert_int_equal(judge(token()), OIDC_REFUSED);
        assert_no_fetch(n + 1);
        move_clock(1);
    }
    assert_int_equal(judge(token()), OIDC_LATER);
    answer_keys(3);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
}

static void keys_are_renewed_beside_the_requests(void **state)
{
    (void)state;
    start_with_keys();
    move_clock(HOUR - 1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_no_fetch(1);
    move_clock(1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    answer_other_keys(1);
    /* the key is gone, and so is what it vouched for */
    assert_int_equal(judge(token()), OIDC_LATER);
    answer_other_keys(2);
    assert_int_equal(judge(token()), OIDC_REFUSED);
    assert_no_fetch(3);
}

static void old_keys_serve_while_the_issuer_is_away(void **state)
{
    (void)state;
    start_with_keys();
    move_clock(HOUR);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    (void)await_fetch(1);
    answer(1, "500 Oh", "", STR("{}"));
    assert_int_equal(atomic_load(&scene.w.stats.oidc_failed), 1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_int_equal(judge(token_of(HEADER, ISSUER, NOW + 2 * HOUR)), OIDC_ACCEPTED);
    move_clock(29);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_no_fetch(2);
    move_clock(1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    answer_keys(2);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    move_clock(HOUR - 1);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    assert_no_fetch(3);
}

static void keys_that_nobody_asked_for_are_renewed_before_they_are_believed(void **state)
{
    (void)state;
    start_with_keys();
    move_clock(HOUR + 299);
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
    (void)await_fetch(1);
    answer(1, "404 Gone", "", STR(""));
    move_clock(30);
    assert_int_equal(judge(token()), OIDC_LATER); /* it was remembered, but by a key of long ago */
    (void)await_keys();
    (void)await_fetch(2);
    answer(2, "404 Gone", "", STR(""));
    assert_int_equal(scene.ready, 2);
    assert_int_equal(judge(token()), OIDC_ACCEPTED); /* better than nobody */
    move_clock(30);
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_keys();
    answer_other_keys(3);
    assert_int_equal(judge(token()), OIDC_LATER);
}

static void how_long_keys_are_good(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t s;
    } cases[] = {
        {"", HOUR},
        {"Cache-Control: max-age=10\r\n", 300},
        {"Cache-Control: public, MAX-AGE=301, must-revalidate\r\n", 301},
        {"Cache-Control: max-age=999999\r\n", 24 * HOUR},
        {"Cache-Control: max-age=soon\r\n", HOUR},
        {"Cache-Control: no-store\r\n", HOUR},
    };
    configure_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    for (unsigned i = 0; i < countof(cases); i++) {
        (void)await_fetch(i);
        answer(i, "200 OK", cases[i].line, scene.keys);
        move_clock(cases[i].s - 1);
        assert_int_equal(judge(token()), OIDC_ACCEPTED);
        assert_no_fetch(i + 1);
        move_clock(1);
        assert_int_equal(judge(token()), OIDC_ACCEPTED);
    }
    (void)await_fetch(countof(cases));
}

static void without_any_key_it_is_tried_again_after_a_second(void **state)
{
    (void)state;
    const struct str junk = arena_printf(&scene.arena, "%*s", JWKS_BYTES + 1, "");
    const struct {
        const char *status;
        struct str body;
    } cases[] = {
        {"200 OK", S("")},
        {"200 OK", S("<html>")},
        {"200 OK", S("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"rsa\"}]}")},
        {"200 OK", junk},
        {"503 Busy", scene.keys},
        {"301 Elsewhere", scene.keys},
    };
    configure_keys();
    for (unsigned i = 0; i < countof(cases); i++) {
        assert_int_equal(judge(token()), OIDC_LATER);
        (void)await_keys();
        (void)await_fetch(i);
        answer(i, cases[i].status, "", cases[i].body);
        assert_int_equal(scene.ready, i + 1);
        assert_int_equal(judge(token()), OIDC_REFUSED);
        assert_no_fetch(i + 1);
        move_clock(1);
    }
    assert_int_equal(atomic_load(&scene.w.stats.oidc_failed), countof(cases));
    assert_int_equal(judge(token()), OIDC_LATER);
    answer_keys(countof(cases));
    assert_int_equal(judge(token()), OIDC_ACCEPTED);
}

static void an_issuer_that_does_not_listen(void **state)
{
    (void)state;
    configure_keys();
    listener_close(scene.listener);
    run_on(&scene.stage);
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_keys();
    await_said(&scene.stage, ""); /* lets the loop turn */
    for (int i = 0; i < 5000 && scene.ready == 0; i++)
        (void)run_until(&scene.stage, NULL, 1);
    assert_int_equal(scene.ready, 1);
    assert_int_equal(judge(token()), OIDC_REFUSED);
    struct addr here;
    const char *why;
    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &here), E_OK);
    assert_int_equal(
        listener_new(scene.stage.l, &here, NULL, 100, 1000, on_conn, &scene, &scene.listener, &why), E_OK);
}

static void the_end_comes_in_the_middle_of_a_fetch(void **state)
{
    (void)state;
    configure_keys();
    assert_int_equal(judge(token()), OIDC_LATER);
    (void)await_fetch(0);
    oidc_free(scene.oidc);
    scene.oidc = NULL;
    oidc_free(NULL);
}

/* ---- discovery ---- */

static void describe(unsigned n, const char *issuer, const char *uri)
{
    struct str body = arena_printf(&scene.arena, "{\"issuer\":\"%s\",\"jwks_uri\":\"%s\"}",
                                   with_port(issuer).p, with_port(uri).p);
    (void)await_fetch(n);
    answer(n, "200 OK", "", body);
}

static struct str own_token(void)
{
    return token_of(HEADER, with_port("http://127.0.0.1:$/realm/").p, NOW + HOUR);
}

#define DISCOVERED "{\"oidc\":{\"issuer\":\"http://127.0.0.1:$/realm/\",\"audience\":\"weir\"}}"

static void keys_are_where_the_issuer_says(void **state)
{
    (void)state;
    configure(DISCOVERED);
    assert_int_equal(judge(token()), OIDC_REFUSED);
    assert_int_equal(judge(own_token()), OIDC_LATER);
    (void)await_keys();
    assert_true(str_starts(await_fetch(0), STR("GET /realm/.well-known/openid-configuration HTTP/1.1\r\n")));
    describe(0, "http://127.0.0.1:$/realm/", "http://127.0.0.1:$/certs");
    assert_int_equal(scene.ready, 0);
    assert_int_equal(judge(own_token()), OIDC_LATER);
    assert_true(str_starts(await_fetch(1), STR("GET /certs HTTP/1.1\r\n")));
    answer_keys(1);
    assert_int_equal(scene.ready, 1);
    assert_int_equal(judge(own_token()), OIDC_ACCEPTED);
    move_clock(HOUR - 1);
    assert_no_fetch(2);
}

static void descriptions_that_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *issuer, *uri;
    } cases[] = {
        {"http://127.0.0.1:$/realm", "http://127.0.0.1:$/certs"}, /* section 4.3: exactly */
        {"http://127.0.0.1/realm/", "http://127.0.0.1:$/certs"},
        {"http://127.0.0.1:$/realm/", "file:///etc/passwd"},
        {"http://127.0.0.1:$/realm/", ""},
        {"http://127.0.0.1:$/realm/", "/certs"},
    };
    configure(DISCOVERED);
    for (unsigned i = 0; i < countof(cases); i++) {
        assert_int_equal(judge(own_token()), OIDC_LATER);
        (void)await_keys();
        describe(i, cases[i].issuer, cases[i].uri);
        assert_int_equal(scene.ready, i + 1);
        assert_int_equal(judge(own_token()), OIDC_REFUSED);
        assert_no_fetch(i + 1);
        move_clock(1);
    }
}

/* What sign-in asks of it besides. */
static void the_rest_of_a_description(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        struct issuer_description want;
    } cases[] = {
        {"", {.keys = S("https://i/k"), .takes_basic = true}},
        {",\"authorization_endpoint\":\"https://i/a?b=c\",\"token_endpoint\":\"https://t.example/t\","
         "\"end_session_endpoint\":\"https://i/e\",\"authorization_response_iss_parameter_supported\":true",
         {.keys = S("https://i/k"),
          .authorization = S("https://i/a?b=c"),
          .token = S("https://t.example/t"),
          .end_session = S("https://i/e"),
          .takes_basic = true,
          .names_itself = true}},
        {",\"authorization_endpoint\":\"http://i/"
         "a\",\"token_endpoint\":\"javascript:1\",\"end_session_endpoint\":7",
         {.keys = S("https://i/k"), .takes_basic = true}},
        {",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"client_secret_post\"]",
         {.keys = S("https://i/k"), .takes_post = true}},
        {",\"token_endpoint_auth_methods_supported\":[]", {.keys = S("https://i/k")}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct issuer_description got;
        struct str text = arena_printf(
            &scene.arena, "{\"issuer\":\"https://i\",\"jwks_uri\":\"https://i/k\"%s}", cases[i].members);
        assert_true(issuer_read_description(&scene.arena, STR("https://i"), text, &got));
        assert_str(got.keys, cases[i].want.keys);
        assert_str(got.authorization, cases[i].want.authorization);
        assert_str(got.token, cases[i].want.token);
        assert_str(got.end_session, cases[i].want.end_session);
        assert_int_equal(got.takes_basic, cases[i].want.takes_basic);
        assert_int_equal(got.takes_post, cases[i].want.takes_post);
        assert_int_equal(got.names_itself, cases[i].want.names_itself);
        assert_false(issuer_read_description(&scene.arena, STR("https://i/"), text, &got));
    }
}

/* The issuer is at a private address because the operator says so; where it points at is not. */
static void a_description_does_not_lead_into_the_network(void **state)
{
    (void)state;
    configure(DISCOVERED);
    assert_int_equal(judge(own_token()), OIDC_LATER);
    (void)await_keys();
    describe(0, "http://127.0.0.1:$/realm/", "http://127.0.0.2:$/certs");
    for (int i = 0; i < 5000 && scene.ready == 0; i++)
        (void)run_until(&scene.stage, NULL, 1);
    assert_int_equal(scene.ready, 1);
    assert_no_fetch(1);
    assert_int_equal(judge(own_token()), OIDC_REFUSED);
}

/* ---- the rest ---- */

static void accounts_and_owners(void **state)
{
    (void)state;
    configure("{\"oidc\":{\"issuer\":\"" ISSUER
              "\",\"audience\":\"weir\",\"jwks_url\":\"http://127.0.0.1:$/\","
              "\"account\":\"0123456789abcdef0123456789abcdef\"}}");
    assert_true(oidc_serves(scene.oidc, STR("0123456789abcdef0123456789abcdef")));
    assert_false(oidc_serves(scene.oidc, STR("ffffffffffffffffffffffffffffffff")));
    assert_false(oidc_serves(scene.oidc, STR("")));
    assert_true(oidc_is_own(scene.oidc, &scene.arena, token_of("{}", ISSUER, 0)));
    assert_false(
        oidc_is_own(scene.oidc, &scene.arena, token_of(HEADER, "https://other.example", NOW + HOUR)));
    oidc_free(scene.oidc);
    settings_unref(scene.view.settings);
    configure_keys();
    assert_true(oidc_serves(scene.oidc, STR("ffffffffffffffffffffffffffffffff")));
}

static void settings_that_would_be_unsafe(void **state)
{
    (void)state;
#define KEYS "\"jwks_url\":\"http://127.0.0.1:$/keys\""
    static const struct {
        const char *text, *why; /* NULL: good */
    } cases[] = {
        {"{}", NULL},
        {"{\"oidc\":{\"issuer\":\"accounts.example\",\"audience\":\"weir\"," KEYS "}}", NULL},
        {"{\"oidc\":{\"issuer\":\"https://i.example/a/b/\",\"audience\":\"weir\"}}", NULL},
        {"{\"oidc\":{\"audience\":\"weir\"," KEYS "}}", "oidc.issuer: must be set"},
        {"{\"oidc\":{\"audience\":\"weir\"}}", "oidc.issuer: must be set"},
        {"{\"oidc\":{\"account\":\"0123456789abcdef0123456789abcdef\"}}", "oidc.issuer: must be set"},
        {"{\"oidc\":{\"issuer\":\"https://i.example\"," KEYS "}}", "oidc.audience: must be set"},
        {"{\"oidc\":{\"issuer\":\"https://i.example\"}}", "oidc.audience: must be set"},
        {"{\"oidc\":{\"issuer\":\"accounts.example\",\"audience\":\"weir\"}}",
         "oidc.issuer: must be http(s)"},
        {"{\"oidc\":{\"issuer\":\"https://i.example?x\",\"audience\":\"weir\"}}",
         "oidc.issuer: must be http(s)"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"keys.json\"}}",
         "oidc.jwks_url: must be"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"ws://h/k\"}}",
         "oidc.jwks_url: must be"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"https://u@h/k\"}}",
         "oidc.jwks_url: must be"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"https://h/k#x\"}}",
         "oidc.jwks_url: must be"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"https://h/k?a b\"}}",
         "oidc.jwks_url: must be"},
        {"{\"oidc\":{\"issuer\":\"i\",\"audience\":\"weir\",\"jwks_url\":\"https://h?k\"}}",
         "oidc.jwks_url: must be"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const char *why = "nothing";
        struct settings *s = settings_of(cases[i].text, &why);
        if ((s != NULL) != (cases[i].why == NULL) || (!s && !str_starts(str_c(why), str_c(cases[i].why))))
            fail_msg("%s: %s", cases[i].text, why);
        settings_unref(s);
    }
    const char *why;
    scene.view.settings = settings_of("{}", &why);
    assert_null(oidc_new(&scene.w));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
    const struct CMUnitTest tests[] = {
        TEST(the_first_token_waits_for_the_keys),
        TEST(a_wait_can_be_cancelled_when_its_turn_has_come),
        TEST(a_token_that_no_key_could_mend_fetches_nothing),
        TEST(a_remembered_token_ends_with_its_time),
        TEST(an_unknown_key_is_looked_for_every_thirty_seconds),
        TEST(keys_are_renewed_beside_the_requests),
        TEST(old_keys_serve_while_the_issuer_is_away),
        TEST(keys_that_nobody_asked_for_are_renewed_before_they_are_believed),
        TEST(how_long_keys_are_good),
        TEST(without_any_key_it_is_tried_again_after_a_second),
        TEST(an_issuer_that_does_not_listen),
        TEST(the_end_comes_in_the_middle_of_a_fetch),
        TEST(keys_are_where_the_issuer_says),
        TEST(descriptions_that_are_not_believed),
        TEST(the_rest_of_a_description),
        TEST(a_description_does_not_lead_into_the_network),
        TEST(accounts_and_owners),
        TEST(settings_that_would_be_unsafe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
