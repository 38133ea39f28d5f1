#include "aws/credentials_source.h"

#include "format/json_read.h"
#include "format/text_shown.h"
#include "platform/platform.h"

enum { OUTPUT_MAX = 64 * 1024 };

static bool check_version(const struct buf *text, struct err *err)
{
    struct json json = {0};
    int64_t version = 0;
    bool ok = json_parse(&json, buf_text(text), text->len, err);
    if (ok) {
        size_t token = json_get(&json, 0, "Version");
        ok = (token != JSON_NONE && json_integer(&json, token, &version, err) && version == 1) ||
             err_set(err, ERR_MALFORMED, "its JSON has no \"Version\": 1");
    }
    json_free(&json);
    return ok;
}

bool credentials_from_process(const struct profile_use *use, struct credentials *out, struct err *err)
{
    const char *command = profile_setting(use, "credential_process");
    char shown[TEXT_SHOWN_MAX];
    struct buf text = {.max = OUTPUT_MAX, .secret = true};
    struct buf source = {0};
    err_clear(err);
    if (!command)
        return false;
    buf_addf(&source, "profile `%s`, credential_process", text_shown(shown, use->name));
    bool ok = buf_ok(&source, "a name", err);
    /* The command itself is not said: it may hold secrets. */
    if (ok && (!platform_run(command, aws_io_left_ms(use->io), &text, err) || !check_version(&text, err)))
        ok = err_prefix(err, "%s", source.data);
    ok = ok && credentials_from_json(buf_text(&text), text.len, source.data, out, err);
    buf_free(&source);
    buf_free(&text);
    return ok;
}
