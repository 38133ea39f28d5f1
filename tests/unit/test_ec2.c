#include "aws/ec2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

static bool list(struct names *regions, const char *body, struct err *err)
{
    struct fake fake;
    char key[] = "key";
    fake_start(&fake);
    struct aws_session session = {.io = &fake.io, .credentials = {.access_key = key, .secret_key = key}};
    struct aws_client client = {.session = &session,
                                .endpoint = {.url = "https://ec2.eu-west-1.amazonaws.com",
                                             .signing_region = "eu-west-1",
                                             .signing_service = "ec2"}};
    fake_add(&fake, (struct fake_reply){
                        .method = HTTP_POST, .url = "https://ec2.eu-west-1.amazonaws.com/", .body = body});
    bool ok = ec2_list_regions(&client, regions, err);
    assert_string_equal(fake.requests[0].body, "Action=DescribeRegions&Version=2016-11-15");
    fake_end(&fake);
    return ok;
}

static void test_lists_regions(void **state)
{
    (void)state;
    struct names regions = {0};
    struct err err = {0};
    assert_true(list(
        &regions,
        "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>"
        "<regionInfo><item><regionName>us-east-1</regionName><regionEndpoint>e</regionEndpoint><optInStatus>"
        "opt-in-not-required</optInStatus></item><item><regionName>eu-west-1</regionName></item></regionInfo>"
        "</DescribeRegionsResponse>",
        &err));
    assert_int_equal(regions.count, 2);
    assert_string_equal(regions.items[0], "eu-west-1");
    assert_string_equal(regions.items[1], "us-east-1");
    names_free(&regions);
    names_free(NULL);
}

static void test_refuses_what_names_none(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{}", "<a/>",
                                         "<a><regionInfo><item><regionName/></item></regionInfo></a>", "<a>"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct names regions = {0};
        struct err err = {0};
        assert_false(list(&regions, bodies[i], &err));
        assert_int_equal(err.code, ERR_MALFORMED);
        names_free(&regions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_regions),
        cmocka_unit_test(test_refuses_what_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
