/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of log rows: append-only files DATA/bodies/NNNNNNNN.seg. A segment is a run of frames, a
 * frame the compressed bodies of neighbouring rows, so that like prompts share their bytes and one
 * body is still cheap to read:
 *
 *     0  magic "WSF1", 4 bytes of zero
 *     8  length before compression
 *    16  length of the zstd data that follows the head
 *    24  XXH3-64 of the zstd data, seeded with the XXH3-64 of the 24 bytes above
 *    32  zstd data
 *
 * Numbers are little-endian. Nothing in a segment says which row a body belongs to: rows point at
 * segments, so a torn end after a crash is merely never asked for. Each start opens a new file.
 */
#pragma once
#include "base/arena.h"
#include "store/record.h"

/* Where the bodies of a row are; the response lies right behind the request. */
struct body_place {
    int64_t segment;           /* number of the file; 0: none is needed */
    int64_t frame;             /* offset of the frame in the file */
    int64_t at;                /* offset of the request in the raw frame */
    int64_t request, response; /* lengths; -1: not stored */
};

/* The writing end; belongs to the writer thread. */
struct segments;

/* data_dir is an open directory that stays the caller's. NULL with *ret_why set. */
struct segments *segments_open(int data_dir, const char **ret_why);
void segments_close(struct segments *s);
/* Copies the bodies into the batch. The place is valid once segments_commit said E_OK. */
struct body_place segments_add(struct segments *s, struct record_body request, struct record_body response);
/* Writes what was added since the last commit; `sync`: to the disk itself. E_IO: nothing of it counts. */
enum err segments_commit(struct segments *s, bool sync) MUST_CHECK;
/* Bytes written since segments_open. */
uint64_t segments_bytes(const struct segments *s);

/* The number of the segment that is written to, or will be: those below are finished. */
int64_t segments_current(const struct segments *s);
/* Removes a file; true when it is gone. Whoever reads it still may. */
bool segment_remove(int data_dir, int64_t number);

/* The bodies at a place, into the arena; p == NULL: not stored. E_NOT_FOUND: the segment is gone; E_IO:
 * damaged, or never written to the end. Any thread. */
enum err segment_read(int data_dir, const struct body_place *p, struct arena *a, struct str *ret_request,
                      struct str *ret_response) MUST_CHECK;
/* The same within an open segment. */
enum err segment_read_fd(int fd, const struct body_place *p, struct arena *a, struct str *ret_request,
                         struct str *ret_response) MUST_CHECK;
