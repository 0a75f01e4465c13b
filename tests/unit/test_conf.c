/* SPDX-License-Identifier: Apache-2.0 */
/* conf: sources and their order, every kind of mistake, the sample file, the reference page. */
#include "tests/unit/test.h"

#include "base/json.h"
#include "base/limits.h"
#include "conf/conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct conf_options no_options;
static const char *const no_env[] = {NULL};

static struct conf *parse(const char *text, const char *const *env)
{
    const char *why = NULL;
    struct conf *c = conf_parse(str_c(text), "weir.jsonc", &no_options, env, &why);
    if (!c)
        fail_msg("%s: %s", text, why);
    return c;
}

/* The text and the environment must be refused with this message. */
static void refused(const char *text, const char *const *env, const char *want)
{
    const char *why = NULL;
    struct conf *c = conf_parse(str_c(text), text ? "weir.jsonc" : NULL, &no_options, env, &why);
    assert_null(c);
    if (strcmp(why, want) != 0)
        fail_msg("got:  %s\nwant: %s", why, want);
}

static void refused_variable(const char *assignment, const char *want)
{
    const char *const env[] = {"HOME=/root", assignment, NULL};
    refused(NULL, env, want);
}

static void defaults_hold_without_any_source(void **state)
{
    (void)state;
    const char *why = NULL;
    struct conf *c = conf_parse(STR(""), NULL, &no_options, no_env, &why);
    assert_non_null(c);
    assert_str(c->listen, STR("127.0.0.1:8787"));
    assert_str(c->durability, STR("batch"));
    assert_str(c->file, STR(""));
    assert_int_equal(c->max_body_bytes, 104857600);
    assert_int_equal(c->workers, 0);
    assert_true(c->cors);
    assert_false(c->sandbox);
    assert_int_equal(c->egress_allow.n, 0);
    assert_null(conf_provider(c, STR("openai")));
    conf_free(c);
    conf_free(NULL);
}

static void later_sources_win(void **state)
{
    (void)state;
    const char *why = NULL;
    const char *const env[] = {"WEIR_DATA=/env", "WEIR_WORKERS=3", "WEIR_LISTEN=1.2.3.4:5", "PATH=/bin",
                               NULL};
    const struct conf_options options = {.workers = "4"};
    struct str text = STR("{\"data\": \"/file\", \"log.level\": \"warn\", \"workers\": 2}");
    struct conf *c = conf_parse(text, "weir.jsonc", &options, env, &why);
    assert_non_null(c);
    assert_str(c->log_level, STR("warn"));
    assert_str(c->data, STR("/env"));
    assert_str(c->listen, STR("1.2.3.4:5"));
    assert_int_equal(c->workers, 4);
    assert_str(c->file, STR("weir.jsonc"));
    conf_free(c);
}

static void keys_nest_or_have_dots(void **state)
{
    (void)state;
    struct conf *c = parse("{\"limits\": {\"max_body_bytes\": 2048,}, // one\n"
                           " \"limits.idle_timeout_ms\": 5000.0, \"cors\": false,\n"
                           " \"egress\": {\"allow\": [\"10.0.0.0/8\", \"fd00::1\"]}}",
                           no_env);
    assert_int_equal(c->max_body_bytes, 2048);
    assert_int_equal(c->idle_timeout_ms, 5000);
    assert_int_equal(c->max_head_bytes, 65536);
    assert_false(c->cors);
    assert_int_equal(c->egress_allow.n, 2);
    assert_str(c->egress_allow.v[1], STR("fd00::1"));
    conf_free(c);
}

static void variables_have_every_type(void **state)
{
    (void)state;
    const char *const env[] = {"WEIR_LIMITS_MAX_BODY_BYTES=1099511627776",
                               "WEIR_SANDBOX=TRUE",
                               "WEIR_CORS=0",
                               "WEIR_TLS_CERT=c.pem",
                               "WEIR_TLS_KEY=k.pem",
                               "WEIR_EGRESS_ALLOW=10.0.0.0/8, 192.168.0.0/16,",
                               "WEIR_ADMIN_LISTEN=localhost:0",
                               "WEIR_UPSTREAM_CA_FILE=",
                               NULL};
    struct conf *c = parse("{}", env);
    assert_true(c->max_body_bytes == 1099511627776);
    assert_true(c->sandbox);
    assert_false(c->cors);
    assert_str(c->tls_key, STR("k.pem"));
    assert_int_equal(c->egress_allow.n, 2);
    assert_str(c->egress_allow.v[1], STR("192.168.0.0/16"));
    assert_str(c->admin_listen, STR("localhost:0"));
    assert_str(c->upstream_ca, STR(""));
    conf_free(c);
}

static void lists_of_objects_are_kept_as_json(void **state)
{
    (void)state;
    struct conf *c =
        parse("{\"dashboard\": {\"oidc\": {\"rules\": [ // who\n {\"claim\": \"g\", \"n\": 1,},]}}}", no_env);
    assert_str(c->dashboard_oidc_rules, STR("[{\"claim\":\"g\",\"n\":1}]"));
    conf_free(c);
    const char *const env[] = {"WEIR_DASHBOARD_OIDC_RULES=[ {\"a\": []} ]", NULL};
    c = parse("{}", env);
    assert_str(c->dashboard_oidc_rules, STR("[{\"a\":[]}]"));
    conf_free(c);
    c = parse("{}", no_env);
    assert_str(c->dashboard_oidc_rules, STR("[]"));
    conf_free(c);
    refused("{\"dashboard.oidc.rules\": {}}", no_env,
            "weir.jsonc:1: dashboard.oidc.rules: needs a list of objects, [{...}], also in a variable");
    refused_variable("WEIR_DASHBOARD_OIDC_RULES=[{",
                     "WEIR_DASHBOARD_OIDC_RULES: needs a list of objects, [{...}], also in a variable");
}

static void secrets_are_no_texts(void **state)
{
    (void)state;
    const char *const env[] = {"WEIR_DASHBOARD_OIDC_CLIENT_SECRET=from outside", NULL};
    struct conf *c = parse("{\"dashboard.oidc.client_secret\": \"inside\"}", no_env);
    assert_str(secret_reveal(c->dashboard_oidc_client_secret), STR("inside"));
    conf_free(c);
    c = parse("{\"dashboard.oidc.client_secret\": \"inside\"}", env);
    assert_str(secret_reveal(c->dashboard_oidc_client_secret), STR("from outside"));
    conf_free(c);
    refused("{\"dashboard.oidc.client_secret\": [\"hush\"]}", no_env,
            "weir.jsonc:1: dashboard.oidc.client_secret: needs a text in quotes");
}

static void providers_come_from_file_and_environment(void **state)
{
    (void)state;
    const char *const env[] = {"WEIR_PROVIDERS_GOOGLE_AI_STUDIO_ORIGIN=http://127.0.0.1:9/g",
                               "WEIR_PROVIDERS_OPENAI_USAGE_INJECTION=true",
                               "WEIR_PROVIDERS_GROQ_ORIGIN=https://groq.example", NULL};
    struct conf *c = parse("{\"providers\": {\"openai\": {\"origin\": \"http://a:1/openai\", "
                           "\"usage_injection\": false}, \"groq.origin\": \"http://file\"},\n"
                           " \"providers.mistral\": {\"usage_injection\": false}}",
                           env);
    assert_int_equal(c->n_providers, 4);
    const struct conf_provider *p = conf_provider(c, STR("openai"));
    assert_str(p->origin, STR("http://a:1/openai"));
    assert_true(p->usage_injection);
    p = conf_provider(c, STR("mistral"));
    assert_str(p->origin, STR(""));
    assert_false(p->usage_injection);
    assert_str(conf_provider(c, STR("groq"))->origin, STR("https://groq.example"));
    p = conf_provider(c, STR("google-ai-studio"));
    assert_str(p->origin, STR("http://127.0.0.1:9/g"));
    assert_true(p->usage_injection);
    assert_null(conf_provider(c, STR("google")));
    conf_free(c);
}

static void other_variables_are_left_alone(void **state)
{
    (void)state;
    const char *const env[] = {"WEIR_ACCOUNT_ID=0",
                               "WEIR_ROOT_TOKEN=t",
                               "WEIR_CONFIG=/x",
                               "WEIR_TOKEN=t",
                               "WEIR_BASE_URL=u",
                               "WEIRD=1",
                               "weir_nope=1",
                               "WEIR_SERVICE_HOST=10.0.0.1",
                               "WEIR_SERVICE_PORT_HTTP=8787",
                               "WEIR_PORT=tcp://10.0.0.1:8787",
                               "WEIR_PORT_8787_TCP_ADDR=10.0.0.1",
                               "WEIR_MOCK_PORT_8787_TCP=tcp://10.0.0.1:8787",
                               NULL};
    conf_free(parse("{}", env));
}

static void mistakes_in_the_file_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"limits\": {\n  \"max_body_byte\": 5000}}",
         "weir.jsonc:2: limits.max_body_byte: no such key; did you mean \"limits.max_body_bytes\"?"},
        {"{\"lisen\": \"\"}", "weir.jsonc:1: lisen: no such key; did you mean \"listen\"?"},
        {"{\"zzzzzzzzzzzz\": 1}", "weir.jsonc:1: zzzzzzzzzzzz: no such key; `weir docs config` lists all"},
        {"{\"limits\": 5}", "weir.jsonc:1: limits: needs an object, {...}"},
        {"{\"tls\": {\"cert\": {}}}", "weir.jsonc:1: tls.cert: needs a text in quotes"},
        {"{\"workers\": \"2\"}", "weir.jsonc:1: workers: needs a whole number from 0 to 256"},
        {"{\"workers\": 257}", "weir.jsonc:1: workers: needs a whole number from 0 to 256"},
        {"{\"workers\": -1}", "weir.jsonc:1: workers: needs a whole number from 0 to 256"},
        {"{\"workers\": 1.5}", "weir.jsonc:1: workers: needs a whole number from 0 to 256"},
        {"{\"workers\": null}", "weir.jsonc:1: workers: needs a whole number from 0 to 256"},
        {"{\n\"cors\": 1}", "weir.jsonc:2: cors: needs true or false"},
        {"{\"data\": 1}", "weir.jsonc:1: data: needs a text in quotes"},
        {"{\"data\": \"a\\u0000b\"}", "weir.jsonc:1: data: needs a text in quotes"},
        {"{\"egress\": {\"allow\": \"10.0.0.0/8\"}}",
         "weir.jsonc:1: egress.allow: needs a list of texts: [\"a\", \"b\"] in the file, a,b elsewhere"},
        {"{\"egress.allow\": [1]}",
         "weir.jsonc:1: egress.allow: needs a list of texts: [\"a\", \"b\"] in the file, a,b elsewhere"},
        {"{\"workers\": 1, \"workers\": 2}", "weir.jsonc:1: workers: is set a second time"},
        {"{\"limits.upstream_idle\": 1,\n \"limits\": {\"upstream_idle\": 1}}",
         "weir.jsonc:2: limits.upstream_idle: is set a second time"},
        {"[]", "weir.jsonc: needs an object, {...}"},
        {"{\"providers\": {\"openai\": \"http://x\"}}",
         "weir.jsonc:1: providers.openai: needs an object, {...}"},
        {"{\"providers\": {\"openai\": {\"orign\": \"http://x\"}}}",
         "weir.jsonc:1: providers.openai.orign: no such key; a provider has \"origin\" and "
         "\"usage_injection\""},
        {"{\"providers\": {\"Open AI\": {\"origin\": \"http://x\"}}}",
         "weir.jsonc:1: providers.Open AI.origin: a provider's name has lower-case letters, digits and '-'"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        refused(cases[i].text, no_env, cases[i].want);
}

static void bad_json_is_placed(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_null(conf_parse(STR("{\n  \"data\": \"\xc3\xa9\", oops\n}"), "w", &no_options, no_env, &why));
    assert_true(str_starts(str_c(why), STR("w:2:16: not valid JSON: ")));
    assert_null(conf_parse(STR(""), "w", &no_options, no_env, &why));
    assert_true(str_starts(str_c(why), STR("w:1:1: not valid JSON: ")));
    assert_null(conf_parse(STR("{\"a\": 1"), "w", &no_options, no_env, &why));
    assert_true(str_starts(str_c(why), STR("w:1:8: not valid JSON: ")));
}

static void mistakes_in_variables_are_named(void **state)
{
    (void)state;
    refused_variable("WEIR_LIMITS_MAX_BODY=5000",
                     "WEIR_LIMITS_MAX_BODY: no such setting; did you mean WEIR_LIMITS_MAX_BODY_BYTES?");
    refused_variable("WEIR_ROOT_TOKN=x", "WEIR_ROOT_TOKN: no such setting; did you mean WEIR_ROOT_TOKEN?");
    refused_variable("WEIR_QQQQQQQQQQQQQQQQQQQQ=1",
                     "WEIR_QQQQQQQQQQQQQQQQQQQQ: no such setting; `weir docs config` lists all");
    refused_variable("WEIR_WORKERS=two", "WEIR_WORKERS: needs a whole number from 0 to 256");
    refused_variable("WEIR_WORKERS=", "WEIR_WORKERS: needs a whole number from 0 to 256");
    refused_variable("WEIR_CORS=yes", "WEIR_CORS: needs true or false");
    refused_variable("WEIR_EGRESS_ALLOW=10.0.0.0/8,,::1",
                     "WEIR_EGRESS_ALLOW: needs a list of texts: [\"a\", \"b\"] in the file, a,b elsewhere");
    refused_variable(
        "WEIR_PROVIDERS_OPENAI=x",
        "WEIR_PROVIDERS_OPENAI: no such setting; a provider has WEIR_PROVIDERS_<NAME>_ORIGIN and "
        "WEIR_PROVIDERS_<NAME>_USAGE_INJECTION");
    refused_variable("WEIR_PROVIDERS__ORIGIN=http://x",
                     "WEIR_PROVIDERS__ORIGIN: a provider's name has lower-case letters, digits and '-'");
    refused_variable("WEIR_PROVIDERS_OPENAI_USAGE_INJECTION=x",
                     "WEIR_PROVIDERS_OPENAI_USAGE_INJECTION: needs true or false");
}

static void options_are_checked_like_the_rest(void **state)
{
    (void)state;
    const char *why = NULL;
    const struct conf_options bad = {.workers = "many"};
    assert_null(conf_parse(STR("{}"), "w", &bad, no_env, &why));
    assert_string_equal(why, "--workers: needs a whole number from 0 to 256");
}

static void values_must_make_sense(void **state)
{
    (void)state;
    static const struct {
        const char *assignment, *want;
    } cases[] = {
        {"WEIR_TLS_CERT=c", "tls.key: is not set, but tls.cert is; TLS needs both"},
        {"WEIR_TLS_KEY=k", "tls.cert: is not set, but tls.key is; TLS needs both"},
        {"WEIR_DURABILITY=fast", "durability: \"fast\" will not do; it needs batch or sync"},
        {"WEIR_LOG_LEVEL=INFO", "log.level: \"INFO\" will not do; it needs debug, info, warn or error"},
        {"WEIR_DATA=", "data: \"\" will not do; it needs the name of a directory"},
        {"WEIR_ADMIN_LISTEN=8788",
         "admin.listen: \"8788\" will not do; it needs HOST:PORT, such as 127.0.0.1:8788"},
        {"WEIR_OIDC_ACCOUNT=default",
         "oidc.account: \"default\" will not do; it needs the id of an account, 32 lower-case hex digits"},
        {"WEIR_DASHBOARD_OIDC_ACCOUNT=0123456789ABCDEF0123456789ABCDEF",
         "dashboard.oidc.account: \"0123456789ABCDEF0123456789ABCDEF\" will not do; it needs the id of an "
         "account, 32 lower-case hex digits"},
        {"WEIR_DASHBOARD_OIDC_CLIENT_AUTH=jwt",
         "dashboard.oidc.client_auth: \"jwt\" will not do; it needs basic or post"},
        {"WEIR_DASHBOARD_URL=weir.example",
         "dashboard.url: \"weir.example\" will not do; it needs http://HOST or https://HOST"},
        {"WEIR_PROVIDERS_OPENAI_ORIGIN=api.example",
         "providers.openai.origin: \"api.example\" is not an origin; write http://HOST:PORT or https://HOST"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        refused_variable(cases[i].assignment, cases[i].want);
}

static void listen_is_host_and_port(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:0", "localhost:8787", "[::]:65535", "[::1]:80",
                                       "gw.internal:443"};
    static const char *const bad[] = {"",        ":80",        "1.2.3.4",   "1.2.3.4:65536", "::1:80",
                                      "[::1]80", "[::1]:",     "[1.2.3]:1", "a b:80",        "h:-1",
                                      "h:80x",   "[::1",       "h:",        "[]:80",         "[::1%1]:1",
                                      "h:80:90", "http://h:80"};
    char assignment[128];
    const char *const env[] = {assignment, NULL};
    for (size_t i = 0; i < countof(good); i++) {
        (void)snprintf(assignment, sizeof(assignment), "WEIR_LISTEN=%s", good[i]);
        conf_free(parse("{}", env));
    }
    for (size_t i = 0; i < countof(bad); i++) {
        const char *why = NULL;
        (void)snprintf(assignment, sizeof(assignment), "WEIR_LISTEN=%s", bad[i]);
        if (conf_parse(STR("{}"), "w", &no_options, env, &why))
            fail_msg("%s was taken", assignment);
        assert_true(str_starts(str_c(why), STR("listen: \"")));
    }
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void the_file_is_found(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_conf.XXXXXX", back[4096];
    const char *why = NULL;
    assert_non_null(getcwd(back, sizeof(back)));
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);

    struct conf *c = conf_load(&no_options, no_env, &why);
    assert_non_null(c);
    conf_free(c);

    write_file("weir.jsonc", "{\"workers\": 1}");
    write_file("b.jsonc", "{\"workers\": 2}");
    c = conf_load(&no_options, no_env, &why);
    assert_int_equal(c->workers, 1);
    assert_str(c->file, STR("weir.jsonc"));
    conf_free(c);

    const char *const env[] = {"WEIR_CONFIG=b.jsonc", NULL};
    c = conf_load(&no_options, env, &why);
    assert_int_equal(c->workers, 2);
    conf_free(c);

    const struct conf_options options = {.file = "none.jsonc"};
    assert_null(conf_load(&options, env, &why));
    assert_string_equal(why, "none.jsonc: there is no such file");
    const struct conf_options folder = {.file = "/"};
    assert_null(conf_load(&folder, env, &why));
    assert_string_equal(why, "/: cannot be read: Is a directory");

    FILE *f = fopen("b.jsonc", "w");
    assert_non_null(f);
    for (int i = 0; i <= CONF_FILE_BYTES; i++)
        assert_int_equal(fputc(' ', f), ' ');
    assert_int_equal(fclose(f), 0);
    assert_null(conf_load(&no_options, env, &why));
    assert_string_equal(why, "b.jsonc: larger than 262144 bytes");

    assert_int_equal(unlink("weir.jsonc") + unlink("b.jsonc"), 0);
    assert_int_equal(chdir(back), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* The sample with its commented settings switched on: a line that begins with //" is one. */
static char *sample(size_t *ret_n)
{
    FILE *f = fopen(TEST_DATA "/../etc/weir.jsonc", "r");
    assert_non_null(f);
    struct buf b;
    buf_init(&b, CONF_FILE_BYTES);
    char line[512];
    while (fgets(line, sizeof(line), f)) {
        struct str s = str_trim(str_c(line));
        if (str_starts(s, STR("//\"")))
            s = str_from(s, 2);
        assert_int_equal(buf_append(&b, s), E_OK);
        assert_int_equal(buf_append_byte(&b, '\n'), E_OK);
    }
    (void)fclose(f);
    return buf_take(&b, ret_n);
}

static bool holds(const struct json_val *root, const char *key)
{
    struct str rest = str_c(key);
    while (root && rest.p) {
        char part[CONF_NAME_BYTES];
        struct str name = str_cut(&rest, '.');
        (void)snprintf(part, sizeof(part), "%.*s", STR_FMT(name));
        root = json_get(root, part);
    }
    return root != NULL;
}

static void the_sample_has_every_key(void **state)
{
    (void)state;
    const char *why = NULL;
    const struct conf_options options = {.file = TEST_DATA "/../etc/weir.jsonc"};
    struct conf *c = conf_load(&options, no_env, &why);
    if (!c)
        fail_msg("%s", why);
    conf_free(c);

    size_t n;
    char *text = sample(&n);
    c = conf_parse(str_of(text, n), "sample", &no_options, no_env, &why);
    if (!c)
        fail_msg("%s", why);
    struct json_doc *doc = json_parse_relaxed(str_of(text, n), NULL, NULL);
#define KEY_INT(name, field, def, min, max, flags, doc_)                                                     \
    assert_true(holds(json_root(doc), name));                                                                \
    assert_true(c->field == def);
#define KEY_BOOL(name, field, def, flags, doc_)                                                              \
    assert_true(holds(json_root(doc), name));                                                                \
    assert_true(c->field == def);
#define KEY_STR(name, field, def, flags, doc_) assert_true(holds(json_root(doc), name));
#define KEY_STRS(name, field, flags, doc_) assert_true(holds(json_root(doc), name));
#define KEY_JSON(name, field, flags, doc_) assert_true(holds(json_root(doc), name));
#define KEY_SECRET(name, field, flags, doc_) assert_true(holds(json_root(doc), name));
#include "conf/keys.def"
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_STR
#undef KEY_STRS
#undef KEY_JSON
#undef KEY_SECRET
    assert_true(holds(json_root(doc), "providers.openai.usage_injection"));
    json_free(doc);
    conf_free(c);
    mem_free(text);
}

static void the_page_names_every_key(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64 * KIB);
    conf_document(&b);
    assert_false(b.full);
#define HAS(text) assert_true(str_has(buf_str(&b), STR(text)))
#define KEY_INT(name, field, def, min, max, flags, doc_)                                                     \
    HAS("### `" name "`\n\n" doc_ "\n");                                                                     \
    HAS("- range: " #min " to " #max "\n");
#define KEY_BOOL(name, field, def, flags, doc_) HAS("### `" name "`\n\n" doc_ "\n");
#define KEY_STR(name, field, def, flags, doc_) HAS("### `" name "`\n\n" doc_ "\n");
#define KEY_STRS(name, field, flags, doc_) HAS("### `" name "`\n\n" doc_ "\n");
#define KEY_JSON(name, field, flags, doc_) HAS("### `" name "`\n\n" doc_ "\n");
#define KEY_SECRET(name, field, flags, doc_) HAS("### `" name "`\n\n" doc_ "\n");
#include "conf/keys.def"
    HAS("- variable: `WEIR_LIMITS_MAX_BODY_BYTES`\n- type: whole number\n- default: `104857600`\n"
        "- range: 1024 to 1099511627776\n- takes effect: on SIGHUP\n");
    HAS("- variable: `WEIR_LISTEN`\n- type: text\n- default: `\"127.0.0.1:8787\"`\n"
        "- takes effect: at the next start of the process\n");
    HAS("`WEIR_ROOT_TOKEN`");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_without_any_source),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(keys_nest_or_have_dots),
        cmocka_unit_test(variables_have_every_type),
        cmocka_unit_test(lists_of_objects_are_kept_as_json),
        cmocka_unit_test(secrets_are_no_texts),
        cmocka_unit_test(providers_come_from_file_and_environment),
        cmocka_unit_test(other_variables_are_left_alone),
        cmocka_unit_test(mistakes_in_the_file_are_named),
        cmocka_unit_test(bad_json_is_placed),
        cmocka_unit_test(mistakes_in_variables_are_named),
        cmocka_unit_test(options_are_checked_like_the_rest),
        cmocka_unit_test(values_must_make_sense),
        cmocka_unit_test(listen_is_host_and_port),
        cmocka_unit_test(the_file_is_found),
        cmocka_unit_test(the_sample_has_every_key),
        cmocka_unit_test(the_page_names_every_key),
    };
    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
