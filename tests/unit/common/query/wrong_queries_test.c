// SPDX-License-Identifier: Apache-2.0
// Every row of tests/oracle/wrong_queries.tsv: what is wrong, where it is
// marked, and what was meant.
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS 5

// From build/PRESET/tests to the tree.
static FILE *
open_table(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 100);

    assert_true(n > 0);
    path[n] = '\0';
    for (int i = 0; i < 4; i++) {
        *strrchr(path, '/') = '\0';
    }
    strcat(path, "/tests/oracle/wrong_queries.tsv");
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("%s cannot be opened", path);
    }
    return f;
}

static void
check_row(char *line)
{
    char *cell[COLUMNS] = {line};
    query_error_t error;
    query_t *q;

    for (int i = 1; i < COLUMNS; i++) {
        char *tab = strchr(cell[i - 1], '\t');
        assert_non_null(tab);
        *tab = '\0';
        cell[i] = tab + 1;
    }
    size_t column = strtoul(cell[2], NULL, 10);
    if (query_parse(cell[0], &q, &error) != ERR_QUERY) {
        fail_msg("%s: is taken", cell[0]);
    }
    if (strstr(error.message, cell[1]) == NULL || error.begin != column ||
        strcmp(error.suggestion, cell[4]) != 0) {
        fail_msg("%s: %s at %zu, '%s'", cell[0], error.message, error.begin,
            error.suggestion);
    }
}

// The line under the query, as a person sees it.
static void
check_marks(char *line)
{
    char *tab = strchr(line, '\t');
    char *column = strchr(tab + 1, '\t') + 1, *end;
    size_t before = strtoul(column, &end, 10);
    size_t width = strtoul(end + 1, NULL, 10);
    query_error_t error;
    query_t *q;
    buf_t out = {0};

    *tab = '\0';
    assert_int_equal(query_parse(line, &q, &error), ERR_QUERY);
    query_error_print(&error, line, &out);
    buf_put_u8(&out, 0);
    const char *marks = strrchr((char *)out.p, '^');
    size_t n = 1;
    while (marks[-1] == '^') {
        marks--;
        n++;
    }
    assert_int_equal(n, width);
    const char *begin = marks;
    while (begin[-1] != '\n') {
        begin--;
    }
    assert_int_equal(marks - begin, before + 2);
    buf_fini(&out);
}

static void
each_row(void (*check)(char *), size_t *rows)
{
    char line[4096];
    FILE *f = open_table();

    *rows = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#') {
            check(line);
            (*rows)++;
        }
    }
    fclose(f);
}

static void
test_every_mistake_is_named_and_marked(void **state)
{
    size_t rows;

    (void)state;
    each_row(check_row, &rows);
    assert_true(rows >= 300);
    each_row(check_marks, &rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mistake_is_named_and_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
