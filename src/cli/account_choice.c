/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/account_choice.h"

#include <stdio.h>

int account_choice(const struct catalog *c, const char *named,
                   int (*failure)(const char *what, const char *why), char ret[ACCOUNT_CHOICE])
{
    struct str account = str_c(named);
    if (account.n && !catalog_has_account(c, account))
        return failure(named, "there is no such account");
    if (!account.n && c->n_accounts > 1)
        return failure("--account", "there are several accounts; say which");
    snprintf(ret, ACCOUNT_CHOICE, "%.*s", STR_FMT(account.n ? account : c->accounts[0]));
    return 0;
}
