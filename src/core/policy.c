#include "core/policy.h"

#include <string.h>

#include "base/embedded.h"
#include "format/json_read.h"

/* A policy has seven levels at most (statement, condition, operator, key, values). */
enum { DEPTH_MAX = 12, PARTITION_MAX = 32, ACCOUNT_LEN = 12 };

bool policy_make(const char *partition, const char *account, struct buf *out, struct err *err)
{
    static const char PARTITION[] = "@PARTITION@", ACCOUNT[] = "@ACCOUNT@";
    if (account && (strlen(account) != ACCOUNT_LEN || account[strspn(account, "0123456789")]))
        return err_set(err, ERR_CONFIG, "'%.64s' is no AWS account: it has to be 12 digits", account);
    if (strncmp(partition, "aws", 3) != 0 || strlen(partition) > PARTITION_MAX ||
        partition[strspn(partition, "abcdefghijklmnopqrstuvwxyz-")])
        return err_set(err, ERR_CONFIG, "'%.64s' is no AWS partition", partition);
    for (const char *p = embedded_text("deploy/policy.json"); *p;) {
        if (strncmp(p, PARTITION, sizeof PARTITION - 1) == 0) {
            buf_add_text(out, partition);
            p += sizeof PARTITION - 1;
        } else if (strncmp(p, ACCOUNT, sizeof ACCOUNT - 1) == 0) {
            buf_add_text(out, account ? account : "ACCOUNT");
            p += sizeof ACCOUNT - 1;
        } else {
            buf_add_char(out, *p++);
        }
    }
    return buf_ok(out, "the policy", err);
}

/* A value of one of two documents. */
struct value {
    const struct json *json;
    size_t token;
};

static const struct json_token *token_of(struct value value)
{
    return &value.json->tokens[value.token];
}

static bool same(struct value a, struct value b, int depth);

/* The elements of an array; of anything else, itself. */
static size_t first_element(struct value value)
{
    return token_of(value)->type == JSON_ARRAY ? value.token + 1 : value.token;
}

static bool contains(struct value set, struct value wanted, int depth)
{
    for (size_t at = first_element(set); at < token_of(set)->next; at = set.json->tokens[at].next)
        if (same((struct value){set.json, at}, wanted, depth))
            return true;
    return false;
}

static bool contains_all(struct value set, struct value wanted, int depth)
{
    for (size_t at = first_element(wanted); at < token_of(wanted)->next; at = wanted.json->tokens[at].next)
        if (!contains(set, (struct value){wanted.json, at}, depth))
            return false;
    return true;
}

static bool same_members(struct value a, struct value b, int depth)
{
    struct buf key = {0};
    struct err err;
    bool ok = token_of(a)->size == token_of(b)->size;
    for (size_t at = a.token + 1; ok && at < token_of(a)->next; at = a.json->tokens[at + 1].next) {
        buf_reset(&key);
        ok = json_string(a.json, at, &key, &err);
        size_t other = ok ? json_get(b.json, b.token, buf_text(&key)) : JSON_NONE;
        ok = other != JSON_NONE && same((struct value){a.json, at + 1}, (struct value){b.json, other}, depth);
    }
    buf_free(&key);
    return ok;
}

static bool same(struct value a, struct value b, int depth)
{
    if (depth == 0)
        return false;
    if (token_of(a)->type == JSON_ARRAY || token_of(b)->type == JSON_ARRAY)
        return contains_all(a, b, depth - 1) && contains_all(b, a, depth - 1);
    if (token_of(a)->type == JSON_OBJECT && token_of(b)->type == JSON_OBJECT)
        return same_members(a, b, depth - 1);
    return json_same(a.json, a.token, b.json, b.token);
}

bool policy_same(const char *a, size_t len_a, const char *b, size_t len_b)
{
    struct json json_a = {0}, json_b = {0};
    struct err err;
    bool ok = json_parse(&json_a, a, len_a, &err) && json_parse(&json_b, b, len_b, &err) &&
              same((struct value){&json_a, 0}, (struct value){&json_b, 0}, DEPTH_MAX);
    json_free(&json_a);
    json_free(&json_b);
    return ok;
}
