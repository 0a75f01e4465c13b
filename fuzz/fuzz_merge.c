/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of arbitrary streams: what comes out is one JSON object, and never much more than what
 * went in. The first byte picks the framing; frames are made from lines "name JSON".
 */
#include "base/json.h"
#include "base/limits.h"
#include "providers/aws_stream.h"
#include "providers/merge.h"

static void frames_of(struct str lines, struct buf *out)
{
    while (lines.n) {
        struct str payload = str_cut(&lines, '\n'), name = str_cut(&payload, ' ');
        const struct str headers[][2] = {{S(":event-type"), name}};
        (void)aws_frame_write(out, headers, 1, payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str types[] = {S("text/event-stream"), S("application/stream+json"),
                                       S("application/vnd.amazon.eventstream")};
    if (size == 0)
        return 0;
    struct str text = str_of((const char *)data + 1, size - 1), type = types[data[0] % countof(types)];
    struct buf frames, out;
    buf_init(&frames, MIB);
    buf_init(&out, 64 * MIB);
    if (data[0] % countof(types) == 2) {
        frames_of(text, &frames);
        text = buf_str(&frames);
    }
    if (merge_stream(type, text, &out)) {
        struct json_doc *doc = json_parse(buf_str(&out));
        must(doc || str_has(buf_str(&out), STR("[["))); /* nested too deeply once it is inside an array */
        must(!doc || json_count(json_get(json_root(doc), "streamed_data")) > 0);
        json_free(doc);
    } else {
        must(out.n == 0);
    }
    buf_done(&frames);
    buf_done(&out);
    return 0;
}
