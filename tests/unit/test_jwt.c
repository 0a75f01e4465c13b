/* SPDX-License-Identifier: Apache-2.0 */
/* jwt: tokens of every algorithm from the golden files; each rule broken alone by tokens signed here. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateway/jwt.h"

#include <stdio.h>

#define HEADER "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}"

enum { NOW = 1792000000 };

static const struct jwt_rules rules = {
    .issuer = S("https://issuer.example"), .audience = S("weir"), .now_s = NOW};

static struct arena arena;
static struct jwk_set *set;

static struct str file(const char *path)
{
    struct buf b;
    buf_init(&b, MIB);
    assert_int_equal(file_read(path, &b), E_OK);
    struct str s = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    return s;
}

static int open_set(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)16 * MIB);
    set = jwk_set_parse(file(TEST_DATA "/golden/jwt/keys.json"));
    assert_non_null(set);
    return 0;
}

static int close_set(void **state)
{
    (void)state;
    jwk_set_free(set);
    arena_done(&arena);
    return 0;
}

/* ---- making tokens ---- */

static struct str unsigned_token(const char *header, const char *claims)
{
    struct str h = base64url_encode(&arena, str_c(header)), c = base64url_encode(&arena, str_c(claims));
    return arena_printf(&arena, "%.*s.%.*s", STR_FMT(h), STR_FMT(c));
}

static struct str with_signature(struct str input, struct str signature)
{
    struct str s = base64url_encode(&arena, signature);
    return arena_printf(&arena, "%.*s.%.*s", STR_FMT(input), STR_FMT(s));
}

static struct str token(const char *header, const char *claims)
{
    struct str input = unsigned_token(header, claims), signature;
    struct secret key = secret_of(file(TEST_DATA "/golden/jwt/key.pem"));
    assert_int_equal(rsa_sha256_sign(&arena, key, input, &signature), E_OK);
    return with_signature(input, signature);
}

static enum jwt_verdict verdict(struct str text)
{
    struct identity id = {.user = S("untouched")};
    enum jwt_verdict v = jwt_verify(&arena, text, set, &rules, &id);
    if (v != JWT_GOOD)
        assert_str(id.user, STR("untouched"));
    assert_true(strlen(jwt_verdict_text(v)) > 0);
    return v;
}

#define assert_verdict(text, want)                                                                           \
    do {                                                                                                     \
        enum jwt_verdict got_ = verdict(text);                                                               \
        if (got_ != (want))                                                                                  \
            fail_msg("%s: %s", #text, jwt_verdict_text(got_));                                               \
    } while (0)

#define CLAIMS_BUT_EXP "\"iss\":\"https://issuer.example\",\"aud\":\"weir\",\"sub\":\"u\""
#define CLAIMS CLAIMS_BUT_EXP ",\"exp\":1792003600"

/* ---- signatures ---- */

static void golden_tokens(void **state)
{
    (void)state;
    unsigned good = 0, bad = 0;
    struct str lines = file(TEST_DATA "/golden/jwt/tokens.txt");
    while (lines.n) {
        struct str rest = str_cut(&lines, '\n'), what = str_cut(&rest, ' ');
        struct str alg = str_cut(&rest, ' '), key = str_cut(&rest, ' ');
        struct identity id = {0};
        enum jwt_verdict v = jwt_verify(&arena, rest, set, &rules, &id);
        bool is_good = str_eq(what, STR("good"));
        if (v != (is_good ? JWT_GOOD : JWT_UNKNOWN_KEY))
            fail_msg("%.*s %.*s: %s", STR_FMT(alg), STR_FMT(key), jwt_verdict_text(v));
        good += is_good;
        bad += !is_good;
        if (!is_good)
            continue;
        assert_str(id.user, STR("zo\xc3\xab"));
        assert_int_equal(id.expires_s, NOW + 3600);
        assert_int_equal(jwt_verify(&arena, rest, NULL, &rules, &id), JWT_UNKNOWN_KEY);
    }
    assert_int_equal(good, 11);
    assert_int_equal(bad, 5);
}

static void any_changed_or_missing_byte_is_noticed(void **state)
{
    (void)state;
    struct str good = token(HEADER, "{" CLAIMS "}");
    assert_verdict(good, JWT_GOOD);
    for (size_t n = 0; n < good.n; n++)
        if (verdict(str_head(good, n)) == JWT_GOOD)
            fail_msg("cut at %zu", n);
    /* a signature of 256 bytes leaves four bits of its last character unused */
    for (size_t i = 0; i + 1 < good.n; i++) {
        struct str bent = arena_dup(&arena, good);
        char *at = (char *)(uintptr_t)bent.p + i;
        *at = *at == 'A' ? 'B' : 'A';
        if (verdict(bent) == JWT_GOOD)
            fail_msg("changed at %zu", i);
    }
    for (size_t i = 0; i <= good.n; i++) {
        struct str longer =
            arena_printf(&arena, "%.*sA%.*s", STR_FMT(str_head(good, i)), STR_FMT(str_from(good, i)));
        if (verdict(longer) == JWT_GOOD)
            fail_msg("longer at %zu", i);
    }
}

static void signature_of_another_token(void **state)
{
    (void)state;
    struct str mine = token(HEADER, "{" CLAIMS "}");
    struct str input = unsigned_token(HEADER, "{" CLAIMS ",\"x\":1}");
    struct str dot = str_from(mine, unsigned_token(HEADER, "{" CLAIMS "}").n);
    assert_verdict(arena_printf(&arena, "%.*s%.*s", STR_FMT(input), STR_FMT(dot)), JWT_WRONG_SIGNATURE);
}

/* The public key is known to all: as an HMAC's key, or with no signature at all, it must prove nothing. */
static void algorithm_confusion(void **state)
{
    (void)state;
    static const char *const secrets[] = {"keys.json", "key.pem"};
    for (size_t i = 0; i < countof(secrets); i++) {
        char path[256];
        unsigned char mac[SHA256_BYTES];
        (void)snprintf(path, sizeof(path), TEST_DATA "/golden/jwt/%s", secrets[i]);
        struct str input = unsigned_token("{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "{" CLAIMS "}");
        hmac_sha256(file(path), input, mac);
        assert_verdict(with_signature(input, str_of((char *)mac, sizeof(mac))), JWT_MALFORMED);
    }
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"rsa\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":null}",
        "{}",
        "{\"alg\":[\"RS256\"],\"kid\":\"rsa\"}",
        "{\"alg\":256}",
    };
    for (size_t i = 0; i < countof(headers); i++) {
        assert_verdict(token(headers[i], "{" CLAIMS "}"), JWT_MALFORMED);
        assert_verdict(with_signature(unsigned_token(headers[i], "{" CLAIMS "}"), STR("")), JWT_MALFORMED);
    }
    assert_verdict(with_signature(unsigned_token(HEADER, "{" CLAIMS "}"), STR("")), JWT_WRONG_SIGNATURE);
    /* another algorithm than the key's, or than the one the signature was made with */
    assert_verdict(token("{\"alg\":\"ES256\",\"kid\":\"rsa\"}", "{" CLAIMS "}"), JWT_UNKNOWN_KEY);
    assert_verdict(token("{\"alg\":\"RS256\",\"kid\":\"p256\"}", "{" CLAIMS "}"), JWT_UNKNOWN_KEY);
    assert_verdict(token("{\"alg\":\"RS256\",\"kid\":\"bound\"}", "{" CLAIMS "}"), JWT_UNKNOWN_KEY);
    assert_verdict(token("{\"alg\":\"RS512\",\"kid\":\"rsa\"}", "{" CLAIMS "}"), JWT_WRONG_SIGNATURE);
    assert_verdict(token("{\"alg\":\"PS256\",\"kid\":\"rsa\"}", "{" CLAIMS "}"), JWT_WRONG_SIGNATURE);
    assert_verdict(token("{\"alg\":\"RS256\",\"kid\":\"secret\"}", "{" CLAIMS "}"), JWT_UNKNOWN_KEY);
}

static void keys_a_token_brings_along_are_not_used(void **state)
{
    (void)state;
    struct str keys = file(TEST_DATA "/golden/jwt/keys.json");
    struct str jwk = arena_printf(
        &arena,
        "{\"alg\":\"RS256\",\"kid\":\"x\",\"jwk\":%.*s,\"jku\":\"https://issuer.example/\",\"x5c\":[\"\"]}",
        STR_FMT(keys));
    assert_verdict(token(jwk.p, "{" CLAIMS "}"), JWT_UNKNOWN_KEY);
}

/* ---- headers ---- */

static void headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum jwt_verdict want;
    } cases[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"}", JWT_GOOD},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\",\"cty\":\"x\",\"x5t\":\"y\"}", JWT_GOOD},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"application/AT+JWT\"}", JWT_GOOD},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"logout+jwt\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"]}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":null}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false,\"crit\":[\"b64\"]}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"rsa\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"p256\",\"kid\":\"rsa\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"\\u006bid\":\"rsa\"}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":1}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"\"}", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"RSA\"}", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\\u0000\"}", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"weak\"}", JWT_UNKNOWN_KEY},
        {"[\"RS256\"]", JWT_MALFORMED},
        {"\"RS256\"", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"}{}", JWT_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        enum jwt_verdict v = verdict(token(cases[i].header, "{" CLAIMS "}"));
        if (v != cases[i].want)
            fail_msg("%s: %s", cases[i].header, jwt_verdict_text(v));
    }
}

static void a_token_without_key_id_needs_the_only_fitting_key(void **state)
{
    (void)state;
    struct str t = token("{\"alg\":\"RS256\"}", "{" CLAIMS "}");
    assert_verdict(t, JWT_GOOD); /* `bound` is for PS256 only */
    struct str more = file(TEST_DATA "/golden/jwt/keys.json");
    struct str without = str_of(more.p, str_search(more, STR(",\n   \"alg\": \"PS256\"")));
    struct str two = arena_printf(&arena, "%.*s%s", STR_FMT(without), str_from(more, without.n + 20).p);
    jwk_set_free(set);
    set = jwk_set_parse(two);
    assert_non_null(set);
    assert_verdict(t, JWT_UNKNOWN_KEY);
    assert_verdict(token(HEADER, "{" CLAIMS "}"), JWT_GOOD);
}

/* ---- claims ---- */

static void claims(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        enum jwt_verdict want;
    } cases[] = {
        {"{" CLAIMS "}", JWT_GOOD},
        {"{" CLAIMS_BUT_EXP "}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":\"1792003600\"}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":null}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":-1}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":1e300}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":99999999999999999999999999}", JWT_MALFORMED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":0}", JWT_EXPIRED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":1792000000}", JWT_EXPIRED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":1792000000.9}", JWT_EXPIRED},
        {"{" CLAIMS_BUT_EXP ",\"exp\":1792000001}", JWT_GOOD},
        {"{" CLAIMS_BUT_EXP ",\"exp\":1.792000001e9}", JWT_GOOD},
        {"{" CLAIMS ",\"nbf\":1792000060,\"iat\":1792000060}", JWT_GOOD},
        {"{" CLAIMS ",\"nbf\":1792000061}", JWT_NOT_YET},
        {"{" CLAIMS ",\"iat\":1792000061}", JWT_NOT_YET},
        {"{" CLAIMS ",\"nbf\":\"0\"}", JWT_MALFORMED},
        {"{" CLAIMS ",\"iat\":true}", JWT_MALFORMED},
        {"{\"aud\":\"weir\",\"exp\":1792003600}", JWT_WRONG_ISSUER},
        {"{\"iss\":\"https://issuer.example/\",\"aud\":\"weir\",\"exp\":1792003600}", JWT_WRONG_ISSUER},
        {"{\"iss\":\"HTTPS://issuer.example\",\"aud\":\"weir\",\"exp\":1792003600}", JWT_WRONG_ISSUER},
        {"{\"iss\":[\"https://issuer.example\"],\"aud\":\"weir\",\"exp\":1792003600}", JWT_WRONG_ISSUER},
        {"{\"iss\":\"https://issuer.example\",\"exp\":1792003600}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":\"Weir\",\"exp\":1792003600}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":\"weir2\",\"exp\":1792003600}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":\"\",\"exp\":1792003600}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":[],\"exp\":1792003600}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":[1,[\"weir\"]],\"exp\":1792003600}",
         JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":{\"weir\":\"weir\"},\"exp\":1792003600}",
         JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://issuer.example\",\"aud\":[\"a\",null,\"weir\"],\"exp\":1792003600}", JWT_GOOD},
        {"{" CLAIMS ",\"aud\":\"weir\"}", JWT_MALFORMED},
        {"{" CLAIMS ",\"exp\":1792003600}", JWT_MALFORMED},
        {"{" CLAIMS ",\"x\":1,\"x\":1}", JWT_MALFORMED},
        {"{" CLAIMS ",\"\\u0069ss\":\"https://issuer.example\"}", JWT_MALFORMED},
        {"{" CLAIMS ",\"x\":{\"iss\":1,\"iss\":2}}", JWT_GOOD},
        {"[{" CLAIMS "}]", JWT_MALFORMED},
        {"null", JWT_MALFORMED},
        {"{" CLAIMS "", JWT_MALFORMED},
        {"{" CLAIMS "}\xff", JWT_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        enum jwt_verdict v = verdict(token(HEADER, cases[i].claims));
        if (v != cases[i].want)
            fail_msg("%s: %s", cases[i].claims, jwt_verdict_text(v));
    }
}

/* OpenID Connect Core section 3.1.3.7: of the answer to a sign-in more is asked. */
static void sign_ins(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        enum jwt_verdict want;
    } cases[] = {
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":\"n-1\"}", JWT_GOOD},
        {"{" CLAIMS ",\"iat\":1792000060,\"nonce\":\"n-1\",\"azp\":\"weir\"}", JWT_GOOD},
        {"{" CLAIMS ",\"iat\":1792000061,\"nonce\":\"n-1\"}", JWT_NOT_YET},
        {"{" CLAIMS ",\"nonce\":\"n-1\"}", JWT_MALFORMED},
        {"{" CLAIMS ",\"iat\":1792000000}", JWT_WRONG_NONCE},
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":\"n-2\"}", JWT_WRONG_NONCE},
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":\"\"}", JWT_WRONG_NONCE},
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":[\"n-1\"]}", JWT_WRONG_NONCE},
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":\"n-1\",\"azp\":\"other\"}", JWT_WRONG_AUDIENCE},
        {"{" CLAIMS ",\"iat\":1792000000,\"nonce\":\"n-1\",\"azp\":null}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://"
         "issuer.example\",\"aud\":\"weir\",\"exp\":1792003600,\"iat\":1,\"nonce\":\"n-1\"}",
         JWT_MALFORMED},
        {"{\"iss\":\"https://issuer.example\",\"aud\":[\"weir\"],\"sub\":\"u\",\"exp\":1792003600,\"iat\":1,"
         "\"nonce\":\"n-1\"}",
         JWT_GOOD},
        {"{\"iss\":\"https://"
         "issuer.example\",\"aud\":[\"weir\",\"b\"],\"sub\":\"u\",\"exp\":1792003600,\"iat\":1,"
         "\"nonce\":\"n-1\"}",
         JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"https://"
         "issuer.example\",\"aud\":[\"weir\",\"b\"],\"sub\":\"u\",\"exp\":1792003600,\"iat\":1,"
         "\"nonce\":\"n-1\",\"azp\":\"weir\"}",
         JWT_GOOD},
    };
    struct jwt_rules sign_in = rules;
    sign_in.nonce = STR("n-1");
    for (size_t i = 0; i < countof(cases); i++) {
        struct identity id;
        enum jwt_verdict v = jwt_verify(&arena, token(HEADER, cases[i].claims), set, &sign_in, &id);
        if (v != cases[i].want)
            fail_msg("%s: %s", cases[i].claims, jwt_verdict_text(v));
        if (v == JWT_GOOD)
            assert_str(id.claims, str_c(cases[i].claims));
    }
}

static void who_it_is(void **state)
{
    (void)state;
    char long_name[JWT_SUBJECT_BYTES + 2];
    memset(long_name, 'n', sizeof(long_name));
    const struct {
        struct str sub;   /* JSON; p == NULL: absent */
        const char *user; /* NULL: refused */
    } cases[] = {
        {S("\"248289761001\""), "248289761001"},
        {S("\"a|b@c \\\"d\\\"\""), "a|b@c \"d\""},
        {S("\"\""), ""}, /* a service token of Cloudflare Access */
        {{NULL, 0}, ""},
        {S("null"), NULL},
        {S("7"), NULL},
        {S("[\"u\"]"), NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str sub = cases[i].sub.p ? arena_printf(&arena, ",\"sub\":%s", cases[i].sub.p) : STR("");
        struct str text = arena_printf(
            &arena, "{\"iss\":\"https://issuer.example\",\"aud\":\"weir\",\"exp\":1792003600%s}", sub.p);
        struct identity id = {0};
        enum jwt_verdict v = jwt_verify(&arena, token(HEADER, text.p), set, &rules, &id);
        assert_int_equal(v, cases[i].user ? JWT_GOOD : JWT_MALFORMED);
        if (cases[i].user)
            assert_str(id.user, str_c(cases[i].user));
    }
    for (int n = JWT_SUBJECT_BYTES; n <= JWT_SUBJECT_BYTES + 1; n++) {
        struct str text = arena_printf(
            &arena,
            "{\"iss\":\"https://issuer.example\",\"aud\":\"weir\",\"exp\":1792003600,\"sub\":\"%.*s\"}", n,
            long_name);
        assert_verdict(token(HEADER, text.p), n == JWT_SUBJECT_BYTES ? JWT_GOOD : JWT_MALFORMED);
    }
}

static void sizes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, MIB);
    (void)buf_append_c(&b, "{" CLAIMS);
    for (int i = 4; i < JWT_MEMBERS; i++)
        (void)buf_printf(&b, ",\"x%d\":0", i);
    (void)buf_append(&b, str_of("}", 2));
    assert_verdict(token(HEADER, b.p), JWT_GOOD);
    b.n -= 2;
    (void)buf_append(&b, str_of(",\"y\":0}", 8));
    assert_verdict(token(HEADER, b.p), JWT_MALFORMED);
    buf_clear(&b);
    (void)buf_printf(&b, "{" CLAIMS ",\"x\":\"%*s\"}", 11800, "");
    (void)buf_append_byte(&b, '\0');
    struct str large = token(HEADER, b.p);
    assert_in_range(large.n, JWT_BYTES - 500, JWT_BYTES);
    assert_verdict(large, JWT_GOOD);
    buf_clear(&b);
    (void)buf_printf(&b, "{" CLAIMS ",\"x\":\"%*s\"}", 12200, "");
    (void)buf_append_byte(&b, '\0');
    struct str larger = token(HEADER, b.p);
    assert_in_range(larger.n, JWT_BYTES + 1, JWT_BYTES + 500);
    assert_verdict(larger, JWT_MALFORMED);
    assert_false(jwt_is_compact(larger));
    buf_done(&b);
}

static void a_full_arena_is_no_identity(void **state)
{
    (void)state;
    struct str good = token(HEADER, "{" CLAIMS "}");
    struct identity id;
    for (size_t cap = 0; cap < 4 * KIB; cap += 64) {
        struct arena small;
        arena_init(&small, cap);
        enum jwt_verdict v = jwt_verify(&small, good, set, &rules, &id);
        assert_true(v == JWT_GOOD || v == JWT_MALFORMED || v == JWT_WRONG_ISSUER);
        if (cap < 64)
            assert_int_not_equal(v, JWT_GOOD);
        arena_done(&small);
    }
}

/* ---- shapes ---- */

static void what_looks_like_a_token(void **state)
{
    (void)state;
    static const char *const yes[] = {"a.b.c", "a.b.", "A-_9.b.c"};
    static const char *const no[] = {"",       "a",         "a.b",         ".",       "..",
                                     "...",    "a..c",      ".b.c",        "a.b.c.d", "a.b.c.",
                                     "a.b.c=", "a.b.c ",    "a.b/.c",      "a.b+.c",  " a.b.c",
                                     "a.b,c",  "sk-proj-1", "ya29.a0Af_x", "a.b.c\n", "\xc3\xa9.b.c"};
    for (size_t i = 0; i < countof(yes); i++)
        assert_true(jwt_is_compact(str_c(yes[i])));
    for (size_t i = 0; i < countof(no); i++)
        if (jwt_is_compact(str_c(no[i])))
            fail_msg("%s", no[i]);
    assert_false(jwt_is_compact((struct str){NULL, 0}));
    assert_verdict(((struct str){NULL, 0}), JWT_MALFORMED);
    for (size_t i = 0; i < countof(no); i++)
        assert_verdict(str_c(no[i]), JWT_MALFORMED);
}

static void tokens_of_the_issuer_are_found_whatever_is_wrong_with_them(void **state)
{
    (void)state;
    static const struct {
        const char *header, *claims;
        bool ours;
    } cases[] = {
        {HEADER, "{" CLAIMS "}", true},
        {"{\"alg\":\"HS256\"}", "{" CLAIMS "}", true},
        {"no json", "{\"iss\":\"https://issuer.example\"}", true},
        {HEADER, "{\"iss\":\"x\",\"iss\":\"https://issuer.example\"}", true},
        {HEADER, "{\"iss\":\"https://issuer.example\",\"iss\":\"x\"}", true},
        {HEADER, "{\"iss\":\"https://issuer.example/\"}", false},
        {HEADER, "{\"x\":{\"iss\":\"https://issuer.example\"}}", false},
        {HEADER, "[\"https://issuer.example\"]", false},
        {HEADER, "{\"aud\":\"https://issuer.example\"}", false},
        {HEADER, "{\"iss\":\"https://issuer.example\"", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str t = with_signature(unsigned_token(cases[i].header, cases[i].claims), STR("s"));
        assert_int_equal(jwt_names_issuer(&arena, t, rules.issuer), cases[i].ours);
    }
    assert_false(jwt_names_issuer(&arena, STR("sk-1"), rules.issuer));
}

/* ---- key sets ---- */

static void texts_that_are_no_key_set(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":[null,1,[],{}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"!\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":7}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":7,"
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":[\"sig\"],"
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"HS256\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":\"verify\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]",
    };
    for (size_t i = 0; i < countof(texts); i++)
        if (jwk_set_parse(str_c(texts[i])))
            fail_msg("%s", texts[i]);
    jwk_set_free(NULL);
}

static void key_sets_are_capped(void **state)
{
    (void)state;
    static const char key[] =
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
    struct buf b;
    buf_init(&b, MIB);
    (void)buf_append_c(&b, "{\"keys\":[");
    for (int i = 0; i < 2 * JWKS_KEYS; i++)
        (void)buf_printf(&b, "%s,", key);
    (void)buf_printf(&b, "%s]}", key);
    struct jwk_set *many = jwk_set_parse(buf_str(&b));
    assert_non_null(many);
    jwk_set_free(many);
    for (size_t n = JWKS_BYTES; n <= JWKS_BYTES + 1; n++) {
        buf_clear(&b);
        (void)buf_printf(&b, "{\"keys\":[%s]}", key);
        while (b.n < n)
            (void)buf_append_byte(&b, ' ');
        many = jwk_set_parse(buf_str(&b));
        assert_int_equal(many != NULL, n == JWKS_BYTES);
        jwk_set_free(many);
    }
    buf_done(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_set, close_set)
    const struct CMUnitTest tests[] = {
        TEST(golden_tokens),
        TEST(any_changed_or_missing_byte_is_noticed),
        TEST(signature_of_another_token),
        TEST(algorithm_confusion),
        TEST(keys_a_token_brings_along_are_not_used),
        TEST(headers),
        TEST(a_token_without_key_id_needs_the_only_fitting_key),
        TEST(claims),
        TEST(sign_ins),
        TEST(who_it_is),
        TEST(sizes),
        TEST(a_full_arena_is_no_identity),
        TEST(what_looks_like_a_token),
        TEST(tokens_of_the_issuer_are_found_whatever_is_wrong_with_them),
        TEST(texts_that_are_no_key_set),
        TEST(key_sets_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
