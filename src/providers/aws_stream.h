/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/vnd.amazon.eventstream: length-prefixed binary frames with headers and CRCs, found in
 * a byte stream at any split. (Amazon: "Event stream encoding", Amazon Transcribe and Bedrock
 * developer guides.) Pure.
 */
#pragma once
#include "base/buf.h"

struct aws_frame {
    struct str raw;
    struct str event_type;     /* header :event-type */
    struct str message_type;   /* header :message-type: event, exception, error */
    struct str exception_type; /* header :exception-type, or :error-code of an error */
    struct str error_message;  /* header :error-message; errors have no payload */
    struct str payload;
};

struct aws_stream {
    struct buf carry;
    bool broken; /* a length or checksum was wrong: no more frames are looked for */
};

void aws_stream_init(struct aws_stream *s);
void aws_stream_done(struct aws_stream *s);
/* Calls on_frame per complete frame; views are valid during the call. E_SYNTAX once broken. */
enum err aws_stream_feed(struct aws_stream *s, struct str piece,
                         void (*on_frame)(void *arg, const struct aws_frame *f), void *arg);
/*
 * Writes a frame with the given string headers (name, value pairs) to out: the mock's side. E_FULL
 * when a header or the frame is too long, or out is full.
 */
enum err aws_frame_write(struct buf *out, const struct str (*headers)[2], size_t n_headers,
                         struct str payload);
