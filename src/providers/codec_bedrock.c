/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bedrock Converse: the codec's table, its errors, its names of formats, and what is known about models.
 * The name of an error stands in the header x-amzn-errortype, which codecs do not see; the same protocol
 * allows it in the body, as __type, and that is where it is written and looked for.
 */
#include "providers/codec_bedrock.h"
#include "base/crypto.h"

/* ---- formats --------------------------------------------------------------------------------------- */

static const struct format {
    enum ir_kind kind;
    struct str format, mime;
} formats[] = {
    /* the first of a format, and the first of a type, is the one that is written */
    {IR_IMAGE, S("png"), S("image/png")},
    {IR_IMAGE, S("jpeg"), S("image/jpeg")},
    {IR_IMAGE, S("jpeg"), S("image/jpg")},
    {IR_IMAGE, S("gif"), S("image/gif")},
    {IR_IMAGE, S("webp"), S("image/webp")},
    {IR_AUDIO, S("mp3"), S("audio/mpeg")},
    {IR_AUDIO, S("mp3"), S("audio/mp3")},
    {IR_AUDIO, S("wav"), S("audio/wav")},
    {IR_AUDIO, S("wav"), S("audio/x-wav")},
    {IR_AUDIO, S("aac"), S("audio/aac")},
    {IR_AUDIO, S("flac"), S("audio/flac")},
    {IR_AUDIO, S("m4a"), S("audio/m4a")},
    {IR_AUDIO, S("mp4"), S("audio/mp4")},
    {IR_AUDIO, S("ogg"), S("audio/ogg")},
    {IR_AUDIO, S("opus"), S("audio/opus")},
    {IR_AUDIO, S("pcm"), S("audio/pcm")},
    {IR_AUDIO, S("pcm"), S("audio/pcm16")},
    {IR_AUDIO, S("webm"), S("audio/webm")},
    {IR_AUDIO, S("mkv"), S("audio/x-matroska")},
    {IR_AUDIO, S("mka"), S("audio/x-mka")},
    {IR_AUDIO, S("mpga"), S("audio/mpga")},
    {IR_VIDEO, S("mp4"), S("video/mp4")},
    {IR_VIDEO, S("mov"), S("video/quicktime")},
    {IR_VIDEO, S("mov"), S("video/mov")},
    {IR_VIDEO, S("mkv"), S("video/x-matroska")},
    {IR_VIDEO, S("webm"), S("video/webm")},
    {IR_VIDEO, S("flv"), S("video/x-flv")},
    {IR_VIDEO, S("mpeg"), S("video/mpeg")},
    {IR_VIDEO, S("mpg"), S("video/mpg")},
    {IR_VIDEO, S("wmv"), S("video/x-ms-wmv")},
    {IR_VIDEO, S("three_gp"), S("video/3gpp")},
    {IR_FILE, S("pdf"), S("application/pdf")},
    {IR_FILE, S("txt"), S("text/plain")},
    {IR_FILE, S("csv"), S("text/csv")},
    {IR_FILE, S("html"), S("text/html")},
    {IR_FILE, S("md"), S("text/markdown")},
    {IR_FILE, S("doc"), S("application/msword")},
    {IR_FILE, S("docx"), S("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {IR_FILE, S("xls"), S("application/vnd.ms-excel")},
    {IR_FILE, S("xlsx"), S("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {IR_FILE, S("txt"), S("application/json")}, /* text, for which there is no word */
    {IR_FILE, S("txt"), S("application/xml")},
    {IR_FILE, S("txt"), S("text/xml")},
};

struct str bedrock_mime(enum ir_kind kind, struct str format)
{
    for (size_t i = 0; i < countof(formats); i++)
        if (formats[i].kind == kind && str_eq(format, formats[i].format))
            return formats[i].mime;
    return str_of(NULL, 0);
}

struct str bedrock_format(enum ir_kind kind, struct str mime)
{
    struct str type = str_trim(str_cut(&mime, ';'));
    for (size_t i = 0; i < countof(formats); i++)
        if (formats[i].kind == kind && str_ieq(type, formats[i].mime))
            return formats[i].format;
    return str_of(NULL, 0);
}

/* ---- models ---------------------------------------------------------------------------------------- */

static const struct {
    struct str word; /* in the model's name; the first that fits counts */
    unsigned traits;
} families[] = {
    {S("nova-2"), BEDROCK_CACHE | BEDROCK_NOVA | BEDROCK_REASONS | BEDROCK_UNSIGNED},
    {S("nova"), BEDROCK_CACHE | BEDROCK_NOVA},
    {S("gpt-oss"), BEDROCK_SCHEMA | BEDROCK_EFFORT | BEDROCK_UNSIGNED},
    {S("deepseek.r1"), 0}, /* refuses its own reasoning */
    {S("deepseek"), BEDROCK_SCHEMA},
    {S("qwen"), BEDROCK_SCHEMA | BEDROCK_UNSIGNED},
    {S("kimi"), BEDROCK_SCHEMA | BEDROCK_UNSIGNED},
    {S("minimax"), BEDROCK_SCHEMA | BEDROCK_UNSIGNED},
    {S("nemotron"), BEDROCK_SCHEMA},
    {S("gemma"), BEDROCK_SCHEMA},
    {S("mistral-large-2402"), BEDROCK_TOP_K},
    {S("mistral-7b"), BEDROCK_TOP_K},
    {S("mixtral"), BEDROCK_TOP_K},
};

/* Schemas came to Bedrock with the Claudes of 4.5 and 4.6, and not yet with those after them. */
static unsigned claude_on_bedrock(struct str model)
{
    unsigned t = claude_traits(model);
    bool schema = (t & CLAUDE_SCHEMA) && !(t & CLAUDE_EFFORT_XHIGH) && !str_has(model, STR("-4-1"));
    return BEDROCK_CLAUDE | BEDROCK_CACHE | BEDROCK_TOP_K | (schema ? BEDROCK_SCHEMA : 0);
}

unsigned bedrock_traits(struct str model)
{
    if (str_has(model, STR("claude")))
        return claude_on_bedrock(model);
    for (size_t i = 0; i < countof(families); i++)
        if (str_has(model, families[i].word))
            return families[i].traits;
    return 0;
}

/* ---- signatures of others -------------------------------------------------------------------------- */

static const struct str no_id = S("-");

/* In the alphabet and with the padding that SDKs insist on. */
static bool is_base64(struct arena *a, struct str text)
{
    struct str bytes;
    bool url = str_find(text, '-') < text.n || str_find(text, '_') < text.n;
    return text.n && text.n % 4 == 0 && !url && base64_decode(a, text, &bytes) == E_OK;
}

struct str bedrock_redacted(struct arena *a, const struct ir_part *p)
{
    bool thinking = p->kind == IR_THINKING;
    if (thinking && !p->id.n && is_base64(a, p->signature))
        return p->signature;
    struct str id = !thinking ? STR("") : p->id.n ? p->id : no_id;
    struct str text = anthropic_tag(a, id, p->signature);
    return text.p ? base64_encode(a, text) : text;
}

enum err bedrock_read_redacted(struct arena *a, struct str content, struct ir_part *ret, bool *ret_behind)
{
    struct str text, id, signature;
    *ret = (struct ir_part){.kind = IR_THINKING, .signature = content, .redacted = true};
    *ret_behind = false;
    enum err e = base64_decode(a, content, &text);
    if (e == E_FULL || e != E_OK || !anthropic_untag(text, &id, &signature))
        return e == E_FULL ? E_FULL : E_OK;
    ret->signature = signature;
    *ret_behind = id.n == 0;
    if (id.n && !str_eq(id, no_id))
        ret->id = id;
    return E_OK;
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static const struct {
    struct str type;
    enum ir_error_kind kind;
    int status;
} errors[] = {
    /* the first of a kind is the one that is written */
    {S("ValidationException"), IR_ERR_INVALID, 400},
    {S("ConflictException"), IR_ERR_INVALID, 400},
    {S("UnrecognizedClientException"), IR_ERR_AUTH, 403},
    {S("InvalidSignatureException"), IR_ERR_AUTH, 403},
    {S("ExpiredTokenException"), IR_ERR_AUTH, 403},
    {S("MissingAuthenticationTokenException"), IR_ERR_AUTH, 403},
    {S("IncompleteSignatureException"), IR_ERR_AUTH, 403},
    {S("AccessDeniedException"), IR_ERR_PERMISSION, 403},
    {S("ResourceNotFoundException"), IR_ERR_NOT_FOUND, 404},
    {S("ThrottlingException"), IR_ERR_RATE, 429},
    {S("ServiceQuotaExceededException"), IR_ERR_QUOTA, 400},
    {S("ServiceUnavailableException"), IR_ERR_OVERLOADED, 503},
    {S("ModelNotReadyException"), IR_ERR_OVERLOADED, 429},
    {S("ModelTimeoutException"), IR_ERR_TIMEOUT, 408},
    {S("InternalServerException"), IR_ERR_SERVER, 500},
    {S("ModelErrorException"), IR_ERR_SERVER, 424},
    {S("ModelStreamErrorException"), IR_ERR_SERVER, 424},
};

/* In streams the names begin with a small letter; in bodies they may have a name space before a '#', and in
 * headers an address behind a ':'. */
static size_t row_of_type(struct str type)
{
    size_t hash = str_find(type, '#');
    type = hash < type.n ? str_from(type, hash + 1) : type;
    type = str_cut(&type, ':');
    for (size_t i = 0; i < countof(errors); i++)
        if (type.n && str_ieq(type, errors[i].type))
            return i;
    return countof(errors);
}

static size_t row_of_kind(enum ir_error_kind kind)
{
    size_t i = 0;
    while (errors[i].kind != kind)
        must(++i < countof(errors));
    return i;
}

/* A name of ours says more than the kind, unless it came with another dialect's error. */
static size_t row_of(const struct ir_error *e)
{
    size_t row = row_of_type(e->code);
    return row < countof(errors) && errors[row].kind == e->kind ? row : row_of_kind(e->kind);
}

/* Some statuses of Amazon's say something else everywhere else (424, 403 for a bad signature): then the
 * kind's. */
static int status_of(enum ir_error_kind kind, int status)
{
    switch (kind) {
    case IR_ERR_AUTH: return 401;
    case IR_ERR_QUOTA: return 402;
    case IR_ERR_OVERLOADED: return 503;
    case IR_ERR_SERVER: return status >= 500 ? status : 500;
    default: return status;
    }
}

void bedrock_error_of(struct str type, struct str message, int status, struct ir_error *ret)
{
    size_t row = row_of_type(type);
    bool known = row < countof(errors);
    if (!known)
        row = row_of_kind(status ? ir_error_of_status(status) : IR_ERR_SERVER);
    *ret = (struct ir_error){.kind = errors[row].kind,
                             .status = status_of(errors[row].kind, status ? status : errors[row].status),
                             .message = message,
                             .code = errors[row].type};
}

/* "ThrottlingException". */
static struct str exception_of(const struct ir_error *e)
{
    return errors[row_of(e)].type;
}

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse(body);
    const struct json_val *root = json_root(doc);
    struct str type = codec_text(root, "__type");
    bedrock_error_of(type.p ? type : codec_text(root, "code"), str_of(NULL, 0), status, ret);
    struct str message = codec_text(root, "message"); /* the front door says "Message" */
    ret->message = message.n ? arena_dup(a, message) : codec_error_text(a, D_BEDROCK_CONVERSE, status, body);
    json_free(doc);
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "__type", exception_of(e));
    json_add_str(&w, "message", e->message.p ? e->message : STR(""));
    json_close(&w, '}');
}

static int error_status(const struct ir_error *e)
{
    return errors[row_of(e)].status;
}

const struct codec codec_bedrock_converse = {
    .dialect = D_BEDROCK_CONVERSE,
    .name = "Bedrock Converse",
    .stream_type = S("application/vnd.amazon.eventstream"),
    .read_request = bedrock_read_request,
    .write_request = bedrock_write_request,
    .read_answer = bedrock_read_answer,
    .write_answer = bedrock_write_answer,
    .read_frame = bedrock_read_frame,
    .read_end = bedrock_read_end,
    .write_event = bedrock_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
