#include "aws/iam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/pages.h"
#include "aws/query.h"
#include "format/text.h"
#include "format/timestamp.h"
#include "format/xml_read.h"

static const char api_version[] = "2010-05-08";

/* A parameter of a request. */
struct parameter {
    const char *name;
    const char *value; /* NULL: not sent */
};

enum { PARAMETERS_MAX = 4, VERSIONS_MAX = 1000 };

/* One action and what reads its reply. */
struct action {
    const char *name;
    struct parameter parameters[PARAMETERS_MAX];
    xml_element *take; /* NULL: nothing of the reply is needed */
    void *ctx;
};

static bool run(struct aws_client *client, const struct action *action, struct err *err)
{
    struct buf body = {0};
    struct http_reply reply = {0};
    query_begin(&body, action->name, api_version);
    for (size_t i = 0; i < PARAMETERS_MAX; i++)
        query_add(&body, action->parameters[i].name, action->parameters[i].value);
    struct aws_call call = query_call(action->name, &body);
    bool ok = buf_ok(&body, "a request", err) && aws_call_one(client, &call, &reply, err);
    if (ok && action->take) {
        ok = xml_read(buf_text(&reply.body), reply.body.len, action->take, action->ctx, err);
        if (!ok)
            err_prefix(err, "the reply of iam:%s", action->name);
    }
    http_reply_free(&reply);
    buf_free(&body);
    return ok;
}

/* The reply of `action` lacks something. */
static bool refuse(const struct action *action, const char *what, struct err *err)
{
    return err_set(err, ERR_MALFORMED, "the reply of iam:%s: %s is missing", action->name, what);
}

/* Copies a text that has to fit. */
static bool copy(char *out, size_t size, const char *text, struct err *err)
{
    if (strlen(text) >= size)
        return err_set(err, ERR_MALFORMED, "a text of more than %zu bytes", size - 1);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* ---- policies ---- */

static bool take_policy(void *ctx, const char *path, const char *text, struct err *err)
{
    struct iam_policy *policy = ctx;
    if (text && xml_path_ends(path, "Policy/Arn"))
        return copy(policy->arn, sizeof policy->arn, text, err);
    if (text && xml_path_ends(path, "Policy/DefaultVersionId"))
        return copy(policy->default_version, sizeof policy->default_version, text, err);
    return true;
}

static bool run_for_policy(struct aws_client *client, struct action *action, struct iam_policy *out,
                           struct err *err)
{
    *out = (struct iam_policy){.arn = ""};
    action->take = take_policy;
    action->ctx = out;
    if (!run(client, action, err))
        return false;
    return (out->arn[0] && out->default_version[0]) || refuse(action, "Arn or DefaultVersionId", err);
}

bool iam_get_policy(struct aws_client *client, const char *arn, struct iam_policy *out, struct err *err)
{
    struct action action = {.name = "GetPolicy", .parameters = {{"PolicyArn", arn}}};
    return run_for_policy(client, &action, out, err);
}

bool iam_create_policy(struct aws_client *client, const char *name, const char *description,
                       const char *document, struct iam_policy *out, struct err *err)
{
    struct action action = {
        .name = "CreatePolicy",
        .parameters = {{"PolicyName", name}, {"Description", description}, {"PolicyDocument", document}}};
    return run_for_policy(client, &action, out, err);
}

bool iam_delete_policy(struct aws_client *client, const char *arn, struct err *err)
{
    return run(client, &(struct action){.name = "DeletePolicy", .parameters = {{"PolicyArn", arn}}}, err);
}

/* ---- versions ---- */

static bool take_document(void *ctx, const char *path, const char *text, struct err *err)
{
    struct buf *document = ctx;
    if (!text || !xml_path_ends(path, "PolicyVersion/Document"))
        return true;
    buf_reset(document);
    if (!text_percent_decode(document, text, strlen(text)))
        return err_set(err, ERR_MALFORMED, "the document is not URL-encoded");
    return buf_ok(document, "a policy", err);
}

bool iam_get_policy_version(struct aws_client *client, const char *arn, const char *version,
                            struct buf *document, struct err *err)
{
    struct buf decoded = {0};
    struct action action = {.name = "GetPolicyVersion",
                            .parameters = {{"PolicyArn", arn}, {"VersionId", version}},
                            .take = take_document,
                            .ctx = &decoded};
    bool ok = run(client, &action, err) && (decoded.len > 0 || refuse(&action, "Document", err));
    if (ok) {
        buf_add(document, decoded.data, decoded.len);
        ok = buf_ok(document, "a policy", err);
    }
    buf_free(&decoded);
    return ok;
}

static bool take_version_field(const char *path, const char *text, struct iam_policy_version *version,
                               struct err *err)
{
    if (xml_path_ends(path, "VersionId"))
        return copy(version->id, sizeof version->id, text, err);
    if (xml_path_ends(path, "IsDefaultVersion"))
        version->is_default = strcmp(text, "true") == 0;
    else if (xml_path_ends(path, "CreateDate"))
        (void)timestamp_from_rfc3339(text, &version->created_ms);
    return true;
}

static bool take_created_version(void *ctx, const char *path, const char *text, struct err *err)
{
    return !text || take_version_field(path, text, ctx, err);
}

bool iam_create_policy_version(struct aws_client *client, const char *arn, const char *document,
                               struct iam_policy_version *out, struct err *err)
{
    struct action action = {
        .name = "CreatePolicyVersion",
        .parameters = {{"PolicyArn", arn}, {"PolicyDocument", document}, {"SetAsDefault", "true"}},
        .take = take_created_version,
        .ctx = out};
    *out = (struct iam_policy_version){.id = ""};
    return run(client, &action, err) && (out->id[0] || refuse(&action, "VersionId", err));
}

bool iam_delete_policy_version(struct aws_client *client, const char *arn, const char *version,
                               struct err *err)
{
    struct action action = {.name = "DeletePolicyVersion",
                            .parameters = {{"PolicyArn", arn}, {"VersionId", version}}};
    return run(client, &action, err);
}

/* ---- listings ---- */

/* A listing that comes in pages (IsTruncated, Marker). */
struct listing {
    struct action action; /* parameter 0 is the Marker */
    xml_element *take_item;
    void *items;
    struct buf marker; /* of the page that is being read */
    bool truncated;
};

static bool take_page(void *ctx, const char *path, const char *text, struct err *err)
{
    struct listing *listing = ctx;
    if (text && xml_path_ends(path, "IsTruncated")) {
        listing->truncated = strcmp(text, "true") == 0;
    } else if (text && xml_path_ends(path, "Marker")) {
        buf_reset(&listing->marker);
        buf_add_text(&listing->marker, text);
        return buf_ok(&listing->marker, "a Marker", err);
    }
    return listing->take_item(listing->items, path, text, err);
}

static bool read_page(struct aws_client *client, struct listing *listing, struct pages *pages,
                      struct err *err)
{
    buf_reset(&listing->marker);
    listing->truncated = false;
    listing->action.parameters[0] =
        (struct parameter){"Marker", pages_more(pages) ? buf_text(&pages->token) : NULL};
    if (!run(client, &listing->action, err))
        return false;
    if (listing->truncated && listing->marker.len == 0)
        return refuse(&listing->action, "Marker", err);
    return pages_turn(pages, listing->action.name, "Marker",
                      listing->truncated ? buf_text(&listing->marker) : NULL, err);
}

static bool run_listing(struct aws_client *client, struct listing *listing, struct err *err)
{
    struct pages pages = {0};
    bool ok = true;
    listing->action.take = take_page;
    listing->action.ctx = listing;
    do
        ok = read_page(client, listing, &pages, err);
    while (ok && pages_more(&pages));
    pages_free(&pages);
    buf_free(&listing->marker);
    return ok;
}

struct version_list {
    struct iam_policy_versions *out;
    struct iam_policy_version current;
    size_t cap;
};

static bool add_version(struct version_list *list, struct err *err)
{
    struct iam_policy_versions *out = list->out;
    if (!list->current.id[0])
        return err_set(err, ERR_MALFORMED, "VersionId is missing");
    if (out->count >= VERSIONS_MAX)
        return err_set(err, ERR_MALFORMED, "more than %d versions", VERSIONS_MAX);
    if (out->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : (size_t)IAM_POLICY_VERSIONS_MAX;
        struct iam_policy_version *items = realloc(out->items, cap * sizeof *items);
        if (!items)
            return err_nomem(err);
        out->items = items;
        list->cap = cap;
    }
    out->items[out->count++] = list->current;
    list->current = (struct iam_policy_version){.id = ""};
    return true;
}

static bool take_listed_version(void *ctx, const char *path, const char *text, struct err *err)
{
    struct version_list *list = ctx;
    if (xml_path_ends(path, "Versions/member"))
        return add_version(list, err);
    return !text || take_version_field(path, text, &list->current, err);
}

/* By the number in the id: "v9" before "v10". */
static int older_first(const void *a, const void *b)
{
    const char *id_a = ((const struct iam_policy_version *)a)->id;
    const char *id_b = ((const struct iam_policy_version *)b)->id;
    size_t len_a = strcspn(id_a, ".");
    size_t len_b = strcspn(id_b, ".");
    return len_a != len_b ? (len_a > len_b) - (len_a < len_b) : strcmp(id_a, id_b);
}

bool iam_list_policy_versions(struct aws_client *client, const char *arn, struct iam_policy_versions *out,
                              struct err *err)
{
    struct version_list list = {.out = out};
    struct listing listing = {
        .action = {.name = "ListPolicyVersions", .parameters = {{NULL, NULL}, {"PolicyArn", arn}}},
        .take_item = take_listed_version,
        .items = &list};
    iam_policy_versions_free(out);
    if (!run_listing(client, &listing, err))
        return false;
    if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, older_first);
    return true;
}

void iam_policy_versions_free(struct iam_policy_versions *versions)
{
    if (!versions)
        return;
    free(versions->items);
    *versions = (struct iam_policy_versions){0};
}

/* ---- roles ---- */

bool iam_attach_role_policy(struct aws_client *client, const char *role, const char *arn, struct err *err)
{
    struct action action = {.name = "AttachRolePolicy",
                            .parameters = {{"RoleName", role}, {"PolicyArn", arn}}};
    return run(client, &action, err);
}

bool iam_detach_role_policy(struct aws_client *client, const char *role, const char *arn, struct err *err)
{
    struct action action = {.name = "DetachRolePolicy",
                            .parameters = {{"RoleName", role}, {"PolicyArn", arn}}};
    return run(client, &action, err);
}

static bool take_role(void *ctx, const char *path, const char *text, struct err *err)
{
    struct names *roles = ctx;
    if (!text || !*text || !xml_path_ends(path, "PolicyRoles/member/RoleName"))
        return true;
    return names_add(roles, text, err);
}

bool iam_list_policy_roles(struct aws_client *client, const char *arn, struct names *roles, struct err *err)
{
    struct listing listing = {.action = {.name = "ListEntitiesForPolicy",
                                         .parameters = {{NULL, NULL},
                                                        {"PolicyArn", arn},
                                                        {"EntityFilter", "Role"},
                                                        {"PolicyUsageFilter", "PermissionsPolicy"}}},
                              .take_item = take_role,
                              .items = roles};
    return run_listing(client, &listing, err);
}
