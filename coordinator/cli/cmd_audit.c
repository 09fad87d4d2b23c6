// SPDX-License-Identifier: Apache-2.0
#include "coordinator/audit_io.h"
#include "coordinator/cli/cli.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char help_text[] =
    "usage: logtally audit verify FILE\n"
    "\n"
    "Follows the chain of audit.log of a coordinator's state folder: was a\n"
    "line changed, put in or left out? Prints the number of lines and the\n"
    "last hash; kept elsewhere, that tells later whether the end was cut\n"
    "off or all of it written anew.\n";

static int
verify(const char *path)
{
    audit_chain_t chain;
    char hex[2 * AUDIT_HASH + 1];
    buf_t why = {0};

    if (audit_io_verify(path, &chain, &why) != ERR_OK) {
        fprintf(stderr, "logtally audit: %.*s\n", (int)why.len,
            (const char *)why.p);
        buf_fini(&why);
        return EXIT_FAILED;
    }
    buf_fini(&why);
    sodium_bin2hex(hex, sizeof hex, chain.hash, sizeof chain.hash);
    printf("%llu lines, unbroken; the last is %s\n",
        (unsigned long long)chain.n, hex);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int
cmd_audit(int argc, char **argv)
{
    if (argc == 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help_text, stdout);
        return EXIT_DONE;
    }
    if (argc != 3 || strcmp(argv[1], "verify") != 0) {
        fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    return verify(argv[2]);
}
