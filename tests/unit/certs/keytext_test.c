// SPDX-License-Identifier: Apache-2.0
#include "certs/keytext.h"

#include "tests/unit/certs/key_folder.h"

#define Z85_KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static identity_t
worker_of_two_hosts(uint8_t secret[KEY_LEN])
{
    identity_t who = key_new("web1", ROLE_WORKER, secret);

    strcpy(who.hosts[who.n_hosts++], "web1");
    strcpy(who.hosts[who.n_hosts++], "web[2-9]*");
    who.expires = 4102444800;
    return who;
}

static void
check_same(const identity_t *a, const identity_t *b)
{
    assert_string_equal(a->name, b->name);
    assert_memory_equal(a->key, b->key, KEY_LEN);
    assert_int_equal(a->roles, b->roles);
    assert_int_equal(a->expires, b->expires);
    assert_int_equal(a->n_hosts, b->n_hosts);
    for (size_t i = 0; i < a->n_hosts; i++) {
        assert_string_equal(a->hosts[i], b->hosts[i]);
    }
}

static void
test_what_is_printed_is_read_back(void **state)
{
    uint8_t secret[KEY_LEN];
    identity_t who = worker_of_two_hosts(secret);
    keytext_t back;
    buf_t text = {0};
    buf_t why = {0};

    (void)state;
    keytext_print(&text, &who, NULL);
    CHECK_OK(keytext_parse(buf_span(&text), &back, &why));
    check_same(&back.identity, &who);
    assert_false(back.has_secret);

    buf_clear(&text);
    keytext_print(&text, &who, secret);
    CHECK_OK(keytext_parse(buf_span(&text), &back, &why));
    check_same(&back.identity, &who);
    assert_true(back.has_secret);
    assert_memory_equal(back.secret, secret, KEY_LEN);
    buf_fini(&text);
    buf_fini(&why);
}

static void
test_a_file_of_zmakecert_is_read(void **state)
{
    static const char text[] =
        "#   ****  Generated on 2026-01-02 by CZMQ  ****\n"
        "\n"
        "metadata\n"
        "    email = \"a@example.org\"\n"
        "    name = \"Alice Liddell\"\n"
        "    role = \"client, admin\"\n"
        "    other\n"
        "        role = \"worker\"\n"
        "curve\n"
        "    public-key = \"" Z85_KEY "\"\n"
        "extra\n"
        "    public-key = \"" Z85_KEY "\"\n";
    keytext_t out;
    buf_t why = {0};

    (void)state;
    CHECK_OK(keytext_parse(SPAN_LIT(text), &out, &why));
    assert_string_equal(out.identity.name, "");
    assert_int_equal(out.identity.roles, ROLE_CLIENT | ROLE_ADMIN);
    assert_int_equal(out.identity.n_hosts, 0);
    buf_fini(&why);
}

static void
test_faults_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "line 1: there is no public-key"},
        {"metadata\n    role = \"boss\"\n",
            "line 2: role must be worker, client or admin"},
        {"metadata\n    role = client\n    role = admin\n",
            "line 3: role is given twice"},
        {"metadata\n    expires = \"soon\"\n",
            "line 2: expires must be like 2027-01-31 or 2027-01-31T18:00:00Z"},
        {"metadata\n    expires = \"2027\"\n",
            "line 2: expires must be like 2027-01-31 or 2027-01-31T18:00:00Z"},
        {"metadata\n    expires = 2030-01-01\n    expires = 2031-01-01\n",
            "line 3: expires is given twice"},
        {"metadata\n    host = \"a/b\"\n",
            "line 2: host is no host name or pattern"},
        {"metadata\n    host = a\n    host = b\n",
            "line 3: host is given twice"},
        {"metadata\n    host = \"a a a a a a a a a a a a a a a a a\"\n",
            "line 2: too many host patterns"},
        {"curve\n    public-key = \"short\"\n",
            "line 2: a key must be 40 characters of Z85"},
        {"curve\n    public-key = \"" Z85_KEY "\"\n"
         "    public-key = \"" Z85_KEY "\"\n",
            "line 3: a key is given twice"},
        {"curve\n  public-key = \"" Z85_KEY "\"\n",
            "line 2: not in the form of a key file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keytext_t out;
        buf_t why = {0};
        CHECK_ERR(
            keytext_parse(span_str(cases[i].text), &out, &why), ERR_MALFORMED);
        buf_put_u8(&why, 0);
        if (cases[i].text[0] != '\0') {
            assert_string_equal((const char *)why.p, cases[i].why);
        }
        buf_fini(&why);
    }
}

#define SALT  "HelloWorldHelloWorld"
#define NONCE "HelloHelloHelloHelloHelloHello"
#define BOX   NONCE NONCE

static errcode_t
parse_sealed(const char *kdf, const char *ops, const char *memory,
    const char *salt, const char *rest, buf_t *why)
{
    char *text = xasprintf("curve\n    public-key = \"%s\"\n"
                           "sealed\n    kdf = %s\n    ops = \"%s\"\n"
                           "    memory = \"%s\"\n    salt = \"%s\"\n"
                           "    nonce = \"" NONCE "\"\n%s",
        Z85_KEY, kdf, ops, memory, salt, rest);
    keytext_t out;

    buf_clear(why);
    errcode_t rc = keytext_parse(span_str(text), &out, why);
    assert_int_equal(out.is_sealed, rc == ERR_OK);
    assert_false(out.is_sealed && out.has_secret);
    free(text);
    buf_put_u8(why, 0);
    return rc;
}

#define A_BOX "    box = \"" BOX "\"\n"

// 8 passes over 1 GiB are read, one more of either is not.
static void
test_what_a_passphrase_costs_is_bounded(void **state)
{
    static const struct {
        const char *ops, *memory;
        errcode_t rc;
    } cases[] = {
        {"8", "1073741824", ERR_OK},
        {"9", "1073741824", ERR_TOO_LARGE},
        {"8", "1073741825", ERR_TOO_LARGE},
        {"8", "1099511627776", ERR_TOO_LARGE},
        {"1", "8192", ERR_OK},
        {"1", "8191", ERR_TOO_LARGE},
        {"0", "8192", ERR_MALFORMED},
        {"01", "8192", ERR_MALFORMED},
        {"-1", "8192", ERR_MALFORMED},
        {"", "8192", ERR_MALFORMED},
        {"1", "18446744073709551617", ERR_MALFORMED},
    };
    buf_t why = {0};

    (void)state;
    assert_int_equal(LIMIT_KDF_OPS, 8);
    assert_int_equal(LIMIT_KDF_MEMORY, 1073741824);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_ERR(parse_sealed("argon2id13", cases[i].ops, cases[i].memory,
                      SALT, A_BOX, &why),
            cases[i].rc);
    }
    buf_fini(&why);
}

static void
test_faults_of_a_sealed_key(void **state)
{
    static const struct {
        const char *kdf, *salt, *rest, *why;
    } cases[] = {
        {"scrypt", SALT, A_BOX,
            "line 4: cannot be read, so the key cannot be unsealed"},
        {"argon2id13", "Hello", A_BOX,
            "line 7: cannot be read, so the key cannot be unsealed"},
        {"argon2id13", SALT, "", "line 8: the sealed key is not complete"},
        {"argon2id13", SALT, A_BOX A_BOX, "line 10: that is given twice"},
        {"argon2id13", SALT, A_BOX "    lanes = 4\n",
            "line 10: this version does not know that about a sealed key"},
        {"argon2id13", SALT, A_BOX "curve\n    secret-key = \"" Z85_KEY "\"\n",
            "line 11: a secret key is there beside the sealed one"},
    };
    buf_t why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_ERR(parse_sealed(cases[i].kdf, "3", "8192", cases[i].salt,
                      cases[i].rest, &why),
            ERR_MALFORMED);
        assert_string_equal((const char *)why.p, cases[i].why);
    }
    buf_fini(&why);
}

static void
test_names_are_plain(void **state)
{
    static const char *const good[] = {"a", "web-1", "db_2.example.org", "9"};
    static const char *const bad[] = {"", ".", "..", ".a", "a/b", "a b", "a*",
        "\xc3\xa4", "a\n",
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(key_name_is_valid(span_str(good[i])));
        assert_true(host_pattern_is_valid(span_str(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(key_name_is_valid(span_str(bad[i])));
    }
    assert_false(key_name_is_valid((span_t){(const uint8_t *)"a\0b", 3}));
}

static void
test_patterns_are_those_of_fnmatch(void **state)
{
    (void)state;
    assert_true(host_pattern_is_valid(SPAN_LIT("*")));
    assert_true(host_pattern_is_valid(SPAN_LIT("web[!0-9]?.example.org")));
    assert_false(host_pattern_is_valid(SPAN_LIT("")));
    assert_false(host_pattern_is_valid(SPAN_LIT("a,b")));
    assert_false(host_pattern_is_valid(SPAN_LIT("a\"b")));
    assert_false(host_pattern_is_valid(SPAN_LIT("a\\b")));
    assert_false(host_pattern_is_valid(SPAN_LIT("a\0b")));
}

// Whatever is accepted can be printed and is read as the same again.
static void
parse_and_print(span_t text)
{
    keytext_t out;
    keytext_t back;
    buf_t why = {0};
    buf_t printed = {0};

    if (keytext_parse(text, &out, &why) != ERR_OK) {
        assert_true(why.len > 0);
    } else {
        if (out.is_sealed) {
            keytext_print_sealed(&printed, &out.identity, &out.lock);
        } else {
            keytext_print(
                &printed, &out.identity, out.has_secret ? out.secret : NULL);
        }
        CHECK_OK(keytext_parse(buf_span(&printed), &back, &why));
        check_same(&out.identity, &back.identity);
        assert_memory_equal(&out.lock, &back.lock, sizeof out.lock);
    }
    buf_fini(&printed);
    buf_fini(&why);
}

static void
damage(buf_t *text)
{
    for (size_t len = 0; len <= text->len; len++) {
        uint8_t *copy = test_malloc(len + 1);
        memcpy(copy, text->p, len);
        parse_and_print((span_t){copy, len});
        test_free(copy);
    }
    for (size_t bit = 0; bit < text->len * 8; bit++) {
        text->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        parse_and_print(buf_span(text));
        text->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void
test_truncations_and_bit_flips_stay_inside(void **state)
{
    uint8_t secret[KEY_LEN];
    identity_t who = worker_of_two_hosts(secret);
    keylock_t lock = {.cost = {1, 8192}};
    buf_t text = {0};

    (void)state;
    keytext_print(&text, &who, secret);
    damage(&text);
    buf_clear(&text);
    keytext_print_sealed(&text, &who, &lock);
    damage(&text);
    buf_fini(&text);
}

static bool
takes_hosts(uint64_t n)
{
    uint8_t secret[KEY_LEN];
    identity_t who = key_new("web1", ROLE_WORKER, secret);
    keytext_t out;
    buf_t text = {0}, why = {0};

    keytext_print(&text, &who, NULL);
    const uint8_t *at = memmem(text.p, text.len, "curve", 5);
    assert_non_null(at);
    buf_t with = {0};
    buf_put_span(&with, (span_t){text.p, (size_t)(at - text.p)});
    buf_put_str(&with, "    host = \"");
    for (uint64_t i = 0; i < n; i++) {
        buf_printf(&with, "%sh%u", i > 0 ? ", " : "", (unsigned)i);
    }
    buf_put_str(&with, "\"\n");
    buf_put_span(&with, (span_t){at, (size_t)(text.p + text.len - at)});
    errcode_t rc = keytext_parse(buf_span(&with), &out, &why);
    assert_true(rc == ERR_OK || memmem(why.p, why.len, "too many", 8) != NULL);
    assert_true(rc != ERR_OK || out.identity.n_hosts == n);
    buf_fini(&with);
    buf_fini(&text);
    buf_fini(&why);
    return rc == ERR_OK;
}

static bool
takes_host_name(uint64_t len)
{
    char name[LIMIT_NAME + 1];

    memset(name, 'a', sizeof name);
    return host_pattern_is_valid((span_t){(uint8_t *)name, len - 1});
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_HOSTS, takes_hosts);
    CHECK_LIMIT(LIMIT_NAME, takes_host_name);
}

// The longest text there is fits into the memory that guards it.
static void
test_the_longest_text_has_room(void **state)
{
    uint8_t secret[KEY_LEN];
    identity_t who =
        key_new("a", ROLE_WORKER | ROLE_CLIENT | ROLE_ADMIN, secret);
    keylock_t lock = {.cost = {LIMIT_KDF_OPS, LIMIT_KDF_MEMORY}};
    buf_t text = {0};

    (void)state;
    memset(who.name, 'a', sizeof who.name - 1);
    for (who.n_hosts = 0; who.n_hosts < LIMIT_HOSTS; who.n_hosts++) {
        memset(who.hosts[who.n_hosts], 'h', LIMIT_NAME - 1);
    }
    who.expires = 4102444799;
    keytext_print(&text, &who, secret);
    keytext_print_sealed(&text, &who, &lock);
    assert_true(text.len < KEYTEXT_ROOM);
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_what_is_printed_is_read_back),
        cmocka_unit_test(test_a_file_of_zmakecert_is_read),
        cmocka_unit_test(test_faults_are_told_with_their_line),
        cmocka_unit_test(test_what_a_passphrase_costs_is_bounded),
        cmocka_unit_test(test_faults_of_a_sealed_key),
        cmocka_unit_test(test_the_longest_text_has_room),
        cmocka_unit_test(test_names_are_plain),
        cmocka_unit_test(test_patterns_are_those_of_fnmatch),
        cmocka_unit_test(test_truncations_and_bit_flips_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
