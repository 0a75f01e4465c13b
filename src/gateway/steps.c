/* SPDX-License-Identifier: Apache-2.0 */
/* The whole product on one screen. Order is meaning; nobody else knows it. */
#include "gateway/step.h"

/* Once per client request. */
const struct step *const request_steps[] = {
    &step_record, /* in: ids, options          leave: one log row per attempt, the last act of all    */
    &step_auth,   /* in: gateway, token -> who is it (headers only, before the body is read)          */
    &step_decode, /* in: body -> facts         out: events -> the client's bytes                      */
    &step_plan,   /* in: path -> targets                                                              */
    NULL,
};

/* Once per target of the plan, until one answers. */
const struct step *const target_steps[] = {
    &step_upstream, /* in: call the provider   (source of events)   leave: meter, drop the connection */
    NULL,
};
