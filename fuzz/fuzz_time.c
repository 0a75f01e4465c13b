/* SPDX-License-Identifier: Apache-2.0 */
/* Times in queries and bodies: refused, or within the years there are and the same when written and read
 * again. */
#include "base/clock.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *copy = mem_alloc(n ? n : 1); /* of its own size, so that a read past the end is seen */
    if (n)
        memcpy(copy, data, n);
    int64_t ms = -1, again = -1;
    char text[TIME_TEXT];
    if (clock_parse(str_of(copy, n), &ms) == E_OK && ms >= 0 && ms < 253402300800000) {
        clock_rfc3339(ms, text);
        must(clock_parse(str_c(text), &again) == E_OK && again == ms);
    }
    mem_free(copy);
    return 0;
}
