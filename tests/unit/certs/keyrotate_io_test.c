// SPDX-License-Identifier: Apache-2.0
#include "certs/keyrotate_io.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"
#include "certs/keymaker_io.h"

typedef struct fixture {
    char *parent;
    char *dir;
    identity_t first; // the coordinator's key at the start
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);
    identity_t admin, web = {.name = "web1", .roles = ROLE_WORKER};
    buf_t why = {0};

    f->parent = folder_new();
    f->dir = xasprintf("%s/keys", f->parent);
    CHECK_OK(keymaker_init(f->dir, &f->first, &admin, &why));
    CHECK_OK(keymaker_new(f->dir, &web, &why));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    folder_destroy(&f->parent);
    free(f->dir);
    free(f);
    return 0;
}

static bool
is_there(const fixture_t *f, const char *name)
{
    return access(path_in(f->dir, name), F_OK) == 0;
}

// The key that the coordinator would serve with.
static void
check_serves(const fixture_t *f, const uint8_t *key)
{
    keypair_t pair;
    identity_t public;
    buf_t why = {0};

    CHECK_OK(keyfile_load_secret(
        path_in(f->dir, "coordinator_secret"), &pair, &why));
    assert_memory_equal(pair.public_key, key, KEY_LEN);
    keypair_fini(&pair);
    CHECK_OK(
        keyfile_load_public(path_in(f->dir, "coordinator"), &public, &why));
    assert_memory_equal(public.key, key, KEY_LEN);
}

// What a host pins that has the folder issued/NAME; b NULL: one key.
static void
check_pins(
    const fixture_t *f, const char *name, const uint8_t *a, const uint8_t *b)
{
    char *folder = xasprintf("%s/issued/%s", f->dir, name);
    pins_t pins;
    buf_t why = {0};

    CHECK_OK(pins_load(folder, &pins, &why));
    assert_int_equal(pins.n, b != NULL ? 2 : 1);
    assert_memory_equal(pins.keys[0], a, KEY_LEN);
    if (b != NULL) {
        assert_memory_equal(pins.keys[1], b, KEY_LEN);
    }
    free(folder);
}

static void
test_a_rotation_from_end_to_end(void **state)
{
    fixture_t *f = *state;
    identity_t next, db = {.name = "db1", .roles = ROLE_WORKER};
    buf_t why = {0};

    assert_int_equal(keyrotate_phase(f->dir), ROTATION_NONE);
    CHECK_OK(keyrotate_announce(f->dir, &next, &why));
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_ANNOUNCED);
    check_serves(f, f->first.key);
    check_pins(f, "web1", f->first.key, next.key);
    CHECK_OK(keymaker_new(f->dir, &db, &why)); // made meanwhile
    check_pins(f, "db1", f->first.key, next.key);

    CHECK_OK(keyrotate_switch(f->dir, &why));
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_SWITCHED);
    check_serves(f, next.key);
    check_pins(f, "web1", f->first.key, next.key);
    assert_true(is_there(f, "coordinator_old_secret"));

    CHECK_OK(keyrotate_finish(f->dir, &why));
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_NONE);
    check_serves(f, next.key);
    check_pins(f, "web1", next.key, NULL);
    check_pins(f, "admin", next.key, NULL);
    assert_false(is_there(f, "coordinator_old"));
    assert_false(is_there(f, "coordinator_old_secret"));
    assert_false(is_there(f, "coordinator_next"));
    buf_fini(&why);
}

static void
test_a_switch_can_be_undone(void **state)
{
    fixture_t *f = *state;
    identity_t next;
    buf_t why = {0};

    CHECK_OK(keyrotate_announce(f->dir, &next, &why));
    CHECK_OK(keyrotate_switch(f->dir, &why));
    CHECK_OK(keyrotate_back(f->dir, &why));
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_ANNOUNCED);
    check_serves(f, f->first.key);
    assert_false(is_there(f, "coordinator_old"));
    CHECK_OK(keyrotate_switch(f->dir, &why));
    check_serves(f, next.key);
    buf_fini(&why);
}

static void
test_steps_out_of_order_are_refused(void **state)
{
    fixture_t *f = *state;
    identity_t next;
    buf_t why = {0};

    CHECK_ERR(keyrotate_switch(f->dir, &why), ERR_DENIED);
    CHECK_SAYS(why, "is not being rotated");
    CHECK_ERR(keyrotate_finish(f->dir, &why), ERR_DENIED);
    CHECK_ERR(keyrotate_back(f->dir, &why), ERR_DENIED);
    CHECK_OK(keyrotate_announce(f->dir, &next, &why));
    buf_clear(&why);
    CHECK_ERR(keyrotate_finish(f->dir, &why), ERR_DENIED);
    CHECK_SAYS(why, "not switched to");
    CHECK_OK(keyrotate_switch(f->dir, &why));
    buf_clear(&why);
    CHECK_ERR(keyrotate_announce(f->dir, &next, &why), ERR_DENIED);
    CHECK_SAYS(why, "has not come to its end");
    CHECK_ERR(keyrotate_switch(f->dir, &why), ERR_DENIED);
    buf_fini(&why);
}

// Again gives the same key to those who were left out.
static void
test_an_announcement_is_made_again(void **state)
{
    fixture_t *f = *state;
    identity_t next, again;
    buf_t why = {0};

    CHECK_OK(keyrotate_announce(f->dir, &next, &why));
    assert_int_equal(unlink(path_in(f->dir, "coordinator_next")), 0);
    assert_int_equal(
        unlink(path_in(f->dir, "issued/web1/coordinator_next")), 0);
    CHECK_OK(keyrotate_announce(f->dir, &again, &why));
    assert_memory_equal(again.key, next.key, KEY_LEN);
    check_pins(f, "web1", f->first.key, next.key);
    assert_true(is_there(f, "coordinator_next"));
    buf_fini(&why);
}

// Killed between any two renames: there is always a secret to serve with, and
// the step can be run again.
static void
test_a_switch_that_was_cut_off_goes_on(void **state)
{
    fixture_t *f = *state;
    identity_t next;
    char *from, *to;
    buf_t why = {0};

    CHECK_OK(keyrotate_announce(f->dir, &next, &why));
    // As after the links: both names of the old one, nothing moved.
    from = xasprintf("%s/coordinator_secret", f->dir);
    to = xasprintf("%s/coordinator_old_secret", f->dir);
    assert_int_equal(link(from, to), 0);
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_ANNOUNCED);
    free(to);
    // As after the move of the secret.
    CHECK_OK(keyrotate_switch(f->dir, &why));
    to = xasprintf("%s/coordinator_next", f->dir);
    free(from);
    from = xasprintf("%s/coordinator", f->dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_HALFWAY);
    CHECK_OK(keyrotate_switch(f->dir, &why));
    assert_int_equal(keyrotate_phase(f->dir), ROTATION_SWITCHED);
    check_serves(f, next.key);
    CHECK_OK(keyrotate_finish(f->dir, &why));
    free(from);
    free(to);
    buf_fini(&why);
}

// What a unit gives in place of a missing file is no key; anything longer
// has to be one.
static void
test_what_stands_for_no_next_key(void **state)
{
    fixture_t *f = *state;
    char *folder = xasprintf("%s/issued/web1", f->dir);
    pins_t pins;
    buf_t why = {0};

    put_text(folder, "coordinator_next", 0644, SPAN_LIT("none"));
    check_pins(f, "web1", f->first.key, NULL);
    put_text(folder, "coordinator_next", 0644, SPAN_LIT("fifteen bytes.\n"));
    check_pins(f, "web1", f->first.key, NULL);
    put_text(folder, "coordinator_next", 0644, SPAN_LIT("sixteen bytes..\n"));
    CHECK_ERR(pins_load(folder, &pins, &why), ERR_MALFORMED);
    free(folder);
    buf_fini(&why);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_rotation_from_end_to_end),
        WITH_FOLDER(test_a_switch_can_be_undone),
        WITH_FOLDER(test_steps_out_of_order_are_refused),
        WITH_FOLDER(test_an_announcement_is_made_again),
        WITH_FOLDER(test_a_switch_that_was_cut_off_goes_on),
        WITH_FOLDER(test_what_stands_for_no_next_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
