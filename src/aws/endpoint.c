#include "aws/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/text.h"
#include "format/text_shown.h"

enum { LABEL_MAX = 63 };

/*
 * A partition: DNS suffixes, and where IAM, which has one endpoint a partition, answers. NULL: it has none.
 * The same data as in botocore's partitions.json and endpoint rules, which tests/unit/endpoint_cases.py
 * compares.
 */
struct partition {
    const char *name;
    const char *prefix; /* of its regions */
    const char *dns_suffix;
    const char *dual_suffix; /* IPv4 and IPv6 */
    const char *iam_region;
    const char *iam[2][2]; /* [fips][dual] */
};

/* The last one is that of every region that no prefix fits. */
static const struct partition partitions[] = {
    {"aws-cn",
     "cn-",
     "amazonaws.com.cn",
     "api.amazonwebservices.com.cn",
     "cn-north-1",
     {{"iam.cn-north-1.amazonaws.com.cn", "iam.global.api.amazonwebservices.com.cn"}, {NULL, NULL}}},
    {"aws-us-gov",
     "us-gov-",
     "amazonaws.com",
     "api.aws",
     "us-gov-west-1",
     {{"iam.us-gov.amazonaws.com", "iam.us-gov.api.aws"},
      {"iam.us-gov.amazonaws.com", "iam.us-gov.api.aws"}}},
    {"aws-iso",
     "us-iso-",
     "c2s.ic.gov",
     "api.aws.ic.gov",
     "us-iso-east-1",
     {{"iam.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov"},
      {"iam-fips.us-iso-east-1.c2s.ic.gov", "iam-fips.api.aws.ic.gov"}}},
    {"aws-iso-b",
     "us-isob-",
     "sc2s.sgov.gov",
     "api.aws.scloud",
     "us-isob-east-1",
     {{"iam.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud"},
      {"iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam-fips.api.aws.scloud"}}},
    {"aws-iso-e",
     "eu-isoe-",
     "cloud.adc-e.uk",
     "api.cloud-aws.adc-e.uk",
     "eu-isoe-west-1",
     {{"iam.eu-isoe-west-1.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk"},
      {"iam-fips.cloud.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk"}}},
    {"aws-iso-f",
     "us-isof-",
     "csp.hci.ic.gov",
     "api.aws.hci.ic.gov",
     "us-isof-south-1",
     {{"iam.us-isof-south-1.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov"},
      {"iam-fips.csp.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov"}}},
    {"aws-eusc",
     "eusc-",
     "amazonaws.eu",
     "api.amazonwebservices.eu",
     "eusc-de-east-1",
     {{"iam.eusc-de-east-1.amazonaws.eu", "iam.api.amazonwebservices.eu"},
      {"iam-fips.amazonaws.eu", "iam-fips.api.amazonwebservices.eu"}}},
    {"aws",
     "",
     "amazonaws.com",
     "api.aws",
     "us-east-1",
     {{"iam.amazonaws.com", "iam.global.api.aws"}, {"iam-fips.amazonaws.com", "iam-fips.global.api.aws"}}},
};

/* A service: its host's first labels, its name in AWS_ENDPOINT_URL_..., and the name that requests are signed
 * for. */
struct service {
    const char *name;
    const char *host;
    const char *variable;
    const char *signing;
};

static const struct service services[] = {
    {"ssm", "ssm", "AWS_ENDPOINT_URL_SSM", "ssm"},
    {"iam", "iam", "AWS_ENDPOINT_URL_IAM", "iam"},
    {"sts", "sts", "AWS_ENDPOINT_URL_STS", "sts"},
    {"s3", "s3", "AWS_ENDPOINT_URL_S3", "s3"},
    {"ec2", "ec2", "AWS_ENDPOINT_URL_EC2", "ec2"},
    {"sso", "portal.sso", "AWS_ENDPOINT_URL_SSO", "awsssoportal"},
    {"sso-oidc", "oidc", "AWS_ENDPOINT_URL_SSO_OIDC", "sso-oauth"},
};

static const struct partition *find_partition(const char *region)
{
    size_t last = sizeof partitions / sizeof *partitions - 1;
    for (size_t i = 0; i < last; i++)
        if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0)
            return &partitions[i];
    return &partitions[last];
}

const char *endpoint_partition(const char *region)
{
    return find_partition(region)->name;
}

static const struct service *find_service(const char *name)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}

/* A host label: the region becomes a part of a host's name, and a '/' or '@' in it would lead elsewhere. */
static bool is_label(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    return true;
}

static bool is_true(const struct env *env, const char *name)
{
    const char *value = env_get(env, name);
    return value && text_same_nocase(value, "true");
}

/* The URL that was given by option or variable, with the name it was given by; NULL: none was. */
static const char *given_url(const struct service *service, const char *endpoint_url, const struct env *env,
                             const char **origin)
{
    *origin = "--endpoint-url";
    if (endpoint_url)
        return endpoint_url;
    if (is_true(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        return NULL;
    *origin = service->variable;
    const char *url = env_get(env, service->variable);
    if (url)
        return url;
    *origin = "AWS_ENDPOINT_URL";
    return env_get(env, "AWS_ENDPOINT_URL");
}

/* Takes over http[s]://host[:port][/path] without the slashes at its end. */
static bool take_url(const char *url, const char *origin, struct endpoint *out, struct err *err)
{
    size_t len = strlen(url);
    const char *host = NULL;
    if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    bool ok = host && *host && !strchr(":/", *host) && len < sizeof out->url;
    for (const char *p = url; ok && *p; p++)
        ok = *p > ' ' && *p < 0x7f && !strchr("@?#\\\"<>", *p);
    char shown[TEXT_SHOWN_MAX];
    if (!ok)
        return err_set(err, ERR_CONFIG,
                       "%s '%s' is no URL of the form http[s]://HOST[:PORT][/PATH] (at most %zu bytes)",
                       origin, text_shown(shown, url), sizeof out->url - 1);
    while (url[len - 1] == '/')
        len--;
    memcpy(out->url, url, len);
    out->url[len] = '\0';
    out->given = true;
    return true;
}

static bool lacks(const struct partition *partition, const char *service, bool fips, bool dual,
                  struct err *err)
{
    const char *variable = fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT";
    return err_set(err, ERR_CONFIG, "partition '%s' has no%s%s endpoint of '%s': unset %s", partition->name,
                   fips ? " FIPS" : "", dual ? " dual-stack" : "", service, variable);
}

/* The endpoint of the region's partition. */
static bool make_url(const struct service *service, const struct partition *partition, const char *region,
                     const struct env *env, struct endpoint *out, struct err *err)
{
    bool fips = is_true(env, "AWS_USE_FIPS_ENDPOINT");
    bool dual = is_true(env, "AWS_USE_DUALSTACK_ENDPOINT");
    bool china = strcmp(partition->name, "aws-cn") == 0;
    bool gov = strcmp(partition->name, "aws-us-gov") == 0;
    if (fips && china)
        return lacks(partition, service->name, fips, dual, err);
    if (strcmp(service->name, "iam") == 0) {
        (void)snprintf(out->url, sizeof out->url, "https://%s", partition->iam[fips][dual]);
        return true;
    }
    if (strcmp(service->name, "s3") == 0) {
        (void)snprintf(out->url, sizeof out->url, "https://s3%s%s.%s.%s", fips ? "-fips" : "",
                       dual ? ".dualstack" : "", region, partition->dns_suffix);
        return true;
    }
    /* In GovCloud the plain endpoints are the FIPS ones. */
    bool suffixed = fips && (!gov || dual);
    (void)snprintf(out->url, sizeof out->url, "https://%s%s.%s.%s", service->host, suffixed ? "-fips" : "",
                   region, dual ? partition->dual_suffix : partition->dns_suffix);
    return true;
}

bool endpoint_find(const char *service, const char *region, const char *endpoint_url, const struct env *env,
                   struct endpoint *out, struct err *err)
{
    const struct service *known = find_service(service);
    if (!known)
        return err_set(err, ERR_CONFIG, "no endpoint is known for service '%s'", service);
    char shown[TEXT_SHOWN_MAX];
    if (!is_label(region))
        return err_set(err, ERR_CONFIG,
                       "'%s' is no region's name: letters, digits and '-', as in 'eu-west-1'",
                       text_shown(shown, region));
    const struct partition *partition = find_partition(region);
    *out = (struct endpoint){0};
    const char *signing_region = strcmp(service, "iam") == 0 ? partition->iam_region : region;
    (void)snprintf(out->signing_region, sizeof out->signing_region, "%s", signing_region);
    (void)snprintf(out->signing_service, sizeof out->signing_service, "%s", known->signing);
    const char *origin = NULL;
    const char *url = given_url(known, endpoint_url, env, &origin);
    if (url)
        return take_url(url, origin, out, err);
    return make_url(known, partition, region, env, out, err);
}
