/*
 * ssm_document.h - SSM documents: their content, versions and default version (API version 2014-11-06,
 * JSON 1.1).
 *
 * Many regions are asked at once, so a call is a struct, and an array of them, of any operations and clients
 * of one session, is carried out side by side:
 *
 *     struct ssm_document_call get = {.op = SSM_DOCUMENT_GET, .client = &client, .name = name,
 *                                     .version = SSM_VERSION_DEFAULT};
 *     ssm_document_call_all(&get, 1);
 *     ... get.err, get.document.content ...
 *     ssm_document_call_free(&get);
 */
#ifndef AWS_SSM_DOCUMENT_H
#define AWS_SSM_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/client.h"

enum ssm_document_op {
    SSM_DOCUMENT_GET,      /* content and number of `version` */
    SSM_DOCUMENT_DESCRIBE, /* default and latest version; status and number of `version` */
    SSM_DOCUMENT_CREATE,   /* of type Session, from content */
    SSM_DOCUMENT_UPDATE,   /* a new version after the latest one, from content; the default version stays */
    SSM_DOCUMENT_SET_DEFAULT,   /* `version`, a number */
    SSM_DOCUMENT_LIST_VERSIONS, /* all of them */
    SSM_DOCUMENT_DELETE         /* `version`, or the whole document: SSM_VERSION_NONE */
};

/* Where a version's number is not known. */
enum { SSM_VERSION_NONE = 0, SSM_VERSION_DEFAULT = -1, SSM_VERSION_LATEST = -2 };

/* What a reply says of a document. */
struct ssm_document {
    char *content; /* GET: JSON text, valid UTF-8 */
    size_t content_len;
    int64_t version;         /* of GET, DESCRIBE, CREATE and UPDATE: its number */
    int64_t default_version; /* of DESCRIBE; 0: not told */
    int64_t latest_version;
    char
        status[32]; /* "Active", "Creating", "Updating", "Deleting", "Failed", or one to come; "": not told */
    char reason[301]; /* why it is Failed, in the service's words */
    char type[64];    /* "Session" */
    char format[16];  /* "JSON", "YAML", "TEXT" */
};

struct ssm_document_version {
    int64_t version;
    int64_t created_ms;
    bool is_default;
    char status[32];
};

struct ssm_document_call {
    /* borrowed */
    struct aws_client *client;
    const char *name;
    const char *content;
    enum ssm_document_op op;
    int64_t version; /* a number, or SSM_VERSION_* */
    /* outcome */
    struct ssm_document document;
    struct ssm_document_version *versions; /* LIST_VERSIONS: newest (highest number) first */
    size_t version_count;
    struct err err;
};

/*
 * Carries the calls out side by side; each call's err tells its outcome. ERR_NOT_FOUND: no document of that
 * name (InvalidDocument). Others leave the service's own code in err.service_code: InvalidDocumentVersion,
 * DocumentAlreadyExists, DuplicateDocumentContent, DocumentVersionLimitExceeded, MaxDocumentSizeExceeded,
 * InvalidDocumentContent, TooManyUpdates, ... A CREATE or UPDATE whose reply was lost is tried again and then
 * meets its own work: DocumentAlreadyExists or DuplicateDocumentContent. True if all succeeded.
 */
bool ssm_document_call_all(struct ssm_document_call *calls, size_t count);

/* Releases the outcome; what is borrowed stays, and the call can be made again. */
void ssm_document_call_free(struct ssm_document_call *call);

#endif
