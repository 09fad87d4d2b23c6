// SPDX-License-Identifier: Apache-2.0
// What the places have in common on their own machine: keys, ports, and
// whose eyes to look with.
#include "certs/keypath.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/doctor_io.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool
check_read(doctor_t *self, const char *path, errcode_t rc, buf_t *why)
{
    const read_fact_t fact = {.path = path, .rc = rc, .why = buf_span(why)};

    doctor_check_key(self, &fact);
    buf_fini(why);
    return rc == ERR_OK;
}

bool
doctor_load_secret(doctor_t *self, const char *path,
    const passphrase_source_t *source, keypair_t *out)
{
    buf_t why = {0};
    errcode_t rc = keyfile_unseal_secret(path, source, out, &why);

    return check_read(self, path, rc, &why);
}

bool
doctor_load_public(doctor_t *self, const char *path, identity_t *out)
{
    buf_t why = {0};
    errcode_t rc = keyfile_load_public(path, out, &why);

    return check_read(self, path, rc, &why);
}

// systemd hands over a secret, and the public half is in it: `self` may be
// missing.
static void
load_own_half(
    doctor_t *self, const char *folder, const char *name, identity_t *own)
{
    char *path = xasprintf("%s/self", folder);

    if (access(path, F_OK) == 0 && doctor_load_public(self, path, own)) {
        snprintf(own->name, sizeof own->name, "%s", name); // not "self"
        doctor_check_expiry(self, own, time(NULL), NULL);
    }
    free(path);
}

bool
doctor_load_keys(doctor_t *self, const char *folder,
    const passphrase_source_t *source, credentials_t *out, identity_t *own)
{
    char *secret = xasprintf("%s/self_secret", folder);
    char *server = xasprintf("%s/coordinator", folder);

    *own = (identity_t){0};
    bool good = doctor_load_secret(self, secret, source, &out->self);
    good = doctor_load_public(self, server, &out->coordinator) && good;
    load_own_half(self, folder, out->self.name, own);
    free(secret);
    free(server);
    return good;
}

// ---- ports

static int
bind_one(const struct addrinfo *a)
{
    const int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int error = bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0
                    ? 0
                    : errno;
    close(fd);
    return error;
}

int
doctor_try_port(const char *address, uint16_t port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
        .ai_family = strcmp(address, "*") == 0 ? AF_INET : AF_UNSPEC,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];

    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(strcmp(address, "*") == 0 ? NULL : address, service, &hints,
            &found) != 0) {
        return EADDRNOTAVAIL;
    }
    int error = port == 0 ? 0 : bind_one(found);
    freeaddrinfo(found);
    return error;
}

// ---- users

void
doctor_be_owner(const char *path)
{
    struct stat st;

    if (geteuid() != 0 || stat(path, &st) != 0 || st.st_uid == 0) {
        return;
    }
    const struct passwd *user = getpwuid(st.st_uid);
    gid_t gid = user != NULL ? user->pw_gid : st.st_gid;
    // Where that is not possible, root's view is better than none.
    if ((user != NULL ? initgroups(user->pw_name, gid) : setgroups(0, NULL)) !=
            0 ||
        setegid(gid) != 0 || seteuid(st.st_uid) != 0) {
        doctor_be_myself();
    }
}

void
doctor_be_myself(void)
{
    if (getuid() == 0 &&
        (seteuid(0) != 0 || setegid(0) != 0 || setgroups(0, NULL) != 0)) {
        perror("cannot be root again");
        exit(EXIT_FAILED);
    }
}
