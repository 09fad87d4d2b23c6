// SPDX-License-Identifier: Apache-2.0
// Texts and bytes of a message: at their limit, and one past. What no struct
// of ours can hold is written field by field.
#include "common/wire/frame.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"
#include "common/wire/control.pb.h"

#include <pb_encode.h>
#include <string.h>

static bool
takes_field(const pb_msgdesc_t *fields, void *into, uint32_t tag, uint64_t len)
{
    static uint8_t text[LIMIT_CUTS_BYTES + 1], bytes[sizeof text + 16];
    pb_ostream_t stream = pb_ostream_from_buffer(bytes, sizeof bytes);
    frame_t frame = {0};

    memset(text, 'a', sizeof text);
    assert_true(len <= sizeof text &&
                pb_encode_tag(&stream, PB_WT_STRING, tag) &&
                pb_encode_string(&stream, text, len));
    frame.meta = (span_t){bytes, stream.bytes_written};
    errcode_t rc = frame_meta(&frame, fields, into);
    assert_true(rc == ERR_OK || rc == ERR_MALFORMED);
    return rc == ERR_OK;
}

// A text counts with its end.
static bool
takes_text(uint64_t len)
{
    lt_ShardFailed meta;

    return takes_field(
        lt_ShardFailed_fields, &meta, lt_ShardFailed_text_tag, len - 1);
}

static bool
takes_path(uint64_t len)
{
    static lt_File file;

    return takes_field(lt_File_fields, &file, lt_File_path_tag, len - 1);
}

static bool
takes_host(uint64_t len)
{
    static lt_Register meta;

    return takes_field(
        lt_Register_fields, &meta, lt_Register_name_tag, len - 1);
}

static bool
takes_format(uint64_t len)
{
    static lt_Submit meta;

    return takes_field(lt_Submit_fields, &meta, lt_Submit_format_tag, len - 1);
}

static bool
takes_query(uint64_t len)
{
    static lt_Submit meta;

    return takes_field(lt_Submit_fields, &meta, lt_Submit_query_tag, len);
}

static bool
takes_cuts(uint64_t len)
{
    static lt_Cuts cuts;

    return takes_field(lt_Cuts_fields, &cuts, lt_Cuts_at_tag, len);
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_TEXT, takes_text);
    CHECK_LIMIT(LIMIT_PATH, takes_path);
    CHECK_LIMIT(LIMIT_NAME, takes_host);
    CHECK_LIMIT(LIMIT_FORMAT_NAME, takes_format);
    CHECK_LIMIT(LIMIT_QUERY_TEXT, takes_query);
    CHECK_LIMIT(LIMIT_CUTS_BYTES, takes_cuts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
