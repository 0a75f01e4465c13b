/* SPDX-License-Identifier: Apache-2.0 */
/* weir mock: the mock provider as a server of its own, on one thread. */
#include "mock/mock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/pages.h"
#include "net/listen.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] = "usage: weir mock [--listen HOST:PORT] [--profile FILE]\n\n"
                           "Answers in the shapes of OpenAI, Anthropic, Gemini, Cohere, Workers AI and "
                           "Bedrock, without a network.\n\n"
                           "  --listen HOST:PORT  default 127.0.0.1:9099; port 0 takes a free one\n"
                           "  --profile FILE      latency, failures and limits (weir docs mock)\n";

static const struct server_limits limits = {
    .max_head_bytes = 256 * KIB,
    .max_body_bytes = 256 * (int64_t)MIB,
    .head_timeout_ms = 60000,
    .body_timeout_ms = 600000,
    .idle_timeout_ms = 600000,
};

static void on_conn(void *arg, struct conn *c)
{
    server_accept(arg, c);
}

static void on_signal(void *arg, int signum)
{
    (void)signum;
    loop_stop(arg);
}

static int run(const char *listen, struct str profile)
{
    const char *why = NULL;
    struct addr addr;
    struct listener *listener;
    struct loop *l = loop_new();
    struct mock *m = mock_new(l, profile, &why);
    if (!m || addr_parse(str_c(listen), &addr) != E_OK) {
        fprintf(stderr, "weir mock: %s\n",
                m ? "--listen takes an address and port, such as 127.0.0.1:9099" : why);
        return 2;
    }
    struct server_route route = {STR(""), &mock_service, m};
    struct server *s = server_new(l, &limits, &route, 1, pages_render_fault);
    if (listener_new(l, &addr, NULL, 100000, limits.head_timeout_ms, on_conn, s, &listener, &why) != E_OK) {
        fprintf(stderr, "weir mock: cannot listen on %s: %s\n", listen, why);
        return 1;
    }
    char host[ADDR_TEXT];
    addr_text(&addr, host);
    printf("listening on http://%s:%u\n", host, listener_port(listener));
    fflush(stdout);
    loop_on_signal(l, SIGTERM, on_signal, l);
    loop_on_signal(l, SIGINT, on_signal, l);
    loop_run(l);
    listener_close(listener);
    server_free(s);
    mock_free(m);
    loop_free(l);
    return 0;
}

int cli_mock(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"profile", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *listen = "127.0.0.1:9099";
    struct buf profile;
    buf_init(&profile, MIB);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return fputs(help, stdout) < 0;
        if (c == 'l') {
            listen = optarg;
        } else if (c != 'p') {
            fputs(help, stderr);
            return 2;
        } else if (file_read(optarg, &profile) != E_OK) {
            fprintf(stderr, "weir mock: cannot read %s\n", optarg);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    file_raise_limit();
    int code = run(listen, buf_str(&profile));
    buf_done(&profile);
    return code;
}
