// SPDX-License-Identifier: Apache-2.0
#include "coordinator/roster.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static identity_t
person(const char *name, uint8_t key)
{
    identity_t who = {.roles = ROLE_CLIENT};

    snprintf(who.name, sizeof who.name, "%s", name);
    memset(who.key, key, sizeof who.key);
    return who;
}

// The allowlist of these tests: one identity, or none.
static errcode_t
look_up(void *ctx, const char *name, identity_t *out)
{
    const identity_t *only = ctx;

    if (only == NULL || strcmp(only->name, name) != 0) {
        return ERR_NOT_FOUND;
    }
    *out = *only;
    return ERR_OK;
}

static void
test_a_name_that_vanished_is_found_once(void **state)
{
    roster_t *roster = roster_new();
    identity_t ann = person("ann", 1);
    identity_t bob = person("bob", 2);
    char name[LIMIT_NAME];

    (void)state;
    roster_note(roster, &ann);
    roster_note(roster, &bob);
    roster_note(roster, &ann);
    assert_true(roster_next_gone(roster, look_up, &ann, name));
    assert_string_equal(name, "bob");
    assert_false(roster_next_gone(roster, look_up, &ann, name));
    roster_destroy(&roster);
    roster_destroy(&roster);
}

static void
test_another_key_under_the_name_is_found(void **state)
{
    roster_t *roster = roster_new();
    identity_t old = person("ann", 1);
    identity_t new = person("ann", 2);
    char name[LIMIT_NAME];

    (void)state;
    roster_note(roster, &old);
    roster_note(roster, &new);
    assert_true(roster_next_gone(roster, look_up, &new, name));
    assert_string_equal(name, "ann");
    roster_note(roster, &new);
    assert_false(roster_next_gone(roster, look_up, &new, name));
    roster_destroy(&roster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_that_vanished_is_found_once),
        cmocka_unit_test(test_another_key_under_the_name_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
