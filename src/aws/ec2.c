#include "aws/ec2.h"

#include <stdlib.h>
#include <string.h>

#include "aws/query.h"
#include "format/xml_read.h"

static bool take_region(void *ctx, const char *path, const char *text, struct err *err)
{
    struct names *regions = ctx;
    if (!text || !*text || !xml_path_ends(path, "regionInfo/item/regionName"))
        return true;
    return names_add(regions, text, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool ec2_list_regions(struct aws_client *client, struct names *regions, struct err *err)
{
    struct buf body = {0};
    struct http_reply reply = {0};
    query_begin(&body, "DescribeRegions", "2016-11-15"); /* without AllRegions: those that are enabled */
    struct aws_call call = query_call("DescribeRegions", &body);
    bool ok = buf_ok(&body, "a request", err) && aws_call_one(client, &call, &reply, err);
    if (ok) {
        ok = xml_read(buf_text(&reply.body), reply.body.len, take_region, regions, err) &&
             (regions->count > 0 || err_set(err, ERR_MALFORMED, "it names no region"));
        if (!ok)
            err_prefix(err, "the reply of ec2:DescribeRegions");
    }
    if (ok)
        qsort((void *)regions->items, regions->count, sizeof *regions->items, compare);
    http_reply_free(&reply);
    buf_free(&body);
    return ok;
}
