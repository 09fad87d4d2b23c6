// SPDX-License-Identifier: Apache-2.0
#include "certs/keyrenew_io.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"
#include "certs/keymaker_io.h"

#include <time.h>

typedef struct fixture {
    char *parent;
    char *dir;
    identity_t old;
    identity_t new;
    allowlist_t *list;
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);
    identity_t coordinator, admin;
    buf_t why = {0};

    f->parent = folder_new();
    f->dir = xasprintf("%s/keys", f->parent);
    f->old = (identity_t){.name = "web1",
        .roles = ROLE_WORKER,
        .n_hosts = 1,
        .hosts = {"web1.example"}};
    CHECK_OK(keymaker_init(f->dir, &coordinator, &admin, &why));
    CHECK_OK(keymaker_new(f->dir, &f->old, &why));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    allowlist_destroy(&f->list);
    folder_destroy(&f->parent);
    free(f->dir);
    free(f);
    return 0;
}

static errcode_t
renew(fixture_t *f, int64_t until, buf_t *why)
{
    const keyrenew_t what = {.name = "web1", .old_until = until};

    buf_clear(why);
    return keyrenew_begin(f->dir, &what, &f->new, why);
}

// As the coordinator reads it; NULL: that key is not let in.
static const identity_t *
let_in(fixture_t *f, const uint8_t *key)
{
    buf_t why = {0};

    allowlist_destroy(&f->list);
    CHECK_OK(allowlist_load(f->dir, &f->list, &why));
    return allowlist_by_key(f->list, key);
}

static void
test_both_are_good_until_the_end(void **state)
{
    fixture_t *f = *state;
    char id[LIMIT_NAME];
    buf_t why = {0};

    CHECK_OK(renew(f, 0, &why));
    assert_memory_not_equal(f->new.key, f->old.key, KEY_LEN);
    assert_non_null(let_in(f, f->old.key));
    const identity_t *new = let_in(f, f->new.key);
    assert_non_null(new);
    assert_string_equal(new->name, "web1");
    assert_true(identity_speaks_for(new, "web1.example"));
    assert_ptr_equal(allowlist_by_name(f->list, "web1"),
        allowlist_by_key(f->list, f->old.key));
    identity_id(new, id);
    assert_memory_equal(id, "web1#", 5);
    assert_ptr_equal(allowlist_by_name(f->list, id), new);

    CHECK_OK(keyrenew_finish(f->dir, "web1", &why));
    assert_null(let_in(f, f->old.key));
    new = let_in(f, f->new.key);
    assert_non_null(new);
    // Connections that were made before are still known by their id.
    assert_ptr_equal(allowlist_by_name(f->list, id), new);
    assert_ptr_equal(allowlist_by_name(f->list, "web1"), new);
    assert_null(allowlist_by_name(f->list, "web1#0000-0000-0000-0000"));
    buf_fini(&why);
}

static void
test_what_was_issued_is_the_new_key(void **state)
{
    fixture_t *f = *state;
    credentials_t keys;
    buf_t why = {0};

    CHECK_OK(renew(f, 0, &why));
    CHECK_OK(credentials_load(path_in(f->dir, "issued/web1"), &keys, &why));
    assert_memory_equal(keys.self.public_key, f->new.key, KEY_LEN);
    credentials_fini(&keys);
    assert_int_not_equal(access(path_in(f->dir, "issued/.web1.new"), F_OK), 0);
    buf_fini(&why);
}

static void
test_the_grace_is_an_end_of_the_old_key(void **state)
{
    fixture_t *f = *state;
    int64_t now = time(NULL);
    buf_t why = {0};

    CHECK_OK(renew(f, now + 100, &why));
    const identity_t *old = let_in(f, f->old.key);
    assert_int_equal(old->expires, now + 100);
    assert_int_equal(allowlist_by_key(f->list, f->new.key)->expires, 0);
    assert_true(identity_is_current(old, now + 99));
    assert_false(identity_is_current(old, now + 100));
    CHECK_OK(keyrenew_finish(f->dir, "web1", &why));
    assert_int_equal(let_in(f, f->new.key)->expires, 0);
    buf_fini(&why);
}

static void
test_one_rotation_at_a_time(void **state)
{
    fixture_t *f = *state;
    const keyrenew_t stranger = {.name = "db1"}, wrong = {.name = "../web1"};
    buf_t why = {0};

    CHECK_ERR(keyrenew_finish(f->dir, "web1", &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "begin with");
    CHECK_OK(renew(f, 0, &why));
    CHECK_ERR(renew(f, 0, &why), ERR_DENIED);
    CHECK_SAYS(why, "--finish");
    CHECK_ERR(keyrenew_begin(f->dir, &stranger, &f->new, &why), ERR_NOT_FOUND);
    CHECK_ERR(keyrenew_begin(f->dir, &wrong, &f->new, &why), ERR_CONFIG);
    buf_fini(&why);
}

static void
test_a_worker_has_no_passphrase(void **state)
{
    fixture_t *f = *state;
    const keyseal_t seal = {SPAN_LIT("correct horse"), &keylock_usual};
    const keyrenew_t what = {.name = "web1", .seal = &seal};
    buf_t why = {0};

    CHECK_ERR(keyrenew_begin(f->dir, &what, &f->new, &why), ERR_CONFIG);
    CHECK_SAYS(why, "a worker's key has no passphrase");
    buf_fini(&why);
}

// Who revokes a name means all keys of it.
static void
test_revoking_ends_both(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};

    CHECK_OK(renew(f, 0, &why));
    CHECK_OK(keymaker_revoke(f->dir, "web1", &why));
    assert_null(let_in(f, f->old.key));
    assert_null(let_in(f, f->new.key));
    CHECK_ERR(keyrenew_finish(f->dir, "web1", &why), ERR_NOT_FOUND);
    buf_fini(&why);
}

// A file of DIR/next alone lets nobody in, and one that has taken over is no
// second key.
static void
test_a_next_key_needs_one_to_follow(void **state)
{
    fixture_t *f = *state;
    identity_t lone = key_new("lone", ROLE_ADMIN, NULL);
    buf_t why = {0};

    CHECK_OK(renew(f, 0, &why));
    put_key(f->dir, "next/lone", 0644, &lone, NULL);
    assert_null(let_in(f, lone.key));
    put_key(f->dir, "allowed/web1", 0644, &f->new, NULL);
    assert_non_null(let_in(f, f->new.key));
    assert_false(let_in(f, f->new.key)->next);
    assert_int_equal(allowlist_count(f->list), 2); // and admin
    buf_fini(&why);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_both_are_good_until_the_end),
        WITH_FOLDER(test_what_was_issued_is_the_new_key),
        WITH_FOLDER(test_the_grace_is_an_end_of_the_old_key),
        WITH_FOLDER(test_one_rotation_at_a_time),
        WITH_FOLDER(test_a_worker_has_no_passphrase),
        WITH_FOLDER(test_revoking_ends_both),
        WITH_FOLDER(test_a_next_key_needs_one_to_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
