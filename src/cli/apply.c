/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir apply FILE: makes the gateways of a running daemon what a file says. The file is read whole, what
 * there is is asked for, the difference is shown, and then it is called for, one call after the other.
 */
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/code_file.h"
#include "cli/code_state.h"
#include "cli/code_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_BYTES = 256 * MIB, TEXT_BYTES = 256 * MIB, SECRET_BYTES = 256 * KIB, DIFFERENT = 3 };

static const char usage[] = "usage: weir apply [options] FILE\n";
static const char help[] =
    "\nMakes the gateways of a running daemon what FILE says (- is standard input), and shows before what "
    "that\n"
    "changes. FILE is JSON, comments allowed; weir export writes one:\n\n"
    "  {\"version\": 1,\n"
    "   \"gateways\": {\"team\": {\"cache_ttl\": 300, \"authentication\": true,\n"
    "     \"provider_keys\": {\"openai/default\": {\"secret\": {\"env\": \"OPENAI_API_KEY\"}}}}},\n"
    "   \"custom_providers\": {\"vllm\": {\"name\": \"vLLM\", \"base_url\": \"https://vllm.example\"}}}\n\n"
    "A setting that is left out gets its default. Whole things that are left out stay as they are, unless "
    "--prune.\n"
    "Applying the same file again does nothing.\n\n"
    "  --dry-run         show the difference and change nothing\n"
    "  --prune           delete what is not in the file, of the kinds it mentions: with \"gateways\" every "
    "other\n"
    "                    gateway with its log, with \"provider_keys\" the gateway's other keys\n"
    "  --secrets         send all secrets again; without it, those that are not stored yet\n"
    "  --yes             do not ask\n"
    "  --json            the difference, and what became of it, as JSON\n";
static const char codes[] =
    "\nExit code: 0 nothing to do, or done; 1 failed; 2 called wrongly, or the file is wrong; 3 with\n"
    "--dry-run: there are differences.\n";

struct apply {
    struct daemon daemon;
    const char *file;
    bool dry_run, yes, json;
    struct apply_options options;
    struct arena arena;
    struct code_set want, have;
    struct apply_plan plan;
    struct code_secrets secrets;
    const char *needed_by; /* while secrets are found */
    size_t done;           /* calls of the plan */
};

static int misuse(const char *what)
{
    fprintf(stderr, "weir apply: %s\n%sweir apply --help tells more\n", what, usage);
    return 2;
}

static void print(const struct buf *b, FILE *to)
{
    fwrite(b->p, 1, b->n, to);
    fflush(to);
}

/* ---- the file ---- */

static int read_file(struct apply *x)
{
    struct buf text, wrong;
    const char *name = strcmp(x->file, "-") == 0 ? "standard input" : x->file;
    buf_init(&text, CODE_FILE_BYTES);
    buf_init(&wrong, MIB);
    enum err e = file_read_named(x->file, &text);
    if (e != E_OK)
        (void)buf_printf(&wrong, "weir apply: %s: %s\n", name, e == E_FULL ? "too large" : "cannot be read");
    else
        e = code_file_read(&x->want, name, buf_str(&text), &wrong);
    if (e == E_FULL && !wrong.n)
        (void)buf_printf(&wrong, "weir apply: %s: too large\n", name);
    print(&wrong, stderr);
    buf_done(&wrong);
    buf_done(&text);
    return e == E_OK ? 0 : 2;
}

/* ---- secrets ---- */

/* Paths are seen from where the file is. */
static struct str beside(struct apply *x, struct str path)
{
    const char *slash = strrchr(x->file, '/');
    if (str_starts(path, STR("/")) || !slash)
        return arena_dup(&x->arena, path);
    struct str folder = str_of(x->file, (size_t)(slash - x->file) + 1);
    return arena_join(&x->arena, (const struct str[]){folder, path, STR("\0")}, 3);
}

static bool find_secret(void *arg, struct str from, struct str name, struct secret *ret)
{
    struct apply *x = arg;
    bool file = str_eq(from, STR("file"));
    struct str where = file ? beside(x, name) : arena_dup(&x->arena, name);
    struct buf text;
    buf_init(&text, SECRET_BYTES);
    if (where.p && file && file_read(where.p, &text) != E_OK)
        buf_clear(&text);
    else if (where.p && !file && getenv(where.p))
        (void)buf_append_c(&text, getenv(where.p));
    struct str found = arena_dup(&x->arena, str_trim(buf_str(&text)));
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_done(&text);
    *ret = secret_of(found);
    if (found.n)
        return true;
    fprintf(stderr, "weir apply: %s %.*s %s, which the %s needs\n", file ? "the file" : "the variable",
            STR_FMT(name), file ? "cannot be read, or is empty" : "is not set", x->needed_by);
    return false;
}

static void done_with(struct buf *body)
{
    if (body->n)
        explicit_bzero(body->p, body->n);
    buf_done(body);
}

static bool make_body(struct apply *x, const struct apply_call *call, struct buf *body)
{
    struct buf words;
    buf_init(body, API_BODY_BYTES);
    buf_init(&words, MIB);
    code_describe(&words, call->want);
    (void)buf_append_byte(&words, '\0');
    x->needed_by = words.p;
    x->secrets.missing = false;
    apply_body(body, call, &x->secrets);
    if (body->full)
        fprintf(stderr, "weir apply: the %s has more settings than the API takes\n", words.p);
    bool good = !x->secrets.missing && !body->full;
    buf_done(&words);
    return good;
}

/* All of them are there before anything is changed. */
static bool secrets_are_there(struct apply *x)
{
    bool good = true;
    for (const struct apply_call *call = x->plan.first; call; call = call->next) {
        struct buf body;
        if (call->action == APPLY_DELETE)
            continue;
        good &= make_body(x, call, &body);
        done_with(&body);
    }
    return good;
}

/* ---- calls ---- */

static bool call_api(struct apply *x, const char *method, struct str path, struct str body,
                     struct str *ret_id, const char *id_member)
{
    struct daemon_answer answer;
    bool good = path.p && daemon_call(&x->daemon, method, path, body, &answer);
    if (good && ret_id)
        *ret_id =
            arena_dup(&x->arena, json_str(json_get(json_get(json_root(answer.doc), "result"), id_member)));
    if (path.p)
        daemon_answer_done(&answer);
    return good;
}

/* A version is inert until it is deployed. */
static bool add_version(struct apply *x, const struct code_object *want, struct str body)
{
    struct str path = code_object_path(&x->arena, want), version = {NULL, 0};
    struct str versions = arena_join(&x->arena, (const struct str[]){path, STR("/versions")}, 2),
               deployments = arena_join(&x->arena, (const struct str[]){path, STR("/deployments")}, 2);
    if (!call_api(x, "POST", versions, body, &version, "version_id"))
        return false;
    struct str chosen = arena_printf(&x->arena, "{\"version_id\":\"%.*s\"}", STR_FMT(version));
    return call_api(x, "POST", deployments, chosen, NULL, NULL);
}

static struct str asked(struct apply *x, struct str path, const struct code_kind *kind)
{
    return kind->query ? arena_join(&x->arena, (const struct str[]){path, str_c(kind->query)}, 2) : path;
}

static bool carry_out(struct apply *x, const struct apply_call *call)
{
    struct code_object *want = call->want;
    bool good = true;
    if (call->action == APPLY_DELETE || call->action == APPLY_REPLACE)
        good = call_api(x, "DELETE", code_object_path(&x->arena, call->have), STR(""), NULL, NULL);
    if (!good || !want)
        return good;
    struct buf body;
    good = make_body(x, call, &body);
    if (good && call->action == APPLY_UPDATE && want->kind->update == CODE_VERSION)
        good = add_version(x, want, buf_str(&body));
    else if (good && call->action == APPLY_UPDATE)
        good = call_api(x, want->kind->update_method, asked(x, code_object_path(&x->arena, want), want->kind),
                        buf_str(&body), NULL, NULL);
    else if (good)
        good = call_api(x, "POST", asked(x, code_path(&x->arena, want->kind, want->parent), want->kind),
                        buf_str(&body), &want->id, want->kind->id);
    done_with(&body);
    return good;
}

static void say_where_it_stopped(const struct apply *x, const struct apply_call *failed)
{
    struct buf out;
    size_t done = x->done, left = x->plan.n - done;
    buf_init(&out, MIB);
    (void)buf_append_c(&out, "weir apply: stopped at the ");
    code_describe(&out, failed->want ? failed->want : failed->have);
    (void)buf_printf(
        &out, ". Of %zu change%s %zu %s done, %zu %s not; applying the file again goes on from here.\n",
        x->plan.n, x->plan.n == 1 ? "" : "s", done, done == 1 ? "is" : "are", left, left == 1 ? "is" : "are");
    if (failed->action == APPLY_REPLACE)
        (void)buf_append_c(&out, "It may have been deleted and not made again.\n");
    print(&out, stderr);
    buf_done(&out);
}

static void say_done(const struct apply_call *call)
{
    static const char *const words[] = {"created", "changed", "made anew", "deleted"};
    struct buf out;
    buf_init(&out, MIB);
    (void)buf_printf(&out, "%s ", words[call->action]);
    code_describe(&out, call->want ? call->want : call->have);
    (void)buf_append_c(&out, "\n");
    print(&out, stdout);
    buf_done(&out);
}

/* Stops at the first refusal: what follows may need what is missing. */
static int carry_all_out(struct apply *x)
{
    for (const struct apply_call *call = x->plan.first; call; call = call->next, x->done++) {
        if (!carry_out(x, call)) {
            say_where_it_stopped(x, call);
            return 1;
        }
        if (!x->json)
            say_done(call);
    }
    return 0;
}

/* ---- the command ---- */

static void show(const struct apply *x)
{
    struct buf out;
    const char *plain = getenv("NO_COLOR");
    buf_init(&out, TEXT_BYTES);
    if (x->json)
        code_plan_json(&out, &x->plan, x->done);
    else
        code_plan_text(&out, &x->plan, isatty(STDOUT_FILENO) && !(plain && *plain));
    print(&out, stdout);
    buf_done(&out);
}

static int confirmed(const struct apply *x)
{
    char answer[16] = "";
    if (x->yes)
        return 0;
    if (!isatty(STDIN_FILENO) || strcmp(x->file, "-") == 0)
        return misuse("--yes is needed where nobody can be asked; nothing was changed");
    fprintf(stderr, "Apply? Only yes counts as yes: ");
    if (fgets(answer, sizeof(answer), stdin) && str_eq(str_trim(str_c(answer)), STR("yes")))
        return 0;
    fprintf(stderr, "weir apply: nothing was changed\n");
    return 1;
}

static int carry_on(struct apply *x)
{
    if (!x->plan.n || x->dry_run)
        return x->plan.n ? DIFFERENT : 0;
    if (!secrets_are_there(x)) {
        fprintf(stderr, "weir apply: nothing was changed\n");
        return 1;
    }
    int code = confirmed(x);
    return code ? code : carry_all_out(x);
}

static int run(struct apply *x)
{
    int code = read_file(x);
    if (code)
        return code;
    if (!daemon_ready(&x->daemon))
        return 2;
    if (!code_state_read(&x->have, &x->daemon, &x->want, NULL))
        return 1;
    apply_plan(&x->plan, &x->arena, &x->want, &x->have, &x->options);
    if (x->plan.full) {
        fprintf(stderr, "weir apply: there is more to change than fits in memory\n");
        return 1;
    }
    if (!x->json)
        show(x);
    code = carry_on(x);
    if (x->json) /* with what was done */
        show(x);
    return code;
}

static int parse(struct apply *x, int argc, char **argv)
{
    static const struct option options[] = {
        DAEMON_OPTIONS,
        {"dry-run", no_argument, NULL, 'd'},
        {"prune", no_argument, NULL, 'p'},
        {"secrets", no_argument, NULL, 's'},
        {"yes", no_argument, NULL, 'y'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'd': x->dry_run = true; break;
        case 'p': x->options.prune = true; break;
        case 's': x->options.secrets = true; break;
        case 'y': x->yes = true; break;
        case 'j': x->json = true; break;
        case 'h': printf("%s%s%s%s", usage, help, daemon_help, codes); return 0;
        case '?': return misuse("no such option, or its value is missing");
        default: daemon_option(&x->daemon, c, optarg);
        }
    }
    if (argc - optind != 1)
        return misuse("name one FILE, or - for standard input");
    if (x->json && !x->yes && !x->dry_run)
        return misuse("--json goes with --dry-run or --yes: nobody could be asked");
    x->file = argv[optind];
    return -1;
}

int cli_apply(int argc, char **argv)
{
    struct apply x = {0};
    daemon_init(&x.daemon, "weir apply");
    arena_init(&x.arena, ARENA_BYTES);
    code_set_init(&x.want, &x.arena);
    code_set_init(&x.have, &x.arena);
    int code = parse(&x, argc, argv);
    x.secrets = (struct code_secrets){.find = find_secret, .arg = &x, .again = x.options.secrets};
    if (code < 0)
        code = run(&x);
    code_set_done(&x.want);
    code_set_done(&x.have);
    arena_wipe(&x.arena);
    daemon_done(&x.daemon);
    return code;
}
