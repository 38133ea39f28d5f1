#include "net/trust.h"

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/amazon_roots.h"
#include "platform/platform.h"

enum { CA_BUNDLE_MAX = 8 * 1024 * 1024 };

struct trust {
    mbedtls_x509_crt roots;
    bool given;      /* a CA bundle: nothing else is trusted */
    bool has_system; /* the system's store was added */
};

static bool parse_bundle(struct trust *trust, const char *path, struct err *err)
{
    struct buf text = {.max = CA_BUNDLE_MAX};
    bool ok = platform_read_file(path, &text, err);
    if (!ok) {
        err->code = ERR_CONFIG;
        err_prefix(err, "CA bundle");
        goto out;
    }
    /* PEM is told by the NUL that counts; some certificates may be broken as long as one is not. */
    ok = text.len > 0 &&
         mbedtls_x509_crt_parse(&trust->roots, (unsigned char *)text.data, text.len + 1) >= 0 &&
         trust->roots.version != 0;
    if (!ok)
        ok = text.len > 0 &&
             mbedtls_x509_crt_parse_der(&trust->roots, (unsigned char *)text.data, text.len) == 0;
    if (!ok)
        err_set(err, ERR_CONFIG, "CA bundle '%s' holds no certificate in PEM form", path);
out:
    buf_free(&text);
    return ok;
}

static bool parse_amazon_roots(struct trust *trust, struct err *err)
{
    for (size_t i = 0; i < amazon_roots_count; i++)
        if (mbedtls_x509_crt_parse_der_nocopy(&trust->roots, amazon_roots[i].der, amazon_roots[i].len) != 0)
            return err_nomem(err);
    return true;
}

bool trust_open(struct trust **out, const char *ca_bundle, struct err *err)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (!trust)
        return err_nomem(err);
    mbedtls_x509_crt_init(&trust->roots);
    trust->given = ca_bundle != NULL;
    if (!(ca_bundle ? parse_bundle(trust, ca_bundle, err) : parse_amazon_roots(trust, err))) {
        trust_free(trust);
        return false;
    }
    *out = trust;
    return true;
}

void trust_free(struct trust *trust)
{
    if (!trust)
        return;
    mbedtls_x509_crt_free(&trust->roots);
    free(trust);
}

/* Names are compared as bytes: RFC 5280 4.1.2.6 has an issuer encoded just as its own certificate has its
 * name. */
static bool is_issuer(const mbedtls_x509_crt *root, const mbedtls_x509_crt *child)
{
    return root->subject_raw.len == child->issuer_raw.len &&
           memcmp(root->subject_raw.p, child->issuer_raw.p, child->issuer_raw.len) == 0;
}

static bool has_issuer(const struct trust *trust, const mbedtls_x509_crt *child)
{
    for (const mbedtls_x509_crt *root = &trust->roots; root; root = root->next)
        if (is_issuer(root, child))
            return true;
    return false;
}

/* A list of its own of the roots that may have signed child; mbedTLS frees it. */
static int copy_issuers(const struct trust *trust, const mbedtls_x509_crt *child, mbedtls_x509_crt **out)
{
    mbedtls_x509_crt *copy = mbedtls_calloc(1, sizeof *copy);
    if (!copy)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    mbedtls_x509_crt_init(copy);
    int rc = 0;
    for (const mbedtls_x509_crt *root = &trust->roots; root && rc == 0; root = root->next)
        if (is_issuer(root, child))
            rc = mbedtls_x509_crt_parse_der_nocopy(copy, root->raw.p, root->raw.len);
    if (rc != 0) {
        mbedtls_x509_crt_free(copy);
        mbedtls_free(copy);
        return rc;
    }
    *out = copy;
    return 0;
}

static bool add_system_root(void *ctx, const unsigned char *data, size_t len)
{
    struct trust *trust = ctx;
    /* What this build can't read (an algorithm that it lacks) is no root of a chain that it could verify. */
    (void)mbedtls_x509_crt_parse(&trust->roots, data, len);
    return true;
}

/*
 * mbedTLS asks for each certificate of the server's chain, from the server's own upwards, who of the roots
 * may have signed it. The system's store (5 to 8 ms to parse) is added when no certificate from there on
 * upwards was signed by a root that is known already.
 */
static int find_issuers(void *ctx, const mbedtls_x509_crt *child, mbedtls_x509_crt **out)
{
    struct trust *trust = ctx;
    bool known = has_issuer(trust, child);
    for (const mbedtls_x509_crt *crt = child->next; crt && !known; crt = crt->next)
        known = has_issuer(trust, crt);
    if (!known && !trust->has_system) {
        trust->has_system = true;
        (void)platform_system_roots(add_system_root, trust);
    }
    *out = NULL;
    return has_issuer(trust, child) ? copy_issuers(trust, child, out) : 0;
}

/* Called for each certificate of the chain; flaws stay as they are, so that the handshake fails. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is mbedTLS's */
static int note_flaws(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    (void)crt;
    (void)depth;
    *(uint32_t *)ctx |= *flags;
    return 0;
}

void trust_prepare(struct trust *trust, void *ssl_config, uint32_t *flaws)
{
    mbedtls_ssl_config *config = ssl_config;
    /* libcurl's own profile takes SHA-1 and RSA-1024 (lib/vtls/mbedtls.c, mbedtls_x509_crt_profile_fr). */
    mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_default);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(config, note_flaws, flaws);
    if (trust->given)
        mbedtls_ssl_conf_ca_chain(config, &trust->roots, NULL);
    else
        mbedtls_ssl_conf_ca_cb(config, find_issuers, trust);
}

const char *trust_version(const void *ssl)
{
    return mbedtls_ssl_get_version(ssl);
}

/* The worst first: what is said is what has to be mended. */
static const struct {
    uint32_t flaw;
    const char *words; /* behind "the certificate of 'host' " */
} flaw_words[] = {
    {MBEDTLS_X509_BADCERT_EXPIRED, "has expired (or the clock of this machine is wrong)"},
    {MBEDTLS_X509_BADCERT_FUTURE, "is not valid yet (or the clock of this machine is wrong)"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "is signed with a hash that is too weak"},
    {MBEDTLS_X509_BADCERT_BAD_PK, "has a key of a kind that is not accepted"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "has a key that is too weak"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is not trusted: name its CA with --ca-bundle or AWS_CA_BUNDLE"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "is for another host"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     "is not for a server"},
};

static const struct {
    int code;
    enum err_code err;
    const char *before; /* the host */
    const char *after;
} code_words[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, ERR_NETWORK, "", " closed the connection during the TLS handshake"},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, ERR_NETWORK, "", " closed the connection during the TLS handshake"},
    {-1, ERR_NETWORK, "the connection to ", " was lost during the TLS handshake"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, ERR_TLS, "the certificate of ", " is not for a server"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, ERR_NOMEM, "the TLS handshake with ", " is out of memory"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, ERR_TLS, "", " speaks no TLS 1.2 or newer"},
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, ERR_TLS, "",
     " refused the TLS handshake (TLS 1.2 or newer is needed)"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, ERR_TLS, "no cipher, curve or signature in common with ", ""},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, ERR_TLS, "", " does not speak TLS on this port"},
};

bool trust_explain(uint32_t flaws, long code, const char *host, struct err *err)
{
    for (size_t i = 0; i < sizeof flaw_words / sizeof *flaw_words; i++)
        if (flaws & flaw_words[i].flaw)
            return err_set(err, ERR_TLS, "the certificate of '%s' %s", host, flaw_words[i].words);
    if (flaws || code == 0)
        return err_set(err, ERR_TLS, "the certificate of '%s' can't be verified", host);
    for (size_t i = 0; i < sizeof code_words / sizeof *code_words; i++)
        if (code == -(long)code_words[i].code)
            return err_set(err, code_words[i].err, "%s'%s'%s", code_words[i].before, host,
                           code_words[i].after);
    return err_set(err, ERR_TLS, "the TLS handshake with '%s' failed (mbedTLS error 0x%04lx)", host,
                   (unsigned long)code);
}
