/* Executables in a bucket, and the user-data that installs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollout/publish.h"
#include "script.h"

struct fixture {
    struct script script;
    struct publish publish;
    char folder[32];
    char linux_file[64], windows_file[64], text_file[64];
};

static void write_file(char *path, size_t size, const char *folder, const char *name, const void *data,
                       size_t len)
{
    (void)snprintf(path, size, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void start(struct fixture *f)
{
    unsigned char elf[64] = "\x7f"
                            "ELF\x02\x01\x01";
    unsigned char pe[160] = "MZ";
    script_start(&f->script, "eu-west-1");
    f->publish = (struct publish){0};
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/publish-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    elf[16] = 3;
    elf[18] = 62;
    pe[0x3c] = 0x80;
    memcpy(pe + 0x80, "PE\0", 4);
    pe[0x84] = 0x64;
    pe[0x85] = 0x86;
    pe[0x96] = 2;
    write_file(f->linux_file, sizeof f->linux_file, f->folder, "l", elf, sizeof elf);
    write_file(f->windows_file, sizeof f->windows_file, f->folder, "w", pe, sizeof pe);
    write_file(f->text_file, sizeof f->text_file, f->folder, "t", "text", 4);
}

static void end(struct fixture *f)
{
    (void)unlink(f->linux_file);
    (void)unlink(f->windows_file);
    (void)unlink(f->text_file);
    assert_int_equal(rmdir(f->folder), 0);
    publish_close(&f->publish);
    script_end(&f->script);
}

static void refused(struct fixture *f, const char *url, const char *first, const char *second,
                    enum err_code code, const char *why)
{
    const char *const files[] = {first, second};
    struct err err = {0};
    size_t count = first ? (second ? 2 : 1) : 0;
    assert_false(publish_prepare(&f->publish, url, "1.0.0", files, count, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, why));
    publish_close(&f->publish);
}

static void test_refusals(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    refused(&f, "bucket/x", f.linux_file, NULL, ERR_USAGE, "--publish");
    refused(&f, "s3://", f.linux_file, NULL, ERR_USAGE, "--publish");
    refused(&f, "s3:///x", f.linux_file, NULL, ERR_USAGE, "--publish");
    refused(&f, "s3://bucket/a'b", f.linux_file, NULL, ERR_USAGE, "prefix");
    refused(&f, "s3://bucket/x", NULL, NULL, ERR_USAGE, "--binary");
    refused(&f, "s3://bucket/x", f.text_file, NULL, ERR_CONFIG, "no executable");
    refused(&f, "s3://bucket/x", f.linux_file, "/does/not/exist", ERR_CONFIG, "/does/not/exist");
    refused(&f, "s3://bucket/x", f.linux_file, f.linux_file, ERR_USAGE, "linux-x86_64");
    end(&f);
}

static void prepare(struct fixture *f, const char *url)
{
    const char *const files[] = {f->linux_file, f->windows_file};
    struct err err = {0};
    assert_true(publish_prepare(&f->publish, url, "1.0.0", files, 2, &err));
}

static void test_layout(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    prepare(&f, "s3://bucket/tools/x//");
    const struct publish_object *objects = f.publish.objects;
    assert_string_equal(objects[0].key, "tools/x/1.0.0/linux-x86_64/ssm-enforce");
    assert_string_equal(objects[1].key, "tools/x/1.0.0/windows-x86_64/ssm-enforce.exe");
    assert_string_equal(objects[2].key, "tools/x/1.0.0/SHA256SUMS");
    assert_int_equal(strlen(objects[0].sha256), 64);
    assert_memory_equal(objects[2].data.data, objects[0].sha256, 64);
    assert_string_equal(objects[2].data.data + 64 + strlen("  linux-x86_64/ssm-enforce\n") + 64,
                        "  windows-x86_64/ssm-enforce.exe\n");
    assert_true(publish_has_work(&f.publish));
    publish_close(&f.publish);
    prepare(&f, "s3://bucket");
    assert_string_equal(f.publish.objects[2].key, "1.0.0/SHA256SUMS");
    end(&f);
}

static void test_sent(void **state)
{
    struct fixture f;
    struct err err;
    (void)state;
    start(&f);
    prepare(&f, "s3://bucket/t");
    for (int i = 0; i < 3; i++)
        (void)script_expect(&f.script, "bucket.s3", i == 2 ? "SHA256SUMS" : "-x86_64/ssm-enforce",
                            i == 0 ? 403 : 404, "");
    assert_true(publish_plan(&f.publish, &f.script.account, "s3://bucket/t", &err));
    for (int i = 0; i < 3; i++)
        (void)script_expect(&f.script, "bucket.s3", i == 2 ? "SHA256SUMS" : "-x86_64/ssm-enforce", 200, "");
    assert_true(publish_apply(&f.publish));
    for (size_t i = 0; i < 3; i++)
        assert_true(f.publish.objects[i].done);
    end(&f);
}

/* The list of checksums is not sent where what it lists did not arrive. */
static void test_not_sent(void **state)
{
    struct fixture f;
    struct err err;
    (void)state;
    start(&f);
    prepare(&f, "s3://bucket/t");
    for (int i = 0; i < 3; i++)
        (void)script_expect(&f.script, "bucket.s3", "t/1.0.0/", 404, "");
    assert_true(publish_plan(&f.publish, &f.script.account, "s3://bucket/t", &err));
    (void)script_expect(&f.script, "bucket.s3", "linux", 403,
                        "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    (void)script_expect(&f.script, "bucket.s3", "windows", 200, "");
    assert_false(publish_apply(&f.publish));
    assert_int_equal(f.publish.objects[0].err.code, ERR_DENIED);
    assert_true(f.publish.objects[1].done);
    assert_false(f.publish.objects[2].done);
    end(&f);
}

static void test_bad_bucket(void **state)
{
    struct fixture f;
    struct err err = {0};
    (void)state;
    start(&f);
    prepare(&f, "s3://Not_A_Bucket/t");
    assert_false(publish_plan(&f.publish, &f.script.account, "s3://Not_A_Bucket/t", &err));
    assert_int_equal(err.code, ERR_USAGE);
    end(&f);
}

static void test_user_data(void **state)
{
    struct fixture f;
    struct err err;
    struct buf text = {0};
    struct publish_paths paths = {"/usr/local/bin/ssm-enforce",
                                  "C:\\Program Files\\ssm-enforce\\ssm-enforce.exe"};
    const char *const files[] = {f.linux_file};
    (void)state;
    start(&f);
    assert_true(publish_prepare(&f.publish, "s3://bucket/t", "1.0.0", files, 1, &err));
    for (int i = 0; i < 2; i++)
        (void)script_expect(&f.script, "bucket.s3", "t/1.0.0/", 404, "");
    assert_true(publish_plan(&f.publish, &f.script.account, "s3://bucket/t", &err));
    assert_true(publish_user_data(&f.publish, false, &paths, &text, &err));
    assert_non_null(strstr(
        text.data, "bucket='bucket' region='eu-west-1' endpoint='https://s3.eu-west-1.amazonaws.com'"));
    assert_non_null(strstr(text.data, f.publish.objects[0].sha256));
    assert_non_null(strstr(text.data, "x86_64) key='t/1.0.0/linux-x86_64/ssm-enforce'"));
    assert_non_null(strstr(text.data, "aarch64 | arm64) key='' sha256=''"));
    assert_null(strstr(text.data, "@BUCKET@"));
    assert_false(publish_user_data(&f.publish, true, &paths, &text, &err));
    assert_int_equal(err.code, ERR_NONE);
    paths.linux_path = "/opt/it's";
    assert_false(publish_user_data(&f.publish, false, &paths, &text, &err));
    assert_int_equal(err.code, ERR_USAGE);
    buf_free(&text);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_layout),     cmocka_unit_test(test_sent),
        cmocka_unit_test(test_not_sent), cmocka_unit_test(test_bad_bucket), cmocka_unit_test(test_user_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
