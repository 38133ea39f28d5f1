/*
 * xml_read.h - reads the XML replies of IAM, STS and S3, on top of expat.
 */
#ifndef FORMAT_XML_READ_H
#define FORMAT_XML_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { XML_DEPTH_MAX = 24, XML_PATH_MAX = 512 };

/*
 * Called at the end of each element. `path` names it from the root, without name space prefixes
 * ("ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member/VersionId"); `text` is its text
 * without surrounding white space for an element that has no child, and NULL for one that has: the end of a
 * list's member is so seen after its fields. Both are borrowed for the call. False (with err filled) ends the
 * reading.
 */
typedef bool xml_element(void *ctx, const char *path, const char *text, struct err *err);

/* Reads a whole document. ERR_MALFORMED: not well-formed, cut off, a DOCTYPE or an entity of its own, deeper
 * than XML_DEPTH_MAX, a path over XML_PATH_MAX, a text over 128 KiB, a whole over 8 MiB, no UTF-8. */
bool xml_read(const char *text, size_t len, xml_element *element, void *ctx, struct err *err);

/* True if `path` ends with `tail` at a '/' or is it. */
bool xml_path_ends(const char *path, const char *tail);

#endif
